//! How fast a gateway_dns record becomes ECS JSON on one core, and what share of the limit that is: "gunzip and skip each
//! record as JSON" over the same bytes, measured in the same run.
//!
//! `cargo bench -p tidegate-formats --bench parse` prints both rates and fails below the share that is promised. With
//! `ONLY=4` (0 to 4, in the order of the output) it runs one of the measurements alone, for a profiler.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints its figures and stops at the first surprise"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{Read, Write as _};
use std::time::{Duration, Instant};

use bumpalo::Bump;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::de::IgnoredAny;
use tidegate_formats::{Catalog, Verdict};

/// Records of a batch, about 1 KB each.
const RECORDS: usize = 10_000;
/// Runs of each measurement; the best counts, as everything else on the machine only adds.
const RUNS: usize = 12;
/// Promised share of the limit.
const SHARE_MIN: f64 = 0.35;

fn main() {
    let batch = batch();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(batch.as_bytes()).expect("writing to memory");
    let packed = encoder.finish().expect("writing to memory");
    println!("{RECORDS} records, {} bytes each, {} packed", batch.len() / RECORDS, packed.len() / RECORDS);

    let (catalog, _) = Catalog::load(&[]).expect("embedded formats");
    let format = catalog.get("cloudflare-gateway-dns").expect("embedded");
    let mut parser = format.parser();
    let mut arena = Bump::new();
    let mut out = Vec::new();
    let mut parse = |text: &str, write: bool| {
        let mut bytes = 0;
        for line in lines(text) {
            match parser.parse(line, &arena) {
                Verdict::Event { event, .. } if write => {
                    out.clear();
                    event.write_json(catalog.registry(), &mut out);
                    bytes += black_box(&out).len();
                }
                verdict => bytes += usize::from(matches!(black_box(verdict), Verdict::Event { .. })),
            }
            arena.reset();
        }
        bytes
    };
    let mut best = [Duration::MAX; 5];
    // in turns, so that whatever else the machine does hits all alike
    let only = std::env::var("ONLY").ok().and_then(|only| only.parse::<usize>().ok());
    let steps = best.len();
    for step in (0..RUNS).flat_map(|_| 0..steps).filter(|step| only.is_none_or(|only| only == *step)) {
        measure(&mut best[step], || match step {
            0 => unzip(&packed).len(),
            1 => lines(&unzip(&packed)).map(skip).sum(),
            2 => parse(&batch, false),
            3 => parse(&batch, true),
            _ => parse(&unzip(&packed), true),
        });
    }
    if only.is_some() {
        return;
    }
    let names =
        ["gunzip", "gunzip + skip JSON (the limit)", "parse", "parse + write JSON", "gunzip + parse + write JSON"];
    for (name, time) in names.iter().zip(best) {
        println!("{name:34} {:7.3} µs a record, {:9.0} records/s", micros(time), 1e6 / micros(time));
    }
    let share = best[1].as_secs_f64() / best[4].as_secs_f64();
    println!("share of the limit: {:.1} % (promised {:.0} %)", share * 100.0, SHARE_MIN * 100.0);
    assert!(share >= SHARE_MIN, "slower than promised");
}

/// Lines, found by the fastest search there is, for both sides.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut from = 0;
    memchr::memchr_iter(b'\n', text.as_bytes()).map(move |at| {
        let line = &text[from..at];
        from = at + 1;
        line
    })
}

fn skip(line: &str) -> usize {
    serde_json::from_str::<IgnoredAny>(line).map(|_| 1).expect("valid")
}

fn measure(best: &mut Duration, mut run: impl FnMut() -> usize) {
    let start = Instant::now();
    black_box(run());
    *best = (*best).min(start.elapsed());
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6 / RECORDS as f64
}

fn unzip(packed: &[u8]) -> String {
    let mut text = String::new();
    MultiGzDecoder::new(packed).read_to_string(&mut text).expect("packed above");
    text
}

/// A small generator of numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from_digit(self.roll(16) as u32, 16).unwrap_or('0')).collect()
    }

    fn uuid(&mut self) -> String {
        format!("{}-{}-4{}-a{}-{}", self.hex(8), self.hex(4), self.hex(3), self.hex(3), self.hex(12))
    }
}

/// Records as a Logpush job sends them: the usual fields present, rare ones empty.
fn batch() -> String {
    let mut dice = Dice(0x5eed);
    let mut text = String::new();
    for second in 0..RECORDS {
        let label = dice.hex(6);
        let host = ["www", "api", "cdn", "mail"][dice.roll(4) as usize];
        let zone = ["com", "net", "co.uk", "io", "de"][dice.roll(5) as usize];
        let reversed = zone.split('.').rev().collect::<Vec<_>>().join(".");
        let (device, email, user) = (dice.uuid(), format!("user{}@corp.example", dice.roll(900)), dice.uuid());
        let (a, b) = (dice.roll(250), dice.roll(250));
        let (minute, seconds) = (second / 60 % 60, second % 60);
        let (port, size, id) = (1024 + dice.roll(60000), 40 + dice.roll(60), dice.hex(22));
        let _ = writeln!(
            text,
            r#"{{"AccountID":"5f1e0c7d2b9a48e6b3d4a1c0e9f87621","ApplicationID":{a},"ColoCode":"AMS","ColoID":46,"Datetime":"2026-05-04T10:{minute:02}:{seconds:02}Z","DeviceID":"{device}","DeviceName":"LT-{b:03}","DstIP":"172.64.36.{a}","DstPort":443,"Email":"{email}","Location":"Berlin","LocationID":"7bdc7a9c-81d3-4816-8e56-0a1b2c3d4e5f","MatchedCategoryIDs":[],"MatchedCategoryNames":[],"PolicyID":"","PolicyName":"","Protocol":"https","QueryCategoryIDs":[26,155],"QueryCategoryNames":["Technology","Business & Economy"],"QueryID":"{id}","QueryName":"{host}.{label}.{zone}","QueryNameReversed":"{reversed}.{label}.{host}","QuerySize":{size},"QueryType":1,"QueryTypeName":"A","RCode":0,"ResolvedIPs":["104.16.{a}.{b}","104.17.{b}.{a}"],"ResolvedIPCountryCodes":["US","US"],"ResolverDecision":"allowedOnNoPolicyMatch","ResourceRecordsJSON":"[{{\"name\":\"{host}.{label}.{zone}\",\"type\":\"A\",\"class\":\"IN\",\"ttl\":300,\"rdata\":\"104.16.{a}.{b}\"}}]","SrcIP":"198.51.{a}.{b}","SrcIPCountryCode":"DE","SrcIPContinentCode":"EU","SrcPort":{port},"TimeZone":"","TimeZoneInferredMethod":"noScheduleConfigured","UserID":"{user}"}}"#
        );
    }
    text
}
