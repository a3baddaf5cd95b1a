//! Which paths a format may set.

use crate::derive;
use crate::fields::Collector;
use crate::load::{ActionKind, Raw, StepKind, Written};

/// The paths that a format sets, and those derived from them.
pub(crate) fn collect(raw: &Raw) -> Collector {
    let mut collector = Collector::default();
    let mut paths: Vec<(String, bool)> = Vec::new();
    for step in &raw.steps {
        let StepKind::Actions(actions) = &step.kind else {
            continue;
        };
        for action in actions {
            match &action.kind {
                ActionKind::Set(assignments) => {
                    paths.extend(assignments.iter().map(|(field, value)| (field.text.clone(), may_be_open(value))));
                }
                ActionKind::Translate { mapping, dictionary, fallback } => {
                    let open = dictionary.iter().map(|(_, value)| value).chain(fallback).any(may_be_open);
                    paths.extend(mapping.iter().map(|(_, target)| (target.text.trim().to_owned(), open)));
                }
                ActionKind::Delete(_) => {}
            }
        }
    }
    for (path, open) in &paths {
        collector.add(path, *open);
    }
    derive::collect(&paths, &mut collector);
    collector
}

/// Whether a value may be a dictionary or a list of them: only single expressions and literals can.
fn may_be_open(value: &Written) -> bool {
    match value {
        Written::Constant(_) => false,
        Written::Template(text) => {
            let text = text.text.trim();
            text.starts_with(['{', '[']) && (text.ends_with("}}") || text.ends_with(['}', ']']))
        }
        Written::List(items) => items.iter().any(may_be_open),
    }
}
