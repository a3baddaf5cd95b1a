//! Why there can be no certificate at all, or why one attempt to get one failed.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Why it cannot even begin.
#[derive(Debug, Error)]
pub enum AcmeError {
    /// What is wanted cannot be.
    #[error("{0}")]
    Wrong(String),
    /// The file with the authority's root cannot be used.
    #[error("the authority's root `{}` cannot be used: {why}", path.display())]
    Root {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The key of the external account cannot be used.
    #[error("the key of the external account in `{}` cannot be used: {why}", path.display())]
    ExternalAccount {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The folder cannot be used.
    #[error("the folder `{}` for certificates cannot be used", path.display())]
    Folder {
        /// The folder or a file in it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why an attempt failed: a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) sentence: String,
    /// How long the authority wants to be left alone.
    pub(crate) retry_after: Option<Duration>,
    /// Whether the authority counts it against its limits.
    pub(crate) counts: bool,
    /// The account is not known to the authority any more: the next attempt makes a new one.
    pub(crate) account_is_gone: bool,
}

impl Failure {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), retry_after: None, counts: false, account_is_gone: false }
    }
}
