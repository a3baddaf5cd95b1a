//! Intelligence when things go on in the middle: TAXII page by page, a hunt that is killed, alert filters in hunts, a
//! collection that is switched off, and an intake that falls silent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_e2e::{Answer, Got, Records, Server, Session, Site, run, within};

const SOON: Duration = Duration::from_secs(60);
/// Indicators of a hunt that takes some seconds.
const MANY: usize = 10_000;

/// The alerts of the rule that looks at indicators, about names that hold `part`.
fn alerts(admin: &Session, part: &str) -> Vec<Value> {
    admin.alerts_about("Intelligence Feed", part)
}

fn indicator(number: u128, name: &str) -> Value {
    json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--{}", uuid(number)),
        "created": "2026-01-01T00:00:00Z", "modified": "2026-01-01T00:00:00Z", "valid_from": "2020-01-01T00:00:00Z",
        "pattern": format!("[domain-name:value = '{name}']"), "pattern_type": "stix", "labels": ["c2"],
    })
}

fn uuid(number: u128) -> String {
    let text = format!("{number:032x}");
    format!("{}-{}-4{}-8{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..])
}

/// One TAXII collection: two pages, and what was added later.
fn taxii(got: &Got, added: &[Value]) -> Answer {
    let headers = |last: &str| {
        vec![
            ("content-type".to_owned(), "application/taxii+json;version=2.1".to_owned()),
            ("x-taxii-date-added-last".to_owned(), last.to_owned()),
        ]
    };
    let page = |body: Value, last: &str| Answer { status: 200, headers: headers(last), body: body.to_string() };
    if !got.path.starts_with("/api1/collections/one/objects/") {
        return Answer { status: 404, ..Answer::default() };
    }
    if got.path.contains("added_after=2026-02-02") {
        return page(json!({"more": false, "objects": added}), "2026-03-03T00:00:00.000000Z");
    }
    if got.path.contains("next=two") {
        let odd = json!({"type": "x-something", "id": format!("x-something--{}", uuid(9)), "spec_version": "2.1"});
        let objects = json!([indicator(2, "host-1.taxii.example.com"), odd]);
        return page(json!({"more": false, "objects": objects}), "2026-02-02T00:00:00.000000Z");
    }
    let objects = json!([indicator(1, "host-0.taxii.example.com")]);
    page(json!({"more": true, "next": "two", "objects": objects}), "2026-01-01T00:00:00.000000Z")
}

#[test]
fn a_taxii_collection_is_followed_page_by_page_and_from_where_it_ended() {
    let added = Arc::new(Mutex::new(Vec::new()));
    let later = Arc::clone(&added);
    let site = Site::start(move |got| taxii(got, &later.lock().unwrap()));
    let server = Server::start("");
    let admin = server.admin();
    let request = json!({
        "name": "partner", "kind": "taxii", "url": format!("{}/api1/collections/one/", site.url), "collection": "partner",
    });
    let made = admin.ask("POST", "feeds", Some(&request)).expect(201).json();
    let total = |count: u64| (admin.get("indicators?collection=partner")["total"] == count).then_some(());
    within(SOON, "both pages are read", || total(2));
    let paths: Vec<String> = site.got().into_iter().map(|got| got.path).collect();
    assert!(paths.len() == 2 && paths[1].contains("next=two"), "{paths:?}");
    let accept = site.got()[0].header("accept").unwrap().to_owned();
    assert_eq!(accept, "application/taxii+json;version=2.1");
    added.lock().unwrap().push(indicator(3, "host-2.taxii.example.com"));
    let path = format!("feeds/{}/refresh", made["id"].as_str().unwrap());
    let _ = admin.ask("POST", &path, None).expect(202);
    within(SOON, "what was added is read", || total(3));
    let last = site.got().pop().unwrap().path;
    assert!(last.contains("added_after=2026-02-02"), "{last}");
    let intake = admin.gateway("gateway");
    admin.push(&intake, &Records::new("taxii").lines(3));
    within(SOON, "all three raise alerts", || (alerts(admin, "taxii").len() == 3).then_some(()));
}

#[test]
fn a_hunt_that_is_killed_goes_on_and_counts_nothing_twice() {
    let server = Server::start("");
    let admin = server.admin();
    let intake = admin.gateway("gateway");
    admin.push(&intake, &Records::new("hunted").lines(50));
    admin.wait_for("*", 50);
    // The first and the last of many are met.
    let mut text = String::from("host-1.hunted.example.com\n");
    (0..MANY).for_each(|number| text += &format!("n{number}.junk-{number}.example.net\n"));
    text += "host-2.hunted.example.com\n";
    let answer = admin.post("indicators/import", &json!({"text": text, "collection": "many"}));
    let path = format!("retrohunts/{}", answer["retrohunt"].as_str().unwrap());
    let begun = within(SOON, "the hunt has begun and is not over", || {
        let hunt = admin.get(&path);
        let progress = hunt["progress"].as_f64().unwrap_or(0.0);
        (hunt["state"] == "running" && progress > 0.0 && progress < 0.9).then_some(progress)
    });
    let server = server.kill9().start();
    let admin = server.admin();
    let first = admin.get(&path);
    assert!(first["progress"].as_f64().unwrap() >= begun, "{first} was at {begun}");
    let hunt = within(2 * SOON, "the hunt is over", || Some(admin.get(&path)).filter(|hunt| hunt["state"] == "done"));
    assert_eq!((&hunt["hits"], &hunt["progress"]), (&json!(2), &json!(1.0)), "{hunt}");
    let found = alerts(admin, "hunted");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|alert| alert["occurrences"] == 1), "{found:?}");
}

/// Other queries for the first two names.
fn asked_again(label: &str) -> String {
    Records::new(label).lines(2).replace(&format!("{label}.example.com"), "except.example.com")
}

#[test]
fn an_alert_filter_hides_what_a_hunt_finds_and_a_collection_can_be_switched_off() {
    let server = Server::start("");
    let admin = server.admin();
    let intake = admin.gateway("gateway");
    admin.push(&intake, &Records::new("except").lines(3));
    admin.wait_for("*", 3);
    let filter = json!({"name": "ours", "query": "dns.question.name:host-0.except.example.com", "reason": "ours"});
    let _ = admin.ask("POST", "alert-filters", Some(&filter)).expect(201);
    let text = "host-0.except.example.com\nhost-1.except.example.com\n";
    let _ = admin.post("indicators/import", &json!({"text": text, "collection": "two"}));
    within(SOON, "the other one raises an alert", || (alerts(admin, "host-1.except").len() == 1).then_some(()));
    assert!(alerts(admin, "host-0.except").is_empty());
    let place = ["--url", server.url(), "--token", admin.token()];
    let said = run(&[&["indicators", "disable", "TWO"][..], &place[..]].concat()).ok();
    assert!(said.contains("no longer looked for"), "{said}");
    let rows = run(&[&["indicators", "collections", "--json"][..], &place[..]].concat()).lines();
    assert_eq!((&rows[0]["name"], &rows[0]["enabled"]), (&json!("two"), &json!(false)), "{rows:?}");
    admin.push(&intake, &asked_again("first"));
    admin.wait_for("*", 5);
    assert_eq!(admin.total("tags:indicator"), 0);
    let _ = run(&[&["indicators", "enable", "two"][..], &place[..]].concat()).ok();
    let refusal = run(&[&["indicators", "enable", "three"][..], &place[..]].concat()).failed(2);
    assert!(refusal.contains("three"), "{refusal}");
    let mut round = 0;
    within(SOON, "it is looked for again", || {
        round += 1;
        admin.push(&intake, &asked_again(&format!("round{round}")));
        std::thread::sleep(Duration::from_millis(300));
        (admin.total("tags:indicator") > 0).then_some(())
    });
}

#[test]
fn somebody_is_told_when_an_intake_falls_silent_and_when_it_is_back() {
    let site = Site::start(|_| (204, String::new()));
    // Without detection: whether anything comes in is worth a notice all the same.
    let server = Server::start("[detect]\nenabled = false\nallow_loopback = true\n");
    let admin = server.admin();
    let request = json!({
        "name": "hook", "kind": "webhook", "target": format!("{}/hook", site.url), "min_severity": "low", "on": ["intake_silence", "intake_lag"],
    });
    let _ = admin.ask("POST", "notifications", Some(&request)).expect(201);
    let intake = admin.gateway("gateway");
    let place = ["--url", server.url(), "--token", admin.token()];
    let said =
        run(&[&["intake", "watch", "gateway", "--silence", "60s", "--lag", "off"][..], &place[..]].concat()).ok();
    assert!(said.contains("after 60 s") && said.contains("never"), "{said}");
    admin.push(&intake, &Records::new("silent").lines(1));
    let told = |kind: &str| {
        let bodies = site.got().into_iter().filter_map(|got| serde_json::from_slice::<Value>(&got.body).ok());
        bodies.filter(|body| body["kind"] == kind).collect::<Vec<_>>()
    };
    let notice = within(Duration::from_secs(120), "the silence is told", || told("intake.silent").pop());
    assert_eq!(notice["intake"]["name"], "gateway", "{notice}");
    let row = |name: &str| admin.get("intakes")[0]["watch"][name].clone();
    assert_eq!((row("silence_seconds"), row("lag_seconds")), (json!(60), Value::Null));
    assert!(row("silent_since").is_string());
    admin.push(&intake, &Records::new("back").lines(1));
    within(SOON, "that it is back is told", || told("intake.recovered").pop());
    assert_eq!(told("intake.silent").len(), 1);
    assert_eq!(row("silent_since"), Value::Null);
}
