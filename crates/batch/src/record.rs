//! What a body is split into.

use std::borrow::Cow;

/// One raw record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its bytes: a verbatim slice of the body, or the content of a JSON string. Not always UTF-8.
    pub raw: Cow<'a, [u8]>,
    /// The line of the body it begins on, from 1.
    pub line: u32,
    /// It is longer than `record_bytes_max`: keep it, do not parse it.
    pub oversize: bool,
}

/// What an endpoint with structured bodies says about one record beside its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The intake key this record was sent with.
    pub intake_key: Option<Cow<'a, str>>,
    /// The event time the sender gave, as it stands.
    pub timestamp: Option<Cow<'a, str>>,
}

/// A body, split. The same body and framing always give the same records in the same order: event ids depend on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split<'a> {
    /// The records, in order.
    pub records: Vec<Record<'a>>,
    /// The intake key, where the body as a whole carries one (`/batch` and `/`).
    pub intake_key: Option<Cow<'a, str>>,
    /// For `/array`: one for each record, in the same order. Empty when no record of the body carries any.
    pub envelopes: Vec<Envelope<'a>>,
    /// For `/`: the event time in the body.
    pub timestamp: Option<Cow<'a, str>>,
}
