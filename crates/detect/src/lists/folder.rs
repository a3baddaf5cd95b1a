//! Reads a folder of list files.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Lists, Problem};

/// Files taken from one folder.
pub const FILES_MAX: usize = 256;
/// Bytes of one file: some four million names.
pub const FILE_BYTES_MAX: u64 = 64 << 20;

pub(super) fn load(lists: &mut Lists, folder: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut files = match list_files(folder) {
        Ok(files) => files,
        Err(error) => return vec![problem(folder, error.to_string())],
    };
    files.sort_unstable();
    if files.len() > FILES_MAX {
        problems.push(problem(folder, format!("{} files; only the first {FILES_MAX} are read", files.len())));
        files.truncate(FILES_MAX);
    }
    for file in files {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        match read(&file) {
            Ok(text) => problems.extend(lists.add(&stem, &text, &file.display().to_string())),
            Err(message) => problems.push(problem(&file, message)),
        }
    }
    problems
}

fn list_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            files.push(path);
        }
    }
    Ok(files)
}

fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("larger than {FILE_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "not UTF-8 text".to_owned())
}

fn problem(path: &Path, message: String) -> Problem {
    Problem { file: path.display().to_string(), line: 0, message }
}
