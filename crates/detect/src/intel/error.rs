//! Why a whole feed cannot be read.

use thiserror::Error;

/// Why nothing could be read at all; a feed that breaks off in the middle is told by its report instead.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IntelError {
    /// There is nothing in it.
    #[error("the feed is empty")]
    Empty,
    /// It is some other kind of file.
    #[error("this is {found}, not a feed of indicators")]
    NotAFeed {
        /// What it looks like: "an HTML page titled `Sign in`".
        found: String,
    },
    /// Text, but nothing in it is an indicator.
    #[error("{why}")]
    NothingKnown {
        /// What was looked for.
        why: String,
    },
    /// A column that was asked for is not there.
    #[error("the table has no column `{name}`; it has {found}")]
    NoColumn {
        /// The column asked for.
        name: String,
        /// The columns that exist.
        found: String,
    },
    /// Reading failed before anything was read.
    #[error("reading the feed failed")]
    Io(#[from] std::io::Error),
}
