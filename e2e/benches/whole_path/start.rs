//! From the start of the process on an empty data directory to the first batch on disk.

use std::time::Instant;

use tidegate_e2e::Server;

use crate::supply::Supply;

pub(crate) fn measure(supply: &Supply) {
    let started = Instant::now();
    // With the first login and an intake made, as a script would.
    let server = Server::start("");
    let intake = server.admin().gateway("bench");
    let answer = server.admin().try_send(&intake, &supply.batch(0)).expect("the server answers");
    let took = started.elapsed();
    assert_eq!(answer.status, 200, "{}", answer.text());
    println!("start: empty directory to first accepted batch {:.2} s (aim 2 s)", took.as_secs_f64());
}
