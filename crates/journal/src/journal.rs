//! The journal as its users see it.

use std::collections::hash_map::Entry as Slot;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tidegate_event::{NodeId, Position, Timestamp};

use crate::directory::{Directory, Mark};
use crate::disk::{Disk, System};
use crate::entry::{Entry, Receipt};
use crate::error::JournalError;
use crate::frame::Digest;
use crate::options::{BODY_BYTES_MAX, HEAD_BYTES_MAX, Options};
use crate::reader::Reader;
use crate::recover::{Recovered, recover};
use crate::report::{OpenReport, Stats};
use crate::shared::{Done, Pending, Shared, queue_bytes};
use crate::writer::{Writer, answer};

/// An open journal. Dropping it stores what still waits, then closes it.
pub struct Journal {
    shared: Arc<Shared>,
    queue_bytes_max: usize,
    /// Keeps the directory locked.
    directory: Directory,
    writer: Option<JoinHandle<()>>,
}

impl Journal {
    /// Opens the journal in `dir`, or creates one. Entries that a crash left half-written are cut off, damaged ones put
    /// aside; the report says so.
    ///
    /// # Errors
    /// [`JournalError::Locked`] when another process has it open; [`JournalError::Unusable`] when `dir` holds something
    /// else; [`JournalError::Io`] and [`JournalError::Full`] as the system says.
    pub fn open(dir: &Path, options: Options) -> Result<(Self, OpenReport), JournalError> {
        Self::open_on(dir, options, Arc::new(System))
    }

    /// As [`Journal::open`], on a disk that can be made to fail.
    pub(crate) fn open_on(
        dir: &Path,
        options: Options,
        disk: Arc<dyn Disk>,
    ) -> Result<(Self, OpenReport), JournalError> {
        let directory = Directory::open(dir, disk.as_ref())?;
        let Recovered { live, spares, next_generation, report } = recover(&directory, disk.as_ref(), &options)?;
        let queue_bytes_max = options.queue_bytes_max;
        let shared = Arc::new(Shared::new(directory.path.clone(), disk, live));
        let writer = Writer {
            shared: Arc::clone(&shared),
            node: directory.node,
            options,
            next_generation,
            spares,
            buffer: Vec::new(),
            poisoned: Vec::new(),
            marked: (Mark::read(&directory.path), Instant::now()),
        };
        let writer = thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run())
            .map_err(|error| JournalError::io("start the writer of", dir, error))?;
        Ok((Self { shared, queue_bytes_max, directory, writer: Some(writer) }, report))
    }

    /// The id of this data directory.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.directory.node
    }

    /// Stores a batch and calls `done` when it is on disk, or when it is certain that it will not be. Never waits for
    /// the disk itself; `done` runs on the journal's own thread, or at once on this one, and should be quick.
    ///
    /// A batch that was stored before (same intake, head and body, within the dedupe window) gets the first receipt; if
    /// the first is still on its way, it waits for that one's outcome.
    pub fn append(&self, entry: Entry, done: impl FnOnce(Result<Receipt, JournalError>) + Send + 'static) {
        if let Some((done, result)) = self.enqueue(entry, Box::new(done)) {
            answer(done, result);
        }
    }

    /// Stores a batch and waits for it.
    ///
    /// # Errors
    /// As `done` of [`Journal::append`] gets them.
    pub fn append_wait(&self, entry: Entry) -> Result<Receipt, JournalError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.append(entry, move |result| {
            // Nobody but this function holds the receiver.
            let _ = sender.send(result);
        });
        receiver.recv().unwrap_or(Err(JournalError::Closed))
    }

    /// What the journal knows a batch by: the same for the same intake, head and body, and for no others.
    #[must_use]
    pub fn token(entry: &Entry) -> [u8; 16] {
        digest(entry)
    }

    /// The receipt of the batch with this token, as [`Journal::append`] would answer it now if it were received at
    /// `received`. What is still on its way is not told.
    ///
    /// Whoever wrote down token and time before an `append` learns here, first thing after opening, how that ended,
    /// however long ago it was: receipts expire by the receipt times of later batches, not by the clock.
    #[must_use]
    pub fn receipt(&self, token: &[u8; 16], received: Timestamp) -> Option<Receipt> {
        self.shared.lock().receipts.find(token, received)
    }

    /// Reads the batches behind `after`, and those to come. What lies at or below the committed position may be gone.
    #[must_use]
    pub fn reader(&self, after: Position) -> Reader {
        Reader::new(Arc::clone(&self.shared), after)
    }

    /// Everything up to `position` is in the table, and may be forgotten here. A position beyond the last one is
    /// believed, too: the table is ahead of a journal that was lost, and positions must not be used twice.
    pub fn commit(&self, position: Position) {
        let mut live = self.shared.lock();
        if position <= live.committed {
            return;
        }
        live.committed = position;
        live.commit_moved = true;
        if position > live.last {
            tracing::warn!(
                journal.last = live.last.0,
                "the table is ahead of the journal; going on behind position {}",
                position.0
            );
            live.last = position;
            live.must_roll = true;
        }
        drop(live);
        self.shared.work.notify_one();
    }

    /// Numbers for metrics and health.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.lock().stats()
    }

    /// Puts an entry into the queue, or says at once how it ended.
    fn enqueue(&self, entry: Entry, done: Done) -> Option<(Done, Result<Receipt, JournalError>)> {
        if let Err(error) = check(&entry) {
            return Some((done, Err(error)));
        }
        let bytes = queue_bytes(&entry);
        // Outside the lock: hashing takes a millisecond a megabyte.
        let digest = digest(&entry);
        let mut live = self.shared.lock();
        if live.closing {
            return Some((done, Err(JournalError::Closed)));
        }
        if let Some(receipt) = live.receipts.find(&digest, entry.received) {
            live.duplicates += 1;
            return Some((done, Ok(receipt)));
        }
        let dedupes = live.receipts.is_on();
        let queued_bytes = live.queued_bytes;
        if let Slot::Occupied(mut waiting) = live.in_flight.entry(digest) {
            waiting.get_mut().push(done);
            return None;
        }
        // The largest entry must find its way through the smallest queue.
        if queued_bytes > 0 && queued_bytes.saturating_add(bytes) > self.queue_bytes_max {
            return Some((done, Err(JournalError::Busy { queued_bytes })));
        }
        if dedupes {
            live.in_flight.insert(digest, Vec::new());
        }
        live.queued_bytes += bytes;
        live.queue.push_back(Pending { entry, digest, done });
        drop(live);
        self.shared.work.notify_one();
        None
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.work.notify_one();
        let Some(writer) = self.writer.take() else { return };
        // The last owner may be a callback on the writer's own thread.
        if writer.thread().id() != thread::current().id() && writer.join().is_err() {
            tracing::error!("the journal's writer panicked");
        }
    }
}

fn check(entry: &Entry) -> Result<(), JournalError> {
    for (part, bytes, bytes_max) in
        [("a head", entry.head.len(), HEAD_BYTES_MAX), ("a body", entry.body.len(), BODY_BYTES_MAX)]
    {
        if bytes > bytes_max {
            return Err(JournalError::TooLarge { part, bytes, bytes_max });
        }
    }
    Ok(())
}

/// The same for the same batch, and for no other.
fn digest(entry: &Entry) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(entry.intake.0.as_bytes());
    hasher.update(&(entry.head.len() as u64).to_le_bytes());
    hasher.update(&entry.head);
    hasher.update(&entry.body);
    let mut digest = Digest::default();
    digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    digest
}
