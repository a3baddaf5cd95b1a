//! Correlations as the Sigma specification 2.1 has them, on event time. Matches of rules in, reports out.
//!
//! A condition that more events can only make truer (`gte`, `gt`; all rules seen) is judged with every match: the window
//! is the timespan that ends with it, both ends included, and a match that comes late is judged in every window it
//! falls into. The report keeps its id while windows stay above the threshold, and grows.
//!
//! Any other condition (`lt`, `lte`, `eq`, `neq`, averages, percentiles, `not`) is judged when its window is complete:
//! the window starts with the group's first match and ends a timespan later; it is complete when the watermark, the
//! latest event time less the allowed lateness, has passed its end. The next window starts with the next match.

mod compile;
mod condition;
mod group;
mod sketch;
mod state;

pub(crate) use compile::{Source, compile};
pub(crate) use condition::Condition;
pub(crate) use group::{Entry, Offer, Report};
pub(crate) use state::{Fired, State};

use rsigma_parser::CorrelationType;
use std::sync::Arc;

/// Most rules that one correlation may name.
pub(crate) const INPUTS_MAX: usize = 64;
/// Longest chain of correlations of correlations.
pub(crate) const CHAIN_MAX: usize = 8;

/// Numbers of what a correlation had to leave out; all zero in a healthy system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Dropped {
    /// Matches older than the watermark.
    pub late: u64,
    /// Matches without a field that the rule groups by or computes with.
    pub incomplete: u64,
    /// Matches forgotten because their group held too many.
    pub entries: u64,
    /// Groups forgotten because the rule held too many.
    pub groups: u64,
}

/// A compiled correlation.
#[derive(Debug)]
pub(crate) struct Correlation {
    /// Its number in the catalogue.
    pub(crate) rule: u32,
    pub(crate) kind: CorrelationType,
    pub(crate) inputs: Vec<Input>,
    /// Names of what it groups by.
    pub(crate) group_by: Vec<Arc<str>>,
    /// Fields that correlations above group by or compute with, and this one does not: they come from the event that
    /// made it fire.
    pub(crate) carried: Vec<Arc<str>>,
    /// Timespan in microseconds.
    pub(crate) span: i64,
    pub(crate) condition: Condition,
    /// Judged with every match rather than when the window is complete.
    pub(crate) eager: bool,
    /// How long after an event a match of a correlation below may come, in microseconds: a correlation that waits for
    /// complete windows reports late.
    pub(crate) delay: i64,
    /// Changes with everything that gives saved state another meaning.
    pub(crate) fingerprint: u64,
}

/// A rule whose matches a correlation counts.
#[derive(Debug)]
pub(crate) struct Input {
    /// The rule's number in the catalogue.
    pub(crate) rule: u32,
    /// Which captured values of the match make the group.
    pub(crate) group: Vec<usize>,
    /// Which captured values the condition computes with.
    pub(crate) values: Vec<usize>,
    /// Which captured values are those that the correlation carries.
    pub(crate) carry: Vec<usize>,
}

/// Hash of a value that is counted or a definition that is compared: FNV-1a, the same on every machine and for ever,
/// since it goes into snapshots.
pub(crate) fn stable_hash(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    // the upper bits of FNV are weak for short texts
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}
