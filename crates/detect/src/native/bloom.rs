//! A Bloom filter in blocks of a cache line: one look into memory an answer. With ten bits a thing some 1.5 % of the
//! answers for things never added are wrong.

use super::snapshot::{Reader, SnapshotError, Writer};

const BITS_EACH: u64 = 10;
const WORDS: usize = 8;
/// Bits set for a thing.
const PROBES: u32 = 6;
/// Blocks of one filter: 512 MB.
const BLOCKS_MAX: u64 = 8 << 20;

#[derive(Clone, Debug)]
pub(super) struct Bloom {
    blocks: Vec<[u64; WORDS]>,
}

impl Bloom {
    pub(super) fn new(things: u32) -> Self {
        let blocks = (u64::from(things) * BITS_EACH).div_ceil(512).clamp(1, BLOCKS_MAX);
        Self { blocks: vec![[0; WORDS]; blocks as usize] }
    }

    fn place(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.blocks.len() as u128) >> 64) as usize
    }

    /// The words and masks of a thing.
    fn masks(hash: u64) -> [u64; WORDS] {
        let (mut masks, mut rest) = ([0; WORDS], hash.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for _ in 0..PROBES {
            masks[(rest >> 6) as usize & (WORDS - 1)] |= 1 << (rest & 63);
            rest >>= 9;
        }
        masks
    }

    pub(super) fn contains(&self, hash: u64) -> bool {
        let block = &self.blocks[self.place(hash)];
        Self::masks(hash).iter().zip(block).all(|(mask, word)| mask & word == *mask)
    }

    pub(super) fn add(&mut self, hash: u64) {
        let place = self.place(hash);
        for (mask, word) in Self::masks(hash).iter().zip(&mut self.blocks[place]) {
            *word |= mask;
        }
    }

    /// Writes the blocks that hold something.
    pub(super) fn save(&self, writer: &mut Writer) {
        let used = || self.blocks.iter().enumerate().filter(|(_, block)| **block != [0; WORDS]);
        writer.u32(self.blocks.len() as u32);
        writer.u32(used().count() as u32);
        for (place, block) in used() {
            writer.u32(place as u32);
            block.iter().for_each(|word| writer.u64(*word));
        }
    }

    /// Reads blocks; a filter of another size than this one starts empty.
    pub(super) fn load(&self, reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let same = reader.u32()? as usize == self.blocks.len();
        let mut filter = Self { blocks: vec![[0; WORDS]; self.blocks.len()] };
        for _ in 0..reader.count(4 + 8 * WORDS)? {
            let place = reader.u32()? as usize;
            let mut block = [0; WORDS];
            for word in &mut block {
                *word = reader.u64()?;
            }
            if same {
                *filter.blocks.get_mut(place).ok_or(SnapshotError::Damaged)? = block;
            }
        }
        Ok(filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::HashKey;

    #[test]
    fn what_was_added_is_found_and_little_else() {
        let key = HashKey::default();
        let mut filter = Bloom::new(20_000);
        (0..20_000).for_each(|number| filter.add(key.of(&format!("in{number}"))));
        assert!((0..20_000).all(|number| filter.contains(key.of(&format!("in{number}")))));
        let wrong = (0..20_000).filter(|number| filter.contains(key.of(&format!("out{number}")))).count();
        assert!(wrong < 600, "{wrong}");
    }
}
