//! Folding: how many findings become one alert. Pure: findings and what was known of them go in, a tally comes out. It
//! will never know a database or a clock.
//!
//! The laws, which the tests hold: a finding that comes again, also in parts and in any order, counts once; a tally does
//! not depend on the order of its findings.

use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::finding::{EventRef, NewFinding, SCORE_MAX, Similarity};

/// An alert keeps its first and its last so many events.
const EVENTS_EACH_END_MAX: usize = 50;
/// Bumped when [`likeness`] changes, so that old and new alerts never mix by accident.
const LIKENESS_CONTEXT: &str = "tidegate alert likeness 1";

/// By how much a finding grew: its whole count when it is new, nothing when it is known.
#[must_use]
pub fn growth(known: Option<u64>, count: u64) -> u64 {
    count.max(1).saturating_sub(known.unwrap_or(0))
}

/// What one alert adds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How many findings.
    pub findings: u64,
    /// How many events they stand for.
    pub occurrences: u64,
    /// The time of the first of them.
    pub first_seen: Timestamp,
    /// The time of the last of them.
    pub last_seen: Timestamp,
    /// The highest severity among them.
    pub severity: u8,
    /// The finding that lends the alert its words.
    pub lead: Lead,
    /// The first and the last events, by time.
    pub events: Vec<EventRef>,
}

/// The latest finding; ties go to the larger id, so that the order of arrival does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lead {
    /// The time of its last event.
    pub at: Timestamp,
    /// Its id.
    pub finding: Uuid,
    /// Its count.
    pub count: u64,
}

impl Lead {
    /// The place of a finding among others.
    #[must_use]
    pub const fn of(finding: &NewFinding) -> Self {
        Self { at: finding.last_seen, finding: finding.id, count: finding.count }
    }
}

impl Tally {
    /// The tally of one finding that grew by `growth`.
    #[must_use]
    pub fn of(finding: &NewFinding, growth: u64) -> Self {
        let mut tally = Self {
            findings: 1,
            occurrences: growth,
            first_seen: finding.first_seen,
            last_seen: finding.last_seen,
            severity: finding.rule.severity.min(SCORE_MAX),
            lead: Lead::of(finding),
            events: Vec::new(),
        };
        merge_events(&mut tally.events, &finding.events);
        tally
    }

    /// Adds a finding that grew by `growth`; `new` when this tally did not hold it before. Returns whether it leads now.
    pub fn absorb(&mut self, finding: &NewFinding, growth: u64, new: bool) -> bool {
        self.findings = self.findings.saturating_add(u64::from(new));
        self.occurrences = self.occurrences.saturating_add(growth);
        self.first_seen = self.first_seen.min(finding.first_seen);
        self.last_seen = self.last_seen.max(finding.last_seen);
        self.severity = self.severity.max(finding.rule.severity.min(SCORE_MAX));
        merge_events(&mut self.events, &finding.events);
        let leads = Lead::of(finding) > self.lead;
        if leads {
            self.lead = Lead::of(finding);
        }
        leads
    }
}

/// Adds events, each once, and keeps the first and the last [`EVENTS_EACH_END_MAX`] of them.
fn merge_events(events: &mut Vec<EventRef>, more: &[EventRef]) {
    events.extend_from_slice(more);
    events.sort_unstable();
    events.dedup_by(|a, b| a.at == b.at && a.id == b.id);
    let surplus = events.len().saturating_sub(2 * EVENTS_EACH_END_MAX);
    events.drain(EVENTS_EACH_END_MAX.min(events.len())..EVENTS_EACH_END_MAX.min(events.len()) + surplus);
}

/// Severity and criticality in one number: their mean, rounded down; the severity where no asset is known.
#[must_use]
pub fn urgency(severity: u8, criticality: Option<u8>) -> u8 {
    let severity = severity.min(SCORE_MAX);
    let criticality = criticality.map_or(severity, |criticality| criticality.min(SCORE_MAX));
    u8::midpoint(severity, criticality)
}

/// A hash that findings share when they are one alert. Letter case does not count.
#[must_use]
pub fn likeness(finding: &NewFinding) -> [u8; 32] {
    let mut hasher = hasher(finding.rule.id, finding.similarity.as_str());
    let mut part = |text: Option<&String>| {
        let text = text.map(|text| text.to_lowercase());
        let length = text.as_ref().map_or(u64::MAX, |text| text.len() as u64);
        hasher.update(&length.to_le_bytes());
        hasher.update(text.unwrap_or_default().as_bytes());
    };
    match finding.similarity {
        Similarity::Pair => {
            for text in [&finding.source, &finding.target, &finding.name] {
                part(text.as_ref());
            }
        }
        Similarity::Group => {
            let mut group: Vec<_> = finding.group.iter().collect();
            group.sort_unstable();
            for (field, value) in group {
                part(Some(field));
                part(Some(value));
            }
        }
    }
    *hasher.finalize().as_bytes()
}

/// The hash shared by what a rule finds once it has too many open alerts.
#[must_use]
pub fn overflow_likeness(rule: Uuid) -> [u8; 32] {
    *hasher(rule, "overflow").finalize().as_bytes()
}

fn hasher(rule: Uuid, strategy: &str) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new_derive_key(LIKENESS_CONTEXT);
    hasher.update(rule.as_bytes());
    hasher.update(strategy.as_bytes());
    hasher.update(&[0]);
    hasher
}

/// The id of the alert that a finding begins when `known` of it were counted before: the same after a replay.
#[must_use]
pub fn alert_id(finding: Uuid, known: u64) -> Uuid {
    let mut hasher = blake3::Hasher::new_derive_key("tidegate alert id 1");
    hasher.update(finding.as_bytes());
    hasher.update(&known.to_le_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Uuid::new_v8(bytes)
}

#[cfg(test)]
mod tests;
