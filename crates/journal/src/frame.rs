//! One entry on disk: a header of 96 bytes, the head, the body, and zeros up to the next multiple of 32.
//!
//! Header and payload have a checksum each, so that a damaged body still says where the next entry begins. Both are
//! seeded with the node's id and the segment's generation: what an earlier use of the segment left behind, or what a
//! sender put into a body, can never pass for an entry.

use crc32fast::Hasher;
use tidegate_event::{IntakeId, NodeId, Position, Timestamp};
use uuid::Uuid;

use crate::options::{BODY_BYTES_MAX, HEAD_BYTES_MAX};

/// Size of a header.
pub(crate) const HEADER_BYTES: usize = 96;
/// Every entry begins at a multiple of this.
pub(crate) const ALIGN_BYTES: u64 = 32;
/// First four bytes of a header.
pub(crate) const MAGIC: [u8; 4] = *b"TGe1";

/// Hash of intake, head and body.
pub(crate) type Digest = [u8; 16];

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A batch follows.
    Entry(EntryFrame),
    /// Nothing to read here: a range that was damaged, or never complete.
    Filler {
        /// The first position that is not there.
        first: Position,
        /// The last position that is not there.
        last: Position,
        /// How many bytes to step over, this header included.
        span: u64,
    },
}

/// What the header of a batch says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryFrame {
    pub(crate) position: Position,
    /// The first position of the group it was written in: everything below was on disk before this entry was written.
    pub(crate) group_first: Position,
    pub(crate) received: Timestamp,
    pub(crate) intake: IntakeId,
    pub(crate) digest: Digest,
    pub(crate) records: u32,
    pub(crate) head_bytes: usize,
    pub(crate) body_bytes: usize,
    pub(crate) payload_crc: u32,
}

/// What ties entries to their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed {
    generation: u64,
    crc: u32,
}

impl Seed {
    pub(crate) fn new(node: NodeId, generation: u64) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(node.0.as_bytes());
        hasher.update(&generation.to_le_bytes());
        Self { generation, crc: hasher.finalize() }
    }

    /// A checksum to be fed with a payload.
    pub(crate) fn payload(self) -> Hasher {
        Hasher::new_with_initial(self.crc)
    }
}

impl EntryFrame {
    /// Bytes behind the header.
    pub(crate) fn payload_bytes(&self) -> usize {
        self.head_bytes + self.body_bytes
    }

    /// Bytes from this header to the next.
    pub(crate) fn span(&self) -> u64 {
        span(self.payload_bytes())
    }
}

impl Frame {
    /// Bytes from this header to the next.
    pub(crate) fn span(&self) -> u64 {
        match self {
            Self::Entry(entry) => entry.span(),
            Self::Filler { span, .. } => *span,
        }
    }

    pub(crate) fn encode(&self, seed: Seed) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        put(&mut out, 8, seed.generation.to_le_bytes());
        match self {
            Self::Entry(entry) => {
                put(&mut out, 16, entry.position.0.to_le_bytes());
                put(&mut out, 24, entry.group_first.0.to_le_bytes());
                put(&mut out, 32, entry.received.as_micros().to_le_bytes());
                put(&mut out, 40, *entry.intake.0.as_bytes());
                put(&mut out, 56, entry.digest);
                put(&mut out, 72, entry.records.to_le_bytes());
                // Both lengths have bounds far below 4 GiB.
                put(&mut out, 76, (entry.head_bytes as u32).to_le_bytes());
                put(&mut out, 80, (entry.body_bytes as u32).to_le_bytes());
                put(&mut out, 84, entry.payload_crc.to_le_bytes());
            }
            Self::Filler { first, last, span } => {
                put(&mut out, 16, first.0.to_le_bytes());
                put(&mut out, 24, last.0.to_le_bytes());
                put(&mut out, 32, span.to_le_bytes());
                put(&mut out, 88, 1_u32.to_le_bytes());
            }
        }
        let crc = header_crc(&out, seed);
        put(&mut out, 4, crc.to_le_bytes());
        put(&mut out, 0, MAGIC);
        out
    }

    /// The header at the beginning of `bytes`, if one stands there that belongs to this segment.
    pub(crate) fn decode(bytes: &[u8], seed: Seed) -> Option<Self> {
        let bytes = bytes.get(..HEADER_BYTES)?;
        let known =
            bytes[..4] == MAGIC && u64_at(bytes, 8) == seed.generation && u32_at(bytes, 4) == header_crc(bytes, seed);
        if !known {
            return None;
        }
        let first = Position(u64_at(bytes, 16));
        let second = Position(u64_at(bytes, 24));
        if u32_at(bytes, 88) == 1 {
            let span = u64_at(bytes, 32);
            let plausible = span >= HEADER_BYTES as u64 && span.is_multiple_of(ALIGN_BYTES);
            return plausible.then_some(Self::Filler { first, last: second, span });
        }
        let entry = EntryFrame {
            position: first,
            group_first: second,
            received: Timestamp::from_micros(i64::from_le_bytes(array_at(bytes, 32))),
            intake: IntakeId(Uuid::from_bytes(array_at(bytes, 40))),
            digest: array_at(bytes, 56),
            records: u32_at(bytes, 72),
            head_bytes: u32_at(bytes, 76) as usize,
            body_bytes: u32_at(bytes, 80) as usize,
            payload_crc: u32_at(bytes, 84),
        };
        (entry.head_bytes <= HEAD_BYTES_MAX && entry.body_bytes <= BODY_BYTES_MAX).then_some(Self::Entry(entry))
    }

    /// Whether a header of this segment was begun here, complete or not: its magic number and generation stand.
    pub(crate) fn was_begun(bytes: &[u8], seed: Seed) -> bool {
        bytes.len() >= 16 && bytes[..4] == MAGIC && u64_at(bytes, 8) == seed.generation
    }
}

/// Bytes that an entry with such a payload takes.
pub(crate) fn span(payload_bytes: usize) -> u64 {
    ((HEADER_BYTES + payload_bytes) as u64).next_multiple_of(ALIGN_BYTES)
}

fn header_crc(header: &[u8], seed: Seed) -> u32 {
    let mut hasher = Hasher::new_with_initial(seed.crc);
    hasher.update(&header[8..HEADER_BYTES]);
    hasher.finalize()
}

fn put<const N: usize>(out: &mut [u8], at: usize, bytes: [u8; N]) {
    out[at..at + N].copy_from_slice(&bytes);
}

/// The `N` bytes at `at`, which the caller knows to be there.
pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> [Frame; 2] {
        let entry = EntryFrame {
            position: Position(7),
            group_first: Position(5),
            received: Timestamp::from_micros(-3),
            intake: IntakeId(Uuid::from_u128(9)),
            digest: [8; 16],
            records: 1000,
            head_bytes: 3,
            body_bytes: 70_000,
            payload_crc: 0xdead_beef,
        };
        [Frame::Entry(entry), Frame::Filler { first: Position(1), last: Position(4), span: 1 << 33 }]
    }

    #[test]
    fn headers_come_back_and_only_in_their_place() {
        let seed = Seed::new(NodeId(Uuid::from_u128(1)), 3);
        for frame in frames() {
            let bytes = frame.encode(seed);
            assert_eq!(Frame::decode(&bytes, seed), Some(frame));
            assert!(Frame::was_begun(&bytes, seed));
            assert_eq!(Frame::decode(&bytes, Seed::new(NodeId(Uuid::from_u128(1)), 4)), None);
            assert_eq!(Frame::decode(&bytes, Seed::new(NodeId(Uuid::from_u128(2)), 3)), None);
        }
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let seed = Seed::new(NodeId(Uuid::from_u128(1)), 3);
        for frame in frames() {
            let bytes = frame.encode(seed);
            for bit in 0..HEADER_BYTES * 8 {
                let mut damaged = bytes;
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(Frame::decode(&damaged, seed), None, "bit {bit}");
            }
        }
    }
}
