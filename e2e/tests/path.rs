//! The whole way of a batch: from the intake to every answer that can be had of it.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_e2e::{Output, Records, Server, Session, command, gzip, query_id, run, run_within, within, zstd};

/// What the product promises.
const SEARCHABLE_WITHIN: Duration = Duration::from_secs(1);
/// Events stay in memory until the test wants them in the table.
const NO_FLUSH: &str = "[store]\nflush_age = \"1h\"\n";

#[test]
fn a_batch_can_be_found_within_a_second_of_its_reply() {
    let server = Server::start(NO_FLUSH);
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("soon");
    // The first batch warms up what a quiet server has not needed yet.
    let _ = server.admin().push(&intake, &records.lines(1));
    server.admin().wait_for("*", 1);
    for _ in 0..5 {
        let ids = server.admin().push(&intake, &records.lines(1_000));
        let replied = Instant::now();
        let last = format!("event.id:{}", ids[999]);
        let found = within(SEARCHABLE_WITHIN, "the last record is found", || {
            (server.admin().total(&last) == 1).then(|| replied.elapsed())
        });
        assert!(found <= SEARCHABLE_WITHIN, "{found:?}");
        assert_eq!(server.admin().total("*"), records.made());
    }
}

#[test]
fn valid_warning_and_invalid_records_are_kept_told_apart_and_counted() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let other = server.admin().gateway("other");
    let mut records = Records::new("kinds");
    let good = records.one();
    let untimed = replace_time(&records.one(), "\"someday\"");
    let broken = "{\"QueryID\":\"kinds-broken\",\"QueryName\":";
    let text = "no JSON at all \u{1f30a}";
    let sent = [good.as_str(), untimed.as_str(), broken, text].join("\n");
    let ids = server.admin().push(&intake, &sent);
    assert_eq!(ids.len(), 4);
    server.admin().wait_for("*", 4);

    let of = |status: &str| server.admin().events(&format!("tidegate.status:{status}"));
    let (valid, warning, invalid) = (of("valid"), of("warning"), of("invalid"));
    assert_eq!((valid.len(), warning.len(), invalid.len()), (1, 1, 2));
    assert_eq!(at(&valid[0], "/message"), good);
    assert_eq!(at(&valid[0], "/event/id"), ids[0]);
    assert_eq!(at(&valid[0], "/dns/question/name"), "host-0.kinds.example.com");
    assert_eq!(at(&valid[0], "/tidegate/intake/name"), "gateway");
    assert_eq!(at(&valid[0], "/tidegate/format"), "cloudflare-gateway-dns");
    assert_eq!(valid[0].pointer("/tidegate/reason"), None);
    assert_eq!(at(&warning[0], "/message"), untimed);
    assert!(at(&warning[0], "/tidegate/reason").contains("receipt time"), "{}", warning[0]);
    for record in [broken, text] {
        assert!(invalid.iter().any(|event| at(event, "/message") == record), "{record}");
    }
    for event in &invalid {
        assert!(at(event, "/tidegate/reason").contains(' '), "{event}");
        assert!(ids[2..].contains(&at(event, "/event/id").to_owned()));
    }
    assert_eq!(server.admin().total("message:\"no JSON at all\""), 1, "raw text can be searched");
    assert_eq!(server.admin().total("tidegate.reason:*"), 3);

    within(Duration::from_secs(10), "the intake's counters", || {
        let counts = server.admin().counts(&intake);
        (counts["valid"] == 1 && counts["warning"] == 1 && counts["invalid"] == 2).then_some(())
    });
    let counts = server.admin().counts(&intake);
    assert_eq!((&counts["batches"], &counts["duplicates"]), (&json!(1), &json!(0)));
    assert_eq!(counts["bytes"], gzip(sent.as_bytes()).len());
    assert!(counts["last_batch"].is_string() && counts["last_event"].is_string(), "{counts}");
    assert_eq!(server.admin().counts(&other)["batches"], 0);
}

fn replace_time(record: &str, time: &str) -> String {
    let start = record.find("\"Datetime\":").expect("a record has a time") + "\"Datetime\":".len();
    let end = start + record[start..].find(",\"").expect("something follows the time");
    format!("{}{time}{}", &record[..start], &record[end..])
}

fn at<'v>(event: &'v Value, place: &str) -> &'v str {
    event.pointer(place).and_then(Value::as_str).unwrap_or_else(|| panic!("no `{place}` in {event}"))
}

#[test]
fn every_record_is_enriched() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let _ = server.admin().push(&intake, &Records::new("enriched").lines(1));
    server.admin().wait_for("dns.answers.data:edge.cdn.example.net", 1);
    let event = server.admin().events("*").remove(0);
    assert_eq!(event.pointer("/dns/answers/0/type"), Some(&json!("CNAME")));
    assert_eq!(event.pointer("/dns/answers/1/data"), Some(&json!("203.0.113.20")));
    assert_eq!(event.pointer("/tidegate/dns/name/labels"), Some(&json!(4)));
    let row = server.admin().search("*", 1)["rows"][0].clone();
    assert!(row["description"].as_str().is_some_and(|text| text.contains("host-0.enriched.example.com")), "{row}");
}

#[test]
fn a_batch_sent_again_gets_the_first_ids_and_is_stored_once() {
    let server = Server::start(NO_FLUSH);
    let intake = server.admin().gateway("gateway");
    let other = server.admin().gateway("other");
    let batch = Records::new("again").lines(20);
    let first = server.admin().push(&intake, &batch);
    assert_eq!(server.admin().push(&intake, &batch), first);
    let elsewhere = server.admin().push(&other, &batch);
    assert!(elsewhere.iter().all(|id| !first.contains(id)), "another intake's batch is another batch");
    server.admin().wait_for("*", 40);

    let server = server.restart();
    assert_eq!(server.admin().push(&intake, &batch), first, "after a clean stop");
    let server = server.kill9().start();
    assert_eq!(server.admin().push(&intake, &batch), first, "after a crash");
    let _ = server.admin().push(&intake, &Records::new("behind").lines(1));
    server.admin().wait_for("*", 41);
    assert_eq!(server.admin().counts(&intake)["duplicates"], 0, "a repeated batch is no repeated record");
}

#[test]
fn records_repeated_in_other_batches_are_dropped_and_counted() {
    let server = Server::start(NO_FLUSH);
    let intake = server.admin().gateway("gateway");
    let made: Vec<String> = Records::new("repeat").lines(30).lines().map(str::to_owned).collect();
    let push = |server: &Server, from: usize, to: usize| {
        let _ = server.admin().push(&intake, &made[from..to].join("\n"));
    };
    let duplicates = |server: &Server, count: u64| {
        within(Duration::from_secs(10), &format!("{count} duplicates are counted"), || {
            (server.admin().counts(&intake)["duplicates"] == count).then_some(())
        });
    };
    push(&server, 0, 10);
    push(&server, 5, 15);
    let twice = format!("{0}\n{0}\n", made[15]);
    let _ = server.admin().push(&intake, &twice);
    server.admin().wait_for("*", 16);
    duplicates(&server, 6);

    let server = server.restart();
    push(&server, 0, 20);
    server.admin().wait_for("*", 20);
    duplicates(&server, 22);

    // What is still only in the journal is known after a crash as well.
    let server = server.kill9().start();
    push(&server, 16, 30);
    server.admin().wait_for("*", 30);
    duplicates(&server, 26);
    assert_eq!(server.admin().ids().len(), 30);
}

#[test]
fn every_answer_agrees_with_every_other() {
    let server = Server::start(NO_FLUSH);
    let admin = server.admin();
    let intake = admin.gateway("gateway");
    let mut records = Records::new("agree");
    // Half of the events in the table, half in memory.
    let _ = admin.push(&intake, &records.lines(700));
    let server = server.restart();
    let admin = server.admin();
    let other_type = |text: String| text.replace("\"QueryTypeName\":\"A\"", "\"QueryTypeName\":\"TXT\"");
    let _ = admin.push(&intake, &other_type(records.lines(300)));
    admin.wait_for("*", 1_000);
    assert_eq!(admin.number("SELECT count(*) FROM events"), 1_000);
    for (query, count) in [
        ("*", 1_000),
        ("dns.question.type:TXT", 300),
        ("NOT dns.question.type:TXT", 700),
        ("dns.question.name:host-7.agree.example.com", 1),
        ("DNS.QUESTION.NAME:HOST-7.AGREE.EXAMPLE.COM", 0),
        ("dns.question.name:*.AGREE.example.com", 1_000),
        ("dns.question.name:host-99?.agree.example.com", 10),
        ("dns.question.name:/host-1[0-4]\\.agree.*/", 5),
        ("source.ip:198.51.100.0/24 AND dns.question.type:(A OR TXT)", 1_000),
        ("\"host-7.agree.example.com\"", 1),
        ("tidegate.dns.name.labels:>=5", 0),
        ("dns.resolved_ip:203.0.113.20", 1_000),
        ("nothing.here:*", 0),
    ] {
        if query.starts_with("DNS") || query.starts_with("nothing") {
            let answer = admin.ask("POST", "events/search", Some(&json!({"query": query})));
            assert!(answer.status == 400 || answer.json()["total"] == 0, "{query}: {}", answer.text());
            continue;
        }
        agree(admin, query, count);
    }
    let wrong = admin.ask("POST", "events/search", Some(&json!({"query": "dns.question.name:(a OR"})));
    assert_eq!(wrong.status, 400);
    assert!(wrong.json().pointer("/error/span/start").is_some(), "{}", wrong.text());
    let write = admin.ask("POST", "sql", Some(&json!({"statement": "DELETE FROM events"})));
    assert!(write.refusal(400).contains(' '));
    assert_eq!(pages(admin, "*", 150), 1_000);
}

/// Total, histogram, top values, both exports and a count all say `count`.
fn agree(admin: &Session, query: &str, count: u64) {
    assert_eq!(admin.total(query), count, "search {query}");
    let histogram = admin.post("events/histogram", &json!({"query": query, "from": "now-1d", "to": "now"}));
    let sum: u64 = histogram["buckets"].as_array().unwrap().iter().filter_map(|bucket| bucket["count"].as_u64()).sum();
    assert_eq!(sum, count, "histogram {query}");
    let top = admin.post("events/top", &json!({"query": query, "field": "dns.question.type", "size": 1}));
    let values: u64 = top["values"].as_array().unwrap().iter().filter_map(|value| value["count"].as_u64()).sum();
    let rest = top["other"].as_u64().unwrap() + top["missing"].as_u64().unwrap();
    assert_eq!((values + rest, top["total"].as_u64()), (count, Some(count)), "top {query}");
    let counted = admin.post("events/aggregate", &json!({"query": query, "function": "count"}));
    let counted: f64 = counted["groups"].as_array().unwrap().iter().filter_map(|group| group["value"].as_f64()).sum();
    assert_eq!(counted as u64, count, "aggregate {query}");
    assert_eq!(admin.export(query, "ndjson").lines().count() as u64, count, "ndjson {query}");
    // Made-up records hold no line ends.
    assert_eq!(admin.export(query, "csv").lines().count() as u64, count + 1, "csv {query}");
}

/// How many different events all pages together have.
fn pages(admin: &Session, query: &str, limit: usize) -> usize {
    let mut ids = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = admin.post("events/search", &json!({"query": query, "limit": limit, "after": after}));
        let rows = page["rows"].as_array().unwrap();
        ids.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

#[test]
fn a_clean_stop_leaves_everything_in_the_table_for_the_shell() {
    let server = Server::start(NO_FLUSH);
    let intake = server.admin().gateway("gateway");
    let _ = server.admin().push(&intake, &Records::new("shell").lines(500));
    let (url, token) = (server.url().to_owned(), server.admin().token().to_owned());
    server.admin().wait_for("*", 500);
    let asked = |arguments: &[&str]| -> Output {
        let mut command = command();
        command.args(arguments).args(["--url", &url]).env("TIDEGATE_TOKEN", &token);
        run_within(command, b"", Duration::from_secs(30))
    };
    let query = "dns.question.name:host-4?.shell.example.com";
    let count = "SELECT count(*) AS n, count(DISTINCT \"cloudflare.QueryID\") AS d FROM events";
    let of_server = asked(&["search", query, "--json", "--fields", "event.id"]).lines();
    assert_eq!(of_server.len(), 10);
    assert_eq!(asked(&["sql", count, "--json"]).lines(), [json!({"n": 500, "d": 500})]);
    assert_eq!(asked(&["search", "*", "--csv", "--last", "1h"]).ok().lines().count(), 501);
    assert!(asked(&["search", "*", "--limit", "3"]).ok().contains("3 of 500 events"));

    let ended = server.stop();
    let data = ended.data().to_str().unwrap();
    let of_data = run(&["search", query, "--json", "--fields", "event.id", "--data", data]).lines();
    assert_eq!(of_data, of_server);
    assert_eq!(run(&["sql", count, "--json", "--data", data]).lines(), [json!({"n": 500, "d": 500})]);
    let csv = run(&["sql", count, "--csv", "--data", data]).ok();
    assert_eq!(csv.lines().collect::<Vec<_>>(), ["n,d", "500,500"]);
    assert_eq!(run(&["search", "*", "--csv", "--data", data]).ok().lines().count(), 501);
    assert!(run(&["search", "a:(b", "--data", data]).failed(2).contains('^'), "a mistake is pointed at");
    let _ = run(&["sql", "SELEC 1", "--data", data]).failed(2);
    let _ = run(&["sql", "DROP TABLE events", "--data", data]).failed(2);
    let _ = run(&["search", "*", "--data", "/nowhere/at/all"]).failed(2);
    // Delta readers other than ours find a log and files.
    assert!(fs::read_dir(ended.data().join("events/_delta_log")).unwrap().count() > 0);
}

#[test]
fn a_second_process_on_the_data_directory_is_refused_with_a_sentence() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let data = server.data().to_str().unwrap().to_owned();
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["import", "--intake", "gateway"]] {
        let error = run(&[arguments, &["--data", &data]].concat()).failed(4);
        assert!(error.contains("in use by another tidegate process"), "{error}");
        assert!(error.contains(&server.process().to_string()), "it names the process: {error}");
    }
    let _ = server.admin().push(&intake, &Records::new("lock").lines(3));
    server.admin().wait_for("*", 3);
    // What administers works beside a running server.
    assert_eq!(run(&["intake", "list", "--json", "--data", &data]).lines().len(), 1);
}

#[test]
fn files_are_imported_into_a_data_directory_and_into_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut records = Records::new("import");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let lines = file("a.ndjson", records.lines(100).as_bytes());
    let gz = file("b.gz", &[gzip(records.lines(50).as_bytes()), gzip(records.lines(50).as_bytes())].concat());
    let zst = file("c.zst", &zstd(records.lines(100).as_bytes()));
    let array = format!("[{}]", records.lines(100).trim_end().replace('\n', ",\n"));
    let array = file("d.json", array.as_bytes());

    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let mut import = command();
    import.args(["import", "--url", server.url(), "--json", &lines, &gz]).env("TIDEGATE_INTAKE_KEY", &intake.key);
    let loaded = run_within(import, b"", Duration::from_secs(30)).lines();
    assert_eq!(loaded[0]["records"], 200);
    server.admin().wait_for("*", 200);

    let ended = server.stop();
    let data = ended.data().to_str().unwrap();
    let loaded = run(&["import", "--data", data, "--intake", "gateway", "--json", &zst, &array]).lines();
    assert_eq!(loaded[0]["records"], 200);
    let error = run(&["import", "--data", data, "--intake", "no-such", &zst]).failed(2);
    assert!(error.contains("no intake is named `no-such`"), "{error}");
    let _ = run(&["import", "--data", data, "--intake", "gateway", "/nowhere.ndjson"]).failed(4);
    let count = "SELECT count(*) AS n FROM events WHERE \"tidegate.status\" = 'valid'";
    assert_eq!(run(&["sql", count, "--json", "--data", data]).lines(), [json!({"n": 400})]);
    let server = ended.start();
    assert_eq!(server.admin().ids().len(), 400);
    assert!(server.admin().ids().contains_key(&query_id("import", 399)));
}

#[test]
fn parse_tells_rejects_apart_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let rejects = folder.path().join("rejects.ndjson");
    let mut records = Records::new("parse");
    let input = format!("{}\nno record\n{}\n{{\"a\":\n", records.one(), records.one());
    let path = folder.path().join("in.ndjson.gz");
    fs::write(&path, gzip(input.as_bytes())).unwrap();
    let (path, rejected) = (path.to_str().unwrap(), rejects.to_str().unwrap());
    let events = run(&["parse", "--format", "cloudflare-gateway-dns", "--rejects", rejected, path]).lines();
    assert_eq!(events.len(), 2);
    assert_eq!(events[1].pointer("/cloudflare/QueryID"), Some(&json!(query_id("parse", 1))));
    assert_eq!(events[0].pointer("/dns/answers"), None, "nothing is added without --enrich");
    let lines = fs::read_to_string(&rejects).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["line"], &lines[0]["raw"]), (&json!(2), &json!("no record")));
    assert_eq!((&lines[1]["line"], &lines[1]["raw"]), (&json!(4), &json!("{\"a\":")));
    assert!(lines.iter().all(|line| line["reason"].as_str().is_some_and(|reason| reason.contains(' '))), "{lines:?}");

    let enriched = run(&["parse", "--format", "cloudflare-gateway-dns", "--enrich", path]);
    assert_eq!(enriched.err.lines().filter(|line| line.starts_with("{\"line\"")).count(), 2, "{}", enriched.err);
    assert!(enriched.lines()[0].pointer("/dns/answers/0").is_some());
    let _ = run(&["parse", "--format", "no-such-format", path]).failed(2);
    let _ = run(&["parse", "--format", "cloudflare-gateway-dns", "/nowhere.ndjson"]).failed(4);
    let cut = folder.path().join("cut.gz");
    let bytes = gzip(records.lines(500).as_bytes());
    fs::write(&cut, &bytes[..bytes.len() - 20]).unwrap();
    let error = run(&["parse", "--format", "cloudflare-gateway-dns", cut.to_str().unwrap()]).failed(4);
    assert!(error.contains("cut"), "{error}");
}
