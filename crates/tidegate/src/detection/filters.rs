//! Alert filters: which findings are hidden. The events behind a batch's findings are read once, however many filters
//! there are.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};
use tidegate_detect::{Evidence, Finding};
use tidegate_event::{Timestamp, names};
use tidegate_query::language::{Fields, Filter, Query, TimeRange, matches};
use tidegate_query::{Engine, Order, Scope, Search};
use tidegate_state::{AlertFilter, AlertFilterId, State, Topic};
use uuid::Uuid;

/// Events read at a time; a query has 16 KiB.
const EVENTS_A_SEARCH: usize = 200;

/// The alert filters of the moment.
#[derive(Default)]
pub(crate) struct Filters {
    revision: Option<i64>,
    active: Vec<AlertFilter>,
}

/// An event by the fields that filters ask for.
type Row = Map<String, Value>;

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
        let mut events: Vec<&Evidence> = wanted.flat_map(|finding| &finding.events).collect();
        // What lies close in time lies in the same files.
        events.sort_unstable_by_key(|event| (event.at, event.event_id));
        events.dedup_by_key(|event| event.event_id);
        let mut fields = BTreeSet::new();
        ready.iter().for_each(|(_, filter)| fields_of(filter, &mut fields));
        let rows = rows(&events, &fields, engine);
        let meets = |filter: &Filter, finding: &Finding| {
            let row = |event: &Evidence| rows.get(&event.event_id).is_some_and(|row| matches(filter, row));
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

fn fields_of(filter: &Filter, out: &mut BTreeSet<String>) {
    match filter {
        Filter::All => {}
        Filter::And(parts) | Filter::Or(parts) => parts.iter().for_each(|part| fields_of(part, out)),
        Filter::Not(inner) => fields_of(inner, out),
        Filter::Test(field, _) => drop(out.insert(field.name.clone())),
        Filter::AnyText(fields, _) => out.extend(fields.iter().map(|field| field.name.clone())),
    }
}

/// The events, as far as they can be read.
fn rows(events: &[&Evidence], fields: &BTreeSet<String>, engine: &Engine) -> HashMap<Uuid, Row> {
    let mut rows = HashMap::with_capacity(events.len());
    for chunk in events.chunks(EVENTS_A_SEARCH) {
        let (Some(first), Some(last)) = (chunk.first(), chunk.last()) else { continue };
        let ids: Vec<String> = chunk.iter().map(|event| format!("\"{}\"", event.event_id)).collect();
        let end = Timestamp::from_micros(last.at.as_micros().saturating_add(1));
        let search = Search {
            scope: Scope {
                query: format!("{}:({})", names::EVENT_ID, ids.join(" OR ")),
                range: TimeRange { start: Some(first.at), end: Some(end) },
                now: last.at,
            },
            limit: chunk.len(),
            order: Order::Oldest,
            after: None,
            fields: Some(fields.iter().cloned().collect()),
        };
        match futures::executor::block_on(engine.search(search)) {
            Ok(found) => rows.extend(found.rows.iter().filter_map(|row| {
                let event: Value = serde_json::from_str(row.event.get()).ok()?;
                Some((Uuid::parse_str(&row.id).ok()?, row_of(&event, fields)))
            })),
            Err(error) => {
                tracing::warn!("the events behind findings cannot be read, so alert filters do not hide them: {error}");
            }
        }
    }
    rows
}

fn row_of(event: &Value, fields: &BTreeSet<String>) -> Row {
    let value = |name: &String| name.split('.').try_fold(event, |value, part| value.get(part)).cloned();
    fields.iter().filter_map(|name| Some((name.clone(), value(name)?))).collect()
}
