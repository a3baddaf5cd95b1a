//! Puts the rules of the repository and their cases into the binary: tables of their files.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Where the rules lie, seen from this crate.
const RULES: &str = "../../rules";

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join(RULES);
    println!("cargo::rerun-if-changed={RULES}");
    let mut table = String::new();
    list("RULES", &root, "", &mut table);
    list("CASES", &root, "cases/", &mut table);
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("rules.rs");
    fs::write(out, table).expect("the output folder can be written");
}

/// A table of the YAML files of one folder below `root`: name and text. The compiler puts the place of the clone before
/// the paths: a target folder that several clones share holds none of them.
fn list(table_name: &str, root: &Path, below: &str, table: &mut String) {
    let mut files: Vec<PathBuf> = fs::read_dir(root.join(below))
        .map(|entries| entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
        .unwrap_or_default();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yml"));
    files.sort();
    writeln!(table, "pub(crate) static {table_name}: &[(&str, &str)] = &[").expect("writing to memory");
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let path = format!("/{RULES}/{below}{name}");
        writeln!(table, "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?}))),")
            .expect("writing to memory");
    }
    table.push_str("];\n");
}
