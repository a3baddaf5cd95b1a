//! A sustained load over HTTP: every batch durable before its answer, parsed, and in the table at the end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tidegate_e2e::{Server, within};

use crate::BATCH_RECORDS;
use crate::supply::Supply;

/// Connections, as Logpush keeps several.
const CONNECTIONS: usize = 4;
/// A machine that is slower than the load gets this long to work off the rest.
const BEHIND_MAX: Duration = Duration::from_secs(600);
/// Compaction has something to do within a short run.
const CONFIG: &str = "[store]\ncompact_files = 16\n";

pub(crate) fn measure(supply: &Supply, rate: u64, time: Duration, limit: f64) {
    let server = Server::start(CONFIG);
    let intake = server.admin().gateway("bench");
    let batches = usize::try_from(rate * time.as_secs()).expect("a load fits in memory") / BATCH_RECORDS;
    let pause = Duration::from_secs_f64(BATCH_RECORDS as f64 / rate as f64);
    let (next, started) = (AtomicUsize::new(0), Instant::now());
    let waits = Mutex::new(Vec::with_capacity(batches));
    let (running, behind_max) = (Arc::new(AtomicBool::new(true)), AtomicUsize::new(0));
    thread::scope(|scope| {
        let senders: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= batches {
                            return;
                        }
                        let batch = supply.batch(index);
                        let due = started + pause * u32::try_from(index).expect("a load has few batches");
                        thread::sleep(due.saturating_duration_since(Instant::now()));
                        let sent = Instant::now();
                        let answer = server.admin().try_send(&intake, &batch).expect("the server answers");
                        assert_eq!(answer.status, 200, "{}", answer.text());
                        waits.lock().expect("no sender panics").push(sent.elapsed());
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while running.load(Ordering::Relaxed) {
                let behind = metric(&server, "tidegate_pipeline_batches_behind") as usize;
                behind_max.fetch_max(behind, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(500));
            }
        });
        senders.into_iter().for_each(|sender| sender.join().expect("no sender panics"));
        running.store(false, Ordering::Relaxed);
    });
    let sent = started.elapsed();
    let events = (batches * BATCH_RECORDS) as u64;
    within(BEHIND_MAX, "every event can be found", || {
        (metric(&server, "tidegate_pipeline_batches_behind") == 0.0).then_some(())
    });
    let done = started.elapsed();
    let memory = server.memory_peak_mib();
    let compactions = metric(&server, "tidegate_store_compactions_total");
    let server = server.restart();
    let kept = server.admin().number("SELECT count(*) FROM events");
    assert_eq!(kept, events, "every event is in the table once");
    let mut waits = waits.into_inner().expect("no sender panics");
    waits.sort_unstable();
    let percentile = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let done_rate = events as f64 / done.as_secs_f64();
    println!(
        "load: {events} events in {:.1} s of sending at {rate}/s asked; all searchable after {:.1} s: {done_rate:.0}/s \
         (aim 60000), {:.2} of the limit",
        sent.as_secs_f64(),
        done.as_secs_f64(),
        done_rate / limit
    );
    println!(
        "load: acknowledged p50 {:.0} ms, p99 {:.0} ms (aim 1000), max {:.0} ms; at most {} batches behind",
        percentile(0.5),
        percentile(0.99),
        percentile(1.0),
        behind_max.into_inner()
    );
    println!("load: {memory} MiB resident at most (aim 1536), {compactions} compactions");
}

fn metric(server: &Server, name: &str) -> f64 {
    let request = server.request("GET", "/metrics");
    let request = request.header("Authorization", format!("Bearer {}", server.admin().token()));
    let answer = server.http().send(&request).expect("the server answers").text();
    let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    let value = line.and_then(|text| serde_json::from_str::<Value>(&text).ok()?.as_f64());
    value.unwrap_or_else(|| panic!("no metric `{name}`"))
}
