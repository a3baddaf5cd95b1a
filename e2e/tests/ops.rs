//! What operators rely on: health, figures, configuration, TLS, a clean stop.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tidegate_e2e::{Http, Raw, Records, Server, command, query_id, repository, run, run_within, within};

fn get(server: &Server, path: &str) -> tidegate_e2e::Reply {
    server.http().send(&server.request("GET", path)).unwrap()
}

#[test]
fn health_says_whether_it_lives_and_whether_it_works() {
    let server = Server::start("");
    server.wait_ready();
    assert_eq!(get(&server, "/healthz").expect(200).text(), "ok\n");
    let ready = get(&server, "/readyz").expect(200).json();
    assert_eq!(ready, json!({"ready": true, "reasons": []}));
    let status = server.admin().get("status");
    assert_eq!(status["troubles"], json!([]), "{status}");
    assert!(status["node"].is_string() && status["version"].is_string());
}

/// The samples of an exposition, by name with labels; checks its grammar on the way.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut kinds: BTreeMap<&str, &str> = BTreeMap::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (what, name, rest) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            assert!(matches!(what, "HELP" | "TYPE") && !rest.is_empty(), "{line}");
            if what == "TYPE" {
                assert!(matches!(rest, "counter" | "gauge" | "histogram"), "{line}");
                assert!(kinds.insert(name, rest).is_none(), "{name} is there twice");
            }
            continue;
        }
        let (key, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("`{line}` has no value"));
        let name = key.split('{').next().unwrap();
        assert!(name.starts_with("tidegate_") && key.ends_with('}') == key.contains('{'), "{line}");
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        assert!(kinds.contains_key(name) || family.is_some_and(|name| kinds.contains_key(name)), "{line} has no type");
        let value = value.parse().unwrap_or_else(|_| panic!("`{line}` has no number"));
        assert!(samples.insert(key.to_owned(), value).is_none(), "{key} is there twice");
    }
    assert!(text.ends_with('\n'));
    samples
}

#[test]
fn figures_are_what_prometheus_reads() {
    let server = Server::start("");
    assert_eq!(get(&server, "/metrics").status, 401);
    let intake = server.admin().gateway("gate way: é");
    let mut records = Records::new("figures");
    let batch = records.lines(9) + "no record\n";
    let _ = server.admin().push(&intake, &batch);
    let _ = server.admin().push(&intake, &batch);
    let again = batch.lines().next().unwrap().to_owned() + "\n" + &records.one();
    let _ = server.admin().push(&intake, &again);
    server.admin().wait_for("*", 11);
    let bearer = format!("Bearer {}", server.admin().token());
    let read = || {
        let reply = server.http().send(&server.request("GET", "/metrics").header("Authorization", &bearer)).unwrap();
        assert!(reply.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
        samples(&reply.expect(200).text())
    };
    let name = "intake=\"gate way: é\"";
    let figures = within(Duration::from_secs(10), "the records are counted", || {
        let figures = read();
        let valid = figures.get(&format!("tidegate_intake_events_total{{{name},status=\"valid\"}}")).copied();
        (valid == Some(10.0)).then_some(figures)
    });
    let figure = |key: &str| *figures.get(key).unwrap_or_else(|| panic!("no `{key}` in {figures:#?}"));
    assert_eq!(figure(&format!("tidegate_intake_events_total{{{name},status=\"invalid\"}}")), 1.0);
    assert_eq!(figure(&format!("tidegate_intake_events_total{{{name},status=\"duplicate\"}}")), 1.0);
    assert_eq!(figure(&format!("tidegate_intake_batches_total{{{name}}}")), 3.0);
    assert_eq!(figure(&format!("tidegate_intake_repeated_batches_total{{{name}}}")), 1.0);
    assert_eq!(figure(&format!("tidegate_intake_records_total{{{name}}}")), 12.0);
    let lag = figure(&format!("tidegate_intake_delivery_lag_seconds{{{name}}}"));
    assert!((0.0..60.0).contains(&lag), "{lag}");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let last = figure(&format!("tidegate_intake_last_batch_time_seconds{{{name}}}"));
    assert!((now - 120.0..=now + 1.0).contains(&last), "{last}");
    assert_eq!(figure("tidegate_journal_last_position"), 2.0);
    assert_eq!(figure("tidegate_journal_duplicates_total"), 1.0);
    assert!(figures.contains_key("tidegate_store_tail_rows") && figures.contains_key("tidegate_store_flushes_total"));
    assert!(figures.keys().any(|key| key.starts_with("tidegate_build_info{version=")));
    // Counters of all time are the same after a restart; those of the process begin again.
    let server = server.restart();
    let counts = server.admin().counts(&intake);
    assert_eq!((&counts["valid"], &counts["invalid"], &counts["duplicates"]), (&json!(10), &json!(1), &json!(1)));
}

#[test]
fn mistakes_in_the_configuration_are_named_with_what_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidegate.toml");
    let name = path.to_str().unwrap();
    let check = |text: &str| {
        fs::write(&path, text).unwrap();
        run(&["config", "check", "--config", name])
    };
    let good =
        format!("[server]\nlisten = \"127.0.0.1:0\"\n[data]\ndir = \"{}\"\n", folder.path().join("data").display());
    assert!(check(&good).ok().contains("no mistakes"));
    for (text, parts) in [
        (
            "[server]\nlisten = \"127.0.0.1:0\"\nheader_timout = \"2s\"\n",
            &[":3:1", "`header_timout`", "`header_timeout`"][..],
        ),
        ("[jurnal]\nbytes_max = \"1 GiB\"\n", &[":1:2", "[jurnal]", "[journal]"]),
        ("[store]\nbytes_max = \"1 GiB\"\n", &["`bytes_max`", "[journal]"]),
        ("listen = \"127.0.0.1:0\"\n", &["`listen`", "[server]"]),
        ("[server]\nlisten = 8080\n", &[":2:", "`listen`", "127.0.0.1:8080"]),
        ("[intake]\ncompressed_bytes_max = \"lots\"\n", &["compressed_bytes_max", "64 MiB"]),
        ("[server]\ntls_certificate = \"/nowhere.pem\"\n", &["tls_key"]),
        (
            "[server]\ntls_certificate = \"/nowhere.pem\"\ntls_key = \"/nowhere.key\"\n",
            &["/nowhere.pem", "/nowhere.key"],
        ),
        ("[journal]\nbytes_max = \"1 MiB\"\n", &["bytes_max", "compressed_bytes_max"]),
        ("[server\n", &[":1:"]),
    ] {
        let error = check(text).failed(3);
        for part in parts {
            assert!(error.contains(part), "`{part}` is not in `{error}` for {text:?}");
        }
    }
    // Every verb that reads it refuses it, and the environment is held to the same.
    fs::write(&path, "[server]\nlissen = \"127.0.0.1:0\"\n").unwrap();
    assert!(run(&["serve", "--config", name]).failed(3).contains("`listen`"));
    let mut environment = command();
    environment.args(["config", "check"]).env("TIDEGATE_SERVER__LISTN", "127.0.0.1:0");
    assert!(run_within(environment, b"", Duration::from_secs(10)).failed(3).contains("`listen`"));
    let mut environment = command();
    environment.args(["config", "show", "--json"]).env("TIDEGATE_SERVER__LISTEN", "127.0.0.1:4711");
    let shown = run_within(environment, b"", Duration::from_secs(10)).lines();
    let listen = shown.iter().find(|row| row["key"] == "listen").unwrap();
    assert_eq!((&listen["value"], &listen["origin"]), (&json!("127.0.0.1:4711"), &json!("TIDEGATE_SERVER__LISTEN")));
    let _ = run(&["serve", "--config", "/nowhere.toml"]).failed(3);
}

#[test]
fn an_address_that_is_taken_is_an_error_with_a_sentence() {
    let server = Server::start("");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let address = server.address().to_string();
    let ended = run(&["serve", "--data", data.to_str().unwrap(), "--listen", &address]);
    assert!(ended.out.contains("first login"), "the login of a first start that fails is told all the same: {ended:?}");
    let error = ended.failed(4);
    assert!(error.contains("cannot listen") && error.contains(&address), "{error}");
    assert_eq!(error.matches("in use").count(), 1, "{error}");
}

#[test]
fn tls_comes_from_files() {
    let files = repository().join("crates/server/src/serve");
    let (certificate, key) = (files.join("test-certificate.pem"), files.join("test-key.pem"));
    let config =
        format!("[server]\ntls_certificate = \"{}\"\ntls_key = \"{}\"\n", certificate.display(), key.display());
    let trusting = Http::trusting(&fs::read(&certificate).unwrap());
    let server = Server::start_with(&config, &trusting);
    assert!(server.url().starts_with("https://"), "{}", server.url());
    let login = server.login("admin", server.password());
    assert!(login.cookie.starts_with("__Host-tidegate="), "a cookie that stays on TLS");
    let intake = server.admin().gateway("gateway");
    let _ = server.admin().push(&intake, &Records::new("tls").lines(10));
    server.admin().wait_for("*", 10);
    assert!(get(&server, "/healthz").header("strict-transport-security").is_some());
    // Without TLS, and with garbage for it, there is no answer and no harm.
    let plain = tidegate_e2e::Request::new("GET", server.url().replace("https:", "http:") + "/healthz");
    assert!(Http::default().send(&plain).is_err());
    let mut garbage = Raw::connect(server.address());
    let _ = garbage.send(&[0x16; 4096]);
    assert!(garbage.is_closed_within(Duration::from_secs(10)));
    assert_eq!(get(&server, "/healthz").status, 200);
    let server = server.restart();
    assert_eq!(server.admin().total("*"), 10);
}

#[test]
fn a_stop_under_load_loses_nothing_that_was_acknowledged() {
    let server = Server::start("[store]\nflush_age = \"1h\"\n");
    let intake = server.admin().gateway("gateway");
    let (stopping, acknowledged) = (AtomicBool::new(false), AtomicUsize::new(0));
    let session = server.admin().clone();
    let (ended, ids) = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..3)
            .map(|number| {
                let (session, intake, stopping, acknowledged) = (session.clone(), &intake, &stopping, &acknowledged);
                scope.spawn(move || {
                    let label = format!("load-{number}");
                    let mut records = Records::new(&label);
                    let mut ids = Vec::new();
                    loop {
                        let first = records.made();
                        match session.try_push(intake, &records.lines(100)) {
                            Ok(reply) if reply.status == 200 => {
                                let numbers = first..records.made();
                                ids.extend(numbers.map(|number| query_id(&label, number)).zip(reply.event_ids()));
                                acknowledged.fetch_add(1, Ordering::SeqCst);
                            }
                            Ok(reply) => assert_eq!(reply.status, 503, "{}", reply.text()),
                            Err(_) if stopping.load(Ordering::SeqCst) => return ids,
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            })
            .collect();
        within(Duration::from_secs(20), "the load is on", || (acknowledged.load(Ordering::SeqCst) >= 20).then_some(()));
        stopping.store(true, Ordering::SeqCst);
        let ended = server.stop();
        let ids: Vec<(String, String)> = senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
        (ended, ids)
    });
    assert!(ended.log().contains("everything received is in the table"), "{}", ended.log());
    // The table alone holds it.
    let count = "SELECT count(*) AS n FROM events";
    let rows = run(&["sql", count, "--json", "--data", ended.data().to_str().unwrap()]).lines();
    assert!(rows[0]["n"].as_u64().unwrap() >= ids.len() as u64, "{rows:?} of {}", ids.len());
    let server = ended.start();
    let stored = server.admin().ids();
    assert!(ids.iter().all(|(query, event)| stored.get(query) == Some(event)));
}

#[test]
fn a_stop_does_not_wait_for_a_sender_that_stopped_sending() {
    let server = Server::start("[server]\nstop_timeout = \"1s\"\n");
    let intake = server.admin().gateway("gateway");
    let mut raw = Raw::connect(server.address());
    let head = format!(
        "POST /plain/batch HTTP/1.1\r\nHost: localhost\r\nX-Tidegate-Intake-Key: {}\r\nContent-Length: 1000\r\n\r\nhalf",
        intake.key
    );
    assert!(raw.send(head.as_bytes()));
    let mut idle = Raw::connect(server.address());
    assert!(idle.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert_eq!(idle.reply(Duration::from_secs(5)).unwrap().status, 200);
    let started = std::time::Instant::now();
    let _ = server.stop();
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}

#[test]
fn a_server_in_replay_says_so_and_then_is_ready() {
    let server = Server::start("[store]\nflush_age = \"1h\"\n");
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("replay");
    for _ in 0..10 {
        let _ = server.admin().push(&intake, &records.lines(500));
    }
    let server = server.kill9().start();
    assert_eq!(get(&server, "/readyz").status, 200);
    assert_eq!(server.admin().total("*"), 5_000, "ready means that everything acknowledged can be found");
    assert!(server.log().contains("replaying 10 batches"), "{}", server.log());
}
