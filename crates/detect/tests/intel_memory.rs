//! One million indicators within 100 MB: measured from the operating system, in a process that does nothing else.

#![allow(clippy::unwrap_used, reason = "a test says what it expects in one word")]

use tidegate_detect::intel::{Indicator, Indicators, Scope, Value};
use tidegate_event::Timestamp;

const COUNT: u64 = 1_000_000;
const BYTES_MAX: usize = 100_000_000;

#[cfg(target_os = "linux")]
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// Names of the usual length (24 bytes on average here), four in five of them, and addresses; a thousand kinds of tags.
fn indicator(number: u64) -> Indicator {
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let value = if number.is_multiple_of(5) {
        Value::Address(std::net::Ipv4Addr::from_bits((spread >> 32) as u32).into())
    } else {
        Value::Name(format!("{:011x}.evil{}.example", spread >> 20, number % 997))
    };
    let mut indicator = Indicator::new(value, Scope::Domain);
    indicator.tags = vec![format!("family-{}", number % 1000), "malware".to_owned()];
    indicator.valid_from = Some(Timestamp::from_micros(number as i64));
    indicator.valid_until = Some(Timestamp::from_micros(i64::MAX - 1));
    indicator.confidence = Some(80);
    indicator
}

#[test]
#[cfg(target_os = "linux")]
fn a_million_indicators_take_less_than_100_mb() {
    let before = resident_bytes();
    let mut builder = Indicators::builder();
    for number in 0..COUNT {
        builder.add(number, "collection", "feed", &indicator(number));
    }
    let (set, left) = builder.build();
    let taken = resident_bytes() - before;
    assert_eq!((set.len() as u64, left.indicators, left.tags), (COUNT, 0, 0));
    eprintln!("{} MB resident, {} MB by its own count", taken / 1_000_000, set.size_bytes() / 1_000_000);
    assert!(taken < BYTES_MAX, "{taken} bytes resident");
    assert!(set.size_bytes() < BYTES_MAX && set.size_bytes() > BYTES_MAX / 4);
    let name = format!("{:011x}.evil{}.example", 7_u64.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20, 7);
    let hits = set.match_name(&name, "", Timestamp::from_micros(8));
    assert_eq!(set.get(hits[0]).unwrap().number(), 7);

    // Not a bound: tests run without optimisation. The bench `indicators` measures.
    let began = std::time::Instant::now();
    let asked: Vec<String> =
        (0..10_000).map(|number| format!("cdn{number}.static.company{}.test", number % 977)).collect();
    let mut hits = 0;
    for name in asked.iter().cycle().take(1_000_000) {
        hits += set.match_name(name, "company.test", Timestamp::from_micros(8)).len();
    }
    assert_eq!(hits, 0);
    eprintln!("{} look-ups a second", (1e6 / began.elapsed().as_secs_f64()) as u64);
}
