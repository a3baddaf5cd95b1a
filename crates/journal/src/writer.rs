//! The one thread that writes: takes what waits, writes it as one group, syncs once, and only then answers.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tidegate_event::{NodeId, Position};

use crate::directory::Mark;
use crate::entry::Receipt;
use crate::error::{FullCause, JournalError};
use crate::frame::{EntryFrame, Frame, HEADER_BYTES, span};
use crate::options::Options;
use crate::receipts::Kept;
use crate::segment::{DATA_START, Segment, SegmentHeader};
use crate::shared::{Done, LiveSegment, Pending, Shared, payload_bytes};

/// Bytes written between two syncs: enough to keep a disk busy, few enough to keep acknowledgements quick.
const GROUP_BYTES_MAX: usize = 16 << 20;
/// Entries in a group.
const GROUP_ENTRIES_MAX: usize = 4096;
/// The group's buffer is not kept above this size after a large entry.
const BUFFER_BYTES_KEPT: usize = GROUP_BYTES_MAX + (1 << 20);
/// The mark may lag this much.
const MARK_AGE_MAX: Duration = Duration::from_secs(1);

/// The state of the writing thread.
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) node: NodeId,
    pub(crate) options: Options,
    pub(crate) next_generation: u64,
    pub(crate) spares: Vec<PathBuf>,
    pub(crate) buffer: Vec<u8>,
    /// Segments of which a sync failed. Their files are not used again.
    pub(crate) poisoned: Vec<u64>,
    pub(crate) marked: (Mark, Instant),
}

impl Writer {
    /// Runs until the journal closes and nothing waits any more.
    pub(crate) fn run(mut self) {
        let closed = ClosedAtEnd(Arc::clone(&self.shared));
        while let Some(group) = self.take_group() {
            self.give_up_segments();
            if !group.is_empty() {
                self.append(group);
            }
            self.write_mark(false);
        }
        self.write_mark(true);
        drop(closed);
    }

    /// Waits for work. An empty group means that only `commit` was called; `None`, that this is the end.
    fn take_group(&mut self) -> Option<VecDeque<Pending>> {
        let mut live = self.shared.lock();
        while live.queue.is_empty() && !live.commit_moved {
            if live.closing {
                return None;
            }
            live = self.shared.work.wait(live).unwrap_or_else(PoisonError::into_inner);
        }
        let (mut count, mut bytes) = (0, 0);
        for pending in &live.queue {
            bytes += pending.bytes();
            if count > 0 && (bytes > GROUP_BYTES_MAX || count == GROUP_ENTRIES_MAX) {
                break;
            }
            count += 1;
        }
        Some(live.queue.drain(..count).collect())
    }

    /// Writes a group; where it crosses the end of a segment, as two.
    fn append(&mut self, mut group: VecDeque<Pending>) {
        while !group.is_empty() {
            let result = self.segment_for(&group).and_then(|target| self.write(&target, &mut group));
            if let Err(error) = result {
                // What the first of them met, the others would meet too.
                self.fail(group, &error);
                return;
            }
        }
    }

    /// The last segment if the next entry fits, else a new one.
    fn segment_for(&mut self, group: &VecDeque<Pending>) -> Result<LiveSegment, JournalError> {
        let needed = group.front().map_or(0, |first| span(payload_bytes(&first.entry)));
        let live = self.shared.lock();
        let current = live.segments.back().filter(|_| !live.must_roll).cloned();
        drop(live);
        match current {
            Some(current) if current.end + needed <= current.segment.size => Ok(current),
            _ => self.roll(needed),
        }
    }

    /// Begins a new segment.
    fn roll(&mut self, needed: u64) -> Result<LiveSegment, JournalError> {
        let size = self.options.segment_bytes.max(DATA_START + needed);
        let live = self.shared.lock();
        let (last, mut bytes) = (live.last, live.bytes());
        drop(live);
        // The last segment stays even when all of it is in the table; beside it, there must be room for one more.
        let bytes_max = self.options.journal_bytes_max.max(2 * self.options.segment_bytes);
        let spare = if size == self.options.segment_bytes { self.spares.pop() } else { None };
        if spare.is_none() {
            while bytes + size > bytes_max && !self.spares.is_empty() {
                self.drop_spare();
                bytes -= self.options.segment_bytes;
            }
            if bytes + size > bytes_max {
                return Err(JournalError::Full { cause: FullCause::Bound { bytes_max } });
            }
        }
        let header = SegmentHeader::new(self.node, self.next_generation, last.next());
        let shared = Arc::clone(&self.shared);
        let made = Segment::create(&shared.directory, shared.disk.as_ref(), header, size, spare.as_deref());
        self.count_spares();
        let made = LiveSegment { segment: Arc::new(made?), end: DATA_START, last };
        self.next_generation += 1;
        let mut live = shared.lock();
        live.segments.push_back(made.clone());
        live.must_roll = false;
        Ok(made)
    }

    /// Writes as many entries as the segment has room for, syncs, and answers them. On an error, `group` has them still.
    fn write(&mut self, target: &LiveSegment, group: &mut VecDeque<Pending>) -> Result<(), JournalError> {
        let LiveSegment { segment, end, .. } = target;
        let first = self.shared.lock().last.next();
        let receipts = self.encode(segment, *end, first, group);
        let disk = Arc::clone(&self.shared.disk);
        if let Err(error) = disk.write_at(&segment.file, &self.buffer, *end) {
            self.take_back(segment, *end);
            return Err(JournalError::io("write", &segment.path, error));
        }
        if let Err(error) = disk.sync(&segment.file) {
            self.sync_failed(segment, *end, &error);
            return Err(JournalError::io("sync", &segment.path, error));
        }
        let written = group.drain(..receipts.len()).collect();
        self.publish(end + self.buffer.len() as u64, written, &receipts);
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        Ok(())
    }

    /// Lays out the entries in the buffer.
    fn encode(&mut self, segment: &Segment, end: u64, first: Position, group: &VecDeque<Pending>) -> Vec<Receipt> {
        self.buffer.clear();
        let mut receipts = Vec::with_capacity(group.len());
        let mut position = first;
        for Pending { entry, digest, .. } in group {
            let start = self.buffer.len();
            let behind = start as u64 + span(payload_bytes(entry));
            if end + behind > segment.size {
                break;
            }
            self.buffer.resize(start + HEADER_BYTES, 0);
            self.buffer.extend_from_slice(&entry.head);
            self.buffer.extend_from_slice(&entry.body);
            let mut crc = segment.seed.payload();
            crc.update(&self.buffer[start + HEADER_BYTES..]);
            let header = Frame::Entry(EntryFrame {
                position,
                group_first: first,
                received: entry.received,
                intake: entry.intake,
                digest: *digest,
                records: entry.records,
                head_bytes: entry.head.len(),
                body_bytes: entry.body.len(),
                payload_crc: crc.finalize(),
            });
            self.buffer[start..start + HEADER_BYTES].copy_from_slice(&header.encode(segment.seed));
            self.buffer.resize(usize::try_from(behind).unwrap_or(usize::MAX), 0);
            receipts.push(Receipt { position, received: entry.received, records: entry.records, duplicate: false });
            position = position.next();
        }
        receipts
    }

    /// The entries are on disk: readers may have them, and their senders are told.
    fn publish(&mut self, end: u64, written: Vec<Pending>, receipts: &[Receipt]) {
        let mut answers: Vec<(Done, Receipt)> = Vec::with_capacity(written.len());
        let mut live = self.shared.lock();
        for (pending, receipt) in written.into_iter().zip(receipts) {
            live.queued_bytes -= pending.bytes();
            let Receipt { position, received, records, .. } = *receipt;
            live.receipts.insert(Kept { digest: pending.digest, position, received, records });
            answers.push((pending.done, *receipt));
            for waiting in live.in_flight.remove(&pending.digest).unwrap_or_default() {
                live.duplicates += 1;
                answers.push((waiting, Receipt { duplicate: true, ..*receipt }));
            }
            live.last = position;
        }
        let last = live.last;
        if let Some(current) = live.segments.back_mut() {
            current.end = end;
            current.last = last;
        }
        drop(live);
        self.shared.grown.notify_all();
        for (done, receipt) in answers {
            answer(done, Ok(receipt));
        }
    }

    /// Nothing of these entries was kept.
    fn fail(&mut self, group: VecDeque<Pending>, error: &JournalError) {
        let mut waiting = Vec::new();
        let mut live = self.shared.lock();
        for pending in group {
            live.queued_bytes -= pending.bytes();
            waiting.extend(live.in_flight.remove(&pending.digest).unwrap_or_default());
            waiting.push(pending.done);
        }
        drop(live);
        for done in waiting {
            answer(done, Err(error.clone()));
        }
    }

    /// A group that was not written as a whole must never be read back. Its place is cleared and used again; if even
    /// that fails, the next segment begins with the same positions, which makes what stands here void.
    fn take_back(&mut self, segment: &Segment, end: u64) {
        let disk = &self.shared.disk;
        self.buffer.fill(0);
        let cleared = disk.write_at(&segment.file, &self.buffer, end).and_then(|()| disk.sync(&segment.file));
        if cleared.is_err() {
            self.shared.lock().must_roll = true;
        }
    }

    /// After a failed sync the system may call lost pages clean, so a second sync proves nothing: nothing is written to
    /// this file any more.
    fn sync_failed(&mut self, segment: &Segment, end: u64, error: &io::Error) {
        tracing::error!(
            journal.segment = %segment.path.display(),
            "the disk did not take a group of batches; none of them is acknowledged, the segment is left: {error}"
        );
        self.take_back(segment, end);
        self.poisoned.push(segment.generation);
        let mut live = self.shared.lock();
        live.sync_failures += 1;
        live.must_roll = true;
    }

    /// Writes the mark, at most once in a while.
    fn write_mark(&mut self, at_end: bool) {
        let live = self.shared.lock();
        let mark = Mark { committed: live.committed, synced: live.last };
        drop(live);
        let (written, at) = self.marked;
        if mark != written && (at_end || at.elapsed() >= MARK_AGE_MAX) {
            if let Err(error) = mark.write(&self.shared.directory) {
                tracing::debug!("cannot write the journal's mark: {error}");
            }
            self.marked = (mark, Instant::now());
        }
    }
}

/// A sender that panics on its answer must not take the journal with it.
pub(crate) fn answer(done: Done, result: Result<Receipt, JournalError>) {
    if catch_unwind(AssertUnwindSafe(|| done(result))).is_err() {
        tracing::error!("a receiver of a receipt panicked");
    }
}

/// However the thread ends, nobody waits for it for ever.
struct ClosedAtEnd(Arc<Shared>);

impl Drop for ClosedAtEnd {
    fn drop(&mut self) {
        let mut live = self.0.lock();
        live.closing = true;
        live.closed = true;
        live.queued_bytes = 0;
        let mut left: Vec<Done> = live.queue.drain(..).map(|pending| pending.done).collect();
        left.extend(live.in_flight.drain().flat_map(|(_, waiting)| waiting));
        drop(live);
        self.0.grown.notify_all();
        for done in left {
            answer(done, Err(JournalError::Closed));
        }
    }
}
