//! The published schema of request bodies: required members, types, enumerations, ranges, and nothing else.

use serde_json::Value;

use super::error;
use super::http::Response;

/// From cloudflare-python 5.9.0.
const DATASETS: &str = "access_requests account_abuse_protection_events audit_logs audit_logs_v2 biso_user_actions casb_findings \
    device_posture_results dex_application_tests dex_device_state_events dlp_forensic_copies dns_firewall_logs dns_logs \
    email_security_alerts email_security_post_delivery_events firewall_events gateway_dns gateway_http gateway_network \
    http_requests ipsec_logs magic_bgp_logs magic_ids_detections mcp_portal_logs mnm_flow_logs nel_reports \
    network_analytics_logs page_shield_events sinkhole_http_logs spectrum_events ssh_logs turnstile_events \
    warp_config_changes warp_toggle_changes websocket_analytics workers_trace_events zaraz_events zero_trust_network_sessions";

enum Kind {
    Text(usize),
    Switch,
    One(&'static str),
    /// 0 or within.
    Count(u64, u64),
    Share,
    Texts,
    Options,
    Challenge,
}

const JOB: &[(&str, Kind)] = &[
    ("destination_conf", Kind::Text(4_096)),
    ("dataset", Kind::One(DATASETS)),
    ("enabled", Kind::Switch),
    ("filter", Kind::Text(1_000)),
    ("frequency", Kind::One("high low")),
    ("kind", Kind::One(" edge")),
    ("logpull_options", Kind::Text(4_096)),
    ("max_upload_bytes", Kind::Count(5_000_000, 1_000_000_000)),
    ("max_upload_interval_seconds", Kind::Count(30, 300)),
    ("max_upload_records", Kind::Count(1_000, 1_000_000)),
    ("name", Kind::Text(512)),
    ("output_options", Kind::Options),
    ("ownership_challenge", Kind::Challenge),
];

const OPTIONS: &[(&str, Kind)] = &[
    ("field_names", Kind::Texts),
    ("output_type", Kind::One("ndjson csv")),
    ("timestamp_format", Kind::One("unixnano unix rfc3339 rfc3339ms rfc3339ns")),
    ("sample_rate", Kind::Share),
    ("batch_prefix", Kind::Text(64)),
    ("batch_suffix", Kind::Text(64)),
    ("record_prefix", Kind::Text(64)),
    ("record_suffix", Kind::Text(64)),
    ("record_delimiter", Kind::Text(64)),
    ("record_template", Kind::Text(4_096)),
    ("field_delimiter", Kind::Text(64)),
    ("CVE-2021-44228", Kind::Switch),
    ("merge_subrequests", Kind::Switch),
];

const DESTINATION: &[(&str, Kind)] = &[("destination_conf", Kind::Text(4_096))];
const OWNERSHIP: &[(&str, Kind)] = &[("destination_conf", Kind::Text(4_096)), ("ownership_challenge", Kind::Challenge)];
const ORIGIN: &[(&str, Kind)] = &[("logpull_options", Kind::Text(4_096))];

/// The refusal of a request whose body is not as published.
pub fn check(method: &str, rest: &[&str], body: Option<&Value>) -> Option<Response> {
    let (members, required): (&[(&str, Kind)], &[&str]) = match (method, rest) {
        ("POST", ["jobs"]) => (JOB, &["destination_conf"]),
        // An update names no dataset, and the kind of a job cannot be changed.
        ("PUT", ["jobs", _]) => (JOB, &[]),
        ("POST", ["validate", "destination" | "origin"]) if rest[1] == "origin" => (ORIGIN, &["logpull_options"]),
        ("POST", ["validate", "destination", ..] | ["ownership"]) => (DESTINATION, &["destination_conf"]),
        ("POST", ["ownership", "validate"]) => (OWNERSHIP, &["destination_conf", "ownership_challenge"]),
        _ => return body.map(|_| refused("this call takes no body")),
    };
    let Some(object) = body.and_then(Value::as_object) else { return Some(refused("the body is no JSON object")) };
    if method == "PUT" && (object.contains_key("dataset") || object.contains_key("kind")) {
        return Some(refused("`dataset` and `kind` cannot be changed"));
    }
    let missing = required.iter().find(|name| !object.contains_key(**name));
    if let Some(name) = missing {
        return Some(refused(&format!("`{name}` is required")));
    }
    if object.contains_key("logpull_options") && object.contains_key("output_options") {
        return Some(refused("`logpull_options` and `output_options` exclude each other"));
    }
    wrong_member(members, object).map(|why| refused(&why))
}

fn wrong_member(members: &[(&str, Kind)], object: &serde_json::Map<String, Value>) -> Option<String> {
    object.iter().find_map(|(name, value)| match members.iter().find(|(known, _)| known == name) {
        None => Some(format!("unknown member `{name}`")),
        Some((_, Kind::Options)) => match value.as_object() {
            Some(options) => wrong_member(OPTIONS, options),
            None => Some("`output_options` is no object".to_owned()),
        },
        Some((_, kind)) => (!fits(kind, value)).then(|| format!("`{name}` is not as it should be: {value}")),
    })
}

fn fits(kind: &Kind, value: &Value) -> bool {
    match kind {
        Kind::Text(most) => value.as_str().is_some_and(|text| text.len() <= *most),
        Kind::Switch => value.is_boolean(),
        Kind::One(list) => value.as_str().is_some_and(|text| list.split(' ').any(|one| one == text)),
        Kind::Count(least, most) => value.as_u64().is_some_and(|count| count == 0 || (*least..=*most).contains(&count)),
        Kind::Share => value.as_f64().is_some_and(|share| share > 0.0 && share <= 1.0),
        Kind::Texts => value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string)),
        Kind::Challenge => value.as_str().is_some_and(|text| !text.is_empty()),
        Kind::Options => true,
    }
}

fn refused(why: &str) -> Response {
    error(400, 1002, why)
}
