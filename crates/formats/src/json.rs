//! JSON text in; only the paths that a format reads come out, borrowed from the text. Everything else is checked and
//! skipped. One pass.

use std::fmt;

use bumpalo::Bump;
use tidegate_event::Value;

use crate::paths::{NO_SLOT, Paths, Slot};

mod reader;
#[cfg(test)]
mod tests;

use reader::{Reader, TOO_DEEP};

/// Deepest nesting of a record.
pub(crate) const DEPTH_MAX: usize = 128;

/// Why a text is not JSON, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid JSON at byte {}: {}", self.at, self.what)
    }
}

/// The order in which keys came last time: records of one source repeat it, so the next key is known before it is read.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    first: Vec<Slot>,
    next: Vec<Slot>,
}

impl Hints {
    pub(crate) fn new(paths: &Paths) -> Self {
        Self { first: vec![NO_SLOT; paths.nodes.len()], next: vec![NO_SLOT; paths.nodes.len()] }
    }
}

/// Reads the value that `text` is.
pub(crate) fn read_value<'a>(text: &'a str, arena: &'a Bump) -> Result<Value<'a>, JsonError> {
    let mut items = Vec::new();
    let mut entries = Vec::new();
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, arena, items: &mut items, entries: &mut entries };
    let value = reader.value(0)?;
    reader.end()?;
    Ok(value)
}

/// Where values of one parse go.
pub(crate) struct Sink<'r, 'a> {
    pub(crate) paths: &'r Paths,
    pub(crate) slots: &'r mut [Option<Value<'a>>],
    pub(crate) hints: &'r mut Hints,
    pub(crate) items: &'r mut Vec<Value<'a>>,
    pub(crate) entries: &'r mut Vec<(&'a str, Value<'a>)>,
}

/// Reads the paths below `root` from `text` into their slots.
pub(crate) fn read_paths<'a>(
    text: &'a str,
    root: Slot,
    sink: &mut Sink<'_, 'a>,
    arena: &'a Bump,
) -> Result<(), JsonError> {
    sink.items.clear();
    sink.entries.clear();
    let mut reader =
        Reader { text, bytes: text.as_bytes(), at: 0, arena, items: &mut *sink.items, entries: &mut *sink.entries };
    let mut walk = Walk { paths: sink.paths, slots: &mut *sink.slots, hints: &mut *sink.hints };
    reader.space();
    walk.node(&mut reader, root, sink.paths.nodes[root as usize].whole, 0)?;
    reader.end()
}

/// Spreads a value that is already read over the slots of its paths.
pub(crate) fn spread<'a>(value: Value<'a>, root: Slot, paths: &Paths, slots: &mut [Option<Value<'a>>]) {
    slots[root as usize] = Some(value);
    if let Value::Dict(_) = value {
        for child in &paths.nodes[root as usize].children {
            if let Some(inner) = value.get(&paths.nodes[*child as usize].key) {
                spread(inner, *child, paths, slots);
            }
        }
    }
}

/// The slots while a text is walked.
struct Walk<'r, 'a> {
    paths: &'r Paths,
    slots: &'r mut [Option<Value<'a>>],
    hints: &'r mut Hints,
}

impl<'a> Walk<'_, 'a> {
    /// Reads the value of a path into its slot. `whole`: the value itself is wanted, here or further up.
    ///
    /// Texts and small numbers are written to the slot piece by piece: handed on as a [`Value`], they would be read again
    /// before the processor has finished writing them, and stall it.
    #[inline]
    fn node(&mut self, reader: &mut Reader<'_, 'a>, slot: Slot, whole: bool, depth: usize) -> Result<(), JsonError> {
        if self.slots[slot as usize].is_some() {
            self.forget(slot);
        }
        match reader.peek() {
            Some(b'"') => {
                let text = reader.string()?;
                self.slots[slot as usize] = Some(Value::Str(text));
                return Ok(());
            }
            Some(b'0'..=b'9') => {
                if let Some(number) = reader.small_number() {
                    self.slots[slot as usize] = Some(Value::Int(number));
                    return Ok(());
                }
            }
            Some(b'{') if !self.paths.nodes[slot as usize].children.is_empty() => {
                // before its members, which must not be forgotten
                self.slots[slot as usize] = Some(Value::Dict(&[]));
                let value = self.object(reader, slot, whole, depth + 1)?;
                self.slots[slot as usize] = Some(value);
                return Ok(());
            }
            _ => {}
        }
        self.slots[slot as usize] = Some(reader.value(depth)?);
        Ok(())
    }

    /// A key came twice: what stood below its first value no longer counts.
    fn forget(&mut self, slot: Slot) {
        self.slots[slot as usize] = None;
        for child in &self.paths.nodes[slot as usize].children {
            self.forget(*child);
        }
    }

    /// Reads an object, the members that are paths into their slots.
    fn object(
        &mut self,
        reader: &mut Reader<'_, 'a>,
        slot: Slot,
        whole: bool,
        depth: usize,
    ) -> Result<Value<'a>, JsonError> {
        if depth > DEPTH_MAX {
            return Err(reader.error(TOO_DEEP));
        }
        let base = reader.entries.len();
        reader.at += 1;
        reader.space();
        if reader.peek() == Some(b'}') {
            reader.at += 1;
            return Ok(Value::Dict(&[]));
        }
        let mut expected = self.hints.first[slot as usize];
        let mut last = NO_SLOT;
        loop {
            let child = self.key(reader, slot, expected)?;
            reader.space();
            reader.expect(b':', "expected `:` after a key")?;
            match child {
                Key::Path(child) => {
                    if child != expected {
                        self.learn(slot, last, child);
                    }
                    let wanted = whole || self.paths.nodes[child as usize].whole;
                    reader.space();
                    self.node(reader, child, wanted, depth)?;
                    if let (true, Some(value)) = (whole, self.slots[child as usize]) {
                        // the key outlives the format only in the arena
                        let key = reader.arena.alloc_str(&self.paths.nodes[child as usize].key);
                        reader.entries.push((key, value));
                    }
                    last = child;
                    expected = self.hints.next[child as usize];
                }
                Key::Other(key) if whole => {
                    let value = reader.value(depth)?;
                    reader.entries.push((key, value));
                }
                Key::Other(_) => {
                    reader.space();
                    reader.skip(depth)?;
                }
            }
            if reader.member_end()? {
                break;
            }
        }
        Ok(reader.take_entries(base))
    }

    /// The key at the reader: the expected one by comparison, any other by its text.
    fn key(&self, reader: &mut Reader<'_, 'a>, slot: Slot, expected: Slot) -> Result<Key<'a>, JsonError> {
        if expected != NO_SLOT {
            let quoted = &self.paths.nodes[expected as usize].quoted;
            if begins(&reader.bytes[reader.at..], quoted) {
                reader.at += quoted.len();
                return Ok(Key::Path(expected));
            }
        }
        let key = reader.key()?;
        Ok(self.paths.find(slot, key).map_or(Key::Other(key), Key::Path))
    }

    fn learn(&mut self, slot: Slot, last: Slot, child: Slot) {
        if last == NO_SLOT {
            self.hints.first[slot as usize] = child;
        } else {
            self.hints.next[last as usize] = child;
        }
    }
}

enum Key<'a> {
    Path(Slot),
    Other(&'a str),
}

/// Whether `text` begins with a key in its quotes. Keys are short: a call to compare them costs more than the comparison.
#[inline]
fn begins(text: &[u8], key: &[u8]) -> bool {
    let Some(text) = text.get(..key.len()) else {
        return false;
    };
    match (text.last_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(a), Some(b)) => {
            u64::from_le_bytes(*a) == u64::from_le_bytes(*b)
                && text
                    .chunks_exact(8)
                    .zip(key.chunks_exact(8))
                    .all(|(a, b)| a.first_chunk::<8>() == b.first_chunk::<8>())
        }
        _ => text.iter().zip(key).all(|(a, b)| a == b),
    }
}
