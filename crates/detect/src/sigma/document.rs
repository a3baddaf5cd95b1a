//! Rule files: each YAML document becomes a detection, a correlation, a filter or the description of a native detector.

use std::collections::BTreeMap;
use std::sync::Arc;

use rsigma_parser::{CorrelationRule, FilterRule, SigmaRule, parse_sigma_yaml};
use serde::Deserialize;

use super::aggregation;
use crate::effort::Effort;
use crate::problem::{Grade, Problem};
use crate::settings::SettingValue;
use crate::yaml::{self, Node, Place};

/// Largest rule file, in bytes; the largest public one has 60 KB.
pub(crate) const RULE_FILE_BYTES_MAX: usize = 1 << 20;
/// Most documents of one file.
pub(crate) const DOCUMENTS_MAX: usize = 1_000;

/// What a document holds.
#[derive(Debug)]
pub(crate) enum Body {
    Detection(Box<SigmaRule>),
    Correlation(Box<CorrelationRule>),
    Filter(Box<FilterRule>),
}

/// Our own mapping `tidegate:` in a rule.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Extension {
    pub(crate) effort: Option<Effort>,
    pub(crate) enabled: Option<bool>,
    pub(crate) always: bool,
    pub(crate) detector: Option<String>,
    pub(crate) similarity: Vec<String>,
    pub(crate) settings: BTreeMap<String, SettingValue>,
}

/// One document of a rule file.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) body: Body,
    pub(crate) extension: Extension,
    pub(crate) path: Arc<str>,
    pub(crate) text: Arc<str>,
    pub(crate) lines_before: u32,
    /// Place in its file, from 0.
    pub(crate) number: usize,
}

impl Document {
    /// A mistake at the node that `wanted` accepts, or at the start of the document.
    pub(crate) fn problem(&self, message: impl Into<String>, wanted: &mut dyn FnMut(Node<'_>) -> bool) -> Problem {
        let start = Place { line: self.lines_before + 1, column: 1 };
        let place = match yaml::load(&self.text, self.lines_before) {
            Ok(Some(root)) => {
                let root = Node::new(&root, self.lines_before);
                root.find(wanted).unwrap_or(root).place()
            }
            _ => start,
        };
        problem(&self.path, place, message)
    }

    /// A mistake at the value of a top-level key.
    pub(crate) fn problem_at(&self, keys: &[&str], message: impl Into<String>) -> Problem {
        let place = match yaml::load(&self.text, self.lines_before) {
            Ok(Some(root)) => place_of(Node::new(&root, self.lines_before), keys),
            _ => Place { line: self.lines_before + 1, column: 1 },
        };
        problem(&self.path, place, message)
    }
}

/// The place of the deepest key of a path that exists.
fn place_of(root: Node<'_>, keys: &[&str]) -> Place {
    let (mut node, mut place) = (root, root.place());
    for key in keys {
        let Some((name, value)) = node.entry(key) else { break };
        (node, place) = (value, name.place());
    }
    place
}

fn problem<M: Into<String>>(path: &Arc<str>, place: Place, message: M) -> Problem {
    Problem {
        path: Arc::clone(path),
        line: place.line,
        column: place.column,
        message: message.into(),
        grade: Grade::Error,
    }
}

fn warning<M: Into<String>>(path: &Arc<str>, place: Place, message: M) -> Problem {
    Problem { grade: Grade::Warning, ..problem(path, place, message) }
}

/// Whether a rule works all the same: what it says of its relations to others decides nothing here, and public rules
/// say it in words of several versions of the specification.
fn harmless(message: &str) -> bool {
    message.starts_with("related[") || message.starts_with("'related'")
}

/// The documents of a file and the mistakes in it. A bad document does not harm the others.
pub(crate) fn read(path: &Arc<str>, text: &str, problems: &mut Vec<Problem>) -> Vec<Document> {
    let first = Place { line: 1, column: 1 };
    if text.len() > RULE_FILE_BYTES_MAX {
        problems.push(problem(path, first, format!("file is longer than {RULE_FILE_BYTES_MAX} bytes")));
        return Vec::new();
    }
    let pieces = yaml::documents(text);
    if pieces.is_empty() {
        problems.push(problem(path, first, "file holds no rule"));
    }
    if pieces.len() > DOCUMENTS_MAX {
        problems.push(problem(path, first, format!("file holds more than {DOCUMENTS_MAX} documents")));
        return Vec::new();
    }
    let mut out = Vec::new();
    let collection = pieces.iter().any(|(_, piece)| piece.lines().any(|line| line.starts_with("action:")));
    if collection {
        collected(path, text, &pieces, &mut out, problems);
    } else {
        for (number, (lines_before, piece)) in pieces.into_iter().enumerate() {
            if let Err(problem) = single(path, piece, lines_before, number, &mut out, problems) {
                problems.push(*problem);
            }
        }
    }
    out
}

/// One document on its own.
fn single(
    path: &Arc<str>,
    text: &str,
    lines_before: u32,
    number: usize,
    out: &mut Vec<Document>,
    problems: &mut Vec<Problem>,
) -> Result<(), Box<Problem>> {
    let fail = |place: Place, message: String| Box::new(problem(path, place, message));
    let root = yaml::load(text, lines_before).map_err(|(place, message)| fail(place, message))?;
    let Some(root) = &root else { return Ok(()) };
    let root = Node::new(root, lines_before);
    if !root.is_map() {
        return Err(fail(root.place(), "a rule is a mapping of `title`, `logsource`, `detection` and more".into()));
    }
    let extension = extension(root, path)?;
    let mut source = text.to_owned();
    if extension.detector.is_some() {
        complete(root, &mut source);
    }
    if let Some((place, message)) = misplaced_mapping(root) {
        return Err(fail(place, message));
    }
    let pair = aggregation::rewrite(root, path);
    let aggregates = pair.is_some();
    if let Some(pair) = pair {
        let at = || place_of(root, &["detection", "condition"]);
        let pair = pair.map_err(|message| fail(at(), message))?;
        if pair.timeless {
            problems.push(warning(path, at(), "condition counts, but `timeframe` names no time; an hour is taken"));
        }
        source = pair.text;
    }
    let collection = parse_sigma_yaml(&source)
        .map_err(|error| fail(crate::check::locate(root, &error.to_string()), error.to_string()))?;
    for message in &collection.errors {
        let (place, sentence) = (crate::check::locate(root, message), crate::check::explain(message));
        if !harmless(message) {
            return Err(fail(place, sentence));
        }
        problems.push(warning(path, place, sentence));
    }
    for body in bodies(collection) {
        let extension = Extension {
            settings: extension.settings.clone(),
            similarity: extension.similarity.clone(),
            detector: extension.detector.clone(),
            // what a correlation counts is no finding of its own
            enabled: if aggregates && matches!(body, Body::Detection(_)) { Some(false) } else { extension.enabled },
            ..extension
        };
        out.push(Document { body, extension, path: Arc::clone(path), text: text.into(), lines_before, number });
    }
    Ok(())
}

/// A field whose value is a mapping: as text it would match nothing, and a modifier is usually meant.
fn misplaced_mapping(root: Node<'_>) -> Option<(Place, String)> {
    for (name, selection) in root.get("detection")?.entries() {
        if name.text().as_deref() == Some("condition") {
            continue;
        }
        let several = selection.items().into_iter().flat_map(Node::entries);
        for (field, value) in selection.entries().into_iter().chain(several) {
            let Some(map) = std::iter::once(value).chain(value.items()).find(|value| value.is_map()) else { continue };
            let field = field.text().unwrap_or_default();
            let key = map.entries().first().and_then(|(key, _)| key.text()).unwrap_or_default();
            let message = format!(
                "value of `{field}` is a mapping, not a text, a number or a list of them; a modifier stands behind the \
                 field's name: `{field}|{key}`"
            );
            return Some((map.place(), message));
        }
    }
    None
}

/// What a native detector's file leaves out, so that it reads like any other rule.
fn complete(root: Node<'_>, source: &mut String) {
    if !source.ends_with('\n') {
        source.push('\n');
    }
    if root.get("logsource").is_none() {
        source.push_str("logsource: {category: dns}\n");
    }
    if root.get("detection").is_none() {
        source.push_str("detection: {never: {tags: never}, condition: never}\n");
    }
}

fn extension(root: Node<'_>, path: &Arc<str>) -> Result<Extension, Box<Problem>> {
    let Some((key, node)) = root.entry("tidegate") else { return Ok(Extension::default()) };
    let mut json = node.to_json();
    // settings of a native detector may stand beside its name
    if let Some(map) = json.as_object_mut()
        && map.contains_key("detector")
    {
        const OWN: [&str; 6] = ["effort", "enabled", "always", "detector", "similarity", "settings"];
        let loose: Vec<String> = map.keys().filter(|key| !OWN.contains(&key.as_str())).cloned().collect();
        let mut settings = map.remove("settings").unwrap_or_else(|| serde_json::json!({}));
        for key in loose {
            if let (Some(value), Some(settings)) = (map.remove(&key), settings.as_object_mut()) {
                settings.insert(key, value);
            }
        }
        map.insert("settings".into(), settings);
    }
    serde_json::from_value(json).map_err(|error| {
        let message = error.to_string();
        let named = message.split('`').nth(1).unwrap_or_default().to_owned();
        let place = node.find(&mut |node| node.text().as_ref() == Some(&named)).unwrap_or(key).place();
        Box::new(problem(path, place, format!("`tidegate`: {message}")))
    })
}

/// A file with `action: global` or `repeat`: the library merges the documents; places are those of the file's start.
fn collected(
    path: &Arc<str>,
    text: &str,
    pieces: &[(u32, &str)],
    out: &mut Vec<Document>,
    problems: &mut Vec<Problem>,
) {
    for (lines_before, piece) in pieces {
        let root = match yaml::load(piece, *lines_before) {
            Ok(root) => root,
            Err((place, message)) => {
                problems.push(problem(path, place, message));
                return;
            }
        };
        let Some(root) = root.as_ref().map(|root| Node::new(root, *lines_before)) else { continue };
        if aggregation::rewrite(root, path).is_some() {
            let place = place_of(root, &["detection", "condition"]);
            let message =
                "condition counts, which works in a file without `action:` only; write the rule out in one document";
            problems.push(problem(path, place, message));
            return;
        }
    }
    let first = Place { line: 1, column: 1 };
    match parse_sigma_yaml(text) {
        Ok(collection) => {
            for message in &collection.errors {
                let make = if harmless(message) { warning::<String> } else { problem::<String> };
                problems.push(make(path, first, crate::check::explain(message)));
            }
            for (number, body) in bodies(collection).enumerate() {
                out.push(Document {
                    body,
                    extension: Extension::default(),
                    path: Arc::clone(path),
                    text: text.into(),
                    lines_before: 0,
                    number,
                });
            }
        }
        Err(error) => problems.push(problem(path, first, error.to_string())),
    }
}

fn bodies(collection: rsigma_parser::SigmaCollection) -> impl Iterator<Item = Body> {
    let rules = collection.rules.into_iter().map(|rule| Body::Detection(Box::new(rule)));
    let correlations = collection.correlations.into_iter().map(|rule| Body::Correlation(Box::new(rule)));
    let filters = collection.filters.into_iter().map(|rule| Body::Filter(Box::new(rule)));
    rules.chain(correlations).chain(filters)
}
