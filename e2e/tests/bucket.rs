//! A folder that is followed instead of receiving pushes, with the real binary: each file once, across kills.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::json;
use tidegate_e2e::{Records, Server, gzip, within};

const SOON: Duration = Duration::from_secs(90);

/// A file that is not written any more.
fn put(folder: &Path, name: &str, body: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, body).unwrap();
    let before = SystemTime::now() - Duration::from_secs(60);
    fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
}

#[test]
fn a_folder_is_followed_and_each_file_is_stored_once_across_a_kill() {
    let server = Server::start("");
    let _ = server.admin().gateway("gateway");
    let inbox = tempfile::tempdir().unwrap();
    let config =
        format!("[[buckets]]\nurl = 'file://{}'\nintake = 'gateway'\ninterval = '5s'\n", inbox.path().display());
    let mut records = Records::new("pulled");
    let file = |number: u32| format!("20261120/20261120T0{number}0000Z_20261120T0{number}0100Z_abc.log.gz");
    put(inbox.path(), &file(1), &gzip(records.lines(20).as_bytes()));
    put(inbox.path(), &file(2), &gzip(records.lines(30).as_bytes()));
    let server = server.stop().with(&config).start();
    server.admin().wait_for("*", 50);
    put(inbox.path(), &file(3), &gzip(records.lines(10).as_bytes()));
    put(inbox.path(), &file(4), b"\x1f\x8b\x08 damaged");
    within(SOON, "the third file is taken", || (server.admin().total("*") == 60).then_some(()));
    let server = server.kill9().start();
    let admin = server.admin();
    put(inbox.path(), &file(5), &gzip(records.lines(5).as_bytes()));
    within(SOON, "the fifth file is taken", || (admin.total("*") == 65).then_some(()));
    let bucket = within(SOON, "what was taken is told", || {
        let bucket = admin.get("buckets")[0].clone();
        (bucket["objects"] == 4 && bucket["rejected"] == 1).then_some(bucket)
    });
    assert_eq!((&bucket["records"], &bucket["intake"]["name"]), (&json!(65), &json!("gateway")), "{bucket}");
    let rejects = admin.get(&format!("buckets/{}/rejects", bucket["id"]));
    assert!(rejects[0]["reason"].as_str().unwrap().contains("gzip"), "{rejects}");
    assert_eq!(rejects[0]["key"], json!(file(4)));
    assert_eq!(admin.total("*"), 65);
}

#[test]
fn a_bucket_that_cannot_be_followed_says_so_and_the_server_runs() {
    let config = "[[buckets]]\nurl = 'file:///nowhere/at/all'\nintake = 'gateway'\ninterval = '5s'\n";
    let server = Server::start("");
    let _ = server.admin().gateway("gateway");
    let server = server.stop().with(config).start();
    within(SOON, "the log says why", || server.log().contains("/nowhere/at/all").then_some(()));
    within(SOON, "and so does the API", || {
        let bucket = server.admin().get("buckets")[0].clone();
        bucket["error"].as_str().map(str::to_owned)
    });
}
