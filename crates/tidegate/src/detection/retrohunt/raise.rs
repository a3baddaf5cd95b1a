//! Events that a hunt found become findings of the rule that looks at indicators.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use tidegate_detect::{Finding, RuleInfo, finding_id};
use tidegate_event::{Timestamp, names};
use tidegate_query::{Error, Scope, Search};
use tidegate_state::{AlertFilter, AlertFilterId};
use uuid::Uuid;

use super::find::{Found, Sight};
use super::{HuntError, Hunts};
use crate::detection::raise::new_finding;

/// The rule, by its short name.
const RULE: &str = "intelligence-feed";
/// Indicators with these tags have rules of their own.
const APART: [&str; 2] = ["eicar", "tor-relay"];
/// Findings raised in one transaction; their ids must fit into one question together with a filter's condition.
const PART: usize = 150;

impl Hunts {
    /// Raises what was found, unless it is known. Safe to repeat: ids follow from the events.
    pub(super) async fn raise(&self, found: &Found) -> Result<(), HuntError> {
        let catalogue = self.rules.current();
        let Some(rule) = catalogue.find(RULE).filter(|rule| rule.enabled) else { return Ok(()) };
        let alerting: Vec<&Sight> = found.alerting.iter().filter(|sight| !is_apart(sight)).collect();
        if alerting.is_empty() {
            return Ok(());
        }
        let now = Timestamp::now();
        let filters: Vec<AlertFilter> = self
            .state
            .active_alert_filters()?
            .into_iter()
            .filter(|filter| filter.rule.is_none_or(|wanted| wanted == rule.id.0))
            .filter(|filter| filter.expires.is_none_or(|expires| now < expires))
            .collect();
        for part in alerting.chunks(PART) {
            let hidden = self.hidden(part, &filters).await;
            let findings: Vec<_> =
                part.iter().map(|sight| new_finding(&finding(sight, rule), hidden.get(&sight.id).copied())).collect();
            self.state.raise(&findings)?;
        }
        Ok(())
    }

    /// Which of these events meet an alert filter, and the first that they meet. A filter that cannot be asked hides nothing.
    async fn hidden(&self, part: &[&Sight], filters: &[AlertFilter]) -> HashMap<Uuid, AlertFilterId> {
        let ids: Vec<String> = part.iter().map(|sight| format!("\"{}\"", sight.id)).collect();
        let mut hidden = HashMap::new();
        for filter in filters {
            let query = format!("({}) AND {}:({})", filter.condition, names::EVENT_ID, ids.join(" OR "));
            let search = Search {
                scope: Scope { query, now: Timestamp::now(), ..Scope::default() },
                limit: PART,
                fields: Some(vec![names::EVENT_ID.to_owned()]),
                ..Search::default()
            };
            match self.engine.search(search).await {
                Ok(page) => {
                    for id in page.rows.iter().filter_map(|row| row.id.parse::<Uuid>().ok()) {
                        hidden.entry(id).or_insert(filter.id);
                    }
                }
                Err(error) => warn_of(filter, &error),
            }
        }
        hidden
    }
}

fn warn_of(filter: &AlertFilter, error: &Error) {
    tracing::warn!("the alert filter `{}` cannot be asked, so it hides nothing: {error}", filter.name);
}

/// Whether only rules of their own look at what was met.
fn is_apart(sight: &Sight) -> bool {
    sight.tags.iter().any(|tag| APART.contains(&tag.as_str()))
}

/// The finding of one event: as if it had been judged when it came, with the indicators of today.
fn finding(sight: &Sight, rule: &Arc<RuleInfo>) -> Finding {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut group: Vec<(Arc<str>, String)> = Vec::with_capacity(2);
    let fields = [("source.ip", &sight.source_ip), ("dns.question.name", &sight.name)];
    for (field, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        group.push((field.into(), value.clone()));
    }
    let mut note = String::from("found by a hunt in stored events: ");
    let _ = write!(note, "`{}` is an indicator", sight.met.join("`, `"));
    let mut finding = Finding {
        id: Uuid::nil(),
        rule: Arc::clone(rule),
        first_seen: sight.at,
        last_seen: sight.at,
        count: 1,
        group,
        source: some(&sight.source_ip),
        target: some(&sight.registered).or_else(|| some(&sight.destination_ip)),
        name: some(&sight.name),
        events: vec![tidegate_detect::Evidence {
            event_id: sight.id,
            at: sight.at,
            source_ip: sight.source_ip.clone(),
            name: sight.name.clone(),
        }],
        matched: sight.tags.iter().map(|tag| (names::TAGS.into(), tag.clone())).collect(),
        note,
    };
    // After a crash the events that were not in the table yet are judged anew, by indicators that came after them: what a
    // hunt found is then known.
    finding.id = finding_id(rule, &finding.group_key(), sight.id);
    finding
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(tags: &[&str]) -> Sight {
        Sight {
            id: Uuid::from_u128(7),
            at: Timestamp::from_micros(1),
            source_ip: "10.0.0.1".to_owned(),
            destination_ip: String::new(),
            name: "a.evil.example".to_owned(),
            registered: "evil.example".to_owned(),
            met: vec!["evil.example".to_owned()],
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        }
    }

    #[test]
    fn relays_have_a_rule_of_their_own() {
        assert!(is_apart(&sight(&["tor-relay"])));
        assert!(!is_apart(&sight(&["c2"])));
    }
}
