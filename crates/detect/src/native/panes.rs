//! A ring of panes: counters by slice of time, so that a sliding window forgets slice by slice.

use super::snapshot::{Reader, SnapshotError, Writer};
use super::table::Persist;

#[derive(Clone, Debug)]
pub(super) struct Panes<T, const N: usize> {
    newest: i64,
    ring: [T; N],
}

impl<T: Copy + Default, const N: usize> Panes<T, N> {
    pub(super) fn new(pane: i64) -> Self {
        Self { newest: pane, ring: [T::default(); N] }
    }

    /// The newest pane's number.
    pub(super) const fn newest(&self) -> i64 {
        self.newest
    }

    /// The pane of a moment; `None` when it has left the window. `present` is the clock's pane: a ring that is ahead
    /// of it belongs to a time that is no longer the present and starts anew.
    pub(super) fn at(&mut self, pane: i64, present: i64) -> Option<&mut T> {
        if self.newest > present.max(pane) || pane - self.newest >= N as i64 {
            *self = Self::new(pane);
        }
        while self.newest < pane {
            self.newest += 1;
            self.ring[self.newest.rem_euclid(N as i64) as usize] = T::default();
        }
        (pane > self.newest - N as i64).then(|| &mut self.ring[pane.rem_euclid(N as i64) as usize])
    }

    /// The newest `count` panes.
    pub(super) fn last(&self, count: usize) -> impl Iterator<Item = &T> {
        (0..count.min(N) as i64).map(|back| &self.ring[(self.newest - back).rem_euclid(N as i64) as usize])
    }
}

impl<T: Persist + Copy + Default, const N: usize> Persist for Panes<T, N> {
    fn save(&self, writer: &mut Writer) {
        writer.i64(self.newest);
        for pane in &self.ring {
            pane.save(writer);
        }
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        // Far from the ends, so that numbers of panes can be added and subtracted.
        let mut panes = Self::new(reader.i64()?.clamp(i64::MIN / 4, i64::MAX / 4));
        for pane in &mut panes.ring {
            *pane = T::load(reader)?;
        }
        Ok(panes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_leave_in_order_and_late_ones_count_while_they_are_in_the_window() {
        let mut panes: Panes<u32, 4> = Panes::new(10);
        for pane in [10, 11, 11, 13] {
            *panes.at(pane, pane).unwrap() += 1;
        }
        assert_eq!(panes.last(4).sum::<u32>(), 4);
        assert_eq!(panes.last(2).sum::<u32>(), 1);
        *panes.at(10, 13).unwrap() += 1;
        assert!(panes.at(9, 13).is_none());
        *panes.at(14, 14).unwrap() += 1;
        assert_eq!(panes.last(4).sum::<u32>(), 4);
        *panes.at(1_000_000_000, 1_000_000_000).unwrap() += 1;
        assert_eq!(panes.last(4).sum::<u32>(), 1);
        // The clock went back.
        *panes.at(20, 20).unwrap() += 1;
        assert_eq!((panes.newest(), panes.last(4).sum::<u32>()), (20, 1));
    }
}
