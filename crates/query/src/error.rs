//! What can go wrong in this room.

use std::path::PathBuf;
use std::time::Duration;

use datafusion::error::DataFusionError;
use thiserror::Error;
use tidegate_store::StoreError;

use crate::language::QueryError;

/// Why a query has no answer.
#[derive(Debug, Error)]
pub enum Error {
    /// The query text is wrong, and where.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A parameter beside the query text is wrong.
    #[error("{0}")]
    Request(String),
    /// The SQL statement is wrong, and where.
    #[error("{0}")]
    Statement(QueryError),
    /// The SQL statement is wrong or not allowed.
    #[error("{0}")]
    Sql(String),
    /// It took too long.
    #[error("the query took longer than {} s; narrow its time range", .0.as_secs())]
    Timeout(Duration),
    /// It needed more memory than all queries together may take.
    #[error("the query needs more memory than queries may take; narrow its time range")]
    Memory,
    /// The events could not be reached.
    #[error("event store: {0}")]
    Store(#[from] StoreError),
    /// A data file of the table holds rows that are marked as deleted, which is never our doing.
    #[error(
        "`{0}` holds rows that another program deleted (a deletion vector), which Tidegate cannot leave out; \
        let that program rewrite its files (OPTIMIZE or REORG … APPLY (PURGE))"
    )]
    Deletions(PathBuf),
    /// The query failed for an internal reason.
    #[error("query execution: {0}")]
    Execution(DataFusionError),
    /// The engine is being closed.
    #[error("the query engine is closed")]
    Closed,
    /// The system refused threads or a folder for spilling.
    #[error("cannot start the query engine: {0}")]
    Start(std::io::Error),
}

impl Error {
    /// Whether the fault lies with what the caller asked for.
    #[must_use]
    pub const fn is_callers(&self) -> bool {
        matches!(self, Self::Query(_) | Self::Request(_) | Self::Statement(_) | Self::Sql(_))
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => Self::Memory,
            _ => Self::Execution(error),
        }
    }
}
