//! MISP events and attributes (<https://www.misp-standard.org/rfc/misp-standard-core.html>).

use serde_json::{Map, Value as Json};

use super::indicator::{Indicator, add_tag, tidy};
use super::json::Walk;
use super::moment::{from_number, parse_moment};
use super::read::Taker;
use super::report::Refusal;

/// The tags of an event stand behind its attributes, which therefore wait; beyond so many they go without.
const WAITING_MAX: usize = 20_000;
/// More tags of one attribute or event are not looked at.
const TAGS_LOOKED_AT_MAX: usize = 64;

/// The event around the attributes.
#[derive(Default)]
pub(super) struct Event {
    waiting: Vec<Indicator>,
    tags: Vec<String>,
    info: Option<String>,
    uuid: Option<String>,
}

impl Event {
    /// Whether a member of an event is of use.
    pub(super) fn wants(key: &str) -> bool {
        matches!(key, "info" | "uuid" | "Tag")
    }

    /// Takes what the event says about itself.
    pub(super) fn complete(&mut self, own: &Map<String, Json>) {
        self.info = text(own, "info").and_then(tidy);
        self.uuid = text(own, "uuid").and_then(tidy);
        tags(own, &mut self.tags);
    }
}

/// One attribute.
pub(super) fn attribute(own: &Map<String, Json>, walk: &mut Walk<'_, '_, '_>) {
    let at = walk.taker.record();
    let Some(kind) = text(own, "type") else {
        walk.taker.report.problem(at, "the attribute has no type");
        return walk.taker.barren();
    };
    let Some(value) = text(own, "value").or_else(|| text(own, "value1")) else {
        walk.taker.report.problem(at, "the attribute has no value");
        return walk.taker.barren();
    };
    let Some(values) = values_of(kind, value) else { return walk.taker.report.pass_over(kind) };
    let deleted = flag(own, "deleted").unwrap_or(false);
    let for_detection = flag(own, "to_ids").unwrap_or(false) || walk.taker.options.all_attributes;
    for value in values {
        let Some(mut indicator) = walk.taker.value(at, value) else { continue };
        if deleted || !for_detection {
            walk.taker.report.refuse(&indicator.value.to_string(), Refusal::NotForDetection);
            continue;
        }
        tags(own, &mut indicator.tags);
        indicator.valid_from = moment(own, "first_seen").or_else(|| moment(own, "timestamp"));
        indicator.description = text(own, "comment").and_then(tidy);
        indicator.reference = text(own, "uuid").and_then(tidy);
        match &mut walk.event {
            Some(event) if event.waiting.len() < WAITING_MAX => event.waiting.push(indicator),
            _ => walk.taker.take(indicator),
        }
    }
}

/// The parts of an attribute that DNS logs can hold; `None` for the other types.
fn values_of<'a>(kind: &str, value: &'a str) -> Option<Vec<&'a str>> {
    let both = || value.split('|').filter(|part| !part.is_empty()).collect();
    let first = || value.split('|').take(1).collect();
    match kind {
        "domain" | "hostname" | "ip-dst" | "ip-src" | "url" | "uri" => Some(vec![value]),
        "domain|ip" => Some(both()),
        "hostname|port" | "ip-dst|port" | "ip-src|port" => Some(first()),
        _ => None,
    }
}

/// The event is over (or broke off): what waits goes on, with what is known about the event.
pub(super) fn finish(walk: &mut Walk<'_, '_, '_>) {
    if let Some(event) = walk.event.take() {
        hand_on(event, walk.taker);
    }
}

fn hand_on(event: Event, taker: &mut Taker<'_, '_>) {
    let Event { waiting, tags, info, uuid } = event;
    for mut indicator in waiting {
        tags.iter().for_each(|tag| add_tag(&mut indicator.tags, tag));
        indicator.description = match (&info, indicator.description.take()) {
            (Some(info), Some(comment)) => Some(format!("{info}: {comment}")),
            (info, comment) => comment.or_else(|| info.clone()),
        };
        indicator.reference = uuid.as_ref().map(|uuid| format!("misp event {uuid}")).or(indicator.reference.take());
        taker.take(indicator);
    }
}

fn tags(own: &Map<String, Json>, tags: &mut Vec<String>) {
    let listed = own.get("Tag").and_then(Json::as_array).into_iter().flatten().take(TAGS_LOOKED_AT_MAX);
    for name in listed.filter_map(|tag| tag.get("name")).filter_map(Json::as_str) {
        add_tag(tags, name);
    }
}

fn text<'a>(own: &'a Map<String, Json>, key: &str) -> Option<&'a str> {
    own.get(key).and_then(Json::as_str)
}

/// MISP writes yes and no as booleans, numbers or texts, depending on its age.
fn flag(own: &Map<String, Json>, key: &str) -> Option<bool> {
    match own.get(key)? {
        Json::Bool(flag) => Some(*flag),
        Json::Number(number) => Some(number.as_i64() != Some(0)),
        Json::String(text) => Some(matches!(text.as_str(), "1" | "true" | "True")),
        _ => None,
    }
}

fn moment(own: &Map<String, Json>, key: &str) -> Option<tidegate_event::Timestamp> {
    match own.get(key)? {
        Json::String(text) => parse_moment(text),
        Json::Number(number) => number.as_i64().and_then(from_number),
        _ => None,
    }
}
