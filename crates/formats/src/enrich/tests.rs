//! Events in, enriched events out; the records are made here, byte by byte.

mod formats;
mod hostile;
mod mmdb;
mod types;

use std::sync::{Arc, LazyLock};

use bumpalo::Bump;
use tidegate_event::{Event, FieldType, Registry, RegistryBuilder, Value};

use super::{EnrichOptions, Enricher};
use crate::manifest::{Answers, Manifest};

/// A registry with the three fields that hold answers; made once, for the sake of the property tests.
static REGISTRY: LazyLock<Arc<Registry>> = LazyLock::new(|| {
    let mut builder = RegistryBuilder::with_ecs();
    builder.declare("v.json", FieldType::Keyword, false);
    builder.declare("v.records", FieldType::Object, true);
    builder.declare("v.old", FieldType::Object, true);
    builder.freeze()
});

fn enricher(registry: &Registry, options: &EnrichOptions) -> Enricher {
    let answers = Answers { json: Some("v.json".into()), records: vec!["v.records".into(), "v.old".into()] };
    Enricher::new(registry, &Manifest { answers: Some(answers), ..Manifest::default() }, options).unwrap()
}

/// Enriches an event with these fields and returns what was added, as JSON.
pub(super) fn enriched_with(options: &EnrichOptions, fields: &[(&str, serde_json::Value)]) -> serde_json::Value {
    let registry = &REGISTRY;
    let arena = Bump::new();
    let mut event = Event::with_capacity_in(8, &arena);
    for (name, value) in fields {
        event.set(registry.id(name).unwrap(), value_of(value, &arena));
    }
    let enricher = enricher(registry, options);
    enricher.enrich(&mut event, &arena);
    for (id, _) in event.fields() {
        let name = &*registry.field(*id).name;
        assert!(enricher.targets().contains(id) || fields.iter().any(|(set, _)| *set == name), "{name} is no target");
    }
    for (name, _) in fields {
        event.remove(registry.id(name).unwrap());
    }
    let mut out = Vec::new();
    event.write_json(registry, &mut out);
    serde_json::from_slice(&out).unwrap()
}

pub(super) fn enriched(fields: &[(&str, serde_json::Value)]) -> serde_json::Value {
    enriched_with(&EnrichOptions::default(), fields)
}

fn value_of<'a>(json: &serde_json::Value, arena: &'a Bump) -> Value<'a> {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(number) => Value::Int(number.as_i64().unwrap()),
        serde_json::Value::String(text) => Value::Str(arena.alloc_str(text)),
        serde_json::Value::Array(items) => {
            Value::List(arena.alloc_slice_fill_iter(items.iter().map(|item| value_of(item, arena))))
        }
        serde_json::Value::Object(entries) => {
            Value::Dict(arena.alloc_slice_fill_iter(
                entries.iter().map(|(key, item)| (&*arena.alloc_str(key), value_of(item, arena))),
            ))
        }
    }
}

/// A name in labels.
pub(super) fn name(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// A full record of class IN that lives 300 seconds.
pub(super) fn record(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = owner.to_vec();
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&[0, 1, 0, 0, 1, 44]);
    bytes.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(data);
    bytes
}

/// As Cloudflare sends it.
pub(super) fn item(kind: u16, bytes: &[u8]) -> serde_json::Value {
    serde_json::json!({"type": kind.to_string(), "data": data_encoding::BASE64.encode(bytes)})
}

fn answers(fields: &[(&str, serde_json::Value)]) -> serde_json::Value {
    enriched(fields)["dns"]["answers"].clone()
}

const QUESTION: &str = "dns.question.name";

#[test]
fn records_as_on_the_wire() {
    let records = serde_json::json!([
        item(5, &record(&name("www.example.com"), 5, &name("edge.example.net"))),
        item(1, &record(&name("edge.example.net"), 1, &[192, 0, 2, 1])),
        item(28, &record(&name("edge.example.net"), 28, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
    ]);
    let expected = serde_json::json!([
        {"name": "www.example.com", "type": "CNAME", "class": "IN", "ttl": 300, "data": "edge.example.net"},
        {"name": "edge.example.net", "type": "A", "class": "IN", "ttl": 300, "data": "192.0.2.1"},
        {"name": "edge.example.net", "type": "AAAA", "class": "IN", "ttl": 300, "data": "2001:db8::1"},
    ]);
    assert_eq!(answers(&[("v.records", records.clone())]), expected);
    assert_eq!(answers(&[("v.old", records)]), expected);
}

#[test]
fn records_in_words() {
    let text = r#"[{"name":"www.example.com.","type":"CNAME","class":"IN","ttl":3600,"rdata":"cname.example.com."},
        {"name":"x","type":1,"class":1,"ttl":"60","rdata":"192.0.2.1"},
        {"name":"x","type":"65","class":"in","ttl":60,"rdata":"1 . alpn=\"h2\""},
        {"type":"MX","rdata":"10 mail.example.com."}, {"type":"MX","rdata":"0 ."}, {"type":"NS","rdata":"."},
        {"type":"SOA","rdata":"ns.example.com. admin.example.com. 1 2 3 4 5"},
        {"type":"TYPE65280","rdata":"\\# 2 ab cd"}, {"type":"NEW","rdata":"text"},
        {"name":"x","type":"A","rdata":"\\# 4 c0000202"}, {"type":"A","rdata":"\\# 4 c00002"}]"#;
    let expected = serde_json::json!([
        {"name": "www.example.com", "type": "CNAME", "class": "IN", "ttl": 3600, "data": "cname.example.com"},
        {"name": "x", "type": "A", "class": "IN", "ttl": 60, "data": "192.0.2.1"},
        {"name": "x", "type": "HTTPS", "class": "IN", "ttl": 60, "data": "1 . alpn=\"h2\""},
        {"type": "MX", "data": "10 mail.example.com"}, {"type": "MX", "data": "0 ."}, {"type": "NS", "data": "."},
        {"type": "SOA", "data": "ns.example.com admin.example.com 1 2 3 4 5"},
        {"type": "TYPE65280", "data": "\\# 2 abcd"}, {"type": "NEW", "data": "text"},
        {"name": "x", "type": "A", "data": "192.0.2.2"}, {"type": "A", "data": "\\# 4 c00002"},
    ]);
    assert_eq!(answers(&[("v.json", text.into())]), expected);
    let parsed: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(answers(&[("v.json", parsed.clone())]), expected, "the same, when the format parsed the text");
    let texts: Vec<String> = parsed.as_array().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(answers(&[("v.json", texts.into())]), expected, "the same, as a list of texts");
}

#[test]
fn the_best_source_that_yields_an_answer_wins() {
    let good = serde_json::json!([item(1, &record(&name("x"), 1, &[192, 0, 2, 1]))]);
    let other = serde_json::json!([item(1, &record(&name("x"), 1, &[192, 0, 2, 2]))]);
    let in_words = r#"[{"name":"x","type":"A","class":"IN","ttl":300,"rdata":"192.0.2.3"}]"#;
    let all = [("v.old", other), ("v.records", good), ("v.json", in_words.into())];
    assert_eq!(answers(&all)[0]["data"], "192.0.2.3");
    assert_eq!(answers(&all[..2])[0]["data"], "192.0.2.1");
    let broken = enriched(&[all[0].clone(), all[1].clone(), ("v.json", "[oops".into())]);
    assert_eq!(broken["dns"]["answers"][0]["data"], "192.0.2.1");
    let errors = &broken["tidegate"]["dns"]["answers_errors"];
    assert_eq!(errors, &serde_json::json!(["the JSON text is damaged at byte 1"]));
    for empty in ["", "[]", "null"] {
        assert_eq!(answers(&[all[1].clone(), ("v.json", empty.into())])[0]["data"], "192.0.2.1", "{empty}");
    }
}

#[test]
fn without_answers_nothing_is_set() {
    assert_eq!(enriched(&[]), serde_json::json!({}));
    assert_eq!(enriched(&[("v.json", "[]".into()), ("v.records", serde_json::json!([]))]), serde_json::json!({}));
}

#[test]
fn what_the_format_set_stays() {
    let own = serde_json::json!([{"data": "own"}]);
    let records = serde_json::json!([item(1, &record(&name("x"), 1, &[192, 0, 2, 1]))]);
    assert_eq!(enriched(&[("dns.answers", own), ("v.records", records)]), serde_json::json!({}));
}

#[test]
fn a_format_without_answers_still_gets_statistics() {
    let registry = &REGISTRY;
    let enricher = Enricher::new(registry, &Manifest::default(), &EnrichOptions::default()).unwrap();
    let arena = Bump::new();
    let mut event = Event::with_capacity_in(8, &arena);
    event.set(registry.id(QUESTION).unwrap(), Value::Str("a1.example.com."));
    event.set(registry.id("v.json").unwrap(), Value::Str("[{}]"));
    enricher.enrich(&mut event, &arena);
    let mut out = Vec::new();
    event.write_json(registry, &mut out);
    let out: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(
        out["tidegate"]["dns"],
        serde_json::json!({"name": {
            "length": 14, "labels": 3, "longest_label": 7, "entropy": 3.085, "digits_ratio": 0.0833
        }})
    );
    assert!(out["dns"].get("answers").is_none());
}

#[test]
fn an_undeclared_field_is_named() {
    let answers = Answers { json: Some("v.jsn".into()), records: vec![] };
    let manifest = Manifest { answers: Some(answers), ..Manifest::default() };
    let error = Enricher::new(&REGISTRY, &manifest, &EnrichOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "field `v.jsn` is not declared");
}
