//! The bounds on foreign input.

use tidegate_event::EventId;

/// The bounds on foreign input. Memory follows what really arrives, up to these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A body as received.
    pub compressed_bytes_max: usize,
    /// The same body with its compression undone.
    pub decompressed_bytes_max: usize,
    /// Records in one body; never above [`EventId::RECORDS_MAX`].
    pub records_max: u32,
    /// One record. A longer one is kept, but flagged, and nobody parses it.
    pub record_bytes_max: usize,
}

impl Default for Limits {
    /// Logpush sends at most 1,000,000 records and, unless told otherwise, 100,000 at a time.
    fn default() -> Self {
        Self {
            compressed_bytes_max: 64 << 20,
            decompressed_bytes_max: 512 << 20,
            records_max: 4 << 20,
            record_bytes_max: 1 << 20,
        }
    }
}

impl Limits {
    /// The effective bound on records: event ids have no room for more.
    pub(crate) fn records_max(&self) -> u32 {
        self.records_max.min(EventId::RECORDS_MAX)
    }
}
