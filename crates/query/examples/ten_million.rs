//! Fills a store with ten million made-up DNS events and measures what analysts do all day.
//!
//! `cargo run --release --example ten_million -p tidegate-query -- DIR [ROWS]`; a directory that holds a store already
//! is measured as it is. Figures are the best of five runs, so the files are in the system's cache.
#![expect(clippy::print_stdout, reason = "the figures are its output")]
#![expect(clippy::unwrap_used, reason = "a measurement that fails must stop")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bumpalo::Bump;
use bumpalo::collections::String as BumpString;
use futures::StreamExt;
use tidegate_event::{
    Event, EventId, FieldId, IntakeId, NodeId, Position, Registry, RegistryBuilder, Status, Timestamp, Value,
};
use tidegate_query::language::TimeRange;
use tidegate_query::{Engine, Export, Format, Histogram, Options, Order, Scope, Search, Split, TopValues};
use tidegate_store::{Meta, Schema, Store};
use uuid::Uuid;

/// Seven days of events end here, 2026-05-11T00:00:00Z.
const END: i64 = 1_778_457_600_000_000;
const SPAN: i64 = 7 * 86_400_000_000;
const BATCH_ROWS: usize = 10_000;

const FIELDS: [&str; 16] = [
    "dns.question.name",
    "dns.question.registered_domain",
    "dns.question.subdomain",
    "dns.question.top_level_domain",
    "dns.question.type",
    "dns.response_code",
    "dns.resolved_ip",
    "source.ip",
    "source.port",
    "destination.ip",
    "user.email",
    "user.id",
    "host.name",
    "event.action",
    "network.transport",
    "rule.name",
];

/// A small generator of numbers that look random (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Small numbers are much more frequent than large ones.
    fn skewed(&mut self, bound: u64) -> u64 {
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((bound as f64).powf(unit) - 1.0) as u64
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().expect("the first argument is a directory");
    let rows: u64 = arguments.next().map_or(10_000_000, |rows| rows.parse().unwrap());
    let store = Arc::new(open(Path::new(&dir)));
    if store.stats().table_rows == 0 {
        fill(&store, rows);
    }
    let stats = store.stats();
    println!("{} rows, {} files, {} MB", stats.table_rows, stats.table_files, stats.table_bytes >> 20);
    let engine = Engine::new(Arc::clone(&store), Options::default()).unwrap();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(measure_all(&engine));
}

fn registry() -> Arc<Registry> {
    RegistryBuilder::with_ecs().freeze()
}

fn open(dir: &Path) -> Store {
    let registry = registry();
    let targets: Vec<FieldId> = FIELDS.iter().map(|name| registry.id(name).unwrap()).collect();
    let schema = Schema::from_fields(&registry, targets.into_iter());
    Store::open(dir, schema, NodeId(Uuid::from_u128(1)), tidegate_store::Options::default()).unwrap()
}

fn fill(store: &Store, rows: u64) {
    let started = Instant::now();
    let registry = registry();
    let ids: Vec<FieldId> = FIELDS.iter().map(|name| registry.id(name).unwrap()).collect();
    let mut encoder = store.encoder();
    let mut numbers = Numbers(7);
    let mut arena = Bump::new();
    let mut position = 0;
    for row in 0..rows {
        if row % BATCH_ROWS as u64 == 0 {
            if encoder.rows() > 0 {
                store.publish(encoder.finish(), Position(position)).unwrap();
            }
            position += 1;
        }
        let moment = END - SPAN + (SPAN as i128 * i128::from(row) / i128::from(rows)) as i64;
        let jittered = Timestamp::from_micros(moment - numbers.below(60_000_000) as i64);
        let ingested = Timestamp::from_micros(moment);
        let event = event_of(&mut numbers, &ids, &arena);
        let raw = raw_of(&event, jittered, &registry, &arena);
        encoder.append(
            &event,
            &Meta {
                event_id: EventId::new(
                    NodeId(Uuid::from_u128(1)),
                    Position(position),
                    ingested,
                    (row % BATCH_ROWS as u64) as u32,
                ),
                ingested,
                timestamp: jittered,
                intake_id: IntakeId(Uuid::from_u128(2)),
                intake_name: "gateway",
                format: "cloudflare-gateway-dns",
                status: Status::Valid,
                reason: None,
                raw,
            },
        );
        drop(event);
        arena.reset();
    }
    store.publish(encoder.finish(), Position(position)).unwrap();
    store.flush().unwrap();
    println!("filled in {:.1} s", started.elapsed().as_secs_f64());
    store.maintain().unwrap();
    println!("compacted after {:.1} s", started.elapsed().as_secs_f64());
}

fn event_of<'a>(numbers: &mut Numbers, ids: &[FieldId], arena: &'a Bump) -> Event<'a> {
    let text = |text: std::fmt::Arguments<'_>| -> &'a str { bumpalo::format!(in arena, "{}", text).into_bump_str() };
    let domain = numbers.skewed(200_000);
    let host = numbers.skewed(40);
    let client = numbers.skewed(5_000);
    let registered = text(format_args!("site{domain}.example"));
    let subdomain = text(format_args!("h{host}"));
    let name = text(format_args!("{subdomain}.{registered}"));
    let answers: Vec<Value<'_>> = (0..1 + numbers.below(3))
        .map(|index| Value::Str(text(format_args!("203.0.{}.{}", domain % 256, (host + index) % 256))))
        .collect();
    let blocked = numbers.below(50) == 0;
    let values = [
        Value::Str(name),
        Value::Str(registered),
        Value::Str(subdomain),
        Value::Str("example"),
        Value::Str(["A", "AAAA", "HTTPS", "PTR"][numbers.skewed(4) as usize]),
        Value::Str(if blocked { "NXDOMAIN" } else { "NOERROR" }),
        Value::List(arena.alloc_slice_copy(&answers)),
        Value::Str(text(format_args!("10.{}.{}.{}", client >> 8, client & 255, 1 + client % 200))),
        Value::Int(1024 + numbers.below(60_000) as i64),
        Value::Str("172.64.36.1"),
        Value::Str(text(format_args!("user{client}@corp.example"))),
        Value::Str(text(format_args!("{:032x}", u128::from(client) * 0x9e37_79b9_7f4a_7c15))),
        Value::Str(text(format_args!("laptop-{client:05}"))),
        Value::Str(if blocked { "blockedByCategory" } else { "allowedOnNoPolicyMatch" }),
        Value::Str(["https", "tls", "udp"][numbers.skewed(3) as usize]),
        if blocked { Value::Str("Block malware") } else { Value::Null },
    ];
    let mut event = Event::with_capacity_in(values.len(), arena);
    for (id, value) in ids.iter().zip(values) {
        if value != Value::Null {
            event.set(*id, value);
        }
    }
    event
}

/// A raw record of the usual size.
fn raw_of<'a>(event: &Event<'_>, moment: Timestamp, registry: &Registry, arena: &'a Bump) -> &'a str {
    let mut json = Vec::with_capacity(600);
    event.write_json(registry, &mut json);
    let mut raw = BumpString::with_capacity_in(json.len() + 64, arena);
    raw.push_str("{\"Datetime\":\"");
    raw.push_str(&moment.to_rfc3339());
    raw.push_str("\",\"Record\":");
    raw.push_str(std::str::from_utf8(&json).unwrap());
    raw.push('}');
    raw.into_bump_str()
}

fn days(first: i64, last: i64) -> TimeRange {
    let at = |day: i64| Some(Timestamp::from_micros(END - (7 - day) * 86_400_000_000));
    TimeRange { start: at(first), end: at(last) }
}

fn scope(query: &str, range: TimeRange) -> Scope {
    Scope { query: query.to_owned(), range, now: Timestamp::from_micros(END) }
}

fn page(query: &str, range: TimeRange) -> Search {
    Search { scope: scope(query, range), limit: 100, ..Search::default() }
}

/// Runs `ask` five times and prints the best time and what it says of its answer.
async fn measure<F: Future<Output = String>>(what: &str, mut ask: impl FnMut() -> F) {
    let (mut best, mut said) = (Duration::MAX, String::new());
    for _ in 0..5 {
        let started = Instant::now();
        said = ask().await;
        best = best.min(started.elapsed());
    }
    println!("{:>9.1} ms  {what}: {said}", best.as_secs_f64() * 1_000.0);
}

async fn measure_all(engine: &Engine) {
    let week = days(0, 7);
    let rare = "dns.question.name:h3.site123456.example";
    let searches = [
        ("a day + exact domain, rare", page(rare, days(3, 4))),
        ("the week + exact domain, rare", page(rare, week)),
        ("a day + exact domain, common", page("dns.question.name:h1.site1.example", days(3, 4))),
        ("the week + registered domain", page("dns.question.registered_domain:site77.example", week)),
        ("the week + address", page("source.ip:10.3.7.176", week)),
        ("the week + `*needle*` on the name", page("dns.question.name:*ite12345*", week)),
        ("the week + regex on the name", page("dns.question.name:/site1234[5-7]\\./", week)),
        ("the week + network", page("source.ip:10.3.0.0/17", week)),
        ("the week + resolved network", page("dns.resolved_ip:203.0.77.0/28", week)),
        ("first page of everything", page("", week)),
        ("first page without a range", page("", TimeRange::default())),
        ("oldest page of everything", Search { order: Order::Oldest, ..page("", week) }),
        ("first page of a common value", page("dns.question.type:AAAA", week)),
        (
            "bare word in one hour",
            page("site12345", TimeRange { start: Some(Timestamp::from_micros(END - 3_600_000_000)), end: week.end }),
        ),
    ];
    for (what, search) in searches {
        measure(what, || async {
            let result = engine.search(search.clone()).await.unwrap();
            format!("{} of {}, {} MB read", result.rows.len(), result.total, result.bytes_read >> 20)
        })
        .await;
    }
    let third = Order::Field { name: "source.port".to_owned(), descending: true };
    let by_port = Search { order: third, ..page("dns.question.type:AAAA", week) };
    measure("first page by port", || async { engine.search(by_port.clone()).await.unwrap().total.to_string() }).await;
    for query in ["", "dns.question.type:AAAA", "dns.question.name:*ite12345*"] {
        let asked = scope(query, week);
        measure(&format!("count of `{query}`"), || async { engine.count(asked.clone()).await.unwrap().to_string() })
            .await;
    }
    for field in
        ["dns.question.type", "source.ip", "dns.question.registered_domain", "dns.question.name", "dns.resolved_ip"]
    {
        let top = TopValues { scope: scope("", week), field: field.to_owned(), size: 10 };
        measure(&format!("top values of {field}"), || async {
            let result = engine.top_values(top.clone()).await.unwrap();
            format!("{} different", result.distinct)
        })
        .await;
    }
    let plain = Histogram { scope: scope("", week), interval_ms: Some(3_600_000), split: None };
    let split = Split { field: "event.action".to_owned(), size: 5 };
    for (what, histogram) in
        [("hourly histogram", plain.clone()), ("hourly histogram, split", Histogram { split: Some(split), ..plain })]
    {
        measure(what, || async { engine.histogram(histogram.clone()).await.unwrap().buckets.len().to_string() }).await;
    }
    let newest = engine.search(page("", week)).await.unwrap();
    let id = newest.rows[50].id.clone();
    measure("event by id", || async { engine.event(&id).await.unwrap().is_some().to_string() }).await;
    measure("fields", || async { engine.fields(scope("", week)).await.unwrap().sampled.to_string() }).await;
    let export =
        Export { scope: scope("dns.question.name:*ite1234*", week), format: Format::Ndjson, fields: None, limit: None };
    measure("export", || async {
        let mut stream = engine.export(export.clone()).await.unwrap();
        let mut bytes = 0;
        while let Some(chunk) = stream.next().await {
            bytes += chunk.unwrap().len();
        }
        format!("{} MB", bytes >> 20)
    })
    .await;
}
