//! Which of a bounded number of things were seen, and in which pane last.

use super::snapshot::{Reader, SnapshotError, Writer};
use super::table::Persist;

/// Hashes cut to 32 bits: among 256 two coincide with a chance of 1 in 130,000.
#[derive(Clone, Debug, Default)]
pub(super) struct Distinct {
    hashes: Vec<u32>,
    panes: Vec<u32>,
    /// Where the next one goes when there is no room left.
    next: u32,
}

impl Distinct {
    /// Notes a thing and says whether it is new since `oldest`. Beyond `things_max` the earliest is given up.
    pub(super) fn note(&mut self, hash: u64, pane: i64, oldest: i64, things_max: usize) -> bool {
        let (hash, pane, oldest) = ((hash >> 32) as u32, pane as u32, oldest as u32);
        if let Some(place) = self.hashes.iter().position(|known| *known == hash) {
            let before = self.panes[place];
            self.panes[place] = pane.max(before);
            return before < oldest;
        }
        if self.hashes.len() >= things_max {
            self.forget(oldest);
        }
        if self.hashes.len() < things_max {
            self.hashes.push(hash);
            self.panes.push(pane);
            return true;
        }
        let place = self.next as usize % self.hashes.len();
        self.next = (place as u32 + 1) % self.hashes.len() as u32;
        (self.hashes[place], self.panes[place]) = (hash, pane);
        true
    }

    /// How many were seen since a pane.
    pub(super) fn since(&self, oldest: i64) -> u32 {
        let oldest = oldest as u32;
        self.panes.iter().map(|pane| u32::from(*pane >= oldest)).sum()
    }

    fn forget(&mut self, oldest: u32) {
        let panes = &self.panes;
        let mut place = 0;
        self.hashes.retain(|_| {
            place += 1;
            panes[place - 1] >= oldest
        });
        self.panes.retain(|pane| *pane >= oldest);
        self.next = 0;
    }
}

impl Persist for Distinct {
    fn save(&self, writer: &mut Writer) {
        writer.u32(self.next);
        writer.u32(self.hashes.len() as u32);
        for (hash, pane) in self.hashes.iter().zip(&self.panes) {
            writer.u32(*hash);
            writer.u32(*pane);
        }
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let mut distinct = Self { next: reader.u32()?, ..Self::default() };
        for _ in 0..reader.count(8)? {
            distinct.hashes.push(reader.u32()?);
            distinct.panes.push(reader.u32()?);
        }
        Ok(distinct)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_new_once_a_window_and_room_is_bounded() {
        let mut seen = Distinct::default();
        let hash = |number: u64| number << 32;
        assert!(seen.note(hash(1), 5, 0, 4));
        assert!(!seen.note(hash(1), 6, 0, 4));
        assert!(seen.note(hash(1), 20, 10, 4));
        for number in 2..10 {
            assert!(seen.note(hash(number), 21, 12, 4));
        }
        assert_eq!((seen.since(12), seen.hashes.len()), (4, 4));
        assert!(seen.note(hash(50), 40, 30, 4));
        assert_eq!((seen.since(30), seen.hashes.len()), (1, 1));
    }
}
