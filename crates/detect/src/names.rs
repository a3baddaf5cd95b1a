//! A set of domain names that finds all listed parents of a name in one walk from its right end.

mod hash;
mod punycode;
mod text;

pub use hash::HashKey;
pub(crate) use hash::fold;
pub(crate) use punycode::decode as decode_label;
pub use text::{NameError, normalise};

/// Longer names are no DNS names (RFC 1035) and are in no set.
pub const NAME_BYTES_MAX: usize = 253;
/// No name of legal length has more labels.
const LABELS_MAX: usize = 127;
/// Entries in a hundred slots before the table grows; with ordered probing a miss then looks at some three slots.
const LOAD_PERCENT_MAX: usize = 75;
const CAPACITY_MIN: usize = 16;
/// Slots behind the last home, for what is pushed beyond it.
const SLACK: usize = 64;
/// Set apart from suffixes: an entry for one name and nothing below it.
const EXACT: u64 = 0x5851_f42d_4c95_7f2d;

/// The last two labels of a name: what stands for the registered domain of one that has none, such as
/// `host.corp.internal`. A shorter name is its own.
#[must_use]
pub fn last_two_labels(name: &str) -> &str {
    let mut dots = name.rmatch_indices('.').map(|(index, _)| index);
    dots.nth(1).map_or(name, |dot| &name[dot + 1..])
}

/// Names with a number each. A name matches an entry when it equals it or lies below it (`insert`), or only when it
/// equals it (`insert_exact`).
///
/// Twelve bytes a slot: the hash of the name and its value. Slots are ordered by hash, so that a search ends at the
/// first larger one. Two names share a hash with a chance of 2^-64 a pair; the names themselves are not kept.
#[derive(Clone, Debug)]
pub struct SuffixSet {
    key: HashKey,
    /// Ordered; 0 is an empty slot. The last slot is always empty.
    hashes: Vec<u64>,
    values: Vec<u32>,
    capacity: usize,
    len: usize,
    /// Bit n: an entry has n labels (63 stands for more).
    depths: u64,
    exact: bool,
}

impl Default for SuffixSet {
    fn default() -> Self {
        Self::new(HashKey::drawn())
    }
}

impl SuffixSet {
    /// An empty set.
    #[must_use]
    pub fn new(key: HashKey) -> Self {
        Self::with_capacity(key, 0)
    }

    /// An empty set with room for a number of names.
    #[must_use]
    pub fn with_capacity(key: HashKey, names: usize) -> Self {
        let capacity = (names * 100 / LOAD_PERCENT_MAX + 1).max(CAPACITY_MIN);
        let (hashes, values) = (vec![0; capacity + SLACK], vec![0; capacity + SLACK]);
        Self { key, hashes, values, capacity, len: 0, depths: 0, exact: false }
    }

    /// Adds a name and everything below it; the name is lower case without a trailing dot (see [`normalise`]).
    /// Returns the value that was there before.
    pub fn insert(&mut self, name: &str, value: u32) -> Option<u32> {
        self.put(name, value, false)
    }

    /// Adds a name alone.
    pub fn insert_exact(&mut self, name: &str, value: u32) -> Option<u32> {
        self.put(name, value, true)
    }

    fn put(&mut self, name: &str, value: u32, exact: bool) -> Option<u32> {
        let mut whole = None;
        self.walk(name, |hash, labels, last| {
            whole = last.then_some((hash, labels));
            true
        });
        let (hash, labels) = whole?;
        self.exact |= exact;
        if !exact {
            self.depths |= 1 << labels.min(63);
        }
        let hash = if exact { exact_hash(hash) } else { hash };
        if let Some(slot) = self.find(hash) {
            return Some(std::mem::replace(&mut self.values[slot], value));
        }
        if (self.len + 1) * 100 > self.capacity * LOAD_PERCENT_MAX {
            self.grow();
        }
        self.place(hash, value);
        None
    }

    /// The value of an entry as it was added, parents not considered.
    #[must_use]
    pub fn get(&self, name: &str, exact: bool) -> Option<u32> {
        let mut whole = None;
        self.walk(name, |hash, _, last| {
            whole = last.then_some(hash);
            true
        });
        let hash = whole?;
        self.find(if exact { exact_hash(hash) } else { hash }).map(|slot| self.values[slot])
    }

    /// The value of the longest entry that holds a name.
    #[must_use]
    pub fn longest(&self, name: &str) -> Option<u32> {
        let mut found = None;
        self.each(name, |value| found = Some(value));
        found
    }

    /// Calls `f` with the value of every entry that holds a name, shortest first.
    #[inline]
    pub fn each(&self, name: &str, mut f: impl FnMut(u32)) {
        if self.len == 0 {
            return;
        }
        self.walk(name, |hash, labels, last| {
            if self.depths >> labels.min(63) & 1 == 1
                && let Some(slot) = self.find(hash)
            {
                f(self.values[slot]);
            }
            if last
                && self.exact
                && let Some(slot) = self.find(exact_hash(hash))
            {
                f(self.values[slot]);
            }
            // Nothing is listed deeper: the rest of the name need not be hashed.
            self.exact || self.depths >> (labels + 1).min(63) != 0
        });
    }

    /// Entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of the table.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.hashes.capacity() * 8 + self.values.capacity() * 4
    }

    /// Hashes the suffixes of a name from one label to all; `f` says whether to go on.
    #[inline]
    fn walk(&self, name: &str, mut f: impl FnMut(u64, usize, bool) -> bool) {
        let bytes = name.as_bytes();
        if bytes.is_empty() || bytes.len() > NAME_BYTES_MAX {
            return;
        }
        let (mut end, mut state) = (bytes.len(), self.key.0);
        for labels in 1..=LABELS_MAX {
            let start = bytes[..end].iter().rposition(|byte| *byte == b'.').map_or(0, |dot| dot + 1);
            state = self.key.extend(state, &bytes[start..end]);
            if !f(fold(state, EXACT).max(1), labels, start == 0) || start == 0 {
                return;
            }
            end = start - 1;
        }
    }

    const fn home(&self, hash: u64) -> usize {
        ((hash as u128 * self.capacity as u128) >> 64) as usize
    }

    #[inline]
    fn find(&self, hash: u64) -> Option<usize> {
        let mut slot = self.home(hash);
        loop {
            match self.hashes[slot] {
                0 => return None,
                found if found == hash => return Some(slot),
                found if found > hash => return None,
                _ => slot += 1,
            }
        }
    }

    /// Puts a hash that is not there into its place and moves what is larger.
    fn place(&mut self, mut hash: u64, mut value: u32) {
        let mut slot = self.home(hash);
        loop {
            if self.hashes[slot] == 0 {
                break;
            }
            if self.hashes[slot] > hash {
                std::mem::swap(&mut self.hashes[slot], &mut hash);
                std::mem::swap(&mut self.values[slot], &mut value);
            }
            slot += 1;
        }
        (self.hashes[slot], self.values[slot]) = (hash, value);
        if slot + 1 == self.hashes.len() {
            self.hashes.reserve_exact(SLACK);
            self.values.reserve_exact(SLACK);
            self.hashes.push(0);
            self.values.push(0);
        }
        self.len += 1;
    }

    fn grow(&mut self) {
        let capacity = self.capacity * 13 / 10 + CAPACITY_MIN;
        let hashes = std::mem::replace(&mut self.hashes, vec![0; capacity + SLACK]);
        let values = std::mem::replace(&mut self.values, vec![0; capacity + SLACK]);
        (self.capacity, self.len) = (capacity, 0);
        for (hash, value) in hashes.into_iter().zip(values).filter(|(hash, _)| *hash != 0) {
            self.place(hash, value);
        }
    }
}

const fn exact_hash(hash: u64) -> u64 {
    let hash = fold(hash, EXACT);
    if hash == 0 { 1 } else { hash }
}

#[cfg(test)]
mod tests;
