//! Where formats lie: in the binary and in users' folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::load::{File, Files};

include!(concat!(env!("OUT_DIR"), "/formats.rs"));

/// Folders between a user's folder and a format's.
const DEPTH_MAX: usize = 4;
/// Most formats below one folder.
const FORMATS_MAX: usize = 10_000;

/// The formats that come with the binary.
pub(crate) fn embedded() -> Vec<Files> {
    let mut formats: BTreeMap<(&str, &str), Files> = BTreeMap::new();
    for (name, text) in FILES {
        let parts: Vec<&str> = name.split('/').collect();
        let file = || Some(File { path: PathBuf::from("formats").join(name), text: (*text).to_owned() });
        let [vendor, folder, kind, leaf] = parts[..] else {
            continue;
        };
        let files = formats.entry((vendor, folder)).or_insert_with(|| Files {
            vendor: vendor.to_owned(),
            folder: folder.to_owned(),
            module_fields: embedded_module(vendor),
            ..Files::default()
        });
        match (kind, leaf) {
            ("_meta", "manifest.yml") => files.manifest = file(),
            ("_meta", "fields.yml") => files.fields = file(),
            ("_meta", "smart-descriptions.json") => files.descriptions = file(),
            ("ingest", "parser.yml") => files.parser = file(),
            _ => {}
        }
    }
    // a format under construction, without a parser yet, is none
    formats.into_values().filter(|files| files.parser.is_some()).collect()
}

fn embedded_module(vendor: &str) -> Option<File> {
    let wanted = format!("{vendor}/_meta/fields.yml");
    let (name, text) = FILES.iter().find(|(name, _)| *name == wanted)?;
    Some(File { path: PathBuf::from("formats").join(name), text: (*text).to_owned() })
}

/// The folders below `root` that hold a format, in order.
pub(crate) fn find(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    walk(root, 0, &mut found)?;
    Ok(found)
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    if folder.join("ingest").join("parser.yml").is_file() {
        found.push(folder.to_owned());
        return Ok(());
    }
    let mut inner: Vec<PathBuf> =
        fs::read_dir(folder)?.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    inner.sort();
    for path in inner {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if depth < DEPTH_MAX && found.len() < FORMATS_MAX && !hidden && path.is_dir() {
            walk(&path, depth + 1, found)?;
        }
    }
    Ok(())
}

/// The files of the format in a folder; what cannot be read counts as absent.
pub(crate) fn read(folder: &Path) -> Files {
    let name = |path: Option<&Path>| {
        path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let file = |path: PathBuf| {
        let text = fs::read(&path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())?;
        Some(File { path, text })
    };
    let meta = folder.join("_meta");
    Files {
        vendor: name(folder.parent()),
        folder: name(Some(folder)),
        manifest: file(meta.join("manifest.yml")),
        fields: file(meta.join("fields.yml")),
        module_fields: folder.parent().and_then(|vendor| file(vendor.join("_meta").join("fields.yml"))),
        descriptions: file(meta.join("smart-descriptions.json")),
        parser: file(folder.join("ingest").join("parser.yml")),
    }
}
