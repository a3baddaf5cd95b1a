//! Why one DNS record cannot be decoded.

use thiserror::Error;

/// What is wrong with a record; the others of the event are not affected.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum Damage {
    /// The data is no base64 text.
    #[error("the data is not base64")]
    Base64,
    /// The bytes end too early.
    #[error("it ends in the middle of {0}")]
    Truncated(&'static str),
    /// Bytes remain after the data.
    #[error("{0} bytes are left over after the data")]
    LeftOver(usize),
    /// An address of the wrong size.
    #[error("an address has {found} bytes instead of {expected}")]
    AddressSize {
        /// Bytes found.
        found: usize,
        /// Bytes of such an address.
        expected: usize,
    },
    /// A name longer than DNS allows.
    #[error("a name is longer than 255 bytes")]
    NameTooLong,
    /// A label of a kind that was never defined.
    #[error("a label begins with the byte {0:#04x}")]
    LabelKind(u8),
    /// A compression pointer to bytes that are not in the record.
    #[error("a name continues outside of the record")]
    PointerOutside,
    /// A compression pointer that does not point backwards: it would loop.
    #[error("a name continues at or after itself")]
    PointerForward,
    /// The data breaks the rules of its type.
    #[error("the data breaks the rules of {0}")]
    Rules(&'static str),
    /// Neither a type nor a full record.
    #[error("neither the type nor the data tells what it is")]
    NoType,
    /// An item of the list has another shape.
    #[error("it is not an object with type and data")]
    Shape,
    /// The records before it used up what one event may hold.
    #[error("it is beyond the bound of bytes decoded of one event")]
    Bound,
    /// The JSON text is damaged.
    #[error("the JSON text is damaged at byte {0}")]
    Json(usize),
    /// The JSON text is nested deeper than answers are.
    #[error("the JSON text is nested too deeply at byte {0}")]
    JsonDepth(usize),
}
