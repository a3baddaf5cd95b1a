//! The files of a format in; what they say out, checked, with the place of everything that can still turn out wrong.

use std::path::{Path, PathBuf};

use crate::describe::Descriptions;
use crate::error::LoadError;
use crate::manifest::Manifest;

mod fields;
mod pipeline;

pub(crate) use fields::Declared;
pub(crate) use pipeline::{Action, ActionKind, Raw, Step, StepKind, Written};

/// A file of a format.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// The files that make a format.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    /// Name of the folder above the format's.
    pub(crate) vendor: String,
    /// Name of the format's folder.
    pub(crate) folder: String,
    pub(crate) manifest: Option<File>,
    pub(crate) fields: Option<File>,
    pub(crate) module_fields: Option<File>,
    pub(crate) descriptions: Option<File>,
    pub(crate) parser: Option<File>,
}

/// A format as its files spell it.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) manifest: Manifest,
    /// The format's own fields first, then the module's.
    pub(crate) declared: Vec<Declared>,
    pub(crate) descriptions: Descriptions,
    pub(crate) raw: Raw,
}

/// Reads the files of a format.
pub(crate) fn read(files: &Files) -> Result<Source, LoadError> {
    let missing = |what: &str| {
        let path = Path::new(&files.vendor).join(&files.folder);
        LoadError::new(&path, 1, 1, format!("expected a file `{what}` in the format's folder"))
    };
    let parser = files.parser.as_ref().ok_or_else(|| missing("ingest/parser.yml"))?;
    let raw = pipeline::read(parser)?;
    let manifest = match &files.manifest {
        Some(file) => Manifest::read(file, &files.vendor, &files.folder)?,
        None => Manifest::named(&files.vendor, &files.folder),
    };
    let mut declared = Vec::new();
    for file in [&files.fields, &files.module_fields].into_iter().flatten() {
        declared.extend(fields::read(file)?);
    }
    let descriptions = match &files.descriptions {
        Some(file) => Descriptions::read(file)?,
        None => Descriptions::default(),
    };
    Ok(Source { manifest, declared, descriptions, raw })
}
