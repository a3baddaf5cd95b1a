//! `tidegate rules test`: the events a rule ships with, run through the whole of detection. Each entry under `fire` must
//! make the rule fire, each under `silent` must not.
//!
//! An entry is an event or a list of events: ECS names, dotted, with their values. `@timestamp` is a time or an offset
//! such as `+90s` after 2026-01-05T09:00:00Z; without one, events follow each other by a second. A key `repeat: N` makes
//! N events of one, `{n}` in its texts counting from 0, and `every` says how far apart they are (`1s`).

use std::sync::Arc;

use bumpalo::Bump;
use serde_json::{Map, Value as Json};
use tidegate_event::{Event, Registry, Timestamp, Value};

use crate::catalogue::Catalogue;
use crate::native::NativeSettings;
use crate::rule::{RuleId, RuleInfo};
use crate::scan::Scan;
use crate::stored::lend;
use crate::yaml::{self, Node};

/// Most events of an entry, repeats included.
pub const EVENTS_MAX: usize = 20_000;
/// Largest case file, in bytes.
pub const CASE_FILE_BYTES_MAX: usize = 1 << 20;
/// 2026-01-05T09:00:00Z, a Monday morning.
const START_MICROS: i64 = 1_767_603_600_000_000;

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// The rule, by its short name.
    pub rule: String,
    /// `fire` or `silent`, and the entry's number, from 1.
    pub case: String,
    /// Why it failed; `None` when it passed.
    pub failure: Option<String>,
}

/// The cases that the binary brings: file stem and text.
pub fn embedded() -> impl Iterator<Item = (&'static str, &'static str)> {
    crate::embedded::CASES.iter().map(|(name, text)| (name.trim_end_matches(".yml"), *text))
}

/// The events that the built-in rule of this short name is tested with: those that fire, those that do not.
#[must_use]
pub fn shown(slug: &str) -> Option<(Vec<Json>, Vec<Json>)> {
    let (_, text) = embedded().find(|(stem, _)| *stem == slug)?;
    let root = yaml::load(text, 0).ok().flatten()?;
    let root = Node::new(&root, 0);
    let entries = |kind: &str| -> Vec<Json> {
        root.get(kind).map(Node::items).unwrap_or_default().into_iter().map(Node::to_json).collect()
    };
    Some((entries("fire"), entries("silent")))
}

/// Runs the cases of one rule. `catalogue` must have been built so that the rule is on.
///
/// # Errors
/// A sentence when the case file cannot be read.
pub fn run(
    rule: &RuleInfo,
    text: &str,
    catalogue: &Arc<Catalogue>,
    registry: &Registry,
) -> Result<Vec<CaseResult>, String> {
    if text.len() > CASE_FILE_BYTES_MAX {
        return Err(format!("cases of `{}` are longer than {CASE_FILE_BYTES_MAX} bytes", rule.slug));
    }
    let broken = |(place, message): yaml::Mistake| format!("cases of `{}`: line {}: {message}", rule.slug, place.line);
    let root = yaml::load(text, 0).map_err(broken)?.ok_or_else(|| format!("cases of `{}` are empty", rule.slug))?;
    let root = Node::new(&root, 0);
    let natives = natives(root.get("settings").map(Node::to_json), catalogue)
        .map_err(|message| format!("cases of `{}`: settings: {message}", rule.slug))?;
    let mut out = Vec::new();
    for (kind, fires) in [("fire", true), ("silent", false)] {
        for (number, entry) in root.get(kind).map(Node::items).unwrap_or_default().into_iter().enumerate() {
            let at = entry.place().line;
            let events = events(&entry.to_json())
                .map_err(|message| format!("cases of `{}`, line {at}: {message}", rule.slug))?;
            let fired = fired(&events, rule.id, catalogue, &natives, registry)
                .map_err(|message| format!("cases of `{}`, line {at}: {message}", rule.slug))?;
            let failure = match (fires, fired.is_empty()) {
                (true, true) => Some(format!("line {at}: rule did not fire")),
                (false, false) => Some(format!("line {at}: rule fired: {}", fired.join("; "))),
                _ => None,
            };
            out.push(CaseResult { rule: rule.slug.to_string(), case: format!("{kind} {}", number + 1), failure });
        }
    }
    if out.is_empty() {
        return Err(format!("cases of `{}` hold neither `fire` nor `silent`", rule.slug));
    }
    Ok(out)
}

/// The detectors' settings for these cases: those of the catalogue, but for what the file says under `settings`.
fn natives(changes: Option<Json>, catalogue: &Catalogue) -> Result<NativeSettings, String> {
    let mut all = serde_json::to_value(&catalogue.natives).unwrap_or_default();
    for (section, changes) in changes.as_ref().and_then(Json::as_object).into_iter().flatten() {
        for (name, value) in changes.as_object().into_iter().flatten() {
            all[section][name] = value.clone();
        }
    }
    serde_json::from_value(all).map_err(|error| error.to_string())
}

/// The alerts of the rule that the events raise, a line each.
fn fired(
    events: &[Timed],
    rule: RuleId,
    catalogue: &Arc<Catalogue>,
    natives: &NativeSettings,
    registry: &Registry,
) -> Result<Vec<String>, String> {
    let arena = Bump::new();
    let end = events.iter().map(|(at, _)| *at).max().unwrap_or_default();
    let mut scan = Scan::with_natives(Arc::clone(catalogue), end, natives);
    for (at, fields) in events {
        let mut event = Event::with_capacity_in(fields.len() + 1, &arena);
        for (name, value) in fields {
            let field = registry.id(name).ok_or_else(|| format!("no field is called `{name}`"))?;
            event.set(field, lend(value, &arena));
        }
        if let Some(field) = registry.id("@timestamp") {
            event.set(field, Value::Str(arena.alloc_str(&at.to_rfc3339())));
        }
        scan.event(&mut event, &arena);
    }
    let alerts = scan.finish().0;
    Ok(alerts.iter().filter(|alert| alert.rule.id == rule).map(|alert| alert.to_json().to_string()).collect())
}

/// An event of a case, with its time.
type Timed = (Timestamp, Map<String, Json>);

/// The events of an entry, with their times.
fn events(entry: &Json) -> Result<Vec<Timed>, String> {
    let list = match entry {
        Json::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let (mut out, mut next) = (Vec::new(), START_MICROS);
    for item in list {
        let mut fields = item.as_object().cloned().ok_or("an event is a mapping of fields")?;
        let repeat = fields.remove("repeat").map_or(Some(1), |value| value.as_u64()).ok_or("`repeat` is a number")?;
        let every = match fields.remove("every") {
            Some(value) => value.as_str().and_then(micros).ok_or("`every` is a time such as `30s`")?,
            None => 1_000_000,
        };
        if let Some(at) = fields.remove("@timestamp") {
            next = at.as_str().and_then(moment).ok_or("`@timestamp` is a time, or an offset such as `+90s`")?;
        }
        if out.len() as u64 + repeat > EVENTS_MAX as u64 {
            return Err(format!("entry has more than {EVENTS_MAX} events"));
        }
        for number in 0..repeat {
            let own = fields.iter().map(|(name, value)| (name.clone(), numbered(value, number))).collect();
            out.push((Timestamp::from_micros(next), own));
            next += every;
        }
    }
    Ok(out)
}

/// `{n}` in texts becomes the event's number.
fn numbered(value: &Json, number: u64) -> Json {
    match value {
        Json::String(text) => {
            let text = text.replace("{n}", &number.to_string());
            Json::String(
                text.replace("{hash}", &format!("{:016x}", crate::correlate::stable_hash(&[&number.to_string()]))),
            )
        }
        Json::Array(items) => Json::Array(items.iter().map(|item| numbered(item, number)).collect()),
        other => other.clone(),
    }
}

fn moment(text: &str) -> Option<i64> {
    match text.strip_prefix('+') {
        Some(offset) => Some(START_MICROS + micros(offset)?),
        None => Timestamp::parse_rfc3339(text).ok().map(Timestamp::as_micros),
    }
}

fn micros(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    let number = number.parse::<f64>().ok().filter(|number| (0.0..1e9).contains(number))?;
    Some((number * seconds * 1e6) as i64)
}
