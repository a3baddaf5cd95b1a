//! What can go wrong in the control plane.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// An error a caller can act on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// There is no such thing.
    #[error("no {kind} `{name}`")]
    NotFound {
        /// What was looked for: `intake`, `user`, `token` …
        kind: &'static str,
        /// The name or id it was looked for by.
        name: String,
    },
    /// The name is taken.
    #[error("{kind} `{name}` exists already")]
    Duplicate {
        /// What it is: `intake`, `user`, `token` …
        kind: &'static str,
        /// The name that is taken.
        name: String,
    },
    /// What the caller gave cannot be accepted.
    #[error("{what} {why}")]
    Invalid {
        /// What was given: `intake name`, `password` …
        what: &'static str,
        /// Why not, reading on from `what`.
        why: String,
    },
    /// The change would leave nobody who can administer.
    #[error("`{name}` is the last enabled admin; make another user admin first")]
    LastAdmin {
        /// The user.
        name: String,
    },
    /// Name and password do not belong together; deliberately silent about which of the two is wrong.
    #[error("wrong user name or password")]
    BadLogin,
    /// Too many failed attempts.
    #[error("too many failed logins; try again in {} s", retry_after.as_secs().max(1))]
    Throttled {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The database file is damaged or is none of ours.
    #[error("`{}` is not a usable state database: {why}; restore it from a backup or move it away to start afresh", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A newer Tidegate wrote the database.
    #[error("`{}` has schema version {found}, this program knows up to {known}; use a newer tidegate", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The file cannot be opened, created or protected.
    #[error("cannot open `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random(#[source] getrandom::Error),
    /// The database failed.
    #[error("state database failed")]
    Database(#[from] rusqlite::Error),
}

impl StateError {
    pub(crate) fn invalid(what: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid { what, why: why.into() }
    }

    pub(crate) fn not_found(kind: &'static str, name: impl ToString) -> Self {
        Self::NotFound { kind, name: name.to_string() }
    }

    pub(crate) fn duplicate(kind: &'static str, name: &str) -> Self {
        Self::Duplicate { kind, name: name.to_owned() }
    }
}
