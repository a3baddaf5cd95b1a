//! A rule as its file and the user's settings describe it, before it is compiled.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rsigma_parser::CorrelationRule;
use uuid::Uuid;

use crate::effort::Effort;
use crate::problem::{Grade, Problem};
use crate::rule::{RuleId, RuleInfo, RuleKind, technique};
use crate::settings::{SettingValue, Settings};
use crate::severity::Severity;
use crate::sigma::{self, Body, Document};

/// A document with its description, before it is compiled.
pub(super) struct Draft {
    pub(super) document: Document,
    pub(super) info: RuleInfo,
    pub(super) always: bool,
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
pub(super) fn draft(document: Document, settings: &Settings, problems: &mut Vec<Problem>) -> Draft {
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
    let mut defaults = extension.settings.clone();
    if let Body::Detection(rule) = &document.body {
        for name in sigma::placeholders(rule) {
            defaults.entry(name).or_insert_with(|| SettingValue::List(Vec::new()));
        }
    }
    let mut values = defaults.clone();
    let own = settings.of(id, &slug, words.title);
    if let Some(own) = own {
        change(&mut values, &own.values, &document, problems);
    }
    // a rule that says nothing about effort is not ours; its author meant it to run
    let effort = own.and_then(|own| own.effort).or(extension.effort).unwrap_or(Effort::Advanced);
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
        defaults,
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

/// The correlation that a draft is, if it is one.
pub(super) fn correlation(draft: &Draft) -> Option<&CorrelationRule> {
    match &draft.document.body {
        Body::Correlation(rule) => Some(rule),
        _ => None,
    }
}

/// Rules by everything a correlation may call them: id, name, and title for what has neither.
pub(super) fn names(drafts: &[Draft]) -> HashMap<String, u32> {
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
