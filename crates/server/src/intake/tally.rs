//! Counts what was taken, by intake.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tidegate_event::{IntakeId, Timestamp};

/// What one intake was sent since the process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Batches acknowledged, those sent again included.
    pub(crate) batches: u64,
    /// Of these, batches that were sent again and not stored again.
    pub(crate) repeated: u64,
    /// Records in the batches stored.
    pub(crate) records: u64,
    /// Bytes as sent.
    pub(crate) bytes: u64,
    /// Bytes without the compression.
    pub(crate) text_bytes: u64,
    /// When the last batch was acknowledged.
    pub(crate) last: Option<Timestamp>,
}

/// What every intake was sent. Bounded: only intakes that exist have a row.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<IntakeId, Taken>>);

impl Tally {
    pub(crate) fn add(&self, intake: IntakeId, more: &Taken) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(intake).or_default();
        taken.batches += more.batches;
        taken.repeated += more.repeated;
        taken.records += more.records;
        taken.bytes += more.bytes;
        taken.text_bytes += more.text_bytes;
        taken.last = taken.last.max(more.last);
    }

    pub(crate) fn snapshot(&self) -> Vec<(IntakeId, Taken)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(intake, taken)| (*intake, *taken)).collect()
    }
}
