//! Walks the entries of one segment and finds what is damaged between them. Damage is only described here; what it
//! means depends on what follows in other segments, which `recover` knows.

use std::io;

use tidegate_event::Position;

use crate::frame::{ALIGN_BYTES, EntryFrame, Frame, HEADER_BYTES, MAGIC};
use crate::segment::{DATA_START, Segment};
use crate::window::Window;

/// What one walk found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Ranges between entries that hold none.
    pub(crate) holes: Vec<Hole>,
    /// Where the last entry ends.
    pub(crate) tail: u64,
    /// The position that would come next.
    pub(crate) expected: Position,
    /// The largest `group_first` seen: everything below was on disk at that time.
    pub(crate) group_first: Position,
    /// Bytes behind the tail that were written for an entry which is not whole.
    pub(crate) torn_bytes: u64,
    /// Whole entries.
    pub(crate) entries: u64,
}

/// A range without an entry where one should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The first position that is missing.
    pub(crate) first: Position,
    /// The last position that is missing; below `first` when none is.
    pub(crate) last: Position,
}

/// Where a walk begins and what it does not need to look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The position that should come first.
    pub(crate) expected: Position,
    /// Entries from this position on were never acknowledged: a later segment holds these positions.
    pub(crate) void_from: Position,
    /// The payloads of entries up to this position need no check: they are in the table.
    pub(crate) trusted: Position,
}

/// Walks all of `segment`; `found` gets every whole entry in order.
pub(crate) fn scan(segment: &Segment, bounds: Bounds, mut found: impl FnMut(&EntryFrame)) -> io::Result<Scan> {
    let mut window = Window::default();
    let mut scan = Scan::starting_at(bounds.expected);
    let mut offset = DATA_START;
    // The beginning of the hole that the walk is in.
    let mut hole: Option<u64> = None;
    while let Some((at, frame)) = next_frame(segment, &mut window, offset, segment.size)? {
        if at > offset {
            hole.get_or_insert(offset);
        }
        offset = at + frame.span();
        match frame {
            Frame::Filler { first, last, .. } => {
                // What it stands for was reported when it was written.
                if hole.is_some() {
                    scan.close(&mut hole, at, scan.expected, Position(first.0.saturating_sub(1)));
                }
                scan.expected = scan.expected.max(last.next());
            }
            Frame::Entry(entry) => {
                if entry.position >= bounds.void_from {
                    offset = at;
                    break;
                }
                let is_whole = entry.position >= scan.expected
                    && (entry.position <= bounds.trusted || payload_is_whole(segment, &mut window, at, &entry)?);
                if !is_whole {
                    hole.get_or_insert(at);
                    continue;
                }
                scan.close(&mut hole, at, scan.expected, Position(entry.position.0 - 1));
                found(&entry);
                scan.entries += 1;
                scan.expected = entry.position.next();
                scan.group_first = scan.group_first.max(entry.group_first);
            }
        }
        scan.tail = offset;
    }
    // A hole with nothing behind it is the torn tail.
    scan.torn_bytes = match hole {
        Some(start) => offset - start,
        None => begun_bytes(segment, &mut window, scan.tail)?,
    };
    Ok(scan)
}

/// What a header takes that was begun at `tail` and is not readable.
fn begun_bytes(segment: &Segment, window: &mut Window, tail: u64) -> io::Result<u64> {
    let bytes = window.get(&segment.file, tail, HEADER_BYTES as u64, segment.size)?;
    Ok(if Frame::was_begun(bytes, segment.seed) { HEADER_BYTES as u64 } else { 0 })
}

impl Scan {
    fn starting_at(expected: Position) -> Self {
        Self { holes: Vec::new(), tail: DATA_START, expected, group_first: Position(0), torn_bytes: 0, entries: 0 }
    }

    fn close(&mut self, hole: &mut Option<u64>, end: u64, first: Position, last: Position) {
        let start = match hole.take() {
            Some(start) => start,
            // Positions are dense; a jump without damaged bytes is a gap all the same.
            None if last >= first && self.entries > 0 => end,
            None => return,
        };
        self.holes.push(Hole { start, end, first, last });
    }
}

/// The next readable header at or behind `offset`, and where it stands.
pub(crate) fn next_frame(
    segment: &Segment,
    window: &mut Window,
    offset: u64,
    end: u64,
) -> io::Result<Option<(u64, Frame)>> {
    let mut at = offset;
    while at + HEADER_BYTES as u64 <= end {
        let bytes = window.get(&segment.file, at, HEADER_BYTES as u64, end)?;
        if bytes.len() < HEADER_BYTES {
            return Ok(None);
        }
        if bytes[..4] == MAGIC
            && let Some(frame) = Frame::decode(bytes, segment.seed)
            && at.checked_add(frame.span()).is_some_and(|behind| behind <= end)
        {
            return Ok(Some((at, frame)));
        }
        at += ALIGN_BYTES;
    }
    Ok(None)
}

/// Whether the payload behind the header at `offset` has the checksum that the header gives.
pub(crate) fn payload_is_whole(
    segment: &Segment,
    window: &mut Window,
    offset: u64,
    entry: &EntryFrame,
) -> io::Result<bool> {
    const PIECE_BYTES: u64 = 256 << 10;
    let mut crc = segment.seed.payload();
    let mut at = offset + HEADER_BYTES as u64;
    let end = at + entry.payload_bytes() as u64;
    while at < end {
        let piece = window.get(&segment.file, at, PIECE_BYTES.min(end - at), segment.size)?;
        if piece.is_empty() {
            return Ok(false);
        }
        crc.update(piece);
        at += piece.len() as u64;
    }
    Ok(crc.finalize() == entry.payload_crc)
}
