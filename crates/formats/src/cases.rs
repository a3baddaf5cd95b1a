//! Runs the cases that formats come with: an input and the event expected of it, in one file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use bumpalo::Bump;
use serde_json::{Map, Value as Json};
use tidegate_event::Timestamp;

use crate::catalog::Catalog;
use crate::error::LoadError;
use crate::folders;
use crate::format::Format;
use crate::json;
use crate::parser::{Parser, Verdict};

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// The format: its name, or its folder when it does not load.
    pub format: String,
    /// The case file.
    pub case: PathBuf,
    /// Whether the event is the expected one.
    pub pass: bool,
    /// What differs, a line each; empty when nothing does.
    pub diff: String,
}

/// Longest case file, in bytes.
const CASE_BYTES_MAX: u64 = 16 << 20;

/// Runs every `tests/*.json` below `dir` against the format beside it; with a list, only the cases named in it. A format
/// that does not load fails all its cases. `received` stands for the time of receipt, for dates without a year.
///
/// # Errors
/// When `dir` cannot be read.
pub fn run(
    dir: &Path,
    list: Option<Vec<PathBuf>>,
    received: Timestamp,
) -> io::Result<impl Iterator<Item = CaseResult>> {
    // A list is written from where the caller stands, or from the folder that is tested.
    let full = |path: &PathBuf| fs::canonicalize(path).or_else(|_| fs::canonicalize(dir.join(path)));
    let list = list.map(|list| list.iter().map(|path| full(path).unwrap_or(path.clone())).collect::<Vec<_>>());
    let formats = folders::find(dir)?;
    Ok(formats.into_iter().flat_map(move |folder| {
        let wanted = |case: &PathBuf| {
            list.as_ref()
                .is_none_or(|list| fs::canonicalize(case).is_ok_and(|full| list.contains(&full)) || list.contains(case))
        };
        let cases: Vec<PathBuf> = case_files(&folder.join("tests")).into_iter().filter(wanted).collect();
        if cases.is_empty() {
            return Vec::new();
        }
        match Catalog::load_format(&folder) {
            Ok(format) => run_cases(&format, &cases, received),
            Err(error) => all_failed(&folder, &cases, &error),
        }
    }))
}

/// Runs the cases of one folder against a format that is loaded already.
#[must_use]
pub fn run_folder(format: &Arc<Format>, dir: &Path, received: Timestamp) -> Vec<CaseResult> {
    run_cases(format, &case_files(dir), received)
}

/// The JSON files of a folder, in order; none when it cannot be read.
fn case_files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

fn all_failed(folder: &Path, cases: &[PathBuf], error: &LoadError) -> Vec<CaseResult> {
    cases
        .iter()
        .map(|case| CaseResult {
            format: folder.display().to_string(),
            case: case.clone(),
            pass: false,
            diff: format!("the format does not load: {error}"),
        })
        .collect()
}

fn run_cases(format: &Arc<Format>, cases: &[PathBuf], received: Timestamp) -> Vec<CaseResult> {
    let mut parser = format.parser();
    parser.set_received(received);
    cases
        .iter()
        .map(|case| {
            let diff = run_case(&mut parser, case).unwrap_or_else(|problem| problem);
            CaseResult { format: format.name().to_owned(), case: case.clone(), pass: diff.is_empty(), diff }
        })
        .collect()
}

/// The difference between what is expected and what came out; an error when the case itself is damaged.
fn run_case(parser: &mut Parser, case: &Path) -> Result<String, String> {
    let size = fs::metadata(case).map_err(|cause| format!("cannot be read: {cause}"))?.len();
    if size > CASE_BYTES_MAX {
        return Err(format!("case is longer than {CASE_BYTES_MAX} bytes"));
    }
    let text = fs::read_to_string(case).map_err(|cause| format!("cannot be read: {cause}"))?;
    let document: Json = serde_json::from_str(&text).map_err(|cause| format!("is no JSON: {cause}"))?;
    let (Some(input), Some(expected)) = (document.get("input"), document.get("expected")) else {
        return Err("expected `input` and `expected`".to_owned());
    };
    let arena = Bump::new();
    let input = arena.alloc_str(&input.to_string());
    let original = json::read_value(input, &arena).map_err(|error| error.to_string())?;
    let registry = Arc::clone(parser.format().registry());
    let event = match parser.parse_with(original, &arena) {
        Verdict::Event { event, .. } => event,
        Verdict::Reject { reason } => return Err(format!("rejected: {reason}")),
    };
    let mut out = Vec::new();
    event.write_json(&registry, &mut out);
    let found: Json = serde_json::from_slice(&out).map_err(|cause| format!("the event is no JSON: {cause}"))?;
    Ok(difference(expected, &found))
}

/// What differs between two events, a line each: `-` is expected, `+` was found. `message`, `event.id` and
/// `sekoiaio.intake` do not count; lists compare without regard to order; `6` and `6.0` differ.
#[must_use]
pub fn difference(expected: &Json, found: &Json) -> String {
    let (expected, found) = (comparable(expected), comparable(found));
    let mut lines = Vec::new();
    differ("", Some(&expected), Some(&found), &mut lines);
    lines.join("\n")
}

fn comparable(event: &Json) -> Json {
    let mut event = event.clone();
    if let Some(top) = event.as_object_mut() {
        top.shift_remove("message");
        remove(top, &["event", "id"]);
        remove(top, &["sekoiaio", "intake"]);
    }
    canonical(&event)
}

/// Removes a path and the parents that become empty by it.
fn remove(object: &mut Map<String, Json>, path: &[&str]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        object.shift_remove(*first);
        return;
    }
    if let Some(inner) = object.get_mut(*first).and_then(Json::as_object_mut) {
        let before = inner.len();
        remove(inner, rest);
        if inner.is_empty() && before > 0 {
            object.shift_remove(*first);
        }
    }
}

/// Keys in order, lists in the order of their items' text.
fn canonical(value: &Json) -> Json {
    match value {
        Json::Object(object) => {
            let mut entries: Vec<(String, Json)> =
                object.iter().map(|(key, value)| (key.clone(), canonical(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(entries.into_iter().collect())
        }
        Json::Array(items) => {
            let mut items: Vec<Json> = items.iter().map(canonical).collect();
            items.sort_by_cached_key(Json::to_string);
            Json::Array(items)
        }
        other => other.clone(),
    }
}

fn differ(path: &str, expected: Option<&Json>, found: Option<&Json>, lines: &mut Vec<String>) {
    match (expected, found) {
        (Some(Json::Object(a)), Some(Json::Object(b))) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                differ(&inner, a.get(key), b.get(key), lines);
            }
        }
        (a, b) if a == b => {}
        (a, b) => {
            lines.extend(a.map(|a| format!("- {path}: {a}")));
            lines.extend(b.map(|b| format!("+ {path}: {b}")));
        }
    }
}
