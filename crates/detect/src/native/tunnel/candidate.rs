//! A pair of device and domain that has few distinct names so far.

use super::super::context::Seen;
use super::super::snapshot::{Reader, SnapshotError, Writer};
use super::super::table::Persist;
use super::state::WINDOW_SECONDS;

/// Distinct names that make a candidate more than one.
const NAMES_MAX: usize = 5;

#[derive(Clone, Debug)]
pub(in crate::native) struct Candidate {
    since: i64,
    names: [u32; NAMES_MAX],
    count: u8,
    pub(super) queries: u16,
    pub(super) odd: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Stay,
    Promote,
}

impl Candidate {
    pub(super) const fn new(at: i64) -> Self {
        Self { since: at, names: [0; NAMES_MAX], count: 0, queries: 0, odd: 0 }
    }

    pub(super) fn observe(&mut self, seen: &Seen<'_>) -> Step {
        if (seen.at - self.since).abs() >= WINDOW_SECONDS {
            *self = Self::new(seen.at);
        }
        self.queries = self.queries.saturating_add(1);
        self.odd = self.odd.saturating_add(u16::from(seen.odd));
        let hash = (seen.name_hash >> 32) as u32;
        let known = &self.names[..usize::from(self.count)];
        if known.contains(&hash) {
            return Step::Stay;
        }
        if known.len() == NAMES_MAX - 1 {
            return Step::Promote;
        }
        self.names[known.len()] = hash;
        self.count += 1;
        Step::Stay
    }

    /// The hashes of the names, as they were given.
    pub(super) fn names(&self) -> impl Iterator<Item = u64> {
        self.names[..usize::from(self.count)].iter().map(|hash| u64::from(*hash) << 32)
    }
}

impl Persist for Candidate {
    fn save(&self, writer: &mut Writer) {
        writer.i64(self.since);
        writer.u8(self.count);
        writer.u16(self.queries);
        writer.u16(self.odd);
        self.names().for_each(|hash| writer.u32((hash >> 32) as u32));
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let mut candidate = Self::new(reader.i64()?);
        candidate.count = reader.u8()?;
        if usize::from(candidate.count) > NAMES_MAX {
            return Err(SnapshotError::Damaged);
        }
        (candidate.queries, candidate.odd) = (reader.u16()?, reader.u16()?);
        for at in 0..usize::from(candidate.count) {
            candidate.names[at] = reader.u32()?;
        }
        Ok(candidate)
    }
}
