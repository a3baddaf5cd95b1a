//! `tidegate rules check`: rule files in, every mistake with its file, line and column out.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_event::Registry;
use uuid::Uuid;

use crate::catalogue::{Catalogue, CatalogueParts};
use crate::intel::Indicators;
use crate::lists::Lists;
use crate::problem::{Grade, Problem};
use crate::settings::Settings;
use crate::sigma::{self, Body, Document, Slots};
use crate::source::RuleSources;
use crate::yaml::{Node, Place};

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// Rules that can be used.
    pub rules: usize,
    /// Of these, rules that no event of ours can match, such as those for Windows processes.
    pub not_applicable: usize,
    /// Mistakes and remarks, in the order of files and lines.
    pub problems: Vec<Problem>,
}

impl Checked {
    /// Whether any rule had to be left out.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.problems.iter().any(|problem| problem.grade == Grade::Error)
    }
}

/// Checks rules as loading does, and what loading passes over: rules for other products are compiled too, and what
/// makes a rule hard to work with is remarked upon.
#[must_use]
pub fn check(sources: &RuleSources, registry: &Arc<Registry>, settings: &Settings) -> Checked {
    let parts = CatalogueParts {
        registry: Arc::clone(registry),
        rules: &sources.files,
        settings,
        lists: Arc::new(Lists::default()),
        indicators: Arc::new(Indicators::default()),
    };
    let (catalogue, mut problems) = Catalogue::build(&parts);
    problems.extend(sources.problems.iter().cloned());
    for source in &sources.files {
        for document in sigma::read(&source.path, &source.text, &mut Vec::new()) {
            remark(&document, registry, &mut problems);
        }
    }
    problems.sort_by(|a, b| (&a.path, a.line, a.column, &a.message).cmp(&(&b.path, b.line, b.column, &b.message)));
    problems.dedup();
    let rules = catalogue.rules();
    let not_applicable = rules.iter().filter(|rule| !rule.applicable).count();
    Checked { rules: rules.len(), not_applicable, problems }
}

/// The fields of events that single-event rules look at, by their ECS names, each once.
#[must_use]
pub fn fields(sources: &RuleSources, registry: &Arc<Registry>) -> Vec<String> {
    let mut slots = Slots::default();
    for source in &sources.files {
        for document in sigma::read(&source.path, &source.text, &mut Vec::new()) {
            if let Body::Detection(rule) = &document.body {
                // a rule that cannot be prepared is told of elsewhere
                let _ = sigma::prepare(rule, &document.extension.settings, &mut slots, registry, &mut Vec::new());
            }
        }
    }
    slots.names().map(str::to_owned).collect()
}

fn remark(document: &Document, registry: &Arc<Registry>, problems: &mut Vec<Problem>) {
    let mut warn = |keys: &[&str], message: String| {
        let mut problem = document.problem_at(keys, message);
        problem.grade = Grade::Warning;
        problems.push(problem);
    };
    let (id, level, tags) = match &document.body {
        Body::Detection(rule) => (&rule.id, rule.level, &rule.tags),
        Body::Correlation(rule) => (&rule.id, rule.level, &rule.tags),
        Body::Filter(_) => return,
    };
    match id {
        Some(id) if Uuid::parse_str(id).is_err() => warn(&["id"], format!("`{id}` is no UUID")),
        None => warn(&["title"], "rule has no `id`; renaming it or its file makes it another rule".into()),
        Some(_) => {}
    }
    if level.is_none() {
        warn(&["title"], "rule has no `level`; it counts as medium".into());
    }
    for tag in tags.iter().filter(|tag| tag.starts_with("attack.t1") || tag.starts_with("attack.T1")) {
        if crate::rule::technique(tag).is_none() {
            warn(&["tags"], format!("tag `{tag}` has not the form of an ATT&CK technique, such as `attack.t1071.004`"));
        }
    }
    if let Body::Detection(rule) = &document.body
        && !sigma::applicable(&rule.logsource)
    {
        compile_anyway(document, rule, registry, problems);
    }
}

/// A rule for another product is not matched here. What would not compile is worth a remark, but may well be right where
/// it is meant to run: the engines of others know other regular expressions.
fn compile_anyway(
    document: &Document,
    rule: &rsigma_parser::SigmaRule,
    registry: &Arc<Registry>,
    problems: &mut Vec<Problem>,
) {
    let prepared = sigma::prepare(rule, &BTreeMap::new(), &mut Slots::default(), registry, &mut Vec::new());
    let mut problem = match prepared {
        Ok(rule) => match rsigma_eval::compile_rule(&rule) {
            Ok(_) => return,
            Err(error) => document.problem_at(&["detection"], error.to_string()),
        },
        Err(fault) => document.problem(fault.message, &mut |node| node.text().as_ref() == Some(&fault.at)),
    };
    problem.grade = Grade::Warning;
    problems.push(problem);
}

/// Where the mistake is that the Sigma library speaks of: it names things, not places.
pub(crate) fn locate(root: Node<'_>, message: &str) -> Place {
    let key = |path: &[&str]| {
        let (mut node, mut place) = (root, root.place());
        for key in path {
            let Some((name, value)) = node.entry(key) else { break };
            (node, place) = (value, name.place());
        }
        place
    };
    let quoted = message.split(['\'', '`']).nth(1).unwrap_or_default();
    let with_modifier = |wanted: &str| {
        let wanted = format!("|{wanted}");
        root.get("detection")
            .and_then(|node| node.find(&mut |node| node.text().is_some_and(|text| text.contains(&wanted))))
            .map(Node::place)
    };
    if message.contains("modifier") {
        let name = if quoted == "not" || message.contains("`not`") { "not" } else { quoted };
        return with_modifier(name).unwrap_or_else(|| key(&["detection"]));
    }
    if let Some(name) = ["level", "status", "related", "sigma-version"]
        .into_iter()
        .find(|name| message.contains(&format!("invalid {name}")) || message.contains(&format!("'{name}'")))
    {
        return key(&[name]);
    }
    if message.contains("Condition") || message.contains("condition") {
        return if root.entry("correlation").is_some() {
            key(&["correlation", "condition"])
        } else {
            condition(root, message)
        };
    }
    for (word, path) in [
        ("timespan", &["correlation", "timespan"][..]),
        ("timeframe", &["correlation", "timespan"]),
        ("orrelation type", &["correlation", "type"]),
        ("orrelation", &["correlation"]),
        ("logsource", &["logsource"]),
        ("etection", &["detection"]),
    ] {
        if message.contains(word) {
            return key(path);
        }
    }
    root.find(&mut |node| node.text().as_deref() == Some(quoted) && !quoted.is_empty())
        .map_or_else(|| root.place(), Node::place)
}

/// The place in a condition that a message `… at 1:17: …` speaks of.
fn condition(root: Node<'_>, message: &str) -> Place {
    let node = root.get("detection").and_then(|detection| detection.get("condition"));
    let Some(node) = node else { return root.get("detection").unwrap_or(root).place() };
    let mut place = node.place();
    let column = message.split(" at 1:").nth(1).and_then(|rest| rest.split(':').next()?.parse::<u32>().ok());
    if let Some(column) = column {
        place.column = place.column.saturating_add(column.saturating_sub(1));
    }
    place
}

/// A message of the library as a sentence that says what to do.
pub(crate) fn explain(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let quoted = message.split(['\'', '`']).nth(1).unwrap_or_default();
    if message.starts_with("Unknown modifier") {
        return format!(
            "`{quoted}` is no modifier; Sigma has contains, startswith, endswith, all, re, cidr, cased, exists, base64, \
             base64offset, wide, windash, fieldref, expand, gt, gte, lt, lte, neq"
        );
    }
    if message.starts_with("Missing required field") {
        return format!("rule lacks `{quoted}`");
    }
    if message.starts_with("invalid level") {
        return format!("`{quoted}` is no level: informational, low, medium, high or critical");
    }
    if message.starts_with("invalid status") {
        return format!("`{quoted}` is no status: stable, test, experimental, deprecated or unsupported");
    }
    if message.starts_with("Condition parse error") {
        // Names of the library's grammar, in the words of a rule.
        let names =
            [("EOI", "its end"), ("of_kw_inner", "`of`"), ("or_op", "`or`"), ("and_op", "`and`"), ("not_op", "`not`")];
        let reason = names.into_iter().fold(reason(message).to_owned(), |text, (name, word)| text.replace(name, word));
        return format!("condition cannot be read: {reason}; `and`, `or`, `not` and `of` are in lower case");
    }
    first.trim_end_matches('.').to_owned()
}

/// The last sentence of a multi-line message. The library repeats itself once for each parenthesis it is in.
fn reason(message: &str) -> &str {
    let last = message.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let last = last.trim_start_matches("= ");
    last.rsplit("Condition parse error at ").next().unwrap_or(last)
}
