//! The heart of `tidegate scan`: events in file order in, alerts out. No server, no clock; time is the events' own.

use std::collections::HashMap;
use std::sync::Arc;

use bumpalo::Bump;
use serde_json::{Map, Value, json};
use tidegate_event::{Event, EventId, NodeId, Position, Timestamp};
use uuid::Uuid;

use crate::catalogue::Catalogue;
use crate::finding::{EVIDENCE_MAX, Evidence, Finding};
use crate::judge::{Judge, Row};
use crate::memory::{Counters, Memory};
use crate::native::NativeSettings;
use crate::rule::{RuleId, RuleInfo};
use crate::severity::Severity;
use crate::sightings::Sightings;

/// Events that are judged before the memory sees them. Small, so that a file in time order is observed in time order.
const BATCH_EVENTS: usize = 4_096;
/// Most alerts of a scan; further ones are counted, and their findings folded into none.
pub const ALERTS_MAX: usize = 1_000_000;

/// Findings of one rule and one group, as one line.
#[derive(Clone, Debug)]
pub struct Alert {
    /// The rule.
    pub rule: Arc<RuleInfo>,
    /// Time of the first event.
    pub first_seen: Timestamp,
    /// Time of the last event.
    pub last_seen: Timestamp,
    /// Number of events.
    pub count: u64,
    /// Fields and values it is grouped by.
    pub group: Vec<(Arc<str>, String)>,
    /// The first events.
    pub events: Vec<Evidence>,
    /// Why, with the figures.
    pub note: String,
    /// Count of each finding that went in: one that comes again has grown.
    findings: HashMap<Uuid, u64>,
}

impl Alert {
    /// The line of `tidegate scan --json`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let group: Map<String, Value> =
            self.group.iter().map(|(name, value)| (name.to_string(), Value::String(value.clone()))).collect();
        let event = |event: &Evidence| {
            json!({
                "event_id": event.event_id,
                "@timestamp": event.at.to_rfc3339(),
                "source.ip": event.source_ip,
                "dns.question.name": event.name,
            })
        };
        let mut line = json!({
            "rule": {
                "id": self.rule.id,
                "name": self.rule.name,
                "effort": self.rule.effort,
                "severity": self.rule.severity,
                "attack": self.rule.attack,
            },
            "first_seen": self.first_seen.to_rfc3339(),
            "last_seen": self.last_seen.to_rfc3339(),
            "count": self.count,
            "group": group,
            "events": self.events.iter().map(event).collect::<Vec<_>>(),
        });
        if !self.note.is_empty() {
            line["note"] = Value::String(self.note.clone());
        }
        line
    }
}

/// A scan of files.
#[derive(Debug)]
pub struct Scan {
    judge: Judge,
    memory: Memory,
    sightings: Sightings,
    findings: Vec<Finding>,
    alerts: Vec<Alert>,
    by_key: HashMap<(RuleId, String), usize>,
    received: Timestamp,
    row: u64,
    left_out: u64,
}

impl Scan {
    /// A scan by a catalogue. `received` stands for the receipt of all events: times after it are drawn back to it.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>, received: Timestamp) -> Self {
        let natives = catalogue.natives.clone();
        Self::with_natives(catalogue, received, &natives)
    }

    /// A scan whose behavioural detectors are set otherwise than the catalogue says.
    pub(crate) fn with_natives(catalogue: Arc<Catalogue>, received: Timestamp, natives: &NativeSettings) -> Self {
        Self {
            judge: Judge::new(Arc::clone(&catalogue)),
            memory: Memory::with_natives(Arc::clone(&catalogue), natives),
            sightings: Sightings::new(catalogue),
            findings: Vec::new(),
            alerts: Vec::new(),
            by_key: HashMap::new(),
            received,
            row: 0,
            left_out: 0,
        }
    }

    /// Takes the next event; its `tags` grow.
    pub fn event<'a>(&mut self, event: &mut Event<'a>, arena: &'a Bump) {
        let at = self.judge.catalogue().time_of(event).unwrap_or(self.received);
        // an id that a journal would give: ascending, the same in every scan of the same files
        let (position, index) = (self.row >> 20, (self.row & 0xf_ffff) as u32);
        let id = EventId::new(NodeId(Uuid::nil()), Position(position), Timestamp::from_micros(0), index);
        self.row += 1;
        let row = Row { row: self.sightings.len(), event: id, at, received: self.received };
        self.judge.judge(event, row, arena, &mut self.sightings);
        if self.sightings.len() >= BATCH_EVENTS {
            self.observe();
        }
    }

    fn observe(&mut self) {
        self.memory.observe(&self.sightings, &mut self.findings);
        self.sightings.clear(Arc::clone(self.judge.catalogue()));
        self.fold();
    }

    /// Puts findings into alerts: alike are those of one rule and one group.
    fn fold(&mut self) {
        for finding in self.findings.drain(..) {
            let key = (finding.rule.id, finding.group_key());
            match self.by_key.get(&key) {
                Some(index) => self.alerts[*index].add(finding),
                None if self.alerts.len() >= ALERTS_MAX => self.left_out += 1,
                None => {
                    self.by_key.insert(key, self.alerts.len());
                    self.alerts.push(Alert::new(finding));
                }
            }
        }
    }

    /// Ends the scan: alerts in the order of their first event, worst first among those of one moment; the counters; and
    /// how many findings [`ALERTS_MAX`] left out.
    #[must_use]
    pub fn finish(mut self) -> (Vec<Alert>, Counters, u64) {
        self.observe();
        self.memory.finish(&mut self.findings);
        self.fold();
        self.alerts.sort_by(|a, b| {
            let order = |alert: &Alert| (alert.first_seen, std::cmp::Reverse(alert.rule.severity), alert.rule.id);
            order(a).cmp(&order(b))
        });
        (self.alerts, self.memory.counters(), self.left_out)
    }
}

impl Alert {
    fn new(finding: Finding) -> Self {
        Self {
            first_seen: finding.first_seen,
            last_seen: finding.last_seen,
            count: finding.count,
            findings: HashMap::from([(finding.id, finding.count)]),
            rule: finding.rule,
            group: finding.group,
            events: finding.events,
            note: finding.note,
        }
    }

    fn add(&mut self, finding: Finding) {
        self.first_seen = self.first_seen.min(finding.first_seen);
        self.last_seen = self.last_seen.max(finding.last_seen);
        let known = self.findings.insert(finding.id, finding.count).unwrap_or(0);
        self.count += finding.count.saturating_sub(known);
        for event in finding.events {
            if !self.events.contains(&event) {
                self.events.push(event);
            }
        }
        // findings need not come in the order of their events
        self.events.sort_by_key(|event| event.at);
        self.events.truncate(EVIDENCE_MAX);
        if !finding.note.is_empty() {
            self.note = finding.note;
        }
    }
}

/// Whether any alert is at least so bad: `--fail-on`.
#[must_use]
pub fn reaches(alerts: &[Alert], severity: Severity) -> bool {
    alerts.iter().any(|alert| alert.rule.severity >= severity)
}
