//! Gives up segments whose entries are all in the table: their receipts go to a file, their blocks to the next segment.

use std::fs;
use std::sync::Arc;

use crate::error::JournalError;
use crate::receipt_files;
use crate::recover::SPARES_MAX;
use crate::segment::Segment;
use crate::shared::LiveSegment;
use crate::writer::Writer;

impl Writer {
    /// Gives up what `commit` allows. The last segment always stays: it carries the positions on.
    pub(crate) fn give_up_segments(&mut self) {
        let mut live = self.shared.lock();
        if !std::mem::take(&mut live.commit_moved) {
            return;
        }
        let committed = live.committed;
        let older = live.segments.len().saturating_sub(1);
        let done = live.segments.iter().take(older).take_while(|segment| segment.last <= committed).count();
        let Some(last) = done.checked_sub(1).map(|last| live.segments[last].last) else { return };
        let first = live.segments[0].segment.first;
        let kept = live.receipts.range(&(first..=last));
        let now = live.receipts.newest();
        drop(live);

        // The receipts first: without them, a batch that is sent again would be stored again.
        let directory = self.shared.directory.clone();
        match receipt_files::write(&directory, self.shared.disk.as_ref(), now, &kept) {
            Ok(()) => {}
            Err(error @ JournalError::Full { .. }) => {
                // The segments are what frees the disk; remembering receipts is worth less than going on.
                tracing::warn!("cannot keep the receipts of {} batches: {error}", kept.len());
            }
            Err(error) => {
                tracing::warn!("cannot keep the receipts of {} batches, trying again: {error}", kept.len());
                return;
            }
        }
        receipt_files::remove_expired(&directory, now, self.options.dedupe_window);
        let given_up: Vec<LiveSegment> = self.shared.lock().segments.drain(..done).collect();
        for segment in given_up {
            self.give_up(segment.segment);
        }
        self.count_spares();
        if let Err(error) = self.shared.disk.sync_names(&directory) {
            tracing::warn!("cannot sync `{}`: {error}", directory.display());
        }
    }

    /// Keeps the file for reuse if nobody reads it any more and it never failed.
    fn give_up(&mut self, segment: Arc<Segment>) {
        let path = segment.path.clone();
        let fits = segment.size == self.options.segment_bytes
            && self.spares.len() < SPARES_MAX
            && !self.poisoned.contains(&segment.generation);
        self.poisoned.retain(|generation| *generation != segment.generation);
        let spare = match Arc::into_inner(segment) {
            Some(segment) if fits => Some(self.shared.directory.join(Segment::spare_name(segment.generation))),
            _ => None,
        };
        let result = match &spare {
            Some(spare) => fs::rename(&path, spare),
            None => fs::remove_file(&path),
        };
        match result {
            Ok(()) => self.spares.extend(spare),
            Err(error) => tracing::warn!("cannot give up `{}`: {error}", path.display()),
        }
    }

    pub(crate) fn drop_spare(&mut self) {
        let Some(path) = self.spares.pop() else { return };
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!("cannot remove `{}`: {error}", path.display());
        }
        self.count_spares();
    }

    pub(crate) fn count_spares(&self) {
        let mut live = self.shared.lock();
        live.spare_segments = self.spares.len();
        live.spare_bytes = self.spares.len() as u64 * self.options.segment_bytes;
    }
}
