//! Some text and the records in it: the unit that is handed to a worker.

use crate::json::unescape;
use crate::record::Record;
use std::borrow::Cow;

/// Some text and the records in it. Owns its text, so it can be handed to another thread.
#[derive(Debug, Default)]
pub struct Chunk {
    pub(super) text: Vec<u8>,
    slots: Vec<Slot>,
}

/// Where a record lies in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) line: u32,
    pub(super) escaped: bool,
    pub(super) oversize: bool,
}

impl Chunk {
    /// The records, in the file's order.
    pub fn records(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        self.slots.iter().map(|slot| {
            let raw = &self.text[slot.start..slot.end];
            let raw = if slot.escaped && !slot.oversize { unescape(raw) } else { Cow::Borrowed(raw) };
            Record { raw, line: slot.line, oversize: slot.oversize }
        })
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.slots.clear();
    }

    /// Adds a record; one that is too long is cut to the bound, wherever the block happened to end.
    pub(super) fn push(&mut self, mut slot: Slot, record_bytes_max: usize) {
        slot.oversize = slot.end - slot.start > record_bytes_max;
        if slot.oversize {
            slot.end = slot.start + record_bytes_max;
        }
        self.slots.push(slot);
    }
}
