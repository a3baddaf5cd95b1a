//! STIX objects (<https://docs.oasis-open.org/cti/stix/v2.1/stix-v2.1.html>): indicators with patterns, and names and
//! addresses that stand alone.

use serde_json::{Map, Value as Json};

use super::indicator::{Indicator, add_tag};
use super::moment::parse_moment;
use super::pattern::{Operand, operands};
use super::read::Taker;
use super::report::Refusal;

/// The observables that DNS logs can hold.
pub(super) fn is_observable(kind: &str) -> bool {
    matches!(kind, "domain-name" | "ipv4-addr" | "ipv6-addr" | "url")
}

/// One object; what is no indicator is counted by its type.
pub(super) fn object(kind: &str, own: &Map<String, Json>, taker: &mut Taker<'_, '_>) {
    let at = taker.record();
    match kind {
        "indicator" => indicator(at, own, taker),
        kind if is_observable(kind) => observable(at, own, taker),
        kind => taker.report.pass_over(kind),
    }
}

fn indicator(at: u64, own: &Map<String, Json>, taker: &mut Taker<'_, '_>) {
    let language = text(own, "pattern_type").unwrap_or("stix");
    if language != "stix" {
        return taker.report.pass_over(&format!("{language} pattern"));
    }
    let Some(pattern) = text(own, "pattern") else {
        taker.report.problem(at, "the indicator has no pattern");
        return taker.barren();
    };
    let found = match operands(pattern) {
        Ok(found) => found,
        Err(why) => {
            taker.report.problem(at, &format!("the pattern cannot be read: {why}"));
            return taker.barren();
        }
    };
    if found.is_empty() {
        return taker.report.pass_over(&about(pattern));
    }
    let revoked = own.get("revoked").and_then(Json::as_bool).unwrap_or(false);
    for Operand { text, scope } in found {
        let Some(mut indicator) = taker.value(at, &text) else { continue };
        if revoked {
            taker.report.refuse(&indicator.value.to_string(), Refusal::NotForDetection);
            continue;
        }
        indicator.scope = scope.unwrap_or(indicator.scope);
        describe(&mut indicator, own);
        taker.take(indicator);
    }
}

/// What a pattern that gives no value is about: `file pattern`.
fn about(pattern: &str) -> String {
    let first = pattern.split(':').next().unwrap_or_default().trim_start_matches(['[', '(', ' ']);
    let is_type = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_type && !is_observable(first) {
        format!("{first} pattern")
    } else {
        "pattern without a name, address or URL".to_owned()
    }
}

fn observable(at: u64, own: &Map<String, Json>, taker: &mut Taker<'_, '_>) {
    let Some(value) = text(own, "value") else {
        taker.report.problem(at, "the object has no value");
        return taker.barren();
    };
    if let Some(mut indicator) = taker.value(at, value) {
        describe(&mut indicator, own);
        taker.take(indicator);
    }
}

fn describe(indicator: &mut Indicator, own: &Map<String, Json>) {
    for key in ["labels", "indicator_types"] {
        for tag in own.get(key).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            add_tag(&mut indicator.tags, tag);
        }
    }
    indicator.confidence = own.get("confidence").and_then(Json::as_u64).map(|sure| sure.min(100) as u8);
    indicator.valid_from = text(own, "valid_from").and_then(parse_moment);
    indicator.valid_until = text(own, "valid_until").and_then(parse_moment);
    let name = text(own, "name");
    indicator.description = match (name, text(own, "description")) {
        (Some(name), Some(more)) => Some(format!("{name}: {more}")),
        (one, other) => one.or(other).map(str::to_owned),
    };
    let links = own.get("external_references").and_then(Json::as_array).into_iter().flatten();
    let link = links.filter_map(Json::as_object).find_map(|link| text(link, "url"));
    indicator.reference = link.or_else(|| text(own, "id")).map(str::to_owned);
}

fn text<'a>(own: &'a Map<String, Json>, key: &str) -> Option<&'a str> {
    own.get(key).and_then(Json::as_str)
}
