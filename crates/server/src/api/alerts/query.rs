//! From an alert back to the events behind it.

use std::collections::BTreeSet;

use tidegate_query::language::{Expr, FieldName, Fields, QUERY_BYTES_MAX, Span, Term, Test};
use tidegate_state::{Alert, EventRef};

/// Addresses that are named beside each other.
const SOURCES_MAX: usize = 20;
const NAME: &str = "dns.question.name";
const SOURCE: &str = "source.ip";
const ID: &str = "event.id";

/// The search that shows the events behind an alert: by what they were grouped by, else by the name and who asked for
/// it, else one by one. Fields that no event of ours has are left out.
pub(super) fn query_of(alert: &Alert, events: &[EventRef], fields: &Fields) -> String {
    let known = |name: &str| fields.get(name).is_some();
    let mut parts: Vec<Expr> = Vec::new();
    for (field, value) in alert.group.iter().filter(|(field, _)| known(field)) {
        parts.push(is(field, value));
    }
    let grouped = !parts.is_empty();
    if let Some(name) =
        alert.name.as_deref().filter(|_| known(NAME) && !alert.group.iter().any(|(field, _)| field == NAME))
    {
        parts.push(is(NAME, name));
    }
    let sources: BTreeSet<&str> = events.iter().filter_map(|event| event.source_ip.as_deref()).collect();
    let all_have_one = events.iter().all(|event| event.source_ip.is_some());
    if !grouped && !parts.is_empty() && known(SOURCE) && all_have_one && (1..=SOURCES_MAX).contains(&sources.len()) {
        parts.push(any(sources.into_iter().map(|source| is(SOURCE, source)).collect()));
    }
    if parts.is_empty() {
        parts.push(any(events.iter().map(|event| is(ID, &event.id.to_string())).collect()));
    }
    let text = match parts.len() {
        1 => parts.remove(0).to_string(),
        _ => Expr::And(parts).to_string(),
    };
    // Nothing that the language would refuse: an attacker chose the name.
    if text.len() <= QUERY_BYTES_MAX { text } else { "*".to_owned() }
}

/// Any of these; everything when there is none.
pub(crate) fn any(mut parts: Vec<Expr>) -> Expr {
    match parts.len() {
        0 => Expr::All,
        1 => parts.remove(0),
        _ => Expr::Or(parts),
    }
}

/// The field has exactly this value.
pub(crate) fn is(field: &str, value: &str) -> Expr {
    let field = FieldName { name: field.to_owned(), span: Span::default() };
    Expr::Term(Term { field: Some(field), test: Test::Text(value.to_owned()), span: Span::default() })
}
