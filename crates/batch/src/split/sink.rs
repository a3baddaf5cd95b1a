//! Where the walks put the records they find.

use std::borrow::Cow;

use crate::error::BatchError;
use crate::json::{string_inner, unescape};
use crate::limits::Limits;
use crate::record::{Envelope, Record, Split};

/// A record as found: a slice of the body, not unescaped yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) raw: &'a [u8],
    /// The inner bytes of a JSON string.
    pub(crate) escaped: bool,
    pub(crate) line: u32,
}

impl<'a> Piece<'a> {
    /// A record that stands for itself.
    pub(crate) fn verbatim(raw: &'a [u8], line: u32) -> Self {
        Self { raw, escaped: false, line }
    }

    /// A record that is a JSON value: a string means its content, anything else itself.
    pub(crate) fn of_value(value: &'a [u8], line: u32) -> Self {
        match string_inner(value) {
            Some(inner) => Self { raw: inner, escaped: true, line },
            None => Self::verbatim(value, line),
        }
    }

    /// The record. One that is too long stays a slice: nothing is allocated for it.
    pub(crate) fn into_record(self, record_bytes_max: usize) -> Record<'a> {
        let oversize = self.raw.len() > record_bytes_max;
        let raw = if self.escaped && !oversize { unescape(self.raw) } else { Cow::Borrowed(self.raw) };
        Record { raw, line: self.line, oversize }
    }
}

/// Takes what a walk finds.
pub(crate) trait Sink<'a> {
    /// The next record.
    fn piece(&mut self, piece: Piece<'a>) -> Result<(), BatchError>;
    /// What came with the last record.
    fn envelope(&mut self, _envelope: Envelope<'a>) {}
    /// What came with the whole body.
    fn body(&mut self, _envelope: Envelope<'a>) {}
}

/// Keeps everything.
pub(crate) struct Collector<'a> {
    split: Split<'a>,
    records_max: u32,
    record_bytes_max: usize,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { split: Split::default(), records_max: limits.records_max(), record_bytes_max: limits.record_bytes_max }
    }

    pub(crate) fn into_split(self) -> Split<'a> {
        self.split
    }
}

impl<'a> Sink<'a> for Collector<'a> {
    fn piece(&mut self, piece: Piece<'a>) -> Result<(), BatchError> {
        if self.split.records.len() >= self.records_max as usize {
            return Err(BatchError::TooManyRecords { records_max: self.records_max });
        }
        self.split.records.push(piece.into_record(self.record_bytes_max));
        Ok(())
    }

    fn envelope(&mut self, envelope: Envelope<'a>) {
        // Most bodies have none: the list starts with the first record that has one, and is level with the records then.
        if self.split.envelopes.is_empty() && envelope == Envelope::default() {
            return;
        }
        self.split.envelopes.resize(self.split.records.len() - 1, Envelope::default());
        self.split.envelopes.push(envelope);
    }

    fn body(&mut self, envelope: Envelope<'a>) {
        self.split.intake_key = envelope.intake_key;
        self.split.timestamp = envelope.timestamp;
    }
}

/// Only counts.
pub(crate) struct Counter {
    records: u32,
    records_max: u32,
}

impl Counter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { records: 0, records_max: limits.records_max() }
    }

    pub(crate) fn records(&self) -> u32 {
        self.records
    }
}

impl<'a> Sink<'a> for Counter {
    fn piece(&mut self, _piece: Piece<'a>) -> Result<(), BatchError> {
        if self.records >= self.records_max {
            return Err(BatchError::TooManyRecords { records_max: self.records_max });
        }
        self.records += 1;
        Ok(())
    }
}

/// Counts lines as a walk goes forward.
pub(crate) struct LineNumbers<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
}

impl<'a> LineNumbers<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, line: 1 }
    }

    /// The line of the byte at `at`, which must not lie before the one asked for last.
    pub(crate) fn at(&mut self, at: usize) -> u32 {
        let newlines = memchr::memchr_iter(b'\n', &self.text[self.at..at]).count();
        self.line = self.line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
        self.at = at;
        self.line
    }
}
