//! What can be wrong with a format, and where.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// A mistake in a format's files: where it stands and what was expected there.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}:{line}:{column}: {message}", path.display())]
pub struct LoadError {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What was expected.
    pub message: String,
}

impl LoadError {
    pub(crate) fn new(path: &Path, line: u32, column: u32, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, column, message: message.into() }
    }
}

/// Why no catalogue could be made at all.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// A folder of formats cannot be read.
    #[error("folder of formats `{}` cannot be read: {cause}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
}
