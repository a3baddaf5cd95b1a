//! What a journal may use of disk and memory.

use std::time::Duration;

/// The largest body one entry may carry. The intake's own bound on compressed bodies is the same.
pub const BODY_BYTES_MAX: usize = 64 << 20;
/// The largest head one entry may carry.
pub const HEAD_BYTES_MAX: usize = 64 << 10;

/// What a journal may use of disk and memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Size of one segment file, allocated ahead. An entry that is larger gets a segment of its own size.
    pub segment_bytes: u64,
    /// Bytes all segments together may occupy; at this bound, `append` answers [`crate::JournalError::Full`]. Two
    /// segments are the least.
    pub journal_bytes_max: u64,
    /// Bytes of entries that may wait for the disk; at this bound, `append` answers [`crate::JournalError::Busy`].
    pub queue_bytes_max: usize,
    /// Receipts kept to recognise a batch that is sent again; the oldest go first.
    pub receipts_max: usize,
    /// For how long after its receipt a batch is recognised when it is sent again. Zero switches recognition off.
    pub dedupe_window: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            journal_bytes_max: 8 << 30,
            queue_bytes_max: 256 << 20,
            receipts_max: 1 << 20,
            dedupe_window: Duration::from_secs(24 * 60 * 60),
        }
    }
}
