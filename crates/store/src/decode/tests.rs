use std::sync::Arc;

use bumpalo::Bump;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use tidegate_event::{Event, EventId, IntakeId, NodeId, Position, Registry, Status, Timestamp, Value};
use uuid::Uuid;

use super::*;
use crate::encode::{Encoder, Meta};

/// One field of each kind, some in the way of others.
const TARGETS: [&str; 16] = [
    "cloudflare.Name",
    "dns.answers",
    "dns.id",
    "dns.question.name",
    "dns.question.registered_domain",
    "dns.question.subdomain",
    "dns.question.top_level_domain",
    "dns.resolved_ip",
    "event.duration",
    "event.start",
    "host.cpu.usage",
    "labels",
    "labels.deep",
    "network.inner",
    "source.ip",
    "tags",
];

fn registry() -> Arc<Registry> {
    let mut builder = tidegate_event::RegistryBuilder::with_ecs();
    builder.declare("cloudflare.Name", tidegate_event::FieldType::Keyword, false);
    builder.declare("cloudflare.Unmapped", tidegate_event::FieldType::Keyword, false);
    builder.declare("labels.deep", tidegate_event::FieldType::Long, false);
    builder.freeze()
}

fn schema(registry: &Registry) -> Arc<Schema> {
    let targets = TARGETS.iter().map(|name| registry.id(name).expect("a declared field"));
    Arc::new(Schema::from_fields(registry, targets))
}

fn meta<'a>(raw: &'a str) -> Meta<'a> {
    let node = NodeId(Uuid::from_u128(7));
    let time = Timestamp::from_micros(1_700_000_000_123_456);
    Meta {
        event_id: EventId::new(node, Position(1), time, 0),
        ingested: time,
        timestamp: Timestamp::from_micros(1_700_000_000_000_000),
        intake_id: IntakeId(Uuid::from_u128(8)),
        intake_name: "office",
        format: "cloudflare-gateway-dns",
        status: Status::Valid,
        reason: None,
        raw,
    }
}

/// What a row is after it went through columns, without what the pipeline added.
fn round_trip(registry: &Registry, rows: &[Vec<(&str, Json)>]) -> Vec<Json> {
    let arena = Bump::new();
    let schema = schema(registry);
    let mut encoder = Encoder::new(Arc::clone(&schema));
    for row in rows {
        encoder.append(&event(registry, row, &arena), &meta("{}"));
    }
    let batch = encoder.finish();
    let batch = &batch.batches()[0];
    (0..rows.len())
        .map(|row| {
            let mut out = Vec::new();
            row_to_json(batch, row, &schema, &mut out);
            let mut json: Json = serde_json::from_slice(&out).expect("valid JSON");
            for name in ["@timestamp", "message", "tidegate"] {
                json.as_object_mut().expect("an object").remove(name);
            }
            let own = json["event"].as_object_mut().expect("an object");
            own.remove("id");
            own.remove("ingested");
            if own.is_empty() {
                json.as_object_mut().expect("an object").remove("event");
            }
            json
        })
        .collect()
}

fn event<'a>(registry: &Registry, fields: &[(&str, Json)], arena: &'a Bump) -> Event<'a> {
    let mut event = Event::with_capacity_in(fields.len(), arena);
    for (name, value) in fields {
        event.set(registry.id(name).expect("a declared field"), value_of(value, arena));
    }
    event
}

fn value_of<'a>(json: &Json, arena: &'a Bump) -> Value<'a> {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), ..) => Value::Int(number),
            (_, Some(number), _) => Value::UInt(number),
            (.., number) => Value::Float(number.expect("a number")),
        },
        Json::String(text) => Value::Str(arena.alloc_str(text)),
        Json::Array(items) => Value::List(arena.alloc_slice_fill_iter(items.iter().map(|item| value_of(item, arena)))),
        Json::Object(entries) => Value::Dict(arena.alloc_slice_fill_iter(
            entries.iter().map(|(key, value)| (&*arena.alloc_str(key), value_of(value, arena))),
        )),
    }
}

/// What the event itself says as JSON, without nulls.
fn expected(registry: &Registry, fields: &[(&str, Json)]) -> Json {
    let arena = Bump::new();
    let fields: Vec<(&str, Json)> = fields.iter().filter(|(_, value)| !value.is_null()).cloned().collect();
    let mut out = Vec::new();
    event(registry, &fields, &arena).write_json(registry, &mut out);
    serde_json::from_slice(&out).expect("valid JSON")
}

#[test]
fn every_kind_comes_back() {
    let registry = registry();
    let row = vec![
        ("cloudflare.Name", json!("x")),
        (
            "dns.answers",
            json!([{"name": "a.b", "type": "A", "class": "IN", "ttl": 5, "data": "1.2.3.4"}, {"type": "TXT"}]),
        ),
        ("dns.question.name", json!("wWw.Example.co.UK")),
        ("dns.question.registered_domain", json!("Example.co.UK")),
        ("dns.question.subdomain", json!("wWw")),
        ("dns.question.top_level_domain", json!("co.uk")),
        ("dns.resolved_ip", json!(["1.2.3.4", "::1"])),
        ("event.duration", json!(12)),
        ("event.start", json!("2024-05-04T10:20:30.004000Z")),
        ("labels", json!({"a": [1, {"b": null}]})),
        ("labels.deep", json!(3)),
        ("source.ip", json!("10.0.0.1")),
        ("tags", json!([])),
    ];
    assert_eq!(round_trip(&registry, std::slice::from_ref(&row)), [expected(&registry, &row)]);
}

#[test]
fn what_does_not_fit_its_column_is_kept() {
    let registry = registry();
    let row = vec![
        ("cloudflare.Name", json!(["list", "in", "text"])),
        ("cloudflare.Unmapped", json!("no column")),
        ("dns.answers", json!("no list")),
        ("dns.id", json!(7)),
        ("dns.resolved_ip", json!("1.2.3.4")),
        ("event.duration", json!(18_446_744_073_709_551_615_u64)),
        ("event.start", json!("2024-05-04T12:20:30+02:00")),
        ("tags", json!([1, "two", null])),
    ];
    assert_eq!(round_trip(&registry, std::slice::from_ref(&row)), [expected(&registry, &row)]);
}

#[test]
fn rows_do_not_mix() {
    let registry = registry();
    let rows: Vec<Vec<(&str, Json)>> = (0..40)
        .map(|row| match row % 4 {
            0 => vec![("source.ip", json!(format!("10.0.0.{row}")))],
            1 => vec![("dns.answers", json!([{"ttl": row}]))],
            2 => vec![("dns.question.name", json!(format!("{row}.Example"))), ("tags", json!(["x"]))],
            _ => vec![],
        })
        .collect();
    let expected: Vec<Json> = rows.iter().map(|row| expected(&registry, row)).collect();
    assert_eq!(round_trip(&registry, &rows), expected);
}

#[test]
fn the_pipeline_has_the_last_word_on_its_fields() {
    let registry = registry();
    let schema = schema(&registry);
    let arena = Bump::new();
    let mut encoder = Encoder::new(Arc::clone(&schema));
    let fields =
        [("event.id", json!("theirs")), ("message", json!("short")), ("@timestamp", json!("1999-01-01T00:00:00Z"))];
    encoder.append(&event(&registry, &fields, &arena), &meta("the raw record"));
    let batch = encoder.finish();
    let mut out = Vec::new();
    row_to_json(&batch.batches()[0], 0, &schema, &mut out);
    let json: Json = serde_json::from_slice(&out).expect("valid JSON");
    assert_eq!(json["@timestamp"], "2023-11-14T22:13:20Z");
    assert_eq!(json["message"], "the raw record");
    assert_eq!(json["event"]["id"], meta("").event_id.to_string());
    assert_eq!(json["event"]["ingested"], "2023-11-14T22:13:20.123456Z");
    assert_eq!(json["tidegate"]["original"], json!({"event": {"id": "theirs"}, "message": "short"}));
    assert_eq!(json["tidegate"]["intake"], json!({"id": IntakeId(Uuid::from_u128(8)).to_string(), "name": "office"}));
    assert_eq!(json["tidegate"]["status"], "valid");
}

#[test]
fn some_columns_only() {
    let registry = registry();
    let schema = schema(&registry);
    let arena = Bump::new();
    let mut encoder = Encoder::new(Arc::clone(&schema));
    let fields = [("dns.question.name", json!("A.example")), ("dns.id", json!(5)), ("source.ip", json!("::1"))];
    encoder.append(&event(&registry, &fields, &arena), &meta("{}"));
    let batch = encoder.finish();
    let mut out = Vec::new();
    columns_to_json(&batch.batches()[0], 0, &schema, &["dns", "day"], &mut out);
    assert_eq!(String::from_utf8_lossy(&out), r#"{"dns":{"id":5,"question":{"name":"A.example"}}}"#);
}

/// Any JSON value, small.
fn any_json() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        proptest::num::f64::NORMAL.prop_map(Json::from),
        "[ -~é\u{0}]{0,20}".prop_map(Json::from),
        "[a-zA-Z]{1,4}\\.[a-zA-Z]{1,4}\\.?".prop_map(Json::from),
        (0..4_000_000_000_i64).prop_map(|seconds| Timestamp::from_micros(seconds * 997_331).to_rfc3339().into()),
    ];
    let entry = ("[a-z]{1,5}|name|type|ttl", scalar.clone().prop_map(Json::from));
    let object = proptest::collection::vec(entry, 0..4).prop_map(|entries| Json::Object(Map::from_iter(entries)));
    prop_oneof![
        4 => scalar.clone(),
        1 => proptest::collection::vec(prop_oneof![scalar, object.clone()], 0..4).prop_map(Json::from),
        1 => object,
    ]
}

fn any_row() -> impl Strategy<Value = Vec<(&'static str, Json)>> {
    let names: Vec<&'static str> = TARGETS
        .into_iter()
        .chain(["cloudflare.Unmapped", "url.full"])
        .filter(|name| *name != "network.inner")
        .collect();
    proptest::sample::subsequence(names, 0..10).prop_flat_map(|names| {
        let count = names.len();
        (Just(names), proptest::collection::vec(any_json(), count))
            .prop_map(|(names, values)| names.into_iter().zip(values).collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_event_comes_back(rows in proptest::collection::vec(any_row(), 1..6)) {
        let registry = registry();
        let expected: Vec<Json> = rows.iter().map(|row| expected(&registry, row)).collect();
        prop_assert_eq!(round_trip(&registry, &rows), expected);
    }
}
