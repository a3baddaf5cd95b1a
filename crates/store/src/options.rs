//! Every number of the store, with its default.

use std::time::Duration;

/// How the store trades memory, freshness and work. [`Default`] suits a machine of 2 cores and 4 GiB.
#[derive(Clone, Debug)]
pub struct Options {
    /// Rows after which the tail is flushed.
    pub flush_rows: usize,
    /// Bytes in memory after which the tail is flushed.
    pub flush_bytes: usize,
    /// Age of the oldest row after which the tail is flushed.
    pub flush_age: Duration,
    /// Days that one flush writes files for. A sender may put any time into its records: rows of the days that are too
    /// many are filed under the day of their receipt.
    pub flush_days_max: usize,
    /// Bytes that the tail may hold in memory before [`publish`](crate::Store::publish) waits.
    pub tail_bytes_max: usize,
    /// Rows in a row group of a data file.
    pub row_group_rows: usize,
    /// Size that compaction aims at for a data file.
    pub file_bytes: u64,
    /// Small files that make a day worth compacting while it is written to.
    pub compact_files: usize,
    /// Files in the whole table above which every day with small files is compacted.
    pub files_max: usize,
    /// Commits between two checkpoints.
    pub checkpoint_commits: u64,
    /// How long a file that left the table stays on disk; longer than any query runs.
    pub vacuum_after: Duration,
    /// Days that events are kept; `None` keeps them for ever.
    pub retention_days: Option<u32>,
    /// Bytes that the table may take; the oldest days go first. `None` for no bound.
    pub retention_bytes: Option<u64>,
    /// How often the maintenance thread looks for work.
    pub maintenance_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            flush_rows: 131_072,
            flush_bytes: 192 << 20,
            flush_age: Duration::from_secs(30),
            flush_days_max: 1000,
            tail_bytes_max: 400 << 20,
            row_group_rows: 131_072,
            file_bytes: 256 << 20,
            compact_files: 64,
            files_max: 256,
            checkpoint_commits: 50,
            vacuum_after: Duration::from_secs(3600),
            retention_days: None,
            retention_bytes: None,
            maintenance_interval: Duration::from_secs(5),
        }
    }
}
