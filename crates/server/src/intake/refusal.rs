//! Counts refused batches by reason, and logs each reason at most once in a while.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tidegate_event::Timestamp;

/// Time between two log lines of one reason: ten thousand bad keys are one story, not ten thousand lines.
const LOG_PAUSE_MICROS: i64 = 10_000_000;

/// Why a batch was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// No key, or one that is not known.
    Key,
    /// The address of the sender is not one of those that may send.
    Network,
    /// The intake is disabled.
    Disabled,
    /// A header that cannot be read.
    Header,
    /// Compression or JSON wrapper is damaged.
    Damaged,
    /// More bytes or records than allowed.
    TooLarge,
    /// The body stopped or took too long.
    Slow,
    /// The connection broke.
    Broken,
    /// Too many other bodies are being held.
    Busy,
    /// The journal is full.
    Full,
    /// The journal failed.
    Journal,
}

impl Reason {
    pub(crate) const ALL: [Self; 11] = [
        Self::Key,
        Self::Network,
        Self::Disabled,
        Self::Header,
        Self::Damaged,
        Self::TooLarge,
        Self::Slow,
        Self::Broken,
        Self::Busy,
        Self::Full,
        Self::Journal,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Network => "network",
            Self::Disabled => "disabled",
            Self::Header => "header",
            Self::Damaged => "damaged",
            Self::TooLarge => "too_large",
            Self::Slow => "slow",
            Self::Broken => "broken",
            Self::Busy => "busy",
            Self::Full => "journal_full",
            Self::Journal => "journal",
        }
    }
}

/// Refusals so far, by reason.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    counts: [Count; Reason::ALL.len()],
}

#[derive(Debug, Default)]
struct Count {
    total: AtomicU64,
    logged_micros: AtomicI64,
    logged_total: AtomicU64,
}

impl Refusals {
    /// Counts one refusal; says how many there were since the last log line when it is time for the next one.
    pub(crate) fn count(&self, reason: Reason, now: Timestamp) -> Option<u64> {
        let count = &self.counts[reason as usize];
        let total = count.total.fetch_add(1, Ordering::Relaxed) + 1;
        let last = count.logged_micros.load(Ordering::Relaxed);
        let due = last == 0 || now.as_micros() - last >= LOG_PAUSE_MICROS;
        let won = due
            && count
                .logged_micros
                .compare_exchange(last, now.as_micros(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        won.then(|| total.saturating_sub(count.logged_total.swap(total, Ordering::Relaxed)))
    }

    /// Reasons with their counts.
    pub(crate) fn totals(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Reason::ALL.iter().map(|reason| (reason.as_str(), self.counts[*reason as usize].total.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_reason_is_a_few_lines() {
        let refusals = Refusals::default();
        let lines: Vec<u64> = (0..10_000_i64)
            .filter_map(|index| refusals.count(Reason::Key, Timestamp::from_micros(1 + index * 2_000)))
            .collect();
        assert_eq!(lines, [1, 5_000]);
        assert_eq!(refusals.count(Reason::Full, Timestamp::from_micros(1)), Some(1));
        assert_eq!(refusals.totals().find(|(reason, _)| *reason == "key"), Some(("key", 10_000)));
    }

    #[test]
    fn reasons_index_their_counts() {
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
    }
}
