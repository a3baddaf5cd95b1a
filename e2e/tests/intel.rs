//! Threat intelligence from outside: indicators come in by API, command line and feed; what meets them raises alerts, also
//! in events that were stored before; and whoever wants to know is told.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use tidegate_e2e::{Got, Records, Server, Session, Site, run, run_with_input, within};

const SOON: Duration = Duration::from_secs(40);
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// The alerts of the rule that looks at indicators, about names that hold `part`.
fn alerts(admin: &Session, part: &str) -> Vec<Value> {
    admin.alerts_about("Intelligence Feed", part)
}

#[track_caller]
fn one_alert(admin: &Session, part: &str) -> Value {
    let alert = within(SOON, &format!("there is an alert about `{part}`"), || alerts(admin, part).pop());
    assert_eq!(alerts(admin, part).len(), 1);
    alert
}

/// Waits for the end of a hunt.
#[track_caller]
fn hunted(admin: &Session, id: &str) -> Value {
    within(SOON, "the hunt is over", || {
        let hunt = admin.get(&format!("retrohunts/{id}"));
        (!matches!(hunt["state"].as_str(), Some("waiting" | "running"))).then_some(hunt)
    })
}

fn bundle(name: &str) -> String {
    let pattern = format!("[domain-name:value = '{name}']");
    json!({"type": "bundle", "id": "bundle--6f3ce7b8-0d5c-4d8a-9e1f-0d5c6f3ce7b8", "objects": [{
        "type": "indicator", "spec_version": "2.1", "id": "indicator--0d5c6f3c-e7b8-4d8a-9e1f-6f3ce7b80d5c",
        "created": "2026-01-01T00:00:00Z", "modified": "2026-01-01T00:00:00Z", "valid_from": "2020-01-01T00:00:00Z",
        "pattern": pattern, "pattern_type": "stix", "labels": ["c2"], "confidence": 90,
    }]})
    .to_string()
}

#[test]
fn an_indicator_that_came_by_the_api_raises_an_alert() {
    let server = Server::start("");
    let admin = server.admin();
    let text = bundle("host-0.apiintel.example.com");
    let request = json!({"text": text, "collection": "partner", "retrohunt": false});
    let answer = admin.post("indicators/import", &request);
    assert_eq!((&answer["accepted"], &answer["known"]), (&json!(1), &json!(0)), "{answer}");
    assert_eq!(admin.post("indicators/import", &request)["known"], 1);
    let met = admin.get("indicators/match?value=HOST-0.apiintel.example.com.");
    assert_eq!(met["indicators"][0]["collection"], "partner", "{met}");
    let intake = admin.gateway("gateway");
    admin.push(&intake, &Records::new("apiintel").lines(3));
    admin.wait_for("*", 3);
    let alert = one_alert(admin, "apiintel");
    assert_eq!((&alert["name"], &alert["occurrences"]), (&json!("host-0.apiintel.example.com"), &json!(1)));
    admin.wait_for("tags:indicator AND tags:c2", 1);
}

#[test]
fn what_cannot_be_an_indicator_is_told() {
    let server = Server::start("");
    let text = "www.microsoft.com\n10.0.0.1\nnot a name\ngood.evil-zone.example\n";
    let answer =
        server.admin().post("indicators/import", &json!({"text": text, "collection": "mixed", "dry_run": true}));
    assert_eq!(answer["accepted"], 1, "{answer}");
    assert_eq!(answer["benign"][0]["value"], "www.microsoft.com", "{answer}");
    assert_eq!(answer["rejected"].as_array().unwrap().len(), 2, "{answer}");
    let page = "<html><head><title>Sign in</title></head></html>";
    let refusal = server
        .admin()
        .ask("POST", "indicators/import", Some(&json!({"text": page, "collection": "mixed"})))
        .refusal(400);
    assert!(refusal.contains("an HTML page titled `Sign in`"), "{refusal}");
}

#[test]
fn the_command_line_imports_lists_and_ends_indicators() {
    let server = Server::start("");
    let admin = server.admin();
    let place = ["--url", server.url(), "--token", admin.token()];
    fn with<'a>(arguments: &[&'a str], place: &[&'a str]) -> Vec<&'a str> {
        [arguments, place].concat()
    }
    let with = |arguments| with(arguments, &place);
    let list = b"# ours\nhost-1.cliintel[.]example.com\n198.51.100.77\nwww.microsoft.com\nAS64500\n";
    let said =
        run_with_input(&with(&["indicators", "import", "--collection", "by hand", "--tag", "test", "-"]), list).ok();
    assert!(said.contains("2 indicators taken") && said.contains("benign"), "{said}");
    assert!(said.contains("1 `AS number` not looked up"), "{said}");
    let intake = admin.gateway("gateway");
    admin.push(&intake, &Records::new("cliintel").lines(2));
    one_alert(admin, "cliintel");
    let rows = run(&with(&["indicators", "list", "--collection", "by hand", "--json"])).lines();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["tags"] == json!(["test"]) && row["expired"] == false), "{rows:?}");
    let said = run(&with(&["indicators", "expire", "--collection", "by hand"])).ok();
    assert!(said.contains("2 indicators have ended"), "{said}");
    assert!(run(&with(&["indicators", "list", "--valid", "--json"])).lines().is_empty());
    let error = run(&with(&["indicators", "expire", "99999"])).failed(2);
    assert!(error.contains("no indicator `99999`"), "{error}");
    let error = run(&with(&["indicators", "expire", "--collection", "none such"])).failed(2);
    assert!(error.contains("none such"), "{error}");
}

#[test]
fn a_hunt_finds_events_that_were_stored_before() {
    let server = Server::start("");
    let admin = server.admin();
    let intake = admin.gateway("gateway");
    admin.push(&intake, &Records::new("past").lines(20));
    admin.wait_for("*", 20);
    let text = "host-7.past.example.com\nhost-8.past.example.com\nnever.past.example.com\n";
    let answer = admin.post("indicators/import", &json!({"text": text, "collection": "late"}));
    let hunt = hunted(admin, answer["retrohunt"].as_str().unwrap());
    assert_eq!((&hunt["state"], &hunt["hits"], &hunt["progress"]), (&json!("done"), &json!(2), &json!(1.0)), "{hunt}");
    let results = hunt["results"].as_array().unwrap();
    assert_eq!(results.len(), 2, "{hunt}");
    assert!(results.iter().all(|result| result["count"] == 1 && result["indicator"]["collection"] == "late"));
    let query = results[0]["query"].as_str().unwrap();
    assert_eq!(admin.total(query), 1, "{query}");
    assert_eq!(alerts(admin, "past").len(), 2);
    // The same hunt again, in another process, raises nothing twice.
    let again = admin.ask("POST", "retrohunts", Some(&json!({"collection": "late"}))).expect(201).json();
    assert_eq!(hunted(admin, again["id"].as_str().unwrap())["hits"], 2);
    let ended = server.stop();
    let data = ended.data().to_str().unwrap().to_owned();
    let rows = run(&["retrohunt", "--collection", "late", "--json", "--data", &data]).lines();
    assert_eq!(rows.len(), 2, "{rows:?}");
    let server = ended.start();
    let alerts = alerts(server.admin(), "past");
    assert_eq!(alerts.len(), 2);
    assert!(alerts.iter().all(|alert| alert["occurrences"] == 1), "{alerts:?}");
}

#[test]
fn a_live_alert_is_not_counted_again_by_a_hunt() {
    let server = Server::start("");
    let admin = server.admin();
    let request = json!({"text": "host-0.once.example.com", "collection": "c", "retrohunt": false});
    let _ = admin.post("indicators/import", &request);
    let intake = admin.gateway("gateway");
    admin.push(&intake, &Records::new("once").lines(1));
    admin.wait_for("tags:indicator", 1);
    one_alert(admin, "once");
    let hunt = admin.ask("POST", "retrohunts", Some(&json!({}))).expect(201).json();
    assert_eq!(hunted(admin, hunt["id"].as_str().unwrap())["hits"], 1);
    assert_eq!(one_alert(admin, "once")["occurrences"], 1);
}

fn feed(admin: &Session, name: &str) -> Value {
    let feeds = admin.get("feeds");
    let found = feeds.as_array().unwrap().iter().find(|feed| feed["name"] == name).cloned();
    found.unwrap_or_else(|| panic!("no `{name}` in {feeds}"))
}

#[test]
fn a_feed_is_fetched_and_hunted_for_and_what_it_drops_ends() {
    let list = Arc::new(Mutex::new("host-2.fed.example.com\nhost-3.fed.example.com\n".to_owned()));
    let shown = Arc::clone(&list);
    let site = Site::start(move |_| (200, shown.lock().unwrap().clone()));
    let server = Server::start("");
    let admin = server.admin();
    let intake = admin.gateway("gateway");
    admin.push(&intake, &Records::new("fed").lines(5));
    admin.wait_for("*", 5);
    let request = json!({
        "name": "own", "url": format!("{}/list.txt", site.url), "collection": "own", "tags": ["fed"],
        "secret": "feed-token-0123456789", "auth": "bearer",
    });
    let made = admin.ask("POST", "feeds", Some(&request)).expect(201).json();
    let done = within(SOON, "the feed is read", || Some(feed(admin, "own")).filter(|feed| feed["state"] == "ok"));
    assert_eq!(done["indicators"], 2, "{done}");
    assert_eq!(site.got()[0].header("authorization"), Some("Bearer feed-token-0123456789"));
    within(SOON, "what is new is found in stored events", || (alerts(admin, "fed").len() == 2).then_some(()));
    *list.lock().unwrap() = "host-3.fed.example.com\n".to_owned();
    let path = format!("feeds/{}/refresh", made["id"].as_str().unwrap());
    let _ = admin.ask("POST", &path, None).expect(202);
    within(SOON, "what is gone has ended", || {
        let page = admin.get("indicators?collection=own&expired=false");
        (page["total"] == 1 && page["indicators"][0]["value"] == "host-3.fed.example.com").then_some(())
    });
    assert!(!server.log().contains("feed-token-0123456789"));
}

#[test]
fn a_feed_that_is_a_web_page_says_so_and_nothing_stops() {
    let page = format!("<!DOCTYPE html><title>Log in</title>{}", "<p>Please log in.</p>".repeat(25_000));
    assert!(page.len() > 500_000);
    let site = Site::start(move |got| if got.path == "/page" { (200, page.clone()) } else { (503, String::new()) });
    let server = Server::start("");
    let admin = server.admin();
    for (name, path) in [("page", "/page"), ("gone", "/gone")] {
        let url = format!("{}{path}", site.url);
        let _ = admin.ask("POST", "feeds", Some(&json!({"name": name, "url": url, "collection": name}))).expect(201);
    }
    let failed = |name: &str| {
        within(SOON, "the run failed", || Some(feed(admin, name)).filter(|feed| feed["state"] == "failed"))
    };
    let error = failed("page")["error"].as_str().unwrap().to_owned();
    assert_eq!(error, "this is an HTML page titled `Log in`, not a feed of indicators");
    assert!(failed("gone")["error"].as_str().unwrap().contains("503"));
    let intake = admin.gateway("gateway");
    admin.push(&intake, &Records::new("onward").lines(3));
    admin.wait_for("*", 3);
}

#[test]
fn feeds_are_added_and_refreshed_from_the_command_line() {
    let site = Site::start(|_| (200, "domain,tags\nhost-0.shellfeed.example.com,c2\n".to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    assert!(run(&["feeds", "list", "--presets"]).ok().contains("feodo"));
    let url = format!("{}/iocs.csv", site.url);
    let _ = run(&["feeds", "add", "shell", "--from", &url, "--every", "6h", "--data", data]).ok();
    let said = run(&["feeds", "refresh", "shell", "--data", data]).ok();
    assert!(said.contains("1 indicator"), "{said}");
    let rows = run(&["feeds", "list", "--json", "--data", data]).lines();
    assert_eq!((&rows[0]["state"], &rows[0]["every_seconds"]), (&json!("ok"), &json!(21_600)), "{rows:?}");
    let rows = run(&["indicators", "list", "--json", "--data", data]).lines();
    assert_eq!((&rows[0]["value"], &rows[0]["tags"]), (&json!("host-0.shellfeed.example.com"), &json!(["c2"])));
    let error = run(&["feeds", "add", "--preset", "feodoo", "--data", data]).failed(2);
    assert!(error.contains("did you mean `feodo`?"), "{error}");
    assert!(Path::new(data).is_dir());
}

fn target(admin: &Session, url: &str) -> String {
    let request = json!({
        "name": "hook", "kind": "webhook", "target": format!("{url}/hook"), "secret": KEY, "min_severity": "low",
        "on": ["alert"],
    });
    let mut wrong = request.clone();
    wrong["template"] = json!("{alert.rule.name on {x}");
    let refused = admin.ask("POST", "notifications", Some(&wrong)).refusal(400);
    assert!(refused.contains("brace without a partner at character 1"), "{refused}");
    let made = admin.ask("POST", "notifications", Some(&request)).expect(201).json();
    made["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_webhook_gets_its_signed_notice() {
    let site = Site::start(|_| (204, String::new()));
    let server = Server::start("[detect]\nallow_loopback = true\n");
    let admin = server.admin();
    let id = target(admin, &site.url);
    let tried = admin.post(&format!("notifications/{id}/test"), &json!({}));
    assert_eq!(tried["sent"], true, "{tried}");
    let _ = admin.post("indicators/import", &json!({"text": "host-0.told.example.com", "collection": "c"}));
    let intake = admin.gateway("gateway");
    admin.push(&intake, &Records::new("told").lines(1));
    let told = |got: &Got| serde_json::from_slice::<Value>(&got.body).is_ok_and(|body| body["kind"] == "alert.raised");
    let got = within(SOON, "the webhook is told", || site.got().into_iter().find(told));
    let body: Value = serde_json::from_slice(&got.body).unwrap();
    assert_eq!(body["alert"]["name"], "host-0.told.example.com", "{body}");
    let time = got.header("x-tidegate-timestamp").unwrap();
    let signature = got.header("x-tidegate-signature").unwrap().strip_prefix("v1=").unwrap();
    let signed = [time.as_bytes(), b".", &got.body].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    hmac::verify(&key, &signed, &HEXLOWER.decode(signature.as_bytes()).unwrap()).unwrap();
    within(SOON, "it is counted", || {
        let targets = admin.get("notifications");
        (targets[0]["sent"] == 1).then_some(())
    });
    assert!(!server.log().contains(KEY));
}

#[test]
fn a_target_that_no_setting_allows_is_refused_when_it_is_set() {
    let server = Server::start("");
    let at = |target| json!({"name": "x", "kind": "webhook", "target": target, "min_severity": "low", "on": ["alert"]});
    let refusal = server.admin().ask("POST", "notifications", Some(&at("http://169.254.169.254/x"))).refusal(400);
    assert!(refusal.contains("`169.254.169.254` is at an address that targets may not be at"), "{refusal}");
}

#[test]
fn targets_on_this_machine_are_refused_unless_allowed() {
    let site = Site::start(|_| (204, String::new()));
    let server = Server::start("");
    let id = target(server.admin(), &site.url);
    let tried = server.admin().post(&format!("notifications/{id}/test"), &json!({}));
    assert_eq!(tried["sent"], false, "{tried}");
    assert!(site.got().is_empty());
}
