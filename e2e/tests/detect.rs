//! Detection from outside: records in, alerts out, across restarts and kills.

use serde_json::{Value, json};
use tidegate_e2e::{Ended, Intake, Records, Server, eventually, run_with_input};

/// A record that asks for this name.
fn asking(records: &mut Records, name: &str) -> String {
    let mut record: Value = serde_json::from_str(&records.one()).expect("a made-up record is JSON");
    record["QueryName"] = json!(name);
    record["QueryNameReversed"] = json!(name.rsplit('.').collect::<Vec<_>>().join("."));
    format!("{record}\n")
}

fn send(server: &Server, intake: &Intake, lines: &str) {
    let reply = server.admin().try_push(intake, lines).expect("the server answers");
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// Queries of the kind that the tunnel correlation counts: long names below one domain.
fn tunnel(records: &mut Records, from: usize, count: usize) -> String {
    let name = |index: usize| format!("{index:06}{}.{}.tunnel-case.example", "q7z".repeat(18), "x9w".repeat(10));
    (from..from + count).map(|index| asking(records, &name(index))).collect()
}

const TUNNEL: &str = "Correlation Potential DNS Tunnel";
const SELF_TEST: &str = "eicar-test.tidegate.test";

#[test]
fn the_self_test_works_from_end_to_end_and_repeats_are_folded() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("eicar");
    let lines: String = (0..3).map(|_| asking(&mut records, SELF_TEST)).collect();
    send(&server, &intake, &lines);
    eventually("the self-test raises an alert", || !server.admin().alerts("EICAR Detection").is_empty());
    send(&server, &intake, &asking(&mut records, SELF_TEST));
    // The same body again is answered with the first ids, and its events count no second time.
    send(&server, &intake, &lines);
    eventually("the fourth query is counted", || server.admin().alerts("EICAR Detection")[0]["event_count"] == 4);
    let found = server.admin().alerts("EICAR Detection");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["status"], "pending");
    assert_eq!(found[0]["name"], SELF_TEST);
    assert_eq!(server.admin().total("tags:eicar"), 4, "the events bear the tag");
    let id = found[0]["id"].as_str().expect("an alert has an id");
    let alert = server.admin().get(&format!("alerts/{id}"));
    assert_eq!(alert["events"].as_array().map(Vec::len), Some(4), "{alert}");
    let query = alert["query"].as_str().expect("an alert tells how to find its events");
    assert_eq!(server.admin().total(query), 4, "{query}");
}

#[test]
fn alert_filters_hide_what_they_say_and_nothing_else() {
    let server = Server::start("");
    let admin = server.admin();
    let intake = admin.gateway("gateway");
    let names = ["malware.testcategory.com", "phishing.testcategory.com", "spyware.testcategory.com", "www.eicar.org"];
    let other = admin.get("rules")["rules"]
        .as_array()
        .and_then(|rules| rules.iter().find(|rule| rule["name"] == "Bazar Loader DGA").map(|rule| rule["id"].clone()));
    let queries = [
        ("dns.question.name:PHISHING.*", Value::Null),
        // all text fields, one of which is a list
        ("spyware", Value::Null),
        ("tags:eicar AND NOT dns.question.name:malware.testcategory.com AND dns.question.type:MX", Value::Null),
        ("dns.question.name:*", json!(other)),
    ];
    for (at, (query, rule)) in queries.iter().enumerate() {
        let filter = json!({"name": format!("ours {at}"), "query": query, "reason": "ours", "rule": rule});
        let _ = admin.ask("POST", "alert-filters", Some(&filter)).expect(201);
    }
    let mut records = Records::new("filtered");
    // More findings than are looked up at a time.
    let lines: String = (0..300).map(|at| asking(&mut records, names[at % names.len()])).collect();
    send(&server, &intake, &lines);
    admin.wait_for("tags:eicar", 300);
    let raised = || -> Vec<Value> { admin.alerts("EICAR Detection") };
    eventually("what no filter speaks of raises alerts", || raised().iter().any(|alert| alert["name"] == names[3]));
    let mut found: Vec<String> =
        raised().iter().filter_map(|alert| alert["name"].as_str().map(str::to_owned)).collect();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, [names[0], names[3]]);
    let filters = admin.get("alert-filters");
    let hidden: Vec<u64> = filters.as_array().unwrap().iter().filter_map(|filter| filter["hidden"].as_u64()).collect();
    assert_eq!((hidden.len(), hidden.iter().sum::<u64>()), (4, 150), "{filters}");
}

#[test]
fn an_ordinary_hour_raises_nothing() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let records = tidegate_e2e::run(&["generate", "--events", "15000", "--rate", "60", "--scenarios", "none"]).ok();
    send(&server, &intake, &records);
    server.admin().wait_for("*", 15_000);
    let answer = server.admin().get("alerts?severity=medium,high,critical");
    assert_eq!(answer["total"], 0, "{answer}");
}

#[test]
fn a_window_survives_a_restart_and_a_kill() {
    for kill in [false, true] {
        let server = Server::start("[store]\nflush_age = \"200ms\"\n");
        let intake = server.admin().gateway("gateway");
        let mut records = Records::new("window");
        send(&server, &intake, &tunnel(&mut records, 0, 30));
        server.admin().wait_for("*", 30);
        assert!(server.admin().alerts(TUNNEL).is_empty(), "thirty are too few");
        let ended: Ended = if kill { server.kill9() } else { server.stop() };
        let server = ended.start();
        send(&server, &intake, &tunnel(&mut records, 30, 30));
        eventually("the window goes on where it was", || {
            server.admin().alerts(TUNNEL).first().is_some_and(|alert| alert["event_count"] == 60)
        });
        let server = if kill { server.kill9().start() } else { server.restart() };
        server.admin().wait_for("*", 60);
        let found = server.admin().alerts(TUNNEL);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0]["event_count"], 60, "nothing is counted twice");
        send(&server, &intake, &tunnel(&mut records, 60, 1));
        eventually("one more is counted", || server.admin().alerts(TUNNEL)[0]["event_count"] == 61);
    }
}

#[test]
fn a_scan_of_files_finds_what_the_generator_planted() {
    let records = tidegate_e2e::run(&["generate", "--for", "1h", "--rate", "50"]).ok();
    let scan = run_with_input(&["scan", "--json", "--effort", "master", "-"], records.as_bytes());
    let rules: Vec<String> =
        scan.lines().iter().map(|line| line["rule"]["name"].as_str().unwrap_or_default().to_owned()).collect();
    for rule in ["Bazar Loader DGA", "Telegram Bot API Request", "Cryptomining", "Suspicious TOR Gateway"] {
        assert!(rules.iter().any(|name| name == rule), "{rule} is not among {rules:?}");
    }
    let failing = run_with_input(&["scan", "--fail-on", "low", "-"], records.as_bytes());
    assert_eq!(failing.code, Some(1), "{}", failing.err);
}

#[test]
fn rules_are_listed_checked_and_tested() {
    let rules = tidegate_e2e::run(&["rules", "list", "--json"]).lines();
    let named = |name: &str| {
        let found = rules.iter().find(|rule| rule["name"] == name);
        found.unwrap_or_else(|| panic!("no rule is named {name}")).clone()
    };
    assert_eq!(named("EICAR Detection")["enabled"], true, "always on, though of effort master");
    assert_eq!(named("EICAR Detection")["effort"], "master");
    assert_eq!(named("Dynamic DNS Contacted")["enabled"], false);
    assert_eq!(named(TUNNEL)["enabled"], true);
    let tested = tidegate_e2e::run(&["rules", "test"]).ok();
    assert!(tested.trim_end().ends_with(" passed, 0 failed"), "{tested}");
    let _ = tidegate_e2e::run(&["rules", "check"]).ok();
    let folder = tempfile::tempdir().expect("the system has room for a folder");
    let bad = folder.path().join("bad.yml");
    std::fs::write(
        &bad,
        "title: broken\nlogsource:\n  category: dns\ndetection:\n  a:\n    query|nosuch: x\n  condition: a\n",
    )
    .expect("the folder takes a file");
    let checked = tidegate_e2e::run(&["rules", "check", &bad.display().to_string()]);
    assert_eq!(checked.code, Some(2), "{}", checked.out);
    assert!(checked.out.contains("bad.yml:6:"), "file, line and column: {}", checked.out);
    let layer: Value = serde_json::from_str(&tidegate_e2e::run(&["rules", "navigator"]).ok()).expect("a layer is JSON");
    assert_eq!(layer["versions"]["layer"], "4.5");
}
