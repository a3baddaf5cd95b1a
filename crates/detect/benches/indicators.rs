//! Look-ups in a million indicators: `cargo bench -p tidegate-detect --bench indicators`.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use divan::Bencher;
use divan::counter::ItemsCount;
use tidegate_detect::intel::{Indicator, Indicators, Scope, Value};
use tidegate_event::Timestamp;

const COUNT: u32 = 1_000_000;
const ASKED: usize = 10_000;
const NOW: Timestamp = Timestamp::from_micros(1_777_000_000_000_000);

fn main() {
    divan::main();
}

fn million() -> Indicators {
    let mut builder = Indicators::builder();
    for number in 0..COUNT {
        let spread = number.wrapping_mul(2_654_435_761);
        let (value, scope) = match number % 10 {
            0 => (Value::Address(Ipv4Addr::from_bits(spread).into()), Scope::Exact),
            1 => (Value::Name(format!("w{spread:x}.tree.example")), Scope::Subtree),
            _ => (Value::Name(format!("host-{spread:08x}.evil{}.example", number % 977)), Scope::Domain),
        };
        builder.add(u64::from(number), "bench", "bench", &Indicator::new(value, scope));
    }
    builder.build().0
}

/// Ordinary names: none of them is an indicator, as with nearly every query.
fn strangers() -> Vec<(String, String)> {
    (0..ASKED)
        .map(|number| {
            let registered = format!("company{}.test", number % 3_000);
            (format!("cdn{}.static.{registered}", number * 7), registered)
        })
        .collect()
}

#[divan::bench]
fn names_that_are_no_indicators(bencher: Bencher<'_, '_>) {
    let (set, asked) = (million(), strangers());
    bencher.counter(ItemsCount::new(ASKED)).bench_local(|| {
        asked.iter().map(|(name, registered)| set.match_name(black_box(name), registered, NOW).len()).sum::<usize>()
    });
}

#[divan::bench]
fn names_that_are_indicators(bencher: Bencher<'_, '_>) {
    let set = million();
    let asked: Vec<String> = (0..COUNT)
        .filter(|number| number % 10 > 1)
        .step_by(97)
        .take(ASKED)
        .map(|number| format!("host-{:08x}.evil{}.example", number.wrapping_mul(2_654_435_761), number % 977))
        .collect();
    bencher.counter(ItemsCount::new(asked.len())).bench_local(|| {
        asked.iter().map(|name| set.match_name(black_box(name), "evil.example", NOW).len()).sum::<usize>()
    });
}

#[divan::bench]
fn addresses(bencher: Bencher<'_, '_>) {
    let set = million();
    let asked: Vec<IpAddr> =
        (0..ASKED as u32).map(|number| Ipv4Addr::from_bits(number.wrapping_mul(0x9e37_79b9)).into()).collect();
    bencher
        .counter(ItemsCount::new(ASKED))
        .bench_local(|| asked.iter().map(|address| set.match_ip(black_box(*address), NOW).len()).sum::<usize>());
}
