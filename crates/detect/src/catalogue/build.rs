//! Builds a catalogue: reads documents, applies settings and filters, compiles detections and correlations.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use rsigma_parser::{LogSource, SigmaRule};
use tidegate_event::Registry;

use super::draft::{Draft, correlation, draft, names};
use super::event_fields::EventFields;
use super::natives::native_settings;
use super::{Catalogue, CatalogueParts, RULES_MAX, next_generation};
use crate::correlate::{self, CHAIN_MAX, Correlation};
use crate::problem::{Grade, Problem};
use crate::rule::{RuleId, RuleKind};
use crate::settings::SettingValue;
use crate::sigma::{self, Body, Candidate, Document, FactFields, OriginFields, Slots};

pub(super) fn build(parts: &CatalogueParts<'_>) -> (Catalogue, Vec<Problem>) {
    let mut problems = Vec::new();
    let (mut drafts, filters) = read_all(parts, &mut problems);
    apply_filters(&mut drafts, &filters, &mut problems);
    let mut bench = Bench {
        registry: &parts.registry,
        slots: Slots::default(),
        problems,
        candidates: Vec::new(),
        captures: Vec::new(),
        similar: Vec::new(),
        correlations: Vec::new(),
    };
    let mut drafts = bench.detections(drafts);
    bench.correlations(&mut drafts);
    let catalogue = bench.finish(&drafts, parts);
    let Bench { mut problems, .. } = bench;
    problems.sort_by(|a, b| (&a.path, a.line, a.column).cmp(&(&b.path, b.line, b.column)));
    (catalogue, problems)
}

/// Reads every file; of two rules with one id the later wins.
fn read_all(parts: &CatalogueParts<'_>, problems: &mut Vec<Problem>) -> (Vec<Draft>, Vec<Document>) {
    let (mut drafts, mut filters): (Vec<Option<Draft>>, Vec<Document>) = (Vec::new(), Vec::new());
    let mut seen: HashMap<RuleId, usize> = HashMap::new();
    let mut full = false;
    for source in parts.rules {
        for document in sigma::read(&source.path, &source.text, problems) {
            if matches!(document.body, Body::Filter(_)) {
                filters.push(document);
                continue;
            }
            if seen.len() >= RULES_MAX {
                if !std::mem::replace(&mut full, true) {
                    problems
                        .push(document.problem_at(&[], format!("more than {RULES_MAX} rules; the rest is left out")));
                }
                continue;
            }
            let draft = draft(document, parts.settings, problems);
            if let Some(earlier) = seen.insert(draft.info.id, drafts.len())
                && let Some(earlier) = drafts[earlier].take()
            {
                problems.extend(replacement(&earlier.document, &draft));
            }
            drafts.push(Some(draft));
        }
    }
    (drafts.into_iter().flatten().collect(), filters)
}

/// What is to be said of a rule that takes another's place; nothing when the same file was only read twice.
fn replacement(earlier: &Document, draft: &Draft) -> Option<Problem> {
    let later = &draft.document;
    let message = if earlier.path == later.path {
        "another rule of this file has the same id".to_owned()
    } else if earlier.text == later.text {
        return None;
    } else {
        format!("rule takes the place of the one of `{}`, which has the same id", earlier.path)
    };
    Some(Problem { grade: Grade::Warning, ..later.problem_at(&["id"], message) })
}

fn apply_filters(drafts: &mut [Draft], filters: &[Document], problems: &mut Vec<Problem>) {
    for (number, document) in filters.iter().enumerate() {
        let Body::Filter(filter) = &document.body else { continue };
        let mut used = false;
        for draft in drafts.iter_mut() {
            if let Body::Detection(rule) = &mut draft.document.body {
                used |= sigma::apply_filter(filter, number, rule);
            }
        }
        if !used {
            let mut problem = document.problem_at(&["filter", "rules"], "filter is meant for no rule that is loaded");
            problem.grade = Grade::Warning;
            problems.push(problem);
        }
    }
}

struct Bench<'b> {
    registry: &'b Arc<Registry>,
    slots: Slots,
    problems: Vec<Problem>,
    candidates: Vec<Candidate>,
    captures: Vec<Vec<usize>>,
    similar: Vec<usize>,
    correlations: Vec<Correlation>,
}

/// Fields that make two matches alike when the rule does not say: who, and what was asked for or reached.
const SIMILAR_DNS: [&str; 2] = ["source.ip", "dns.question.name"];
const SIMILAR: [&str; 2] = ["source.ip", "destination.ip"];

impl Bench<'_> {
    /// Compiles detections; returns the rules that are left, whose place is their number.
    fn detections(&mut self, drafts: Vec<Draft>) -> Vec<Draft> {
        let mut out: Vec<Draft> = Vec::with_capacity(drafts.len());
        for draft in drafts {
            if let Body::Detection(rule) = &draft.document.body
                && draft.info.applicable
                && draft.info.kind == RuleKind::Sigma
            {
                match self.detection(rule, &draft) {
                    Ok(rule) => self.candidates.push(Candidate { index: out.len() as u32, rule: Arc::new(rule) }),
                    Err(problem) => {
                        self.problems.push(problem);
                        continue;
                    }
                }
            }
            let similar = self.similar_slots(&draft);
            self.similar.push(similar.len());
            self.captures.push(similar);
            out.push(draft);
        }
        out
    }

    fn detection(&mut self, rule: &SigmaRule, draft: &Draft) -> Result<SigmaRule, Problem> {
        let mut unknown = Vec::new();
        let prepared = sigma::prepare(rule, &draft.info.settings, &mut self.slots, self.registry, &mut unknown)
            .map_err(|fault| draft.document.problem(fault.message, &mut |node| says(node, &fault.at)))?;
        for name in sigma::placeholders(rule) {
            if draft.info.settings.get(&name) == Some(&SettingValue::List(Vec::new())) {
                let message =
                    format!("`%{name}%` stands for nothing yet; list its values in the rule's setting `{name}`");
                let wanted = format!("%{name}%");
                let mut problem = draft.document.problem(message, &mut |node| says(node, &wanted));
                problem.grade = Grade::Warning;
                self.problems.push(problem);
            }
        }
        for field in unknown {
            let message = format!("no event has a field `{field}`; the rule can only match its absence");
            let mut problem = draft.document.problem(message, &mut |node| says(node, &field));
            problem.grade = Grade::Warning;
            self.problems.push(problem);
        }
        rsigma_eval::compile_rule(&prepared)
            .map_err(|error| draft.document.problem_at(&["detection"], error.to_string()))?;
        Ok(prepared)
    }

    fn similar_slots(&mut self, draft: &Draft) -> Vec<usize> {
        let dns = match &draft.document.body {
            Body::Detection(rule) => dns_like(&rule.logsource),
            _ => return Vec::new(),
        };
        let own = &draft.info.similarity;
        let fields: Vec<&str> = match (own.is_empty(), dns) {
            (false, _) => own.iter().map(String::as_str).collect(),
            (true, true) => SIMILAR_DNS.to_vec(),
            (true, false) => SIMILAR.to_vec(),
        };
        let mut slots = Vec::with_capacity(fields.len());
        for field in fields {
            let slot = self.slots.add(field, self.registry);
            if !slots.contains(&slot) {
                slots.push(slot);
            }
        }
        slots
    }

    /// Compiles correlations, those they build upon first.
    fn correlations(&mut self, drafts: &mut [Draft]) {
        let names = names(drafts);
        let mut waiting: Vec<u32> =
            (0..drafts.len() as u32).filter(|rule| correlation(&drafts[*rule as usize]).is_some()).collect();
        for _ in 0..CHAIN_MAX {
            let pending: HashSet<u32> = waiting.iter().copied().collect();
            let (ready, later): (Vec<u32>, Vec<u32>) = waiting.into_iter().partition(|rule| {
                correlation(&drafts[*rule as usize]).is_some_and(|ast| {
                    ast.rules
                        .iter()
                        .all(|name| names.get(name).is_none_or(|base| !pending.contains(base) || base == rule))
                })
            });
            waiting = later;
            for rule in ready {
                let draft = &drafts[rule as usize];
                let Some(ast) = correlation(draft) else { continue };
                let settings = &draft.info.settings;
                let source = correlate::Source { rule, ast, settings, names: &names };
                let below = &mut self.correlations;
                match correlate::compile(&source, below, &mut self.captures, &mut self.slots, self.registry) {
                    Ok(compiled) => self.correlations.push(compiled),
                    Err((message, keys)) => self.leave_out(&mut drafts[rule as usize], keys, message),
                }
            }
        }
        for rule in waiting {
            let message = format!("correlations name each other in a circle, or in a chain longer than {CHAIN_MAX}");
            self.leave_out(&mut drafts[rule as usize], &["correlation", "rules"], message);
        }
    }

    /// A correlation with a mistake stays in the catalogue's numbering but is off.
    fn leave_out(&mut self, draft: &mut Draft, keys: &[&str], message: String) {
        self.problems.push(draft.document.problem_at(keys, message));
        draft.info.enabled = false;
        draft.info.applicable = false;
    }

    fn finish(&mut self, drafts: &[Draft], parts: &CatalogueParts<'_>) -> Catalogue {
        let needed = self.needed(drafts);
        let reported = reported(drafts, &self.correlations);
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.retain(|candidate| needed[candidate.index as usize]);
        self.correlations.retain(|correlation| needed[correlation.rule as usize]);
        let correlations = std::mem::take(&mut self.correlations);
        let mut feeds = vec![Vec::new(); drafts.len()];
        for (number, correlation) in correlations.iter().enumerate() {
            for (input, source) in correlation.inputs.iter().enumerate() {
                feeds[source.rule as usize].push((number, input));
            }
        }
        let registry = self.registry;
        let fact = |name| registry.id(name);
        let detector = |draft: &Draft| draft.info.detector.clone();
        Catalogue {
            generation: next_generation(),
            by_id: drafts.iter().enumerate().map(|(rule, draft)| (draft.info.id, rule as u32)).collect(),
            by_detector: drafts
                .iter()
                .enumerate()
                .filter_map(|(rule, draft)| Some((detector(draft)?, rule as u32)))
                .collect(),
            natives: native_settings(drafts, parts.settings, &mut self.problems),
            rules: drafts.iter().map(|draft| Arc::new(draft.info.clone())).collect(),
            reported,
            captures: std::mem::take(&mut self.captures),
            similar: std::mem::take(&mut self.similar),
            correlations,
            feeds,
            slots: std::mem::take(&mut self.slots),
            origin_fields: OriginFields::new(registry),
            fact_fields: FactFields {
                name: fact("dns.question.name"),
                registered: fact("dns.question.registered_domain"),
                length: fact(tidegate_event::names::NAME_LENGTH),
                labels: fact(tidegate_event::names::NAME_LABELS),
                longest: fact(tidegate_event::names::NAME_LONGEST_LABEL),
            },
            event_fields: EventFields::new(registry),
            lists: Arc::clone(&parts.lists),
            indicators: Arc::clone(&parts.indicators),
            lateness_micros: i64::from(parts.settings.lateness_seconds) * 1_000_000,
            skew_micros: i64::from(parts.settings.skew_seconds) * 1_000_000,
            candidates,
            engines: Mutex::default(),
        }
    }

    /// Rules that must be matched: those that are on, and what correlations that are on build upon.
    fn needed(&self, drafts: &[Draft]) -> Vec<bool> {
        let mut needed: Vec<bool> = drafts.iter().map(|draft| draft.info.enabled).collect();
        // those that build upon others stand later
        for correlation in self.correlations.iter().rev() {
            if needed[correlation.rule as usize] {
                for input in &correlation.inputs {
                    needed[input.rule as usize] = true;
                }
            }
        }
        needed
    }
}

/// Rules whose own findings are reported. A correlation takes those of the rules it names for itself, unless one that
/// names them says `generate`.
fn reported(drafts: &[Draft], correlations: &[Correlation]) -> Vec<bool> {
    let mut named = vec![(false, false); drafts.len()];
    for own in correlations {
        let generate = correlation(&drafts[own.rule as usize]).is_some_and(|ast| ast.generate);
        for input in &own.inputs {
            let (taken, given) = &mut named[input.rule as usize];
            *taken = true;
            *given |= generate;
        }
    }
    let shown =
        |(draft, (taken, given)): (&Draft, (bool, bool))| draft.info.enabled && (!taken || given || draft.always);
    drafts.iter().zip(named).map(shown).collect()
}

fn dns_like(source: &LogSource) -> bool {
    source.category.as_deref().is_none_or(|category| category.starts_with("dns"))
}

/// Whether a node is the text that a mistake is about: the text itself, or a key with modifiers.
fn says(node: crate::yaml::Node<'_>, wanted: &str) -> bool {
    node.text()
        .is_some_and(|text| text == wanted || text.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('|')))
}
