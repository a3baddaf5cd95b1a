//! Puts the format definitions of the repository into the binary: a table of their files.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Where the definitions lie, seen from this crate.
const FORMATS: &str = "../../formats";
/// Folders between the root and a file: vendor, format, `_meta` or `ingest`.
const DEPTH_MAX: usize = 4;

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join(FORMATS);
    println!("cargo::rerun-if-changed={FORMATS}");
    let mut files = Vec::new();
    collect(&root, 0, &mut files);
    files.sort();
    let mut table = String::from("pub(crate) static FILES: &[(&str, &str)] = &[\n");
    for file in files {
        let name = file.strip_prefix(&root).expect("found below the root").to_string_lossy().replace('\\', "/");
        // The compiler puts the place of the clone before it: a target folder that several clones share holds none.
        let path = format!("/{FORMATS}/{name}");
        writeln!(table, "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?}))),")
            .expect("writing to memory");
    }
    table.push_str("];\n");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("formats.rs");
    fs::write(out, table).expect("the output folder can be written");
}

/// Files of formats below a folder; a folder that is not there holds none.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path.is_dir() && depth < DEPTH_MAX && path.file_name().is_none_or(|name| name != "tests") {
            collect(&path, depth + 1, files);
        } else if path.extension().is_some_and(|extension| extension == "yml" || extension == "json") {
            files.push(path);
        }
    }
}
