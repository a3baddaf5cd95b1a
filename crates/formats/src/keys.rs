//! A small perfect hash over keys that are known at load: length, first and last eight bytes, one multiplication.

/// Finds the index of a key among those it was built from.
#[derive(Debug, Default)]
pub(crate) struct KeyTable {
    keys: Vec<Box<str>>,
    /// Index into `keys` plus one; 0 is empty.
    cells: Vec<u16>,
    seed: u64,
    shift: u32,
}

/// Multipliers tried for a table size before it is doubled.
const SEEDS_PER_SIZE: u64 = 64;

impl KeyTable {
    /// A table of keys that are all different; of equal ones the first is found.
    pub(crate) fn new(keys: &[&str]) -> Self {
        let keys: Vec<Box<str>> = keys.iter().take(usize::from(u16::MAX) - 1).map(|key| (*key).into()).collect();
        if keys.is_empty() {
            return Self::default();
        }
        let mut bits = (keys.len() * 2).next_power_of_two().trailing_zeros().max(1);
        loop {
            for step in 0..SEEDS_PER_SIZE {
                // odd multipliers, spread by the golden ratio
                let seed = (0x9e37_79b9_7f4a_7c15_u64).wrapping_mul(2 * step + 1) | 1;
                if let Some(cells) = place(&keys, seed, 64 - bits, 1 << bits) {
                    return Self { keys, cells, seed, shift: 64 - bits };
                }
            }
            if bits >= 20 {
                // keys that agree in length and both ends share a cell: the search below still finds them
                return Self { keys, cells: Vec::new(), seed: 0, shift: 0 };
            }
            bits += 1;
        }
    }

    /// The index of a key.
    pub(crate) fn find(&self, key: &str) -> Option<usize> {
        if self.cells.is_empty() {
            return self.keys.iter().position(|known| **known == *key);
        }
        let cell = self.cells[hash(key.as_bytes(), self.seed, self.shift)];
        let index = usize::from(cell).checked_sub(1)?;
        (*self.keys[index] == *key).then_some(index)
    }
}

fn place(keys: &[Box<str>], seed: u64, shift: u32, size: usize) -> Option<Vec<u16>> {
    let mut cells = vec![0_u16; size];
    for (index, key) in keys.iter().enumerate() {
        let cell = &mut cells[hash(key.as_bytes(), seed, shift)];
        match usize::from(*cell).checked_sub(1) {
            Some(other) if keys[other] == *key => {}
            Some(_) => return None,
            None => *cell = u16::try_from(index + 1).ok()?,
        }
    }
    Some(cells)
}

fn hash(key: &[u8], seed: u64, shift: u32) -> usize {
    let (first, last) = match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (key.first_chunk::<4>(), key.last_chunk::<4>()) {
            (Some(first), Some(last)) => (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last))),
            _ => (key.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 0),
        },
    };
    let mixed = first ^ last.rotate_left(29) ^ (key.len() as u64).rotate_left(56);
    let mixed = (mixed ^ mixed >> 32).wrapping_mul(seed);
    ((mixed ^ mixed >> 29).wrapping_mul(seed) >> shift) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_key_is_found_and_no_other(keys in proptest::collection::hash_set("[a-zA-Z_]{0,12}", 0..80), other in "[a-z]{0,6}") {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let table = KeyTable::new(&keys);
            for (index, key) in keys.iter().enumerate() {
                prop_assert_eq!(table.find(key), Some(index));
            }
            prop_assert_eq!(table.find(&other).is_some(), keys.contains(&&*other));
        }
    }

    #[test]
    fn keys_that_agree_at_both_ends_are_told_apart() {
        let table = KeyTable::new(&["aaaaaaaa1bbbbbbbb", "aaaaaaaa2bbbbbbbb"]);
        assert_eq!(table.find("aaaaaaaa2bbbbbbbb"), Some(1));
        assert_eq!(table.find("aaaaaaaa3bbbbbbbb"), None);
    }
}
