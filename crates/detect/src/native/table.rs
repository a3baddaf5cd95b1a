//! A table of bounded size: hashes to state. Buckets of eight; a full bucket gives up what was touched longest ago and
//! counts it. Buckets take memory only when they are used.

use super::snapshot::{Reader, SnapshotError, Writer};

const WAYS: usize = 8;

/// How full a table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableCounters {
    /// Entries.
    pub entries: u64,
    /// Entries given up because their bucket was full.
    pub evicted: u64,
}

/// What can be part of a snapshot.
pub(super) trait Persist: Sized {
    fn save(&self, writer: &mut Writer);
    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError>;
}

#[derive(Clone, Debug)]
struct Slot<V> {
    key: u64,
    touched: u64,
    value: V,
}

#[derive(Clone, Debug)]
pub(super) struct Table<V> {
    buckets: Vec<Vec<Slot<V>>>,
    tick: u64,
    counters: TableCounters,
}

impl<V> Table<V> {
    /// A table of at least `entries_max` places.
    pub(super) fn new(entries_max: u32) -> Self {
        let buckets = (entries_max as usize / WAYS).max(1).next_power_of_two();
        let buckets = std::iter::repeat_with(Vec::new).take(buckets).collect();
        Self { buckets, tick: 0, counters: TableCounters::default() }
    }

    pub(super) const fn counters(&self) -> TableCounters {
        self.counters
    }

    fn bucket(&self, key: u64) -> usize {
        key as usize & (self.buckets.len() - 1)
    }

    /// The state of a key, if there is one.
    #[inline]
    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        let bucket = self.bucket(key);
        let slot = self.buckets[bucket].iter_mut().find(|slot| slot.key == key)?;
        self.tick += 1;
        slot.touched = self.tick;
        Some(&mut slot.value)
    }

    /// The state of a key, made if there is none.
    #[inline]
    pub(super) fn entry(&mut self, key: u64, make: impl FnOnce() -> V) -> &mut V {
        self.tick += 1;
        let (tick, bucket) = (self.tick, self.bucket(key));
        let bucket = &mut self.buckets[bucket];
        let place = bucket.iter().position(|slot| slot.key == key).unwrap_or_else(|| {
            let slot = Slot { key, touched: tick, value: make() };
            if bucket.len() < WAYS {
                self.counters.entries += 1;
                bucket.push(slot);
                return bucket.len() - 1;
            }
            self.counters.evicted += 1;
            let oldest = (0..WAYS).min_by_key(|place| bucket[*place].touched).unwrap_or_default();
            bucket[oldest] = slot;
            oldest
        });
        let slot = &mut bucket[place];
        slot.touched = tick;
        &mut slot.value
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<V> {
        let bucket = self.bucket(key);
        let place = self.buckets[bucket].iter().position(|slot| slot.key == key)?;
        self.counters.entries -= 1;
        Some(self.buckets[bucket].swap_remove(place).value)
    }
}

impl<V: Persist> Table<V> {
    pub(super) fn save(&self, writer: &mut Writer) {
        writer.u64(self.tick);
        writer.u64(self.counters.evicted);
        writer.u32(self.counters.entries as u32);
        for slot in self.buckets.iter().flatten() {
            writer.u64(slot.key);
            writer.u64(slot.touched);
            slot.value.save(writer);
        }
    }

    /// A table of this one's size with what was saved.
    pub(super) fn load(&self, reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let (tick, evicted) = (reader.u64()?, reader.u64()?);
        let mut table = Self::new((self.buckets.len() * WAYS) as u32);
        for _ in 0..reader.count(16)? {
            let (key, touched) = (reader.u64()?, reader.u64()?);
            let value = V::load(reader)?;
            let bucket = table.bucket(key);
            let bucket = &mut table.buckets[bucket];
            bucket.push(Slot { key, touched, value });
            if bucket.len() > WAYS {
                let oldest = (0..bucket.len()).min_by_key(|place| bucket[*place].touched).unwrap_or_default();
                bucket.swap_remove(oldest);
            } else {
                table.counters.entries += 1;
            }
        }
        (table.tick, table.counters.evicted) = (tick, evicted);
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first_and_is_counted() {
        let mut table = Table::new(8);
        for key in 0..8_u64 {
            *table.entry(key, || 0) = key;
        }
        assert_eq!(table.get_mut(0), Some(&mut 0));
        *table.entry(100, || 7) += 1;
        assert_eq!(table.get_mut(1), None);
        assert_eq!((table.get_mut(0).copied(), table.get_mut(100).copied()), (Some(0), Some(8)));
        assert_eq!(table.counters(), TableCounters { entries: 8, evicted: 1 });
        assert_eq!(table.remove(100), Some(8));
        assert_eq!(table.counters().entries, 7);
    }
}
