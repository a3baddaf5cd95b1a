//! Bytes of a snapshot: little-endian numbers behind a head of magic, version, key and check-sum. Reading checks every
//! length against what is left, so that damaged bytes cannot ask for memory.

use thiserror::Error;
use tidegate_event::{EventId, NodeId, Position, Timestamp};
use uuid::Uuid;

use crate::names::HashKey;

const MAGIC: &[u8; 8] = b"TGNATIVE";
/// Raise it whenever what is saved changes.
const VERSION: u32 = 3;
const HEAD_BYTES: usize = 8 + 4 + 16 + 8;
/// Texts are names, addresses and the like.
const TEXT_BYTES_MAX: usize = 4096;

/// Why a snapshot cannot be taken up.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SnapshotError {
    /// Not a snapshot of the detectors.
    #[error("not a snapshot of the native detectors")]
    Foreign,
    /// Of another version.
    #[error("the snapshot has version {0}, this program reads {VERSION}")]
    Version(u32),
    /// Cut off or changed.
    #[error("the snapshot is damaged")]
    Damaged,
}

pub(super) struct Writer {
    key: HashKey,
    bytes: Vec<u8>,
}

macro_rules! numbers {
    ($($name:ident)*) => {
        impl Writer {
            $(pub(super) fn $name(&mut self, value: $name) {
                self.bytes.extend_from_slice(&value.to_le_bytes());
            })*
        }

        impl Reader<'_> {
            $(pub(super) fn $name(&mut self) -> Result<$name, SnapshotError> {
                let bytes = self.take(size_of::<$name>())?;
                Ok($name::from_le_bytes(bytes.try_into().map_err(|_| SnapshotError::Damaged)?))
            })*
        }
    };
}

numbers! { u8 u16 u32 u64 i64 }

impl Writer {
    pub(super) const fn new(key: HashKey) -> Self {
        Self { key, bytes: Vec::new() }
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        let mut end = text.len().min(TEXT_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.u32(end as u32);
        self.raw(&text.as_bytes()[..end]);
    }

    pub(super) fn event(&mut self, event: EventId) {
        self.raw(event.as_uuid().as_bytes());
    }

    pub(super) fn finish(self, out: &mut Vec<u8>) {
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.key.0.to_le_bytes());
        out.extend_from_slice(&self.key.1.to_le_bytes());
        out.extend_from_slice(&self.key.extend(0, &self.bytes).to_le_bytes());
        out.extend_from_slice(&self.bytes);
    }
}

pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// The key the snapshot was made with: what it holds goes by no other.
    pub(super) key: HashKey,
}

impl<'a> Reader<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, SnapshotError> {
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES).ok_or(SnapshotError::Foreign)?;
        let mut head = Reader { rest: head, key: HashKey::default() };
        if head.take(8)? != MAGIC {
            return Err(SnapshotError::Foreign);
        }
        match head.u32()? {
            VERSION => {}
            version => return Err(SnapshotError::Version(version)),
        }
        let key = HashKey(head.u64()?, head.u64()?);
        if head.u64()? != key.extend(0, rest) {
            return Err(SnapshotError::Damaged);
        }
        Ok(Self { rest, key })
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], SnapshotError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(SnapshotError::Damaged)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A count of things that take at least `bytes_each` bytes.
    pub(super) fn count(&mut self, bytes_each: usize) -> Result<usize, SnapshotError> {
        let count = self.u32()? as usize;
        if count.saturating_mul(bytes_each) > self.rest.len() {
            return Err(SnapshotError::Damaged);
        }
        Ok(count)
    }

    pub(super) fn text(&mut self) -> Result<String, SnapshotError> {
        let length = self.count(1)?;
        if length > TEXT_BYTES_MAX {
            return Err(SnapshotError::Damaged);
        }
        String::from_utf8(self.take(length)?.to_vec()).map_err(|_| SnapshotError::Damaged)
    }

    /// An event id is made of its parts again: see the layout at [`EventId::new`].
    pub(super) fn event(&mut self) -> Result<EventId, SnapshotError> {
        let bytes = self.take(16)?.try_into().map_err(|_| SnapshotError::Damaged)?;
        let (high, low) = Uuid::from_bytes(bytes).as_u64_pair();
        let index_bits = EventId::RECORDS_MAX.trailing_zeros();
        let index = low as u32 & (EventId::RECORDS_MAX - 1);
        let position = Position(low << 2 >> 2 >> index_bits);
        let received = Timestamp::from_micros((high >> 16) as i64 * 1000);
        Ok(EventId::new(NodeId(Uuid::from_u128(u128::from(high & 0xfff))), position, received, index))
    }

    pub(super) const fn finish(&self) -> Result<(), SnapshotError> {
        if self.rest.is_empty() { Ok(()) } else { Err(SnapshotError::Damaged) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_come_back_whole() {
        let node = NodeId(Uuid::from_u128(u128::MAX));
        let event =
            EventId::new(node, Position(0xf_ffff_ffff), Timestamp::from_micros(1_772_438_400_123_000), 67_108_863);
        let mut writer = Writer::new(HashKey::default());
        writer.event(event);
        writer.text("h\u{e9}");
        let mut bytes = Vec::new();
        writer.finish(&mut bytes);
        let mut reader = Reader::open(&bytes).unwrap();
        assert_eq!(reader.event().unwrap(), event);
        assert_eq!(reader.text().unwrap(), "h\u{e9}");
        reader.finish().unwrap();
    }
}
