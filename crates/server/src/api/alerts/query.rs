//! From an alert back to the events behind it.

use std::collections::BTreeSet;

use tidegate_event::Timestamp;
use tidegate_query::language::{Expr, FieldName, Fields, Part, QUERY_BYTES_MAX, Query, Span, Term, Test, Wildcard};
use tidegate_state::{Alert, EventRef, Similarity};

/// Addresses that are named beside each other.
const SOURCES_MAX: usize = 20;
const NAME: &str = "dns.question.name";
const REGISTERED: &str = "dns.question.registered_domain";
const SOURCE: &str = "source.ip";
const ID: &str = "event.id";
const TAGS: &str = "tags";

/// The search that shows the events behind an alert: by what they were grouped by and what the rule looks at (`search`),
/// else by the name and who asked for it, else one by one. It finds every event that the alert folds. Fields that no
/// event of ours has are left out.
pub(super) fn query_of(alert: &Alert, events: &[EventRef], search: &str, fields: &Fields) -> String {
    let rule = looked_at(alert, search, fields);
    let mut parts = pinned(alert, events, fields);
    parts.extend(rule);
    if parts.is_empty() {
        parts.push(any(events.iter().map(|event| is(ID, &event.id.to_string())).collect()));
    }
    let text = all(parts);
    if text.len() <= QUERY_BYTES_MAX {
        return text;
    }
    let text = all(pinned(alert, events, fields));
    // Nothing that the language would refuse: an attacker chose the name.
    if text.len() <= QUERY_BYTES_MAX { text } else { "*".to_owned() }
}

/// What all events of an alert have in common.
fn pinned(alert: &Alert, events: &[EventRef], fields: &Fields) -> Vec<Expr> {
    // An overflow alert holds what was grouped otherwise.
    if alert.overflow {
        return Vec::new();
    }
    let known = |name: &str| fields.get(name).is_some();
    let group = alert.group.iter().filter(|(field, _)| known(field));
    let parts: Vec<Expr> = group.map(|(field, value)| grouped(field, value)).collect();
    if !alert.group.is_empty() || alert.similarity == Similarity::Group {
        return parts;
    }
    // One name stands for all of them, since it is part of what makes them alike.
    let name = alert.name.as_deref().filter(|_| known(NAME));
    let mut parts: Vec<Expr> = name.map(|name| is(NAME, name)).into_iter().collect();
    let sources: BTreeSet<&str> = events.iter().filter_map(|event| event.source_ip.as_deref()).collect();
    let all_have_one = events.iter().all(|event| event.source_ip.is_some());
    if !parts.is_empty() && known(SOURCE) && all_have_one && (1..=SOURCES_MAX).contains(&sources.len()) {
        parts.push(any(sources.into_iter().map(|source| is(SOURCE, source)).collect()));
    }
    parts
}

/// That an event is of a group. One without a public suffix is of the group of its last two labels, which it does not say.
fn grouped(field: &str, value: &str) -> Expr {
    let has_suffix = psl::suffix(value.as_bytes()).is_some_and(|suffix| suffix.is_known());
    if field != REGISTERED || has_suffix {
        return is(field, value);
    }
    let below = Wildcard { parts: vec![Part::Any, Part::Literal(format!(".{value}"))] };
    any(vec![is(NAME, value), term(NAME, Test::Wildcard(below))])
}

/// What the rule looks at, when events can be asked for that.
fn looked_at(alert: &Alert, search: &str, fields: &Fields) -> Option<Expr> {
    let query = Query::parse(search).ok().filter(|query| query.resolve(fields, Timestamp::now()).is_ok())?;
    // What a hunt found was stored before it had the tag; such alerts are about one name.
    let hunted = query.fields_used().contains(&TAGS) && alert.group.iter().any(|(field, _)| field == NAME);
    (!hunted && *query.expr() != Expr::All).then(|| query.expr().clone())
}

/// All of these.
fn all(mut parts: Vec<Expr>) -> String {
    match parts.len() {
        0 => "*".to_owned(),
        1 => parts.remove(0).to_string(),
        _ => {
            // Printed flat: a nested AND says the same with parentheses.
            let flat = parts.into_iter().flat_map(|part| if let Expr::And(inner) = part { inner } else { vec![part] });
            Expr::And(flat.collect()).to_string()
        }
    }
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
    term(field, Test::Text(value.to_owned()))
}

fn term(field: &str, test: Test) -> Expr {
    let field = FieldName { name: field.to_owned(), span: Span::default() };
    Expr::Term(Term { field: Some(field), test, span: Span::default() })
}
