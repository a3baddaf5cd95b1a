//! What the whole product does on this machine, each figure beside a limit measured in the same run:
//! the time to the first accepted batch, a sustained load over HTTP, and the replay of a journal.
//!
//! `cargo bench -p tidegate-e2e --bench whole_path` takes a minute and a half; with `TIDEGATE_BENCH_SECONDS=120` it is
//! the two-minute run that the README quotes. `TIDEGATE_BENCH_RATE` is the load in events a second.
#![allow(clippy::print_stdout, reason = "the figures are its output")]

mod limit;
mod load;
mod replay;
mod start;
mod supply;

use std::time::Duration;

use supply::Supply;

/// Records of a batch: what a Logpush job with `max_upload_records` of 1,000 sends.
const BATCH_RECORDS: usize = 1_000;
/// Events of the journal that is replayed.
const REPLAY_EVENTS: usize = 1_000_000;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn main() {
    // `cargo test --benches` only wants to know that it can be started.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let time = Duration::from_secs(setting("TIDEGATE_BENCH_SECONDS", 20));
    let rate = setting("TIDEGATE_BENCH_RATE", 60_000);
    let events = usize::try_from(rate * time.as_secs()).expect("a load fits in memory").max(REPLAY_EVENTS);
    let supply = Supply::make(events);
    let limit = limit::measure(&supply);
    println!("limit: gunzip + skip as JSON on one core: {:.0} records/s", limit);
    start::measure(&supply);
    load::measure(&supply, rate, time, limit);
    replay::measure(&supply, limit);
}
