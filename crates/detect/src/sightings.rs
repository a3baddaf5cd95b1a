//! What judges saw in a batch, owned and small, on its way to the memory.

use std::sync::Arc;

use tidegate_event::{EventId, Timestamp};

use crate::catalogue::Catalogue;

/// Longest text that is kept of an event, in bytes; names, addresses and ids are shorter.
pub(crate) const TEXT_BYTES_MAX: usize = 1_024;
/// Most text that is kept of a batch; what is beyond counts as empty.
pub(crate) const BATCH_TEXT_BYTES_MAX: usize = 2 << 30;

/// A piece of the batch's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

/// A captured value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Datum {
    /// The event lacks the field.
    Absent,
    Text(Span),
    Number(f64),
}

/// One event of interest.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    pub(crate) row: usize,
    pub(crate) event: EventId,
    pub(crate) at: Timestamp,
    pub(crate) name: Span,
    pub(crate) registered: Span,
    pub(crate) query_type: Span,
    pub(crate) source_ip: Span,
    pub(crate) destination_ip: Span,
    pub(crate) device: Span,
    pub(crate) nxdomain: bool,
    pub(crate) blocked: bool,
    /// Its hits: from, to.
    pub(crate) hits: (u32, u32),
}

/// A rule that matched the event.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) rule: u32,
    /// Its captured values: from, to.
    pub(crate) values: (u32, u32),
    pub(crate) matched: Vec<(Arc<str>, String)>,
}

/// The sightings of one batch.
#[derive(Clone, Debug)]
pub struct Sightings {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) text: String,
    pub(crate) list: Vec<Sighting>,
    pub(crate) hits: Vec<Hit>,
    pub(crate) values: Vec<Datum>,
    pub(crate) clamped: u64,
}

impl Sightings {
    /// No sightings yet, of events judged by `catalogue`.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        Self { catalogue, text: String::new(), list: Vec::new(), hits: Vec::new(), values: Vec::new(), clamped: 0 }
    }

    /// Empties it for the next batch; the memory is kept.
    pub fn clear(&mut self, catalogue: Arc<Catalogue>) {
        self.catalogue = catalogue;
        self.text.clear();
        self.list.clear();
        self.hits.clear();
        self.values.clear();
        self.clamped = 0;
    }

    /// Removes the sightings of rows for which `keep` says no: duplicates.
    pub fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        self.list.retain(|sighting| keep(sighting.row));
    }

    /// Number of events in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Number of rules' matches in it.
    #[must_use]
    pub fn matches(&self) -> usize {
        self.list.iter().map(|sighting| (sighting.hits.1 - sighting.hits.0) as usize).sum()
    }

    /// Keeps a text, of a long one the beginning.
    pub(crate) fn keep(&mut self, text: &str) -> Span {
        let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
        if self.text.len() + text.len() > BATCH_TEXT_BYTES_MAX {
            return Span::default();
        }
        let start = self.text.len() as u32;
        self.text.push_str(text);
        Span { start, end: self.text.len() as u32 }
    }

    /// Keeps a text that mostly is the end of one already kept.
    pub(crate) fn keep_tail(&mut self, text: &str, of: Span) -> Span {
        if self.read(of).ends_with(text) {
            return Span { start: of.end - text.len() as u32, end: of.end };
        }
        self.keep(text)
    }

    pub(crate) fn read(&self, span: Span) -> &str {
        &self.text[span.start as usize..span.end as usize]
    }

    /// The bytes it occupies, about.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.text.len() + size_of_val(&*self.list) + size_of_val(&*self.hits) + size_of_val(&*self.values)
    }
}
