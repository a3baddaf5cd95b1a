//! Keyed hashing: a folded multiplication over words of eight bytes.
//!
//! Hashes stand for names in tables whose size is bounded. The key keeps a sender of names from choosing what collides;
//! it must stay the same for the life of a snapshot.

use std::hash::{BuildHasher, RandomState};

/// The key of a family of hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashKey(pub u64, pub u64);

impl HashKey {
    /// A key nobody can guess, another one each time. Sets that live as long as the process take one; what is saved
    /// must save its key too.
    #[must_use]
    pub fn drawn() -> Self {
        let draw = || RandomState::new().hash_one(0_u8);
        Self(draw(), draw())
    }
}

impl Default for HashKey {
    /// Digits of pi and e: good where the same input must give the same result to the last bit, as in a scan of files.
    /// Whoever chooses names could choose some that collide.
    fn default() -> Self {
        Self(0x243f_6a88_85a3_08d3, 0xb7e1_5162_8aed_2a6b)
    }
}

/// High and low half of the 128-bit product, folded.
#[inline]
pub(crate) const fn fold(left: u64, right: u64) -> u64 {
    let product = (left as u128).wrapping_mul(right as u128);
    (product as u64) ^ ((product >> 64) as u64)
}

impl HashKey {
    /// Continues a hash with more bytes.
    #[inline]
    pub(crate) fn extend(self, state: u64, bytes: &[u8]) -> u64 {
        let mut state = state ^ (bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            let word = u64::from_le_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]]);
            state = fold(state ^ word, self.1 | 1);
        }
        let mut last = 0;
        for byte in words.remainder() {
            last = last << 8 | u64::from(*byte);
        }
        fold(state ^ last, self.1 | 1).rotate_left(23)
    }

    /// The hash of a text.
    #[inline]
    pub(crate) fn of(self, text: &str) -> u64 {
        fold(self.extend(self.0, text.as_bytes()), 0xff51_afd7_ed55_8ccd)
    }

    /// The hash of two hashes, in order.
    #[inline]
    pub(crate) const fn pair(self, left: u64, right: u64) -> u64 {
        fold(left ^ self.0, right.rotate_left(29) ^ self.1 | 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn texts_and_keys_differ() {
        let (one, two) = (HashKey::default(), HashKey(1, 2));
        let texts: Vec<String> = (0..20_000).map(|number| format!("host{number}.example.com")).collect();
        let hashes: HashSet<u64> =
            texts.iter().flat_map(|text| [one.of(text), two.of(text), one.of(&text[1..])]).collect();
        // "ost1.example.com" is the same for no two of them, so nothing may coincide.
        assert_eq!(hashes.len(), 60_000);
        assert_ne!(one.pair(1, 2), one.pair(2, 1));
        assert_ne!(one.of(""), one.of("\0"));
        assert_ne!(HashKey::drawn(), HashKey::drawn());
    }
}
