//! What can go wrong in this room.

use std::path::PathBuf;

use deltalake::DeltaTableError;
use deltalake::arrow::error::ArrowError;
use deltalake::parquet::errors::ParquetError;
use thiserror::Error;

/// Why the store could not do what it was asked to.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A file or folder could not be read or written.
    #[error("`{path}`: {cause}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// There is no table to read.
    #[error("`{0}` holds no event table")]
    NoTable(PathBuf),
    /// The table holds a column under another type than the events need.
    #[error("column `{name}` is `{found}` in the table but `{wanted}` in the formats")]
    ColumnKind {
        /// The column.
        name: String,
        /// Its kind in the table.
        found: &'static str,
        /// The kind that the formats declare.
        wanted: &'static str,
    },
    /// The table has a column of a type that Tidegate never writes.
    #[error("column `{0}` of the table has a type that Tidegate cannot read")]
    ForeignColumn(String),
    /// The table's log or its commit failed.
    #[error("event table: {0}")]
    Delta(#[from] DeltaTableError),
    /// A data file could not be encoded or decoded.
    #[error("data file: {0}")]
    Parquet(#[from] ParquetError),
    /// Columns do not fit together.
    #[error("columns: {0}")]
    Arrow(#[from] ArrowError),
    /// A flush that was asked for failed; it is tried again by itself.
    #[error("cannot write events to the table: {0}")]
    Flush(String),
    /// A flush may or may not be in the table's log; nothing else changes the table until that is known.
    #[error("the last flush of the event table is not settled yet")]
    Unsettled,
    /// The store is closed, or only open for reading.
    #[error("the event store is closed for writing")]
    Closed,
    /// The system refused a thread or a runtime.
    #[error("cannot start the event store's threads: {0}")]
    Threads(std::io::Error),
}

impl StoreError {
    /// An [`Io`](Self::Io) error about `path`.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io { path, cause }
    }
}
