//! Enrichment of one event: name statistics alone, and answers from each kind of source.
//! The yard-stick is a record, so the counter says records a second.

use bumpalo::Bump;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use tidegate_event::{Event, FieldId, FieldType, Registry, RegistryBuilder, Value};
use tidegate_formats::enrich::{EnrichOptions, Enricher};
use tidegate_formats::{Answers, Manifest};

fn main() {
    divan::main();
}

const NAME: &str = "d1a2b3c4e5f6.cloudfront-edge.example.com";
/// Records of one event.
const RECORDS: usize = 4;

fn registry() -> std::sync::Arc<Registry> {
    let mut builder = RegistryBuilder::with_ecs();
    builder.declare("v.json", FieldType::Keyword, false);
    builder.declare("v.records", FieldType::Object, true);
    builder.freeze()
}

fn labels(name: &str) -> Vec<u8> {
    name.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).chain([0]).collect()
}

/// A full record of class IN, in base64.
fn record(kind: u16, data: &[u8]) -> String {
    let mut bytes = labels(NAME);
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&[0, 1, 0, 0, 1, 44, 0, data.len() as u8]);
    bytes.extend_from_slice(data);
    data_encoding::BASE64.encode(&bytes)
}

fn run(bencher: Bencher<'_, '_>, field: &str, value: Value<'static>, records: usize) {
    let registry = registry();
    let answers = Answers { json: Some("v.json".into()), records: vec!["v.records".into()] };
    let manifest = Manifest { answers: Some(answers), ..Manifest::default() };
    let enricher = Enricher::new(&registry, &manifest, &EnrichOptions::default()).expect("all are declared");
    let id = |name: &str| registry.id(name).expect("it is declared");
    let fields: [(FieldId, Value<'static>); 2] = [(id("dns.question.name"), Value::Str(NAME)), (id(field), value)];
    let mut arena = Bump::with_capacity(64 << 10);
    bencher.counter(ItemsCount::new(records)).bench_local(|| {
        arena.reset();
        let mut event = Event::with_capacity_in(80, &arena);
        for (id, value) in fields {
            event.set(id, value);
        }
        enricher.enrich(&mut event, &arena);
        black_box(event.fields().len())
    });
}

fn wire(kind: u16, data: &[u8]) -> Value<'static> {
    let number: &str = Box::leak(kind.to_string().into_boxed_str());
    let data: &str = Box::leak(record(kind, data).into_boxed_str());
    let entries: &[_] = Box::leak(Box::new([("type", Value::Str(number)), ("data", Value::Str(data))]));
    Value::List(Box::leak(Box::new([Value::Dict(entries); RECORDS])))
}

#[divan::bench(sample_size = 1000)]
fn name_alone(bencher: Bencher<'_, '_>) {
    run(bencher, "v.json", Value::Null, 1);
}

#[divan::bench(sample_size = 1000)]
fn wire_a(bencher: Bencher<'_, '_>) {
    run(bencher, "v.records", wire(1, &[203, 0, 113, 20]), RECORDS);
}

#[divan::bench(sample_size = 1000)]
fn wire_aaaa(bencher: Bencher<'_, '_>) {
    let address = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x12, 0x34];
    run(bencher, "v.records", wire(28, &address), RECORDS);
}

#[divan::bench(sample_size = 1000)]
fn wire_cname(bencher: Bencher<'_, '_>) {
    run(bencher, "v.records", wire(5, &labels("edge-7.cdn.example.net")), RECORDS);
}

#[divan::bench(sample_size = 1000)]
fn wire_https(bencher: Bencher<'_, '_>) {
    let data = [0, 1, 0, 0, 1, 0, 6, 2, b'h', b'3', 2, b'h', b'2', 0, 4, 0, 8, 192, 0, 2, 1, 192, 0, 2, 2];
    run(bencher, "v.records", wire(65, &data), RECORDS);
}

#[divan::bench(sample_size = 1000)]
fn json_a(bencher: Bencher<'_, '_>) {
    let one = format!(r#"{{"name":"{NAME}","type":"A","class":"IN","ttl":300,"rdata":"203.0.113.20"}}"#);
    let text: &str = Box::leak(format!("[{}]", vec![one; RECORDS].join(",")).into_boxed_str());
    run(bencher, "v.json", Value::Str(text), RECORDS);
}
