//! Reads batches in order, from any position on, and follows the live end.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tidegate_event::Position;

use crate::entry::Batch;
use crate::error::JournalError;
use crate::frame::{ALIGN_BYTES, EntryFrame, Frame, HEADER_BYTES};
use crate::quarantine;
use crate::scan::{Hole, next_frame};
use crate::segment::{DATA_START, Segment};
use crate::shared::{Live, LiveSegment, Shared};
use crate::window::Window;

/// Reads batches in order and follows the live end. Several readers do not disturb each other.
///
/// Keeps working on what was stored when the [`crate::Journal`] is dropped, then says [`JournalError::Closed`].
pub struct Reader {
    shared: Arc<Shared>,
    /// The last position that was given out or is known to be gone.
    position: Position,
    place: Option<Place>,
    window: Window,
}

/// Where to read next.
#[derive(Clone)]
struct Place {
    segment: Arc<Segment>,
    offset: u64,
    /// Entries end here, as far as is known.
    end: u64,
    /// The last position before `end`.
    last: Position,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>, after: Position) -> Self {
        Self { shared, position: after, place: None, window: Window::default() }
    }

    /// The next batch, or `None` when none came within `timeout`. Damaged ranges are put aside and stepped over.
    ///
    /// # Errors
    /// [`JournalError::Io`] when the disk cannot be read: another try may help. [`JournalError::Closed`] after the last
    /// batch of a closed journal.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Batch>, JournalError> {
        let deadline = Instant::now() + timeout;
        while let Some(mut place) = self.find(deadline)? {
            let batch = self.step(&mut place);
            self.place = Some(place);
            if let Some(batch) = batch? {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// The last position that was read or is known to be gone.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Waits until there is something to read.
    fn find(&mut self, deadline: Instant) -> Result<Option<Place>, JournalError> {
        let shared = Arc::clone(&self.shared);
        let mut live = shared.lock();
        loop {
            if live.last > self.position {
                match self.locate(&live) {
                    Some(place) => return Ok(Some(place)),
                    // Positions were passed over without entries.
                    None => self.position = live.last,
                }
            } else if live.closed {
                return Err(JournalError::Closed);
            } else {
                let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                    return Ok(None);
                };
                live = shared.grown.wait_timeout(live, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    /// The next bytes to look at; `None` when no segment has any.
    fn locate(&mut self, live: &Live) -> Option<Place> {
        let mut next = 0;
        if let Some(place) = &self.place {
            let current = live.segments.iter().position(|live| live.segment.generation == place.segment.generation);
            if let Some(current) = current {
                let LiveSegment { segment, end, last } = &live.segments[current];
                if place.offset < *end {
                    return Some(Place { segment: Arc::clone(segment), offset: place.offset, end: *end, last: *last });
                }
                next = current + 1;
            }
        }
        // A segment that was given up lies below the committed position: there is nothing left of it to read.
        let found = live.segments.iter().skip(next).find(|live| live.last > self.position)?;
        self.window.clear();
        let LiveSegment { segment, end, last } = found;
        Some(Place { segment: Arc::clone(segment), offset: DATA_START, end: *end, last: *last })
    }

    /// Looks at one entry.
    fn step(&mut self, place: &mut Place) -> Result<Option<Batch>, JournalError> {
        let segment = Arc::clone(&place.segment);
        let failed = |error| JournalError::io("read", &segment.path, error);
        let found = next_frame(&segment, &mut self.window, place.offset, place.end).map_err(failed)?;
        let (at, frame) = match found {
            Some((at, frame)) if at == place.offset => (at, frame),
            // Its header is damaged: go on with the next one.
            found => {
                let before = |frame: &Frame| match frame {
                    Frame::Entry(entry) => Position(entry.position.0 - 1),
                    Frame::Filler { first, .. } => Position(first.0.saturating_sub(1)),
                };
                let end = found.as_ref().map_or(place.end, |(at, _)| *at);
                let last = found.as_ref().map_or(place.last, |(_, frame)| before(frame));
                self.put_aside(place, end, last);
                return Ok(None);
            }
        };
        match frame {
            Frame::Filler { last, span, .. } => {
                place.offset = at + span;
                self.position = self.position.max(last);
                Ok(None)
            }
            Frame::Entry(entry) if entry.position <= self.position => {
                place.offset = at + entry.span();
                Ok(None)
            }
            Frame::Entry(entry) => match self.payload(place, &entry).map_err(failed)? {
                Some((head, body)) => {
                    place.offset = at + entry.span();
                    self.position = entry.position;
                    let EntryFrame { position, intake, received, records, .. } = entry;
                    Ok(Some(Batch { position, intake, received, records, head, body }))
                }
                None => {
                    self.put_aside(place, at + entry.span(), entry.position);
                    Ok(None)
                }
            },
        }
    }

    /// Head and body behind the header, if their checksum is right.
    fn payload(&mut self, place: &Place, entry: &EntryFrame) -> std::io::Result<Option<(Bytes, Bytes)>> {
        let Place { segment, offset, end, .. } = place;
        let start = offset + HEADER_BYTES as u64;
        let payload = self.window.get(&segment.file, start, entry.payload_bytes() as u64, *end)?;
        let mut crc = segment.seed.payload();
        crc.update(payload);
        if payload.len() != entry.payload_bytes() || crc.finalize() != entry.payload_crc {
            return Ok(None);
        }
        let payload = Bytes::copy_from_slice(payload);
        self.window.release();
        Ok(Some((payload.slice(..entry.head_bytes), payload.slice(entry.head_bytes..))))
    }

    /// Steps over `place.offset..end`, where the entries up to `last` are damaged.
    fn put_aside(&mut self, place: &mut Place, end: u64, last: Position) {
        let hole = Hole { start: place.offset, end, first: self.position.next(), last };
        place.offset = end.next_multiple_of(ALIGN_BYTES);
        self.window.clear();
        // What is below the reader's position was given out before; and another reader may have been here.
        let is_marked = matches!(
            next_frame(&place.segment, &mut self.window, hole.start, hole.start + HEADER_BYTES as u64),
            Ok(Some((_, Frame::Filler { .. })))
        );
        if hole.last >= hole.first && !is_marked {
            let Shared { directory, disk, .. } = self.shared.as_ref();
            let quarantined = quarantine::put_aside(directory, disk.as_ref(), &place.segment, hole);
            self.shared.quarantined(&quarantined);
        }
        self.position = self.position.max(last);
        self.window.clear();
    }
}
