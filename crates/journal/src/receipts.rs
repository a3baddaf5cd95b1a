//! Remembers which batches were stored, so that one that is sent again gets its first receipt. Bounded in number and
//! time; written to a file before the segments that prove them are used again.

use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::time::Duration;

use tidegate_event::{Position, Timestamp};

use crate::entry::Receipt;
use crate::frame::{Digest, EntryFrame};

/// What is remembered of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) digest: Digest,
    pub(crate) position: Position,
    pub(crate) received: Timestamp,
    pub(crate) records: u32,
}

impl From<&EntryFrame> for Kept {
    fn from(entry: &EntryFrame) -> Self {
        let EntryFrame { digest, position, received, records, .. } = *entry;
        Self { digest, position, received, records }
    }
}

/// The receipts of the dedupe window.
#[derive(Debug)]
pub(crate) struct Receipts {
    by_digest: HashMap<Digest, Kept>,
    /// In ascending position, oldest first. A digest that came again after its window has an entry for each time.
    order: VecDeque<(Position, Digest)>,
    count_max: usize,
    window_micros: i64,
    newest: Timestamp,
    evicted: u64,
}

impl Receipts {
    pub(crate) fn new(count_max: usize, window: Duration) -> Self {
        let window_micros = i64::try_from(window.as_micros()).unwrap_or(i64::MAX);
        Self {
            by_digest: HashMap::new(),
            order: VecDeque::new(),
            count_max,
            window_micros,
            newest: Timestamp::default(),
            evicted: 0,
        }
    }

    /// Whether anything is remembered at all.
    pub(crate) fn is_on(&self) -> bool {
        self.window_micros > 0 && self.count_max > 0
    }

    /// The receipt of the same batch, stored within the window.
    pub(crate) fn find(&self, digest: &Digest, received: Timestamp) -> Option<Receipt> {
        let kept = self.by_digest.get(digest)?;
        let Kept { position, received: first, records, .. } = *kept;
        let age = received.as_micros().saturating_sub(first.as_micros()).saturating_abs();
        (age <= self.window_micros).then_some(Receipt { position, received: first, records, duplicate: true })
    }

    /// Remembers a batch. Positions must come in ascending order.
    pub(crate) fn insert(&mut self, kept: Kept) {
        if !self.is_on() {
            return;
        }
        self.newest = self.newest.max(kept.received);
        self.by_digest.insert(kept.digest, kept);
        self.order.push_back((kept.position, kept.digest));
        self.forget_expired();
        while self.by_digest.len() > self.count_max {
            if self.pop() {
                self.evicted += 1;
            }
        }
    }

    /// Forgets these positions: their batches are gone, and the sender's next try must be stored.
    pub(crate) fn remove(&mut self, positions: &RangeInclusive<Position>) {
        self.by_digest.retain(|_, kept| !positions.contains(&kept.position));
        self.order.retain(|(position, _)| !positions.contains(position));
    }

    /// Those at these positions that are still within the window.
    pub(crate) fn range(&self, positions: &RangeInclusive<Position>) -> Vec<Kept> {
        let start = self.order.partition_point(|(position, _)| position < positions.start());
        let within = self.order.iter().skip(start).take_while(|(position, _)| position <= positions.end());
        within
            .filter_map(|(position, digest)| self.by_digest.get(digest).filter(|kept| kept.position == *position))
            .copied()
            .collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_digest.len()
    }

    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The receipt time of the newest batch: the clock by which receipts expire.
    pub(crate) fn newest(&self) -> Timestamp {
        self.newest
    }

    fn forget_expired(&mut self) {
        while let Some((position, digest)) = self.order.front() {
            let is_live = self.by_digest.get(digest).is_some_and(|kept| {
                let age = self.newest.as_micros().saturating_sub(kept.received.as_micros());
                kept.position == *position && age <= self.window_micros
            });
            if is_live {
                break;
            }
            self.pop();
        }
    }

    /// Drops the oldest; whether it still was the receipt of its digest.
    fn pop(&mut self) -> bool {
        let Some((position, digest)) = self.order.pop_front() else { return false };
        if self.by_digest.get(&digest).is_some_and(|kept| kept.position == position) {
            self.by_digest.remove(&digest);
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(digest: u8, position: u64, received: i64) -> Kept {
        let received = Timestamp::from_micros(received * 1_000_000);
        Kept { digest: [digest; 16], position: Position(position), received, records: 1 }
    }

    fn seconds(count: i64) -> Timestamp {
        Timestamp::from_micros(count * 1_000_000)
    }

    #[test]
    fn within_the_window_and_no_longer() {
        let mut receipts = Receipts::new(10, Duration::from_secs(100));
        receipts.insert(kept(1, 1, 1000));
        let found = receipts.find(&[1; 16], seconds(1100)).unwrap();
        assert_eq!((found.position, found.received, found.duplicate), (Position(1), seconds(1000), true));
        assert!(receipts.find(&[1; 16], seconds(990)).is_some(), "clocks step back");
        assert!(receipts.find(&[1; 16], seconds(1101)).is_none());
        assert!(receipts.find(&[2; 16], seconds(1000)).is_none());
        receipts.insert(kept(1, 2, 1101));
        assert_eq!(receipts.find(&[1; 16], seconds(1101)).unwrap().position, Position(2));
        assert_eq!(receipts.len(), 1);
        receipts.insert(kept(3, 3, 5000));
        assert_eq!(receipts.len(), 1);
    }

    #[test]
    fn bounded_in_number() {
        let mut receipts = Receipts::new(2, Duration::from_secs(100));
        for position in 1..=5 {
            receipts.insert(kept(position as u8, position, 0));
        }
        assert_eq!((receipts.len(), receipts.evicted()), (2, 3));
        assert!(receipts.find(&[3; 16], seconds(0)).is_none());
        assert_eq!(receipts.range(&(Position(0)..=Position(4))), [kept(4, 4, 0)]);
        receipts.remove(&(Position(5)..=Position(9)));
        assert!(receipts.find(&[5; 16], seconds(0)).is_none());
    }

    #[test]
    fn off_means_off() {
        for (count, window) in [(0, 100), (10, 0)] {
            let mut receipts = Receipts::new(count, Duration::from_secs(window));
            receipts.insert(kept(1, 1, 0));
            assert!(receipts.find(&[1; 16], seconds(0)).is_none());
        }
    }
}
