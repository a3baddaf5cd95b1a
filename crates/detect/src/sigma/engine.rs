//! The rules of one log source, compiled together.

use std::sync::Arc;

use rsigma_parser::SigmaRule;

use super::view::View;

/// A prepared rule and its number in the catalogue.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) index: u32,
    pub(crate) rule: Arc<SigmaRule>,
}

/// A rule that matched an event.
#[derive(Debug)]
pub(crate) struct Match {
    /// The rule's number in the catalogue.
    pub(crate) rule: u32,
    /// Fields and values that matched; a list has a pair for each item, since the library does not say which it was.
    pub(crate) fields: Vec<(Arc<str>, String)>,
}

/// Rules of one log source.
pub(crate) struct Engine {
    rules: rsigma_eval::Engine,
    count: usize,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("rules", &self.count).finish_non_exhaustive()
    }
}

/// Longest value that a finding quotes, in characters.
const QUOTE_CHARS_MAX: usize = 256;
/// Most items of a list that a finding quotes.
const ITEMS_MAX: usize = 10;

impl Engine {
    /// Compiles rules. Those that do not compile were reported when they were loaded.
    pub(crate) fn new(candidates: impl Iterator<Item = Candidate>) -> Self {
        let mut rules = rsigma_eval::Engine::new();
        let compiled: Vec<_> = candidates
            .filter_map(|candidate| {
                let mut rule = rsigma_eval::compile_rule(&candidate.rule).ok()?;
                // what a match carries is cloned each time: the number is all that is needed
                rule.id = Some(candidate.index.to_string());
                rule.title = String::new();
                rule.tags = Vec::new();
                rule.custom_attributes = Arc::default();
                rule.include_event = false;
                Some(rule)
            })
            .collect();
        let count = compiled.len();
        rules.extend_compiled_rules(compiled);
        Self { rules, count }
    }

    /// Adds the rules that match.
    pub(crate) fn matches(&self, view: &View<'_, '_>, out: &mut Vec<Match>) {
        if self.count == 0 {
            return;
        }
        let before = out.len();
        for result in self.rules.evaluate(view) {
            let Some(rule) = result.header.rule_id.as_deref().and_then(|id| id.parse().ok()) else { continue };
            let fields = result.as_detection().map(|body| &*body.matched_fields).unwrap_or_default();
            let fields = fields.iter().filter_map(|field| Some((&view.slots.named(&field.field)?.name, &field.value)));
            let pairs = fields.flat_map(|(name, value)| {
                items(value).iter().take(ITEMS_MAX).map(move |item| (Arc::clone(name), quote(item)))
            });
            out.push(Match { rule, fields: pairs.collect() });
        }
        // the library's order depends on its index
        out[before..].sort_by_key(|found| found.rule);
    }
}

/// The items of a list, or the one value.
fn items(value: &serde_json::Value) -> &[serde_json::Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn quote(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.chars().take(QUOTE_CHARS_MAX).collect(),
        other => other.to_string().chars().take(QUOTE_CHARS_MAX).collect(),
    }
}
