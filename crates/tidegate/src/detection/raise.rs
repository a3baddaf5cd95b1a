//! Turns findings into alerts, in journal order, and keeps the memory once everything it found is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tidegate_detect::Finding;
use tidegate_event::Position;
use tidegate_pipeline::Judged;
use tidegate_query::Engine;
use tidegate_state::{AlertFilterId, EventRef, FindingRule, NewFinding, Similarity, State};

use super::filters::Filters;
use super::keep::Kept;

/// Wait before findings that could not be stored are tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Takes what the pipeline judged.
pub(crate) struct Desk {
    pub(crate) state: Arc<State>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) kept: Kept,
    /// The last batch up to which the memory is on disk.
    pub(crate) saved: Arc<AtomicU64>,
    /// Told when `saved` has moved.
    pub(crate) on_saved: Box<dyn Fn() + Send>,
    pub(crate) filters: Filters,
}

impl Desk {
    /// Works until the pipeline is gone.
    pub(crate) fn run(mut self, judged: &Receiver<Judged>) {
        for item in judged {
            match item {
                Judged::Findings(findings) => self.raise(&findings),
                Judged::Snapshot(position, memory) => self.keep(position, &memory),
            }
        }
    }

    /// Does not return before the findings are stored: only then may the memory be kept that has forgotten them.
    fn raise(&mut self, findings: &[Finding]) {
        self.filters.refresh(&self.state);
        let hiding = self.filters.hiding(findings, &self.engine);
        let findings: Vec<NewFinding> =
            findings.iter().zip(hiding).map(|(finding, hidden_by)| new_finding(finding, hidden_by)).collect();
        let mut said = false;
        loop {
            match self.state.raise(&findings) {
                Ok(_) => return,
                Err(error) if !said => {
                    said = true;
                    tracing::error!("{} findings cannot be stored, trying again: {error}", findings.len());
                }
                Err(_) => {}
            }
            std::thread::sleep(RETRY);
        }
    }

    fn keep(&self, position: Position, memory: &[u8]) {
        match self.kept.save(position, memory) {
            Ok(()) => {
                self.saved.store(position.0, Ordering::Release);
                (self.on_saved)();
            }
            Err(error) => {
                tracing::error!("the memory of detection is not kept, the journal holds more for it: {error}")
            }
        }
    }
}

/// A finding in the words of the control plane.
pub(crate) fn new_finding(finding: &Finding, hidden_by: Option<AlertFilterId>) -> NewFinding {
    let rule = &finding.rule;
    let pairs = |pairs: &[(Arc<str>, String)]| -> Vec<(String, String)> {
        pairs.iter().map(|(field, value)| (field.to_string(), value.clone())).collect()
    };
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let event = |event: &tidegate_detect::Evidence| EventRef {
        at: event.at,
        id: event.event_id,
        source_ip: filled(&event.source_ip),
        name: filled(&event.name),
    };
    NewFinding {
        id: finding.id,
        rule: FindingRule {
            id: rule.id.0,
            name: rule.name.to_string(),
            effort: rule.effort.as_str().parse().unwrap_or_default(),
            severity: rule.severity.score(),
            attack: rule.attack.clone(),
        },
        source: finding.source.clone(),
        target: finding.target.clone(),
        name: finding.name.clone(),
        group: pairs(&finding.group),
        first_seen: finding.first_seen,
        last_seen: finding.last_seen,
        count: finding.count,
        events: finding.events.iter().map(event).collect(),
        matched: pairs(&finding.matched),
        note: finding.note.clone(),
        similarity: if rule.similarity.is_empty() && finding.group.is_empty() {
            Similarity::Pair
        } else {
            Similarity::Group
        },
        hidden_by,
    }
}
