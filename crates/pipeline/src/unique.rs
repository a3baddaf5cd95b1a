//! The records of the last hour, by unique id: Logpush repeats records when a delivery's outcome is unclear.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use tidegate_event::Timestamp;

/// How long a unique id is remembered, by receipt time.
pub const WINDOW_MICROS: i64 = 3_600_000_000;

/// Ids remembered in each of the two generations. Above twice this many records an hour the memory reaches back less
/// than an hour; [`Unique::reach_micros`] says how far. 20 bytes an id, so at most about 190 MB.
pub const GENERATION_MAX: usize = 2_000_000;

/// 96 bits of a unique id's hash. With four million ids in memory a given new record is mistaken for one of them with a
/// probability of 5e-23.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UniqueKey([u32; 3]);

impl UniqueKey {
    /// The key of a unique id of one intake.
    #[must_use]
    pub fn new(intake: uuid::Uuid, id: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(intake.as_bytes());
        hasher.update(id.as_bytes());
        let hash = hasher.finalize();
        let word = |at: usize| u32::from_le_bytes(hash.as_bytes()[at..at + 4].try_into().expect("four bytes"));
        Self([word(0), word(4), word(8)])
    }
}

impl std::hash::Hash for UniqueKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.0[0]) << 32 | u64::from(self.0[1]));
    }
}

/// The keys are hashes already.
#[derive(Default)]
struct Already(u64);

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("a UniqueKey writes one u64")
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// When an id was first received, microseconds; halved so that an entry is no longer than it must be.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Received([u32; 2]);

impl Received {
    const fn new(at: Timestamp) -> Self {
        let micros = at.as_micros() as u64;
        Self([(micros >> 32) as u32, micros as u32])
    }

    const fn micros(self) -> i64 {
        ((self.0[0] as u64) << 32 | self.0[1] as u64) as i64
    }
}

type Generation = HashMap<UniqueKey, Received, BuildHasherDefault<Already>>;

/// Remembers which unique ids came within the last hour. Asked in journal order, so a replay gives the same answers.
#[derive(Default)]
pub struct Unique {
    current: Generation,
    previous: Generation,
    current_since_micros: i64,
    previous_since_micros: i64,
}

impl Unique {
    /// Whether the key is new at `received`; remembers it.
    pub fn insert(&mut self, key: UniqueKey, received: Timestamp) -> bool {
        let now = received.as_micros();
        let oldest = now.saturating_sub(WINDOW_MICROS);
        if self.current.len() >= GENERATION_MAX || self.current_since_micros < oldest {
            self.previous = std::mem::take(&mut self.current);
            self.previous_since_micros = std::mem::replace(&mut self.current_since_micros, now);
        }
        if self.first(key).is_some_and(|first| first.micros() >= oldest) {
            return false;
        }
        self.current.insert(key, Received::new(received));
        true
    }

    /// Whether a record that was seen before, in a batch received at `received`, was the first with its key then.
    #[must_use]
    pub fn was_first(&self, key: UniqueKey, received: Timestamp) -> bool {
        self.first(key).is_none_or(|first| first == Received::new(received))
    }

    fn first(&self, key: UniqueKey) -> Option<Received> {
        self.current.get(&key).or_else(|| self.previous.get(&key)).copied()
    }

    /// How far back the memory reaches at `now`, microseconds; at most the window.
    #[must_use]
    pub fn reach_micros(&self, now: Timestamp) -> i64 {
        let since = if self.previous.is_empty() { self.current_since_micros } else { self.previous_since_micros };
        (now.as_micros() - since).clamp(0, WINDOW_MICROS)
    }

    /// Number of ids in memory.
    #[must_use]
    pub fn len(&self) -> usize {
        self.current.len() + self.previous.len()
    }

    /// Whether no id is in memory.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_700_000_000 + seconds) * 1_000_000)
    }

    #[test]
    fn a_repeat_within_the_hour_is_known_and_a_later_one_is_new() {
        let intake = uuid::Uuid::from_u128(1);
        let key = UniqueKey::new(intake, "q-1");
        let mut unique = Unique::default();
        assert!(unique.insert(key, at(0)));
        assert!(!unique.insert(key, at(1)));
        assert!(!unique.insert(key, at(3600)), "a repeat does not renew the memory, but the hour is not over");
        assert!(unique.insert(key, at(3602)));
        assert!(unique.insert(UniqueKey::new(uuid::Uuid::from_u128(2), "q-1"), at(3602)), "intakes do not share ids");
    }

    #[test]
    fn a_record_seen_again_after_a_restart_is_told_from_its_repeat() {
        let key = UniqueKey::new(uuid::Uuid::from_u128(1), "q-1");
        let mut unique = Unique::default();
        assert!(unique.was_first(key, at(0)), "nothing is known of it");
        unique.insert(key, at(5));
        assert!(unique.was_first(key, at(5)));
        assert!(!unique.was_first(key, at(6)));
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut unique = Unique::default();
        for number in 0..u32::try_from(GENERATION_MAX).unwrap() * 2 + 10 {
            assert!(unique.insert(
                UniqueKey([number.wrapping_mul(0x9e37_79b9), number.wrapping_mul(0x85eb_ca6b), number]),
                at(i64::from(number / 100_000))
            ));
        }
        assert!(unique.len() <= 2 * GENERATION_MAX);
        assert!(unique.reach_micros(at(41)) < WINDOW_MICROS);
    }
}
