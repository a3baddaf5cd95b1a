//! Looking into files from outside.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies in the repository").to_owned()
}

/// Every file below `dir`, sorted.
#[must_use]
pub fn every_file(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        // Files come and go while a server runs.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path())
            } else {
                found.push(entry.path())
            }
        }
    }
    found.sort();
    found
}

/// Where `needle` begins in `hay`.
#[must_use]
pub fn find_bytes(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = hay[from..].iter().position(|byte| *byte == first).map(|at| from + at) {
        if hay[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// The first file below `dir` that holds `needle`, and where.
#[must_use]
pub fn contains(dir: &Path, needle: &[u8]) -> Option<(PathBuf, usize)> {
    let look = |path: PathBuf| Some((fs::read(&path).ok()?, path));
    every_file(dir).into_iter().filter_map(look).find_map(|(bytes, path)| Some((path, find_bytes(&bytes, needle)?)))
}
