//! Builds a catalogue: reads documents, applies settings and filters, compiles detections and correlations.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use rsigma_parser::{CorrelationRule, LogSource, SigmaRule};
use tidegate_event::{FieldId, Registry};
use uuid::Uuid;

use super::{Catalogue, CatalogueParts, RULES_MAX, next_generation};
use crate::correlate::{self, CHAIN_MAX, Correlation};
use crate::effort::Effort;
use crate::native::NativeSettings;
use crate::problem::{Grade, Problem};
use crate::rule::{RuleId, RuleInfo, RuleKind, technique};
use crate::settings::{SettingValue, Settings};
use crate::severity::Severity;
use crate::sigma::{self, Body, Candidate, Document, FactFields, OriginFields, Slots};

/// Fields that the judge reads of every event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventFields {
    pub(crate) timestamp: Option<FieldId>,
    pub(crate) query_type: Option<FieldId>,
    pub(crate) response_code: Option<FieldId>,
    pub(crate) resolved_ip: Option<FieldId>,
    pub(crate) source_ip: Option<FieldId>,
    pub(crate) destination_ip: Option<FieldId>,
    pub(crate) email: Option<FieldId>,
    pub(crate) device: Option<FieldId>,
    pub(crate) decision: Option<FieldId>,
    pub(crate) tags: Option<FieldId>,
}

impl EventFields {
    fn new(registry: &Registry) -> Self {
        Self {
            timestamp: registry.id("@timestamp"),
            query_type: registry.id("dns.question.type"),
            response_code: registry.id("dns.response_code"),
            resolved_ip: registry.id("dns.resolved_ip"),
            source_ip: registry.id("source.ip"),
            destination_ip: registry.id("destination.ip"),
            email: registry.id("user.email"),
            device: registry.id("device.id"),
            decision: registry.id("cloudflare.ResolverDecision"),
            tags: registry.id("tags"),
        }
    }
}

/// A document with its description, before it is compiled.
struct Draft {
    document: Document,
    info: RuleInfo,
    always: bool,
}

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
                && earlier.document.path == draft.document.path
            {
                let mut problem = draft.document.problem_at(&["id"], "another rule of this file has the same id");
                problem.grade = Grade::Warning;
                problems.push(problem);
            }
            drafts.push(Some(draft));
        }
    }
    (drafts.into_iter().flatten().collect(), filters)
}

/// What detections and correlations say about themselves.
struct Words<'w> {
    title: &'w str,
    id: Option<&'w str>,
    name: Option<&'w str>,
    description: Option<&'w str>,
    level: Option<rsigma_parser::Level>,
    status: Option<rsigma_parser::Status>,
    tags: &'w [String],
    references: &'w [String],
    false_positives: &'w [String],
    author: Option<&'w str>,
    date: Option<&'w str>,
    modified: Option<&'w str>,
}

fn words(body: &Body) -> Option<Words<'_>> {
    Some(match body {
        Body::Detection(rule) => Words {
            title: &rule.title,
            id: rule.id.as_deref(),
            name: rule.name.as_deref(),
            description: rule.description.as_deref(),
            level: rule.level,
            status: rule.status,
            tags: &rule.tags,
            references: &rule.references,
            false_positives: &rule.falsepositives,
            author: rule.author.as_deref(),
            date: rule.date.as_deref(),
            modified: rule.modified.as_deref(),
        },
        Body::Correlation(rule) => Words {
            title: &rule.title,
            id: rule.id.as_deref(),
            name: rule.name.as_deref(),
            description: rule.description.as_deref(),
            level: rule.level,
            status: rule.status,
            tags: &rule.tags,
            references: &rule.references,
            false_positives: &rule.falsepositives,
            author: rule.author.as_deref(),
            date: rule.date.as_deref(),
            modified: rule.modified.as_deref(),
        },
        Body::Filter(_) => return None,
    })
}

/// Describes a rule under the user's settings.
fn draft(document: Document, settings: &Settings, problems: &mut Vec<Problem>) -> Draft {
    let words = words(&document.body).expect("filters were sorted out");
    let extension = &document.extension;
    let id = rule_id(&document, &words);
    let stem = document.path.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = stem.strip_suffix(".yml").or_else(|| stem.strip_suffix(".yaml")).unwrap_or(stem);
    let slug: Arc<str> = match words.name {
        Some(name) => name.into(),
        None if document.number == 0 => stem.into(),
        None => format!("{stem}-{}", document.number + 1).into(),
    };
    let mut values = extension.settings.clone();
    let own = settings.of(id, &slug, words.title);
    if let Some(own) = own {
        change(&mut values, &own.values, &document, problems);
    }
    // a rule that says nothing about effort is not ours; its author meant it to run
    let effort = extension.effort.unwrap_or(Effort::Advanced);
    let retired = matches!(words.status, Some(rsigma_parser::Status::Deprecated | rsigma_parser::Status::Unsupported));
    let by_default = extension.enabled.unwrap_or(effort <= settings.effort && !retired);
    let default_enabled = extension.always || by_default;
    let enabled = extension.always || own.and_then(|own| own.enabled).unwrap_or(by_default);
    let severity = own.and_then(|own| own.severity).unwrap_or_else(|| severity(words.level));
    let kind = match &document.body {
        _ if extension.detector.is_some() => RuleKind::Native,
        Body::Correlation(_) => RuleKind::Correlation,
        _ => RuleKind::Sigma,
    };
    let applicable = match &document.body {
        Body::Detection(rule) => sigma::applicable(&rule.logsource),
        _ => true,
    };
    let info = RuleInfo {
        id,
        name: words.title.into(),
        slug,
        description: words.description.unwrap_or_default().trim().to_owned(),
        effort,
        severity,
        attack: words.tags.iter().filter_map(|tag| technique(tag)).collect(),
        tags: words.tags.to_vec(),
        references: words.references.to_vec(),
        false_positives: words.false_positives.to_vec(),
        enabled,
        default_enabled,
        always: extension.always,
        applicable,
        kind,
        detector: extension.detector.clone(),
        similarity: extension.similarity.clone(),
        settings: values,
        defaults: extension.settings.clone(),
        author: words.author.map(str::to_owned),
        date: words.date.map(str::to_owned),
        modified: words.modified.map(str::to_owned),
        path: Arc::clone(&document.path),
        yaml: Arc::clone(&document.text),
    };
    let always = extension.always;
    Draft { document, info, always }
}

/// The id of the file, or one made of what the rule is called, so that it stays the same.
fn rule_id(document: &Document, words: &Words<'_>) -> RuleId {
    let made = |text: &str| RuleId(Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()));
    match words.id {
        Some(id) => Uuid::parse_str(id).map_or_else(|_| made(id), RuleId),
        None => made(&format!("{}\u{0}{}", document.path, words.title)),
    }
}

/// Puts the user's values over the rule's own; a name that the rule does not have, or a value of another kind, is a
/// problem and changes nothing.
fn change(
    values: &mut BTreeMap<String, SettingValue>,
    changes: &BTreeMap<String, SettingValue>,
    document: &Document,
    problems: &mut Vec<Problem>,
) {
    for (name, value) in changes {
        let message = match values.get(name) {
            Some(own) if value.fits(own) => {
                values.insert(name.clone(), value.clone());
                continue;
            }
            Some(own) => format!("setting `{name}` must be {}, not {}", own.kind(), value.kind()),
            None => {
                let known: Vec<&str> = values.keys().map(String::as_str).collect();
                format!("rule has no setting `{name}`; it has: {}", known.join(", "))
            }
        };
        let mut problem = document.problem_at(&["tidegate", "settings"], message);
        problem.grade = Grade::Warning;
        problems.push(problem);
    }
}

fn severity(level: Option<rsigma_parser::Level>) -> Severity {
    match level {
        Some(rsigma_parser::Level::Informational) => Severity::Informational,
        Some(rsigma_parser::Level::Low) => Severity::Low,
        // what most public rules without a level would be given
        Some(rsigma_parser::Level::Medium) | None => Severity::Medium,
        Some(rsigma_parser::Level::High) => Severity::High,
        Some(rsigma_parser::Level::Critical) => Severity::Critical,
    }
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

/// The section of the detectors' settings that a detector reads.
fn section(detector: &str) -> &str {
    match detector {
        "nxdomain-burst" => "nxdomain",
        "first-seen" => "first_seen",
        "sliver" | "cobalt-strike" | "evilproxy" => "session",
        other => other,
    }
}

/// What the files of native detectors and the user set. A detector without a rule that is on does not run.
fn native_settings(drafts: &[Draft], settings: &Settings, problems: &mut Vec<Problem>) -> NativeSettings {
    let mut sections = serde_json::json!({"lateness_seconds": settings.lateness_seconds});
    for draft in drafts {
        let Some(detector) = &draft.info.detector else { continue };
        let own = &mut sections[section(detector)];
        let running = own["enabled"].as_bool().unwrap_or(false) || draft.info.enabled;
        own["enabled"] = running.into();
        for (name, value) in &draft.info.settings {
            own[name] = serde_json::to_value(value).unwrap_or_default();
        }
        if let Err(error) = serde_json::from_value::<NativeSettings>(sections.clone()) {
            let message = format!("settings of detector `{detector}`: {error}");
            problems.push(draft.document.problem_at(&["tidegate", "settings"], message));
            let enabled = sections[section(detector)]["enabled"].clone();
            sections[section(detector)] = serde_json::json!({"enabled": enabled});
        }
    }
    serde_json::from_value(sections).unwrap_or_default()
}

fn correlation(draft: &Draft) -> Option<&CorrelationRule> {
    match &draft.document.body {
        Body::Correlation(rule) => Some(rule),
        _ => None,
    }
}

/// Rules by everything a correlation may call them: id, name, and title for what has neither.
fn names(drafts: &[Draft]) -> HashMap<String, u32> {
    let mut names = HashMap::new();
    for (rule, draft) in drafts.iter().enumerate() {
        names.entry(draft.info.name.to_string()).or_insert(rule as u32);
    }
    for (rule, draft) in drafts.iter().enumerate() {
        names.insert(draft.info.slug.to_string(), rule as u32);
    }
    for (rule, draft) in drafts.iter().enumerate() {
        let written = words(&draft.document.body).and_then(|words| words.id.map(str::to_owned));
        names.insert(written.unwrap_or_else(|| draft.info.id.to_string()), rule as u32);
    }
    names
}

fn dns_like(source: &LogSource) -> bool {
    source.category.as_deref().is_none_or(|category| category.starts_with("dns"))
}

/// Whether a node is the text that a mistake is about: the text itself, or a key with modifiers.
fn says(node: crate::yaml::Node<'_>, wanted: &str) -> bool {
    node.text()
        .is_some_and(|text| text == wanted || text.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('|')))
}
