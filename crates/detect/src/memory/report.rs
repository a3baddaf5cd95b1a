//! From what rules saw to what is reported.

use std::collections::HashMap;
use std::sync::Arc;

use rsigma_parser::CorrelationType as Type;
use tidegate_event::Timestamp;

use crate::catalogue::Catalogue;
use crate::correlate::{Correlation, Report};
use crate::finding::{EVIDENCE_MAX, Evidence, Finding, counted, finding_id, parts, push_part};
use crate::native::Raised;
use crate::rule::RuleInfo;

/// Matches of single events in a batch: those of one rule and one group become one finding, so that a flood of them
/// costs a finding a batch and not one an event.
#[derive(Debug, Default)]
pub(super) struct Singles {
    list: Vec<Single>,
    by_key: HashMap<(u32, String), usize>,
}

#[derive(Debug)]
struct Single {
    rule: u32,
    key: String,
    group: Vec<(Arc<str>, String)>,
    target: Option<String>,
    first: Timestamp,
    last: Timestamp,
    count: u64,
    events: Vec<Evidence>,
    matched: Vec<(Arc<str>, String)>,
}

impl Singles {
    pub(super) fn push(
        &mut self,
        rule: u32,
        group: Vec<(Arc<str>, String)>,
        target: Option<String>,
        matched: &[(Arc<str>, String)],
        evidence: &Evidence,
    ) {
        let mut key = String::new();
        group.iter().for_each(|(_, value)| push_part(&mut key, value));
        if let Some(index) = self.by_key.get(&(rule, key.clone())) {
            let single = &mut self.list[*index];
            single.count += 1;
            single.last = single.last.max(evidence.at);
            single.first = single.first.min(evidence.at);
            if single.events.len() < EVIDENCE_MAX {
                single.events.push(evidence.clone());
            }
            return;
        }
        self.by_key.insert((rule, key.clone()), self.list.len());
        self.list.push(Single {
            rule,
            key,
            group,
            target,
            first: evidence.at,
            last: evidence.at,
            count: 1,
            events: vec![evidence.clone()],
            matched: matched.to_vec(),
        });
    }

    pub(super) fn take(self, catalogue: &Catalogue, out: &mut Vec<Finding>) {
        for single in self.list {
            let rule = &catalogue.rules[single.rule as usize];
            let first = &single.events[0];
            out.push(Finding {
                id: finding_id(rule, &single.key, first.event_id),
                rule: Arc::clone(rule),
                first_seen: single.first,
                last_seen: single.last,
                count: single.count,
                group: single.group,
                source: some(&first.source_ip),
                target: single.target,
                name: some(&first.name),
                matched: single.matched,
                note: String::new(),
                events: single.events,
            });
        }
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The value of a group's field.
fn of_group(group: &[(Arc<str>, String)], field: &str) -> Option<String> {
    group.iter().find(|(name, _)| &**name == field).map(|(_, value)| value.clone())
}

pub(super) fn of_correlation(report: Report, correlation: &Correlation, catalogue: &Catalogue) -> Finding {
    let rule = &catalogue.rules[correlation.rule as usize];
    let group: Vec<(Arc<str>, String)> = correlation.group_by.iter().cloned().zip(parts(&report.key)).collect();
    let first = report.evidence.first();
    let open = report.open;
    let span = seconds(correlation.span);
    let note = match correlation.kind {
        Type::EventCount => format!("{}; the rule looks at {span} at a time", counted(open.count, "match")),
        Type::ValueCount => {
            format!("{} within {span}", counted(open.figure.round() as u64, "distinct value"))
        }
        Type::Temporal | Type::TemporalOrdered => {
            let rules = counted(correlation.inputs.len() as u64, "rule");
            format!("{} of {rules} within {span}", counted(open.count, "match"))
        }
        kind => format!("{} is {} within {span}", kind.as_str(), open.figure),
    };
    Finding {
        id: open.id,
        rule: Arc::clone(rule),
        first_seen: Timestamp::from_micros(open.first),
        last_seen: Timestamp::from_micros(open.last),
        count: open.count,
        source: of_group(&group, "source.ip").or_else(|| first.and_then(|event| some(&event.source_ip))),
        target: of_group(&group, "dns.question.registered_domain").or_else(|| of_group(&group, "destination.ip")),
        name: of_group(&group, "dns.question.name").or_else(|| first.and_then(|event| some(&event.name))),
        group,
        events: report.evidence,
        matched: Vec::new(),
        note,
    }
}

fn seconds(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    match seconds {
        _ if seconds % 86_400 == 0 => format!("{} d", seconds / 86_400),
        _ if seconds % 3_600 == 0 => format!("{} h", seconds / 3_600),
        _ if seconds % 60 == 0 => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

pub(super) fn of_behaviour(raised: Raised, rule: &Arc<RuleInfo>) -> Finding {
    let group: Vec<(Arc<str>, String)> = raised.group.into_iter().map(|(name, value)| (name.into(), value)).collect();
    let source = of_group(&group, "source.ip");
    let events: Vec<Evidence> = raised
        .events
        .into_iter()
        .take(EVIDENCE_MAX)
        .map(|(event, at, name)| Evidence {
            event_id: event.as_uuid(),
            at,
            source_ip: source.clone().unwrap_or_default(),
            name,
        })
        .collect();
    let mut key = String::new();
    group.iter().for_each(|(_, value)| push_part(&mut key, value));
    let trigger = events
        .first()
        .map_or_else(|| uuid::Uuid::from_u128(raised.first.as_micros().unsigned_abs().into()), |event| event.event_id);
    Finding {
        id: finding_id(rule, &key, trigger),
        rule: Arc::clone(rule),
        first_seen: raised.first,
        last_seen: raised.last,
        count: raised.count,
        target: of_group(&group, "dns.question.registered_domain").or_else(|| of_group(&group, "destination.ip")),
        name: events.first().and_then(|event| some(&event.name)),
        source,
        group,
        events,
        matched: Vec::new(),
        note: raised.note,
    }
}
