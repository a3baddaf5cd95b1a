//! What appenders, the writer and readers share: which entries are on disk, which wait, which came before.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tidegate_event::Position;

use crate::disk::Disk;
use crate::entry::{Entry, Receipt};
use crate::error::JournalError;
use crate::frame::Digest;
use crate::receipts::Receipts;
use crate::report::{Quarantined, Stats};
use crate::segment::Segment;

/// Gets the outcome of one append.
pub(crate) type Done = Box<dyn FnOnce(Result<Receipt, JournalError>) + Send>;

/// What appenders, the writer and readers share.
pub(crate) struct Shared {
    pub(crate) directory: PathBuf,
    pub(crate) disk: Arc<dyn Disk>,
    live: Mutex<Live>,
    /// Wakes the writer.
    pub(crate) work: Condvar,
    /// Wakes readers.
    pub(crate) grown: Condvar,
}

/// The part that changes.
pub(crate) struct Live {
    /// Oldest first. The last one is being written to.
    pub(crate) segments: VecDeque<LiveSegment>,
    /// The last position on disk.
    pub(crate) last: Position,
    pub(crate) committed: Position,
    pub(crate) receipts: Receipts,
    pub(crate) queue: VecDeque<Pending>,
    pub(crate) queued_bytes: usize,
    /// Batches on their way to the disk, and who waits for the outcome of each beside its first sender.
    pub(crate) in_flight: HashMap<Digest, Vec<Done>>,
    /// There may be segments to give up.
    pub(crate) commit_moved: bool,
    /// The next entry must not go into the last segment.
    pub(crate) must_roll: bool,
    pub(crate) closing: bool,
    pub(crate) closed: bool,
    pub(crate) spare_segments: usize,
    pub(crate) spare_bytes: u64,
    pub(crate) duplicates: u64,
    pub(crate) quarantined: u64,
    pub(crate) sync_failures: u64,
}

/// A segment that holds entries.
#[derive(Clone)]
pub(crate) struct LiveSegment {
    pub(crate) segment: Arc<Segment>,
    /// Where its last entry ends. Readers never look behind.
    pub(crate) end: u64,
    /// The last position in it; the one before its first, when it is empty.
    pub(crate) last: Position,
}

/// An entry that waits for the disk.
pub(crate) struct Pending {
    pub(crate) entry: Entry,
    pub(crate) digest: Digest,
    pub(crate) done: Done,
}

impl Pending {
    /// What it takes of the queue's bound.
    pub(crate) fn bytes(&self) -> usize {
        queue_bytes(&self.entry)
    }
}

/// What an entry takes of the queue's bound: an empty one takes memory, too.
pub(crate) fn queue_bytes(entry: &Entry) -> usize {
    payload_bytes(entry) + size_of::<Pending>()
}

pub(crate) fn payload_bytes(entry: &Entry) -> usize {
    entry.head.len() + entry.body.len()
}

impl Shared {
    pub(crate) fn new(directory: PathBuf, disk: Arc<dyn Disk>, live: Live) -> Self {
        Self { directory, disk, live: Mutex::new(live), work: Condvar::new(), grown: Condvar::new() }
    }

    /// A panic while the lock was held left nothing half done: every change under it is a few assignments.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of damage that a reader met.
    pub(crate) fn quarantined(&self, quarantined: &Quarantined) {
        let mut live = self.lock();
        live.quarantined += 1;
        // Otherwise the sender's next try would be answered with the receipt of what is lost.
        live.receipts.remove(&(quarantined.first..=quarantined.last));
    }
}

impl Live {
    pub(crate) fn new(receipts: Receipts) -> Self {
        Self {
            segments: VecDeque::new(),
            last: Position(0),
            committed: Position(0),
            receipts,
            queue: VecDeque::new(),
            queued_bytes: 0,
            in_flight: HashMap::new(),
            commit_moved: false,
            must_roll: true,
            closing: false,
            closed: false,
            spare_segments: 0,
            spare_bytes: 0,
            duplicates: 0,
            quarantined: 0,
            sync_failures: 0,
        }
    }

    /// Bytes of disk that all segments occupy.
    pub(crate) fn bytes(&self) -> u64 {
        self.spare_bytes + self.segments.iter().map(|live| live.segment.size).sum::<u64>()
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            bytes: self.bytes(),
            segments: self.segments.len(),
            spare_segments: self.spare_segments,
            last: self.last,
            committed: self.committed,
            queued_bytes: self.queued_bytes,
            receipts: self.receipts.len(),
            receipts_evicted: self.receipts.evicted(),
            duplicates: self.duplicates,
            quarantined: self.quarantined,
            sync_failures: self.sync_failures,
        }
    }
}
