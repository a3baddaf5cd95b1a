//! Damaged files: what is whole is kept, what is not is named.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tidegate_e2e::{Ended, Intake, Records, Server, contains, every_file, gzip, query_id, run_within};

/// Events stay in the journal until the server is killed.
const NO_FLUSH: &str = "[store]\nflush_age = \"1h\"\n";
const BATCHES: usize = 20;
const RECORDS: usize = 25;

/// A killed server whose journal holds [`BATCHES`] batches, and their bodies.
fn killed() -> (Ended, Intake, Vec<Vec<u8>>) {
    let server = Server::start(NO_FLUSH);
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("damage");
    let mut bodies = Vec::new();
    for _ in 0..BATCHES {
        let body = gzip(records.lines(RECORDS).as_bytes());
        assert_eq!(server.admin().try_send(&intake, &body).unwrap().event_ids().len(), RECORDS);
        bodies.push(body);
    }
    (server.kill9(), intake, bodies)
}

fn change(path: &Path, at: usize, work: impl Fn(&mut [u8])) {
    let mut bytes = fs::read(path).unwrap();
    work(&mut bytes[at..]);
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(&bytes[at..]).unwrap();
}

/// The batches of which every record is there; panics when one is there in part.
fn whole_batches(server: &Server) -> Vec<usize> {
    let stored = server.admin().ids();
    let of = |batch: usize| {
        let ids = (batch * RECORDS..(batch + 1) * RECORDS).map(|number| query_id("damage", number as u64));
        ids.filter(|id| stored.contains_key(id)).count()
    };
    let whole: Vec<usize> = (0..BATCHES).filter(|batch| of(*batch) == RECORDS).collect();
    assert_eq!(whole.len() * RECORDS, stored.len(), "no batch is there in part");
    whole
}

#[test]
fn a_damaged_byte_costs_its_batch_alone_and_is_reported() {
    let (ended, intake, bodies) = killed();
    let journal = ended.data().join("journal");
    let (segment, at) = contains(&journal, &bodies[9]).expect("the journal holds what was sent, verbatim");
    change(&segment, at + bodies[9].len() / 2, |bytes| bytes[0] ^= 0x10);

    let server = ended.start();
    let kept: Vec<usize> = (0..BATCHES).filter(|batch| *batch != 9).collect();
    server.admin().wait_for("*", (kept.len() * RECORDS) as u64);
    assert_eq!(whole_batches(&server), kept);
    let log = server.log();
    let line = log.lines().find(|line| line.contains("damaged") && line.contains("ERROR"));
    let line = line.unwrap_or_else(|| panic!("no line says it:\n{log}"));
    assert!(line.contains("batch"), "{line}");
    let status = server.admin().get("status");
    assert_eq!(status.pointer("/journal/quarantined"), Some(&1.into()), "{status}");
    let half = &bodies[9][..bodies[9].len() / 2];
    let aside = contains(&journal.join("quarantine"), half).expect("the damaged bytes are put aside");
    assert!(aside.0.is_file());

    // Sent again, the batch is new: the journal does not hold it.
    let again = server.admin().try_send(&intake, &bodies[9]).unwrap().event_ids();
    assert_eq!(again.len(), RECORDS);
    server.admin().wait_for("*", (BATCHES * RECORDS) as u64);
    let server = server.restart();
    assert_eq!(whole_batches(&server), (0..BATCHES).collect::<Vec<_>>());
    assert_eq!(server.admin().get("status").pointer("/journal/quarantined"), Some(&0.into()), "damage is met once");
}

#[test]
fn a_damaged_header_costs_its_batch_alone() {
    let (ended, _, bodies) = killed();
    let (segment, at) = contains(&ended.data().join("journal"), &bodies[4]).expect("the journal holds it");
    // The header lies right before the head and the body.
    change(&segment, at - 64, |bytes| bytes[..48].fill(0xff));
    let server = ended.start();
    let kept: Vec<usize> = (0..BATCHES).filter(|batch| *batch != 4).collect();
    server.admin().wait_for("*", (kept.len() * RECORDS) as u64);
    assert_eq!(whole_batches(&server), kept);
    assert_eq!(server.admin().get("status").pointer("/journal/quarantined"), Some(&1.into()));
}

#[test]
fn a_torn_end_costs_nothing_that_was_whole() {
    for zeros in [false, true] {
        let (ended, intake, bodies) = killed();
        let last = &bodies[BATCHES - 1];
        let (segment, at) = contains(&ended.data().join("journal"), last).expect("the journal holds it");
        if zeros {
            change(&segment, at + last.len() / 2, |bytes| bytes.fill(0));
        } else {
            let file = OpenOptions::new().write(true).open(&segment).unwrap();
            file.set_len((at + last.len() / 2) as u64).unwrap();
        }
        let server = ended.start();
        server.admin().wait_for("*", ((BATCHES - 1) * RECORDS) as u64);
        assert_eq!(whole_batches(&server), (0..BATCHES - 1).collect::<Vec<_>>());
        let log = server.log();
        assert!(log.contains("never acknowledged"), "it is said:\n{log}");
        // The sender of a torn batch saw no answer and sends it again.
        assert_eq!(server.admin().try_send(&intake, last).unwrap().event_ids().len(), RECORDS);
        server.admin().wait_for("*", (BATCHES * RECORDS) as u64);
        let server = server.kill9().start();
        server.admin().wait_for("*", (BATCHES * RECORDS) as u64);
    }
}

#[test]
fn a_damaged_state_is_an_error_that_names_it() {
    let server = Server::start("");
    let ended = server.stop();
    let state =
        every_file(ended.data()).into_iter().find(|path| path.ends_with("state.db")).expect("there is a state.db");
    for (name, bytes) in
        [("garbage", vec![0x5a; 64 << 10]), ("its head alone", fs::read(&state).unwrap()[..100].to_vec())]
    {
        for extension in ["db-wal", "db-shm"] {
            let _ = fs::remove_file(state.with_extension(extension));
        }
        fs::write(&state, bytes).unwrap();
        let error = run_within(ended.command(), b"", Duration::from_secs(20)).failed(4);
        assert!(error.contains("state.db"), "{name}: {error}");
        assert!(!error.contains("panicked"), "{name}: {error}");
    }
}

#[test]
fn a_torn_commit_is_made_again_and_a_damaged_log_is_an_error_that_names_it() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let _ = server.admin().push(&intake, &Records::new("table").lines(10));
    let ended = server.stop();
    let commits = |ended: &Ended| -> Vec<PathBuf> {
        let files = every_file(&ended.data().join("events/_delta_log"));
        files.into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect()
    };
    let last = commits(&ended).pop().expect("the table has a log");
    fs::write(last, "{\"add\":").unwrap();
    let server = ended.start();
    server.admin().wait_for("*", 10);
    assert!(server.log().contains("torn"), "{}", server.log());
    let ended = server.stop();
    fs::write(&commits(&ended)[0], "{\"add\":").unwrap();
    let error = run_within(ended.command(), b"", Duration::from_secs(20)).failed(4);
    assert!(error.contains("event table") && !error.contains("panicked"), "{error}");
}
