//! A pair of device and domain that has few distinct names so far.

use tidegate_event::Timestamp;

use super::super::context::Seen;
use super::super::snapshot::{Reader, SnapshotError, Writer};
use super::super::table::Persist;
use super::state::WINDOW_SECONDS;

/// Distinct names that make a candidate more than one.
const NAMES_MAX: usize = 5;
/// Coded names within the window from which on the pair's day is counted.
const CODED: u8 = 2;

#[derive(Clone, Debug)]
pub(in crate::native) struct Candidate {
    since: i64,
    /// Time of its first query.
    first: Timestamp,
    names: [u32; NAMES_MAX],
    count: u8,
    pub(super) queries: u16,
    pub(super) odd: u16,
    /// Coded names in the window.
    coded: u8,
    watched: bool,
}

/// What a query was to a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A name of the window.
    Known,
    /// Another name.
    New,
    /// One name too many.
    Promote,
}

impl Candidate {
    pub(super) const fn new(at: i64, first: Timestamp) -> Self {
        Self { since: at, first, names: [0; NAMES_MAX], count: 0, queries: 0, odd: 0, coded: 0, watched: false }
    }

    pub(super) fn observe(&mut self, seen: &Seen<'_>) -> Step {
        if (seen.at - self.since).abs() >= WINDOW_SECONDS {
            *self = Self { watched: self.watched, ..Self::new(seen.at, seen.look.at) };
        }
        self.queries = self.queries.saturating_add(1);
        self.odd = self.odd.saturating_add(u16::from(seen.odd));
        let hash = (seen.name_hash >> 32) as u32;
        let known = &self.names[..usize::from(self.count)];
        if known.contains(&hash) {
            return Step::Known;
        }
        if known.len() == NAMES_MAX - 1 {
            return Step::Promote;
        }
        self.names[known.len()] = hash;
        self.count += 1;
        Step::New
    }

    /// Time of the first query.
    pub(super) const fn first(&self) -> Timestamp {
        self.first
    }

    /// What the pair's day counts of a query: whether it has a new coded name; `None` while the day is not counted.
    /// `benign` is asked once, before the day begins.
    pub(super) fn watch(&mut self, coded: bool, benign: impl FnOnce() -> bool) -> Option<bool> {
        if coded && !self.watched {
            self.coded = self.coded.saturating_add(1);
            self.watched = self.coded >= CODED && !benign();
        }
        self.watched.then_some(coded)
    }

    /// The hashes of the names, as they were given.
    pub(super) fn names(&self) -> impl Iterator<Item = u64> {
        self.names[..usize::from(self.count)].iter().map(|hash| u64::from(*hash) << 32)
    }
}

impl Persist for Candidate {
    fn save(&self, writer: &mut Writer) {
        writer.i64(self.since);
        writer.i64(self.first.as_micros());
        writer.u8(self.count);
        writer.u16(self.queries);
        writer.u16(self.odd);
        writer.u8(self.coded);
        writer.u8(u8::from(self.watched));
        self.names().for_each(|hash| writer.u32((hash >> 32) as u32));
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let mut candidate = Self::new(reader.i64()?, Timestamp::from_micros(reader.i64()?));
        candidate.count = reader.u8()?;
        if usize::from(candidate.count) > NAMES_MAX {
            return Err(SnapshotError::Damaged);
        }
        (candidate.queries, candidate.odd) = (reader.u16()?, reader.u16()?);
        (candidate.coded, candidate.watched) = (reader.u8()?, reader.u8()? == 1);
        for at in 0..usize::from(candidate.count) {
            candidate.names[at] = reader.u32()?;
        }
        Ok(candidate)
    }
}
