//! Where rules come from: the binary, a file, a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::problem::{Grade, Problem};
use crate::sigma::RULE_FILE_BYTES_MAX;

/// Most rule files of one folder and those below it.
pub(crate) const FILES_MAX: usize = 50_000;
/// Deepest folder below the one that is named.
pub(crate) const FOLDERS_DEEP_MAX: usize = 16;

/// The text of a rule file.
#[derive(Clone, Debug)]
pub struct RuleSource {
    /// How messages name the file.
    pub path: Arc<str>,
    /// What it holds.
    pub text: Arc<str>,
}

/// Rule files, and what went wrong while they were read.
#[derive(Clone, Debug, Default)]
pub struct RuleSources {
    /// The files, in the order in which they count: of two rules with one id the later is used.
    pub files: Vec<RuleSource>,
    /// Files that could not be read.
    pub problems: Vec<Problem>,
}

impl RuleSources {
    /// The rules that the binary brings.
    #[must_use]
    pub fn embedded() -> Self {
        let files = crate::embedded::RULES
            .iter()
            .map(|(name, text)| RuleSource { path: format!("rules/{name}").into(), text: (*text).into() });
        Self { files: files.collect(), problems: Vec::new() }
    }

    /// Adds a file, or the `.yml` and `.yaml` files of a folder and those below it, in the order of their names.
    /// What cannot be read is a problem, not an error.
    pub fn add_path(&mut self, path: &Path) {
        let mut paths = Vec::new();
        if path.is_dir() {
            self.collect(path, 0, &mut paths);
            paths.sort();
        } else {
            paths.push(path.to_owned());
        }
        for path in paths {
            match read(&path) {
                Ok(text) => self.files.push(RuleSource { path: path.to_string_lossy().into(), text: text.into() }),
                Err(message) => self.problem(&path, message),
            }
        }
    }

    fn collect(&mut self, folder: &Path, depth: usize, out: &mut Vec<PathBuf>) {
        if depth > FOLDERS_DEEP_MAX {
            return self.problem(folder, format!("folder lies deeper than {FOLDERS_DEEP_MAX}"));
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.problem(folder, format!("folder cannot be read: {error}")),
        };
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            if path.is_dir() {
                // the cases beside our rules are YAML too, but no rules
                if path.file_name().is_none_or(|name| name != "cases") {
                    self.collect(&path, depth + 1, out);
                }
            } else if path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") {
                if out.len() >= FILES_MAX {
                    return self.problem(folder, format!("folder holds more than {FILES_MAX} files"));
                }
                out.push(path);
            }
        }
    }

    fn problem(&mut self, path: &Path, message: String) {
        let path = path.to_string_lossy().into();
        self.problems.push(Problem { path, line: 1, column: 1, message, grade: Grade::Error });
    }
}

fn read(path: &Path) -> Result<String, String> {
    let size = fs::metadata(path).map_err(|error| format!("file cannot be read: {error}"))?.len();
    if size > RULE_FILE_BYTES_MAX as u64 {
        return Err(format!("file is longer than {RULE_FILE_BYTES_MAX} bytes"));
    }
    let bytes = fs::read(path).map_err(|error| format!("file cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "file is not UTF-8 text".to_owned())
}
