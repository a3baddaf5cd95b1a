//! Which values of the events behind an alert its rule looks at, for alerts whose finding does not say: those of
//! correlations and behaviour.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tidegate_event::Timestamp;
use tidegate_query::Engine;
use tidegate_query::language::{Expr, Field, Fields, Filter, Query, matches};
use tidegate_state::EventRef;

/// Values of one field that are told, and of all fields.
const VALUES_MAX: usize = 10;
const MATCHED_MAX: usize = 30;
/// Events that are looked at.
const EVENTS_MAX: usize = 10;
/// Tests of a rule that are looked at.
const TESTS_MAX: usize = 200;

/// One test of one field, as the rule has it.
struct Look {
    field: String,
    filter: Filter,
}

/// The fields and values of these events that pass a test of `search`, which says what the rule looks at. Nothing when
/// the events cannot be read: the alert is shown all the same.
pub(super) async fn matched(engine: &Engine, search: &str, events: &[EventRef]) -> Vec<(String, String)> {
    let looks = looks(search, engine.fields_known());
    if looks.is_empty() {
        return Vec::new();
    }
    let fields = looks.iter().map(|look| look.field.clone()).collect();
    let wanted: Vec<_> = events.iter().take(EVENTS_MAX).map(|event| (event.at, event.id)).collect();
    match engine.events(wanted, &fields).await {
        Ok(mut found) => values(&looks, events.iter().filter_map(|event| found.remove(&event.id))),
        Err(error) => {
            tracing::warn!("the events behind an alert cannot be read, so their values are not told: {error}");
            Vec::new()
        }
    }
}

/// Whether a field has several values, of which not all need to have been the reason.
pub(super) fn is_vague(pairs: &[(String, String)]) -> bool {
    pairs.iter().enumerate().any(|(at, (field, _))| pairs[..at].iter().any(|(other, _)| other == field))
}

/// The pairs without the values of a field that `exact` knows not to be the reason.
pub(super) fn narrowed(pairs: &[(String, String)], exact: &[(String, String)]) -> Vec<(String, String)> {
    let known = |field: &str| pairs.iter().any(|pair| pair.0 == field && exact.contains(pair));
    pairs.iter().filter(|pair| exact.contains(pair) || !known(&pair.0)).cloned().collect()
}

/// The tests of a query that an event must pass, or may; not those that it must not.
fn looks(search: &str, fields: &Fields) -> Vec<Look> {
    let Ok(query) = Query::parse(search) else { return Vec::new() };
    let mut looks = Vec::new();
    positive(query.expr(), &mut |expr| {
        let Expr::Term(term) = expr else { return };
        let Some(field) = term.field.as_ref().filter(|_| looks.len() < TESTS_MAX) else { return };
        let resolved = Query::parse(&expr.to_string()).and_then(|one| one.resolve(fields, Timestamp::now()));
        if let Ok(filter) = resolved {
            looks.push(Look { field: field.name.clone(), filter });
        }
    });
    looks
}

fn positive(expr: &Expr, visit: &mut impl FnMut(&Expr)) {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| positive(part, visit)),
        Expr::Term(_) => visit(expr),
        Expr::All | Expr::Not(_) => {}
    }
}

fn values(looks: &[Look], events: impl Iterator<Item = Map<String, Value>>) -> Vec<(String, String)> {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for event in events {
        for look in looks {
            let Filter::Test(field, _) = &look.filter else { continue };
            let Some(value) = event.get(&look.field) else { continue };
            let told = found.entry(&look.field).or_default();
            let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for item in items.iter().filter(|item| passes(&look.filter, field, item)) {
                let text = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
                if told.len() < VALUES_MAX && !told.contains(&text) {
                    told.push(text);
                }
            }
        }
    }
    let pairs =
        found.into_iter().flat_map(|(field, told)| told.into_iter().map(move |value| (field.to_owned(), value)));
    pairs.take(MATCHED_MAX).collect()
}

/// Whether one value passes the test of its field, on its own.
fn passes(filter: &Filter, field: &Field, item: &Value) -> bool {
    let row: Map<String, Value> = std::iter::once((field.name.clone(), item.clone())).collect();
    matches(filter, &row)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidegate_query::language::Kind;

    use super::*;

    #[test]
    fn of_several_values_only_the_reason_is_left() {
        let pair = |field: &str, value: &str| (field.to_owned(), value.to_owned());
        let stored =
            [pair("c", "Technology"), pair("c", "Malware"), pair("d", "allowedRule"), pair("e", "1"), pair("e", "2")];
        assert!(is_vague(&stored) && !is_vague(&stored[1..4]));
        let exact = [pair("c", "Malware"), pair("d", "allowedOnNoLocation")];
        assert_eq!(narrowed(&stored, &exact), stored[1..]);
        assert_eq!(narrowed(&stored, &[]), stored);
    }

    #[test]
    fn only_values_that_a_rule_looks_at_are_told() {
        let fields: Fields =
            [("tags", Kind::TextList), ("tidegate.dns.name.length", Kind::Int), ("dns.question.name", Kind::Text)]
                .into_iter()
                .map(|(name, kind)| Field { name: name.into(), kind, folded: false })
                .collect();
        let search = "(tags:(sliver* OR rat) OR tidegate.dns.name.length:>62) AND NOT dns.question.name:*.arpa AND x:1";
        let looks = looks(search, &fields);
        let event = |tags: Value, length: u64| {
            let event = json!({"tags": tags, "tidegate.dns.name.length": length, "dns.question.name": "a.arpa"});
            event.as_object().cloned().unwrap()
        };
        let events = [event(json!(["sliver-message", "new"]), 70), event(json!("RAT"), 12), event(json!(null), 70)];
        let told = values(&looks, events.into_iter());
        let told: Vec<_> = told.iter().map(|(field, value)| (field.as_str(), value.as_str())).collect();
        assert_eq!(told, [("tags", "sliver-message"), ("tags", "RAT"), ("tidegate.dns.name.length", "70")]);
        let many = (0..100).map(|length| event(json!([]), 100 + length));
        assert_eq!(values(&looks, many).len(), VALUES_MAX);
    }
}
