//! Names against lists, and queries through the native detectors: ordinary traffic of the made-up organisation, a
//! tunnel's flood and a flood of random domains. The counter says names or queries a second.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use serde_json::Value;
use tidegate_detect::lists::{Lists, TagSet};
use tidegate_detect::names::{HashKey, SuffixSet};
use tidegate_detect::native::{Look, NativeSettings, Natives};
use tidegate_event::{EventId, NodeId, Position, Timestamp};
use tidegate_traffic::{Config, FieldSet, Generator, Load, Scenarios};

fn main() {
    divan::main();
}

const QUERIES: usize = 20_000;
const START: i64 = 1_772_438_400_000_000;

struct Query {
    at: i64,
    device: String,
    name: String,
    query_type: String,
    nxdomain: bool,
}

/// Queries of some 1,500 devices.
fn ordinary() -> Vec<Query> {
    let config = Config {
        rate_eps: 400.0,
        load: Load::Flat,
        users: 800,
        devices: 1_500,
        scenarios: Scenarios::None,
        fields: FieldSet::Full,
        ..Config::default()
    };
    let mut text = Vec::new();
    let mut generator = Generator::new(config).expect("the settings are in range");
    generator.next_batch(Timestamp::from_micros(i64::MAX), QUERIES, &mut text);
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let record: Value = serde_json::from_slice(line).expect("the generator writes JSON");
            let field = |name: &str| record[name].as_str().unwrap_or_default().to_lowercase();
            Query {
                at: Timestamp::parse_rfc3339(record["Datetime"].as_str().unwrap_or_default())
                    .map_or(0, Timestamp::as_micros),
                device: field("DeviceID"),
                name: field("QueryName").trim_end_matches('.').to_owned(),
                query_type: field("QueryTypeName").to_uppercase(),
                nxdomain: record["RCode"] == 3,
            }
        })
        .collect()
}

/// 100,000 distinct names a minute of one device.
fn flood(name: impl Fn(u64) -> String, nxdomain: bool) -> Vec<Query> {
    let query = |number: u64| Query {
        at: START + number as i64 * 600,
        device: "laptop-1".to_owned(),
        name: name(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        query_type: "TXT".to_owned(),
        nxdomain,
    };
    (0..QUERIES as u64).map(query).collect()
}

fn observe(bencher: Bencher<'_, '_>, queries: &[Query]) {
    let domains: Vec<&str> = queries.iter().map(|query| psl::domain_str(&query.name).unwrap_or_default()).collect();
    let node = NodeId(uuid::Uuid::nil());
    bencher
        .counter(ItemsCount::new(queries.len()))
        .with_inputs(|| Natives::new(&NativeSettings::default()))
        .bench_local_values(|mut natives| {
            let mut raised = Vec::new();
            for (index, (query, domain)) in queries.iter().zip(&domains).enumerate() {
                let at = Timestamp::from_micros(query.at);
                let look = Look {
                    at,
                    event: EventId::new(node, Position(1), at, index as u32),
                    device: &query.device,
                    source_ip: "192.0.2.7",
                    name: &query.name,
                    registered_domain: domain,
                    query_type: &query.query_type,
                    nxdomain: query.nxdomain,
                    blocked: false,
                };
                natives.observe(black_box(&look), &mut raised);
            }
            (natives, raised)
        });
}

#[divan::bench]
fn natives_ordinary(bencher: Bencher<'_, '_>) {
    observe(bencher, &ordinary());
}

#[divan::bench]
fn natives_tunnel_flood(bencher: Bencher<'_, '_>) {
    observe(bencher, &flood(|number| format!("{number:016x}{number:016x}.t.relay-1234.net"), false));
}

#[divan::bench]
fn natives_domain_flood(bencher: Bencher<'_, '_>) {
    observe(bencher, &flood(|number| format!("{number:016x}.net"), true));
}

#[divan::bench]
fn lists_tags_of(bencher: Bencher<'_, '_>) {
    let (lists, queries) = (Lists::embedded(), ordinary());
    bencher.counter(ItemsCount::new(queries.len())).bench_local(|| {
        let mut tags = TagSet::default();
        for query in &queries {
            lists.tags_of(black_box(&query.name), &mut tags);
        }
        tags
    });
}

#[divan::bench]
fn names_in_a_million(bencher: Bencher<'_, '_>) {
    let mut set = SuffixSet::with_capacity(HashKey::default(), 1_000_000);
    for number in 0..1_000_000_u32 {
        set.insert(&format!("host-{number}.example{}.com", number % 977), number);
    }
    let queries = ordinary();
    bencher
        .counter(ItemsCount::new(queries.len()))
        .bench_local(|| queries.iter().filter(|query| set.longest(black_box(&query.name)).is_some()).count());
}
