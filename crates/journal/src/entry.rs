//! What goes into the journal and what comes out.

use bytes::Bytes;
use tidegate_event::{IntakeId, Position, Timestamp};

/// One batch to store, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The intake it came in by.
    pub intake: IntakeId,
    /// When it was received.
    pub received: Timestamp,
    /// How many records it holds. The journal only carries the number.
    pub records: u32,
    /// What the reader needs to understand the body; opaque here.
    pub head: Vec<u8>,
    /// The body, verbatim.
    pub body: Bytes,
}

/// The journal's promise: the batch is on disk at this position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Where the batch is.
    pub position: Position,
    /// When it was received; for a duplicate, when the first one was.
    pub received: Timestamp,
    /// How many records it holds.
    pub records: u32,
    /// The same batch was stored before within the dedupe window; this is the receipt of that one.
    pub duplicate: bool,
}

/// One stored batch, as read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Where it is.
    pub position: Position,
    /// The intake it came in by.
    pub intake: IntakeId,
    /// When it was received.
    pub received: Timestamp,
    /// How many records it holds.
    pub records: u32,
    /// The head, verbatim.
    pub head: Bytes,
    /// The body, verbatim.
    pub body: Bytes,
}
