//! How quick events become columns, and columns files. Run with `cargo bench -p tidegate-store`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints its figures and stops at the first surprise"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bumpalo::Bump;
use tidegate_event::{
    Event, EventId, FieldId, FieldType, IntakeId, NodeId, Position, Registry, RegistryBuilder, Status, Timestamp, Value,
};
use tidegate_store::{EncodedBatch, Meta, Options, Schema, Store};
use uuid::Uuid;

const NODE: NodeId = NodeId(Uuid::from_u128(1));
/// Records in a batch, as Logpush sends them.
const BATCH_ROWS: u32 = 1000;
/// 2026-05-04T10:00:00Z.
const START: i64 = 1_777_888_800_000_000;

/// Fields of a Gateway DNS event beyond the built-in ones: name, type, list or not.
const CLOUDFLARE: [(&str, FieldType, bool); 24] = [
    ("cloudflare.AccountID", FieldType::Keyword, false),
    ("cloudflare.ApplicationID", FieldType::Long, false),
    ("cloudflare.ColoCode", FieldType::Keyword, false),
    ("cloudflare.ColoID", FieldType::Long, false),
    ("cloudflare.DeviceName", FieldType::Keyword, false),
    ("cloudflare.EDEErrors", FieldType::Long, true),
    ("cloudflare.InitialCategoryIDs", FieldType::Long, true),
    ("cloudflare.InitialCategoryNames", FieldType::Keyword, true),
    ("cloudflare.IsResponseCached", FieldType::Boolean, false),
    ("cloudflare.Location", FieldType::Keyword, false),
    ("cloudflare.LocationID", FieldType::Keyword, false),
    ("cloudflare.MatchedCategoryIDs", FieldType::Long, true),
    ("cloudflare.MatchedCategoryNames", FieldType::Keyword, true),
    ("cloudflare.PolicyID", FieldType::Keyword, false),
    ("cloudflare.QueryCategoryIDs", FieldType::Long, true),
    ("cloudflare.QueryCategoryNames", FieldType::Keyword, true),
    ("cloudflare.QueryID", FieldType::Keyword, false),
    ("cloudflare.QueryNameReversed", FieldType::Keyword, false),
    ("cloudflare.QuerySize", FieldType::Long, false),
    ("cloudflare.QueryType", FieldType::Keyword, false),
    ("cloudflare.ResolverDecision", FieldType::Keyword, false),
    ("cloudflare.ResourceRecordsJSON", FieldType::Keyword, false),
    ("cloudflare.TimeZone", FieldType::Keyword, false),
    ("cloudflare.TimeZoneInferredMethod", FieldType::Keyword, false),
];

const BUILT_IN: [&str; 36] = [
    "destination.address",
    "destination.ip",
    "destination.port",
    "device.id",
    "dns.answers",
    "dns.question.name",
    "dns.question.registered_domain",
    "dns.question.subdomain",
    "dns.question.top_level_domain",
    "dns.question.type",
    "dns.resolved_ip",
    "dns.response_code",
    "event.action",
    "event.category",
    "event.dataset",
    "event.kind",
    "event.module",
    "event.type",
    "host.hostname",
    "host.name",
    "network.protocol",
    "network.transport",
    "observer.type",
    "observer.vendor",
    "organization.id",
    "related.hosts",
    "related.ip",
    "rule.id",
    "rule.name",
    "source.address",
    "source.geo.country_iso_code",
    "source.ip",
    "source.port",
    "user.email",
    "user.id",
    "user.name",
];

/// The fields of every event, and a registry that knows them.
struct World {
    registry: Arc<Registry>,
    fields: Vec<FieldId>,
}

impl World {
    fn new() -> Self {
        let mut builder = RegistryBuilder::with_ecs();
        for (name, kind, array) in CLOUDFLARE {
            builder.declare(name, kind, array);
        }
        let registry = builder.freeze();
        let mut fields: Vec<FieldId> = BUILT_IN
            .into_iter()
            .chain(CLOUDFLARE.map(|(name, ..)| name))
            .map(|name| registry.id(name).expect("a declared field"))
            .collect();
        fields.sort();
        Self { registry, fields }
    }

    fn open(&self, dir: &std::path::Path, options: Options) -> Store {
        // As wide as the union of several formats.
        let others = self.registry.iter().map(|(id, _)| id).take(150);
        let schema = Schema::from_fields(&self.registry, self.fields.iter().copied().chain(others));
        Store::open(dir, schema, NODE, options).expect("the store opens")
    }

    /// A batch of events whose values spread as those of a company's traffic do: few names often, many names once.
    fn events<'a>(&self, seed: u64, arena: &'a Bump) -> Vec<(Event<'a>, &'a str)> {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..u64::from(BATCH_ROWS))
            .map(|index| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let event = self.event(random, seed * u64::from(BATCH_ROWS) + index, arena);
                let mut raw = Vec::new();
                event.write_json(&self.registry, &mut raw);
                raw.truncate(1000);
                (event, &*arena.alloc_str(&String::from_utf8_lossy(&raw)))
            })
            .collect()
    }

    fn event<'a>(&self, random: u64, serial: u64, arena: &'a Bump) -> Event<'a> {
        let text = |text: String| Value::Str(arena.alloc_str(&text));
        let list = |items: &[Value<'a>]| Value::List(arena.alloc_slice_copy(items));
        let user = random % 3000;
        // Half of all queries go to 200 domains, the rest to a tail of a million.
        let domain = if random & 1024 == 0 { (random >> 20) % 200 } else { (random >> 20) % 1_000_000 };
        let domain = format!("domain{domain}.example");
        let name = format!("host{}.{domain}", (random >> 40) % 20);
        let address = format!("198.51.{}.{}", (random >> 16) % 100, (random >> 24) % 250);
        let mut event = Event::with_capacity_in(self.fields.len(), arena);
        for id in &self.fields {
            let field = self.registry.field(*id);
            let value = match &*field.name {
                "dns.question.name" | "cloudflare.QueryNameReversed" => text(name.clone()),
                "dns.question.registered_domain" => text(domain.clone()),
                "dns.answers" => {
                    let answer: &'a [(&'a str, Value<'a>)] = arena.alloc_slice_copy(&[
                        ("name", text(name.clone())),
                        ("type", Value::Str("A")),
                        ("class", Value::Str("IN")),
                        ("ttl", Value::Int((random % 3600).cast_signed())),
                        ("data", text(address.clone())),
                    ]);
                    list(&[Value::Dict(answer)])
                }
                "dns.resolved_ip" | "related.ip" => list(&[text(address.clone())]),
                "related.hosts" => list(&[text(name.clone())]),
                "source.ip" | "source.address" => text(format!("10.{}.{}.7", user / 250, user % 250)),
                "user.email" | "user.name" => text(format!("user{user}@company.example")),
                "user.id" | "device.id" | "cloudflare.LocationID" => {
                    text(format!("{user:08x}-92e3-5e5f-b3cf-67965d7c33e3"))
                }
                "host.name" | "host.hostname" | "cloudflare.DeviceName" => text(format!("LAPTOP-{user}")),
                "cloudflare.QueryID" => text(format!("{random:016x}{serial:016x}")),
                "cloudflare.ResourceRecordsJSON" => {
                    text(format!(r#"[{{"name":"{name}","type":"A","class":"IN","ttl":300,"rdata":"{address}"}}]"#))
                }
                _ => match (field.kind, field.array) {
                    (FieldType::Long, true) => list(&[Value::Int((random % 150).cast_signed()), Value::Int(2)]),
                    (FieldType::Long, false) => Value::Int((random % 500).cast_signed()),
                    (FieldType::Boolean, _) => Value::Bool(random & 1 == 0),
                    (_, true) => list(&[Value::Str("Technology"), Value::Str("Security threats")]),
                    (_, false) => Value::Str("a value of some length"),
                },
            };
            event.push(*id, value);
        }
        event
    }
}

fn meta(position: u64, index: u32, raw: &str) -> Meta<'_> {
    let received = Timestamp::from_micros(START + i64::try_from(position).unwrap_or(0) * 16_000);
    Meta {
        event_id: EventId::new(NODE, Position(position), received, index),
        ingested: received,
        timestamp: Timestamp::from_micros(received.as_micros() - i64::from(index * 7919 % 1000) * 60_000),
        intake_id: IntakeId(Uuid::from_u128(2)),
        intake_name: "headquarters",
        format: "cloudflare-gateway-dns",
        status: Status::Valid,
        reason: None,
        raw,
    }
}

fn main() {
    encode_once();
    divan::main();
    // The figures that capacity is planned with need more than a microbenchmark.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    sustained(20);
}

/// Encoding a batch of 1,000 events of 60 fields.
#[divan::bench(sample_count = 50)]
fn encode(bencher: divan::Bencher<'_, '_>) {
    let world = World::new();
    let dir = tempfile::tempdir().expect("a folder");
    let store = world.open(dir.path(), Options::default());
    let arena = Bump::new();
    let events = world.events(1, &arena);
    let mut encoder = store.encoder();
    bencher.counter(divan::counter::ItemsCount::new(BATCH_ROWS)).bench_local(|| {
        for (index, (event, raw)) in (0..).zip(&events) {
            encoder.append(event, &meta(1, index, raw));
        }
        encoder.finish()
    });
}

/// The same as `encode`, as one number for the log.
fn encode_once() {
    let world = World::new();
    let dir = tempfile::tempdir().expect("a folder");
    let store = world.open(dir.path(), Options::default());
    let arena = Bump::new();
    let events = world.events(1, &arena);
    let mut encoder = store.encoder();
    let mut best = Duration::MAX;
    let mut bytes = 0;
    for _ in 0..30 {
        let started = busy("bench");
        for (index, (event, raw)) in (0..).zip(&events) {
            encoder.append(event, &meta(1, index, raw));
        }
        let batch = encoder.finish();
        best = best.min(busy("bench").saturating_sub(started));
        bytes = batch.bytes();
    }
    report(&format!(
        "encode: {:.2} us of one core an event of {} fields, {} bytes a row in memory",
        best.as_secs_f64() * 1e6 / f64::from(BATCH_ROWS),
        world.fields.len(),
        bytes / BATCH_ROWS as usize
    ));
}

/// Publishes for a while as fast as the store takes it, maintenance included.
fn sustained(flushes: u64) {
    let world = World::new();
    let dir = tempfile::tempdir().expect("a folder");
    let options = Options { compact_files: 8, maintenance_interval: Duration::from_millis(500), ..Options::default() };
    let store = world.open(dir.path(), options);
    let batches: Vec<EncodedBatch> = (0..64)
        .map(|seed| {
            let arena = Bump::new();
            let mut encoder = store.encoder();
            for (index, (event, raw)) in (0..).zip(&world.events(seed + 1, &arena)) {
                encoder.append(event, &meta(seed, index, raw));
            }
            encoder.finish()
        })
        .collect();
    let started = Instant::now();
    let count = flushes * 132;
    for position in 0..count {
        let batch = batches[(position % 64) as usize].clone();
        store.publish(batch, Position(position + 1)).expect("the store takes events");
    }
    store.flush().expect("the flush works");
    let took = started.elapsed();
    let stats = store.stats();
    report(&format!(
        "flush: {:.0} rows/s over {} rows, {:.2} us of one core a row flushing and {:.2} us in maintenance, last flush {:.0} ms, {} bytes \
         a row, {} files, {} compactions of {} files, {} MB resident",
        stats.table_rows as f64 / took.as_secs_f64(),
        stats.table_rows,
        busy("store-flush").as_secs_f64() * 1e6 / stats.table_rows as f64,
        busy("store-maintain").as_secs_f64() * 1e6 / stats.table_rows as f64,
        stats.last_commit_took.as_secs_f64() * 1e3,
        stats.table_bytes / stats.table_rows.max(1),
        stats.table_files,
        stats.compactions,
        stats.compacted_files,
        resident_bytes() >> 20
    ));
}

/// Processor time that the thread of that name has used; a machine that does other work as well does not distort it much.
fn busy(thread: &str) -> Duration {
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten().map(|entry| entry.path());
    let named = tasks.filter(|task| read(task.join("comm")).trim() == thread);
    let nanos = named.filter_map(|task| read(task.join("schedstat")).split(' ').next()?.parse::<u64>().ok());
    Duration::from_nanos(nanos.sum())
}

/// The most memory that this process had resident.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) << 10
}

#[expect(clippy::print_stdout, reason = "what a bench is for")]
fn report(line: &str) {
    println!("{line}");
}
