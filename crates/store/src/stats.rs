//! What the store says about itself.

use std::time::Duration;

use tidegate_event::{Position, Timestamp};

/// A moment's view of the store.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Rows that are published but not in the table yet.
    pub tail_rows: u64,
    /// Bytes of memory that those rows take.
    pub tail_bytes: u64,
    /// Rows in the table.
    pub table_rows: u64,
    /// Data files in the table.
    pub table_files: u64,
    /// Bytes of those files.
    pub table_bytes: u64,
    /// Version of the table.
    pub version: u64,
    /// The last position that was published.
    pub published: Position,
    /// The last position that is in the table.
    pub committed: Position,
    /// Flushes since the store was opened.
    pub flushes: u64,
    /// Rows that those flushes wrote.
    pub flushed_rows: u64,
    /// When the last flush was committed.
    pub last_commit: Option<Timestamp>,
    /// How long the last flush took.
    pub last_commit_took: Duration,
    /// Compactions since the store was opened.
    pub compactions: u64,
    /// Files that those compactions replaced.
    pub compacted_files: u64,
    /// Checkpoints since the store was opened.
    pub checkpoints: u64,
    /// Files that were deleted from disk since the store was opened.
    pub vacuumed_files: u64,
    /// Files that retention took out of the table since the store was opened.
    pub expired_files: u64,
    /// Times that [`publish`](crate::Store::publish) had to wait for room.
    pub publish_waits: u64,
    /// Why flushing fails at the moment; `None` while it works.
    pub flush_failure: Option<String>,
    /// Why maintenance failed the last time; `None` when it worked.
    pub maintenance_failure: Option<String>,
}
