//! What each intake did since the process started: the figures behind `/metrics`, the intake pages and silence notices.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_event::{IntakeId, Timestamp};

/// The figures of one intake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Batches taken from the journal.
    pub batches: u64,
    /// Bytes of their bodies as received.
    pub bytes: u64,
    /// Records that became events without remark.
    pub valid: u64,
    /// Records that became events with a remark.
    pub warning: u64,
    /// Records kept as raw text with a reason.
    pub invalid: u64,
    /// Records dropped because the same unique id came within the last hour.
    pub duplicates: u64,
    /// Receipt time of the last batch.
    pub last_batch: Option<Timestamp>,
    /// Newest event time seen; times from the future do not count.
    pub last_event: Option<Timestamp>,
    /// Receipt time minus newest event time of the last batch, microseconds: how far delivery lags behind.
    pub lag_micros: Option<i64>,
}

impl Counts {
    /// All records, whatever became of them.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.valid + self.warning + self.invalid + self.duplicates
    }

    /// Adds the figures of a later batch.
    pub fn add(&mut self, later: &Self) {
        self.batches += later.batches;
        self.bytes += later.bytes;
        self.valid += later.valid;
        self.warning += later.warning;
        self.invalid += later.invalid;
        self.duplicates += later.duplicates;
        self.last_batch = self.last_batch.max(later.last_batch);
        self.last_event = self.last_event.max(later.last_event);
        self.lag_micros = later.lag_micros.or(self.lag_micros);
    }
}

/// The figures of all intakes, shared between the pipeline (which writes) and whoever shows them.
#[derive(Debug, Default)]
pub struct Counters {
    intakes: Mutex<BTreeMap<IntakeId, Counts>>,
}

impl Counters {
    /// Figures that all start at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Brings back when an intake last received something in an earlier life of the process.
    pub fn recall(&self, intake: IntakeId, last_batch: Option<Timestamp>, last_event: Option<Timestamp>) {
        self.add(intake, &Counts { last_batch, last_event, ..Counts::default() });
    }

    /// Adds one batch's figures to its intake.
    pub fn add(&self, intake: IntakeId, batch: &Counts) {
        self.lock().entry(intake).or_default().add(batch);
    }

    /// A copy of the figures of every intake that received something.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(IntakeId, Counts)> {
        self.lock().iter().map(|(intake, counts)| (*intake, *counts)).collect()
    }

    /// The figures of one intake; zeros when it received nothing yet.
    #[must_use]
    pub fn get(&self, intake: IntakeId) -> Counts {
        self.lock().get(&intake).copied().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IntakeId, Counts>> {
        // Plain numbers: what a panicking holder left behind is still usable.
        self.intakes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
