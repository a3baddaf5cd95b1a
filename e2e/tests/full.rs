//! No space left: senders are told to come back, nothing that was acknowledged is lost, and work goes on when there is
//! space again.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tidegate_e2e::{Intake, Records, Server, query_id, run, within};

const RECORDS: usize = 100;

/// Sends batches until one is refused for want of space; gives the acknowledged `QueryID`s and the refused body.
fn fill(server: &Server, intake: &Intake, records: &mut Records, acknowledged: &mut Vec<(String, String)>) -> Vec<u8> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < end, "the journal is never full");
        let first = records.made();
        let body = incompressible(&records.lines(RECORDS));
        let reply = server.admin().try_send(intake, &body).unwrap();
        if reply.status == 200 {
            let ids = (first..records.made()).map(|number| query_id("full", number));
            acknowledged.extend(ids.zip(reply.event_ids()));
            continue;
        }
        let sentence = reply.refusal(503);
        assert!(sentence.contains("full"), "{sentence}");
        let seconds: u64 =
            reply.header("retry-after").and_then(|text| text.parse().ok()).expect("it says when to come back");
        assert!((1..=300).contains(&seconds), "{seconds}");
        return body;
    }
}

/// Made-up records compress so well that a disk would never be full; this is gzip all the same.
fn incompressible(lines: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(lines.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn check(server: &Server, acknowledged: &[(String, String)]) {
    let admin = server.admin();
    within(Duration::from_secs(30), "everything acknowledged is found", || {
        (admin.total("*") >= acknowledged.len() as u64).then_some(())
    });
    let stored = admin.ids();
    for (query, event) in acknowledged {
        assert_eq!(stored.get(query), Some(event), "{query} was acknowledged");
    }
}

#[test]
fn a_journal_at_its_bound_refuses_until_the_table_has_caught_up() {
    let config =
        "[journal]\nbytes_max = \"8 MiB\"\n[intake]\ncompressed_bytes_max = \"2 MiB\"\n[store]\nflush_age = \"3s\"\n";
    let server = Server::start(config);
    let intake = server.admin().gateway("gateway");
    let (mut records, mut acknowledged) = (Records::new("full"), Vec::new());
    for _ in 0..2 {
        let body = fill(&server, &intake, &mut records, &mut acknowledged);
        let ready = server.http().send(&server.request("GET", "/readyz")).unwrap();
        assert_eq!(ready.status, 503, "it says that it cannot take work: {}", ready.text());
        assert_eq!(server.http().send(&server.request("GET", "/healthz")).unwrap().status, 200);
        let first = records.made() - RECORDS as u64;
        let reply = within(Duration::from_secs(20), "there is room again", || {
            Some(server.admin().try_send(&intake, &body).unwrap()).filter(|reply| reply.status == 200)
        });
        acknowledged.extend((first..records.made()).map(|number| query_id("full", number)).zip(reply.event_ids()));
        server.wait_ready();
    }
    check(&server, &acknowledged);
    let server = server.kill9().start();
    check(&server, &acknowledged);
    assert_eq!(server.admin().ids().len(), acknowledged.len(), "what was refused is not there");
}

/// A small file system of its own; unmounted when dropped.
struct Small {
    folder: TempDir,
}

impl Small {
    /// `None` where the system does not allow it.
    fn mount(mib: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tidegate-e2e"])
            .arg(folder.path())
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then_some(Self { folder })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn filler(&self) -> PathBuf {
        self.folder.path().join("filler")
    }

    /// Takes all the space that is left but `kib`.
    fn fill_but(&self, kib: usize) {
        let mut file = File::create(self.filler()).unwrap();
        let block = [0x5a; 4096];
        while file.write_all(&block).is_ok() {}
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(kib as u64 * 1024)).unwrap();
    }

    fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

#[test]
fn a_full_disk_refuses_loses_nothing_and_recovers() {
    let Some(small) = Small::mount(96) else {
        println!("not run: a small file system cannot be mounted here (that needs root)");
        return;
    };
    let config = "[journal]\nbytes_max = \"128 MiB\"\n[store]\nflush_age = \"1s\"\nvacuum_after = \"1h\"\n";
    let server = Server::start_at(&small.data(), config);
    let intake = server.admin().gateway("gateway");
    let (mut records, mut acknowledged) = (Records::new("full"), Vec::new());
    let first = server.admin().push(&intake, &records.lines(RECORDS));
    acknowledged.extend((0..records.made()).map(|number| query_id("full", number)).zip(first));

    small.fill_but(64);
    let body = fill(&server, &intake, &mut records, &mut acknowledged);
    // It lives, answers, and goes on refusing.
    assert_eq!(server.http().send(&server.request("GET", "/healthz")).unwrap().status, 200);
    assert_eq!(server.admin().try_send(&intake, &body).unwrap().status, 503);
    check(&server, &acknowledged);
    // A crash now may lose nothing either.
    let ended = server.kill9();
    let count = "SELECT count(*) FROM events";
    let read = run(&["sql", count, "--data", ended.data().to_str().unwrap()]);
    assert!(!read.err.contains("panicked"), "reading a full disk: {}", read.err);
    small.free();
    let server = ended.start();
    let first = records.made() - RECORDS as u64;
    let reply = within(Duration::from_secs(30), "work goes on", || {
        Some(server.admin().try_send(&intake, &body).unwrap()).filter(|reply| reply.status == 200)
    });
    acknowledged.extend((first..records.made()).map(|number| query_id("full", number)).zip(reply.event_ids()));
    check(&server, &acknowledged);
    within(Duration::from_secs(20), "the table is written again", || {
        let status = server.admin().get("status");
        (status["troubles"] == Value::Array(Vec::new())).then_some(())
    });
    let server = server.restart();
    check(&server, &acknowledged);
    assert_eq!(server.admin().ids().len(), acknowledged.len());
}
