//! What detection costs: judging and observing, as a ratio to parsing the same records in the same run.
//!
//! `cargo bench -p tidegate-detect --bench judge` prints them and fails above what is promised. A million indicators are
//! loaded throughout. Three loads: ordinary traffic; a flood of distinct names below one domain, which must not take
//! longer than ordinary traffic by more than a third; ordinary traffic with two thousand rules of others loaded, which
//! must be judged at a quarter of the rate of parsing or faster.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints its figures and stops at the first surprise"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bumpalo::Bump;
use tidegate_detect::intel::{Indicator, Indicators, Scope, Value};
use tidegate_detect::lists::Lists;
use tidegate_detect::{Catalogue, CatalogueParts, Judge, Memory, Row, RuleSource, RuleSources, Settings, Sightings};
use tidegate_event::{EventId, NodeId, Position, Timestamp};
use tidegate_formats::{Catalog, Verdict};
use tidegate_traffic::{Config, Generator};

/// Records of a batch.
const RECORDS: usize = 10_000;
/// Runs of each measurement; the best counts, as everything else on the machine only adds.
const RUNS: usize = 8;
/// Detection may cost at most as much as parsing.
const RATIO_MAX: f64 = 1.0;
/// A record of a flood may take so much longer than one of ordinary traffic, all steps together.
const FLOOD_MAX: f64 = 4.0 / 3.0;
/// With the rules of others, judging and observing may cost so many times what parsing does.
const MANY_MAX: f64 = 4.0;
/// Indicators, a tenth of them addresses.
const INDICATORS: u32 = 1_000_000;
/// Rules of others in the third load, a tenth of them for DNS.
const FOREIGN: usize = 2_000;

fn main() {
    let (formats, _) = Catalog::load(&[]).expect("embedded formats");
    let ordinary = ordinary();
    let flood = flood();
    let own = RuleSources::embedded().files;
    let mut many = own.clone();
    many.extend((0..FOREIGN).map(foreign));
    let indicators = Arc::new(million());
    let loads = [("ordinary", &ordinary, &own), ("flood", &flood, &own), ("ordinary, many rules", &ordinary, &many)];
    let [usual, flooded, crowded] = loads.map(|(name, text, rules)| {
        let (parse, judge, observe) = measure(&formats, text, rules, &indicators);
        let ratio = (judge + observe) / parse;
        println!(
            "{name:22} parse {parse:6.3} µs, judge {judge:6.3} µs, observe {observe:6.3} µs a record, ratio {ratio:.2}"
        );
        (ratio, parse + judge + observe)
    });
    let (ratio, slowdown) = (usual.0, flooded.1 / usual.1);
    println!("ratio with our rules: {ratio:.2} (promised {RATIO_MAX:.2})");
    println!("a record of the flood takes {slowdown:.2} of an ordinary one (promised {FLOOD_MAX:.2})");
    println!("ratio with {FOREIGN} rules of others: {:.2} (promised {MANY_MAX:.2})", crowded.0);
    assert!(ratio <= RATIO_MAX && slowdown <= FLOOD_MAX && crowded.0 <= MANY_MAX, "slower than promised");
}

/// Indicators that nothing here asks for, as with nearly every query.
fn million() -> Indicators {
    let mut builder = Indicators::builder();
    for number in 0..INDICATORS {
        let spread = number.wrapping_mul(2_654_435_761);
        let (value, scope) = match number % 10 {
            0 => (Value::Address(std::net::Ipv4Addr::from_bits(spread).into()), Scope::Exact),
            1 => (Value::Name(format!("w{spread:x}.tree.example")), Scope::Subtree),
            _ => (Value::Name(format!("host-{spread:08x}.evil{}.example", number % 977)), Scope::Domain),
        };
        builder.add(u64::from(number), "bench", "bench", &Indicator::new(value, scope));
    }
    builder.build().0
}

/// Microseconds a record for parsing, judging and observing.
fn measure(formats: &Catalog, text: &str, rules: &[RuleSource], indicators: &Arc<Indicators>) -> (f64, f64, f64) {
    let registry = formats.registry();
    let parts = CatalogueParts {
        registry: Arc::clone(registry),
        rules,
        settings: &Settings::default(),
        lists: Arc::new(Lists::embedded()),
        indicators: Arc::clone(indicators),
    };
    let catalogue = Arc::new(Catalogue::build(&parts).0);
    let mut parser = formats.get("cloudflare-gateway-dns").expect("embedded").parser();
    let mut judge = Judge::new(Arc::clone(&catalogue));
    let mut memory = Memory::new(Arc::clone(&catalogue));
    let mut sightings = Sightings::new(Arc::clone(&catalogue));
    let mut arena = Bump::new();
    let (mut best_parse, mut best_both, mut best_observe) = (Duration::MAX, Duration::MAX, Duration::MAX);
    let received = Timestamp::from_micros(4_000_000_000_000_000);
    let mut findings = Vec::new();
    for run in 0..RUNS {
        let start = Instant::now();
        for line in text.lines() {
            let is_event = matches!(black_box(parser.parse(line, &arena)), Verdict::Event { .. });
            assert!(is_event);
            arena.reset();
        }
        best_parse = best_parse.min(start.elapsed());
        sightings.clear(Arc::clone(&catalogue));
        let start = Instant::now();
        for (row, line) in text.lines().enumerate() {
            if let Verdict::Event { mut event, .. } = parser.parse(line, &arena) {
                let id = EventId::new(
                    NodeId(uuid::Uuid::nil()),
                    Position(run as u64),
                    Timestamp::from_micros(0),
                    row as u32,
                );
                let at = catalogue.time_of(&event).unwrap_or(received);
                judge.judge(&mut event, Row { row, event: id, at, received }, &arena, &mut sightings);
                black_box(&event);
            }
            arena.reset();
        }
        best_both = best_both.min(start.elapsed());
        findings.clear();
        let start = Instant::now();
        memory.observe(&sightings, &mut findings);
        best_observe = best_observe.min(start.elapsed());
        black_box(&findings);
    }
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / RECORDS as f64;
    (micros(best_parse), micros(best_both.saturating_sub(best_parse)), micros(best_observe))
}

fn ordinary() -> String {
    let mut generator =
        Generator::new(Config { rate_eps: 2_000.0, ..Config::default() }).expect("a valid configuration");
    let mut out = Vec::new();
    generator.next_batch(Timestamp::from_micros(i64::MAX), RECORDS, &mut out);
    String::from_utf8(out).expect("JSON")
}

/// A tunnel: every name is new and long.
fn flood() -> String {
    let mut out = String::new();
    for number in 0..RECORDS {
        let _ = writeln!(
            out,
            r#"{{"Datetime":"2026-01-05T09:00:{:02}Z","QueryName":"{number:060x}.{:040x}.t.example.com","QueryType":16,"QueryTypeName":"TXT","SrcIP":"10.0.0.1","DstIP":"192.0.2.1","RCode":0,"ResolverDecision":"allowedOnNoPolicyMatch","DeviceID":"d","Email":"a@example.com"}}"#,
            number * 60 / RECORDS,
            number * 7919,
        );
    }
    out
}

/// A rule of somebody else.
fn foreign(number: usize) -> RuleSource {
    let source =
        if number.is_multiple_of(10) { "category: dns" } else { "product: windows, category: process_creation" };
    let text = format!(
        "title: foreign {number}\nlogsource: {{{source}}}\ndetection:\n  a:\n    QueryName|endswith: ['.bad{number}.example.org', \
         '.evil{number}.example.net']\n  b:\n    QueryName|contains: 'beacon{number}'\n  c: {{record_type: TXT}}\n  condition: (a or b) and c\nlevel: low\n"
    );
    RuleSource { path: format!("foreign-{number}.yml").into(), text: text.into() }
}
