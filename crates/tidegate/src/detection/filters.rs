//! Alert filters: which findings are hidden. The events behind a batch's findings are read once, however many filters
//! there are.

use tidegate_detect::{Evidence, Finding};
use tidegate_event::Timestamp;
use tidegate_query::Engine;
use tidegate_query::language::{Fields, Filter, Query, matches};
use tidegate_state::{AlertFilter, AlertFilterId, State, Topic};

/// The alert filters of the moment.
#[derive(Default)]
pub(crate) struct Filters {
    revision: Option<i64>,
    active: Vec<AlertFilter>,
}

impl Filters {
    /// Reads the filters again when they were changed.
    pub(crate) fn refresh(&mut self, state: &State) {
        let outcome = state.revision(Topic::AlertFilters).and_then(|revision| {
            if self.revision != Some(revision) {
                self.active = state.active_alert_filters()?;
                self.revision = Some(revision);
            }
            Ok(())
        });
        if let Err(error) = outcome {
            tracing::error!("alert filters cannot be read, those of before stay: {error}");
        }
    }

    /// For each finding the filter that it meets, if any. All events that it names must meet it: what an exception does
    /// not speak of is worth an alert.
    pub(crate) fn hiding(&self, findings: &[Finding], engine: &Engine) -> Vec<Option<AlertFilterId>> {
        let now = Timestamp::now();
        let ready: Vec<(&AlertFilter, Filter)> = self
            .active
            .iter()
            .filter(|filter| filter.expires.is_none_or(|expires| now < expires))
            .filter(|filter| findings.iter().any(|finding| is_for(filter, finding)))
            .filter_map(|filter| Some((filter, condition(filter, engine.fields_known(), findings)?)))
            .collect();
        if ready.is_empty() {
            return vec![None; findings.len()];
        }
        let wanted = findings.iter().filter(|finding| ready.iter().any(|(filter, _)| is_for(filter, finding)));
        let events = wanted.flat_map(|finding| &finding.events).map(|event| (event.at, event.event_id)).collect();
        let fields = ready.iter().flat_map(|(_, filter)| filter.fields()).collect();
        let events = match futures::executor::block_on(engine.events(events, &fields)) {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!("the events behind findings cannot be read, so alert filters do not hide them: {error}");
                return vec![None; findings.len()];
            }
        };
        let meets = |filter: &Filter, finding: &Finding| {
            let row = |event: &Evidence| events.get(&event.event_id).is_some_and(|event| matches(filter, event));
            !finding.events.is_empty() && finding.events.iter().all(row)
        };
        let hiding = |finding: &Finding| {
            ready
                .iter()
                .find(|(filter, test)| is_for(filter, finding) && meets(test, finding))
                .map(|(filter, _)| filter.id)
        };
        findings.iter().map(hiding).collect()
    }
}

fn is_for(filter: &AlertFilter, finding: &Finding) -> bool {
    filter.rule.is_none_or(|rule| rule == finding.rule.id.0)
}

/// What a filter asks for; its relative times start from the last of the findings.
fn condition(filter: &AlertFilter, fields: &Fields, findings: &[Finding]) -> Option<Filter> {
    let now = findings.iter().map(|finding| finding.last_seen).max().unwrap_or_default();
    match Query::parse(&filter.condition).and_then(|query| query.resolve(fields, now)) {
        Ok(filter) => Some(filter),
        Err(error) => {
            tracing::warn!("the alert filter `{}` cannot be asked, so it hides nothing: {error}", filter.name);
            None
        }
    }
}
