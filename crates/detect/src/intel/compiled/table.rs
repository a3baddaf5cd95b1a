//! A hash table of numbers: open addressing, linear probing, eight bytes a slot.

/// A table is never smaller; a quarter of the slots stays free.
const SLOTS_MIN: usize = 16;

/// Slots hold half of the hash, so that most strangers are told apart without a look at them, and an index.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<Slot>,
    taken: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    mark: u32,
    index: u32,
}

const FREE: u32 = u32::MAX;

impl Table {
    pub(super) fn with_capacity(count: usize) -> Self {
        let mut table = Self::default();
        table.grow_to(slots_for(count));
        table
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }

    /// The indices whose hash may be this one.
    pub(super) fn candidates(&self, hash: u64) -> Candidates<'_> {
        Candidates { slots: &self.slots, mark: mark(hash), at: place(hash, self.slots.len()), left: self.slots.len() }
    }

    pub(super) fn insert(&mut self, hash: u64, index: u32) {
        if slots_for(self.taken + 1) > self.slots.len() {
            self.grow_to(slots_for((self.taken + 1) * 5 / 4));
        }
        put(&mut self.slots, hash, index);
        self.taken += 1;
    }

    /// The place of an entry follows from the mark alone, so it can move without its bytes being hashed again.
    fn grow_to(&mut self, count: usize) {
        let mut slots = vec![Slot { mark: 0, index: FREE }; count.max(SLOTS_MIN)];
        for slot in self.slots.drain(..).filter(|slot| slot.index != FREE) {
            put(&mut slots, u64::from(slot.mark) << 32, slot.index);
        }
        self.slots = slots;
    }
}

fn slots_for(count: usize) -> usize {
    count + count / 3 + 1
}

fn put(slots: &mut [Slot], hash: u64, index: u32) {
    let mut at = place(hash, slots.len());
    while slots[at].index != FREE {
        at = if at + 1 == slots.len() { 0 } else { at + 1 };
    }
    slots[at] = Slot { mark: mark(hash), index };
}

const fn mark(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The upper half of the hash, spread over the slots (Lemire's multiplication instead of a division).
fn place(hash: u64, count: usize) -> usize {
    ((u128::from(hash >> 32) * count as u128) >> 32) as usize
}

/// See [`Table::candidates`].
pub(super) struct Candidates<'a> {
    slots: &'a [Slot],
    mark: u32,
    at: usize,
    left: usize,
}

impl Iterator for Candidates<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        while self.left > 0 {
            let slot = self.slots[self.at];
            if slot.index == FREE {
                return None;
            }
            self.left -= 1;
            self.at = if self.at + 1 == self.slots.len() { 0 } else { self.at + 1 };
            if slot.mark == self.mark {
                return Some(slot.index);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_also_under_one_mark() {
        let mut table = Table::default();
        assert_eq!(table.candidates(7).count(), 0);
        let hash = |index: u32| u64::from(index).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for index in 0..10_000 {
            table.insert(hash(index), index);
        }
        for index in 10_000..10_020 {
            table.insert(u64::MAX, index);
        }
        for index in 0..10_000 {
            assert!(table.candidates(hash(index)).any(|found| found == index));
        }
        assert!(table.candidates(u64::MAX).filter(|index| *index >= 10_000).eq(10_000..10_020));
        assert!(table.size_bytes() < 10_020 * 8 * 7 / 4);
    }
}
