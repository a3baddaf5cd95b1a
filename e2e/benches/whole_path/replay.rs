//! How long a start takes that has a million events in the journal and none of them in the table.

use std::thread;
use std::time::Instant;

use tidegate_e2e::Server;

use crate::supply::Supply;
use crate::{BATCH_RECORDS, REPLAY_EVENTS};

/// Nothing reaches the table before the kill.
const NEVER_FLUSHES: &str = "[store]\nflush_rows = 100000000\nflush_age = \"1d\"\nmemory_max = \"8 GiB\"\n";

pub(crate) fn measure(supply: &Supply, limit: f64) {
    let server = Server::start(NEVER_FLUSHES);
    let intake = server.admin().gateway("bench");
    let batches = REPLAY_EVENTS / BATCH_RECORDS;
    thread::scope(|scope| {
        for part in 0..4 {
            let (server, intake) = (&server, &intake);
            scope.spawn(move || {
                for index in (part..batches).step_by(4) {
                    let answer = server.admin().try_send(intake, &supply.batch(index)).expect("the server answers");
                    assert_eq!(answer.status, 200, "{}", answer.text());
                }
            });
        }
    });
    let ended = server.kill9().with("");
    let started = Instant::now();
    // Ready is when all of it can be found.
    let server = ended.start();
    let took = started.elapsed().as_secs_f64();
    assert_eq!(server.admin().number("SELECT count(*) FROM events"), REPLAY_EVENTS as u64);
    println!(
        "replay: {REPLAY_EVENTS} events in {took:.1} s (aim 20 s): {:.0}/s, {:.2} of the limit",
        REPLAY_EVENTS as f64 / took,
        REPLAY_EVENTS as f64 / took / limit
    );
}
