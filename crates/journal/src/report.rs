//! What the journal tells about itself.

use std::path::PathBuf;

use tidegate_event::Position;

/// What was found when the journal was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// The directory was empty and got its node id now.
    pub created: bool,
    /// Entries above the committed position: what a reader from there will see.
    pub replayable: u64,
    /// Bytes behind the last whole entry that were written but never acknowledged, and are gone now.
    pub torn_bytes: u64,
    /// Damaged ranges that were moved to `quarantine/` and stepped over.
    pub quarantined: Vec<Quarantined>,
}

/// A damaged range of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The segment it stood in.
    pub segment: PathBuf,
    /// Where it begins in that segment.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
    /// The first position that may be lost.
    pub first: Position,
    /// The last position that may be lost; below `first` when no entry is missing.
    pub last: Position,
    /// Where the bytes were copied to; `None` when the copy failed.
    pub copy: Option<PathBuf>,
}

/// Numbers for metrics and health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes of disk that the segments occupy, spare ones included.
    pub bytes: u64,
    /// Segments that hold entries.
    pub segments: usize,
    /// Segments kept for reuse.
    pub spare_segments: usize,
    /// The last position on disk.
    pub last: Position,
    /// Everything up to here may be forgotten.
    pub committed: Position,
    /// Bytes that wait for the disk.
    pub queued_bytes: usize,
    /// Receipts held to recognise a batch that is sent again.
    pub receipts: usize,
    /// Receipts dropped before the dedupe window ended, because there were too many.
    pub receipts_evicted: u64,
    /// Appends that were answered with an earlier receipt.
    pub duplicates: u64,
    /// Damaged ranges found since the journal was opened, those found by opening included.
    pub quarantined: u64,
    /// Syncs of the disk that failed.
    pub sync_failures: u64,
}
