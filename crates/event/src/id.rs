//! Identifiers: of the node, an intake, a batch in the journal, an event.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

/// Identifies one data directory for ever; drawn at random when the directory is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeId(pub Uuid);

/// Identifies an intake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IntakeId(pub Uuid);

impl fmt::Display for IntakeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The ordinal of a batch in the journal: the first batch ever appended is 1, each next one is one more, for the life
/// of the data directory. 0 stands for "before the first".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position(pub u64);

impl Position {
    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The id of one event: a UUID (version 8) made of the receipt time, the journal position and the record's index in its
/// batch. Known before the reply, the same on every replay, ascending in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(Uuid);

/// Bits of the record's index in its batch; `tidegate-batch` bounds a batch below it.
const INDEX_BITS: u32 = 26;

impl EventId {
    /// The largest number of records one batch may hold.
    pub const RECORDS_MAX: u32 = 1 << INDEX_BITS;

    /// The id of record `index` of the batch at `position`, received at `received`.
    ///
    /// Layout: 48 bits milliseconds of receipt, 4 bits version, 12 bits of the node, 2 bits variant, 36 bits position,
    /// 26 bits index.
    #[must_use]
    pub fn new(node: NodeId, position: Position, received: Timestamp, index: u32) -> Self {
        debug_assert!(index < Self::RECORDS_MAX);
        let millis = u64::try_from(received.as_micros() / 1000).unwrap_or(0) & 0xffff_ffff_ffff;
        let node = node.0.as_u128() as u64 & 0xfff;
        let high = (millis << 16) | (8 << 12) | node;
        let low = (0b10 << 62) | ((position.0 & 0xf_ffff_ffff) << INDEX_BITS) | u64::from(index);
        Self(Uuid::from_u64_pair(high, low))
    }

    /// The id of a stored event.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The id as a UUID.
    #[must_use]
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }

    /// When the event's batch was received, to the millisecond. Meaningless for a UUID we did not make.
    #[must_use]
    pub fn received(uuid: Uuid) -> Timestamp {
        Timestamp::from_micros(i64::try_from(uuid.as_u64_pair().0 >> 16).unwrap_or(0) * 1000)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_valid_ascending_and_remember_their_receipt() {
        let node = NodeId(Uuid::from_u128(0x1234_5678_9abc_def0_1234_5678_9abc_def0));
        let received = Timestamp::from_micros(1_700_000_000_123_456);
        let first = EventId::new(node, Position(7), received, 0);
        let second = EventId::new(node, Position(7), received, 1);
        let third = EventId::new(node, Position(8), received, 0);
        assert!(first < second && second < third);
        assert_eq!(first.as_uuid().get_version_num(), 8);
        assert_eq!(first.as_uuid().get_variant(), uuid::Variant::RFC4122);
        assert_eq!(EventId::received(first.as_uuid()).as_micros(), 1_700_000_000_123_000);
    }
}
