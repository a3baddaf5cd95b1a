//! What the watch finds out reaches whoever wants to know of it: a webhook beside the real server.

use serde_json::{Value, json};
use tidegate_e2e::{Records, Server, Site, gzip, within};

use crate::support::Mock;
use crate::{LOOKED, Sender, ago, cloudflare, job_when, kinds, trusting, watching, wish};

/// Everything that the webhook was told of a kind of notice, about one kind of trouble.
fn told(site: &Site, notice: &str, what: &str) -> Vec<Value> {
    let bodies = site.got().into_iter().filter_map(|got| serde_json::from_slice::<Value>(&got.body).ok());
    bodies.filter(|body| body["kind"] == notice && body["job"]["what"] == what).collect()
}

#[track_caller]
fn wait_for(site: &Site, notice: &str, what: &str) -> Value {
    within(LOOKED, &format!("{notice} of {what}"), || told(site, notice, what).pop())
}

fn set(mock: &Mock, members: &[(&str, Value)]) {
    for (name, value) in members {
        mock.state().jobs[0][*name] = value.clone();
    }
}

/// A server that watches, with a job, a webhook that wants to hear of intakes, and where the job sends.
fn with_webhook(mock: &Mock, site: &Site) -> (Server, String) {
    let server = watching(mock, "silent_after = \"10s\"\n[detect]\nenabled = false\nallow_loopback = true\n");
    let hook = json!({"name": "hook", "kind": "webhook", "target": format!("{}/hook", site.url), "min_severity": "low",
        "on": ["intake_silence"]});
    let _ = server.admin().ask("POST", "notifications", Some(&hook)).expect(201);
    let made = server.admin().ask("POST", "logpush/jobs", Some(&wish(&server))).expect(201).json();
    assert!(made["key"].is_string(), "{made}");
    let to = mock.state().jobs[0]["destination_conf"].as_str().unwrap().to_owned();
    (server, to)
}

#[test]
fn a_webhook_hears_of_failures_drift_lag_and_silence_once_each() {
    let site = Site::start(|_| (204, String::new()));
    let mock = cloudflare();
    let (server, to) = with_webhook(&mock, &site);
    let sender = Sender::new(trusting());
    let mut records = Records::new("notices");
    assert_eq!(sender.send(&to, &gzip(records.lines(1).as_bytes())).unwrap().event_ids().len(), 1);

    // Uploads have failed for half an hour, and somebody took a field away.
    let fields = json!(["Datetime", "QueryName", "QueryTypeName", "RCode", "ResolverDecision", "SrcIP", "Email"]);
    mock.state().jobs[0]["output_options"]["field_names"] = fields;
    let failing = [
        ("last_complete", json!(ago(31))),
        ("last_error", json!(ago(1))),
        ("error_message", json!(format!("error uploading {to}: 1106 Timeout"))),
    ];
    set(&mock, &failing);
    let notice = wait_for(&site, "logpush.warning", "failing");
    let job = &notice["job"];
    assert_eq!((&job["id"], &job["intake"], &job["dataset"]), (&json!(100), &json!("gateway"), &json!("gateway_dns")));
    let sentence = job["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("uploads have failed for 3") && sentence.contains("1106 Timeout"), "{notice}");
    assert!(job["advice"].as_str().unwrap().contains("Cloudflare switches the job off at about"), "{notice}");
    assert_eq!(job["severity"], "breaking");
    let notice = wait_for(&site, "logpush.warning", "drift");
    assert!(
        notice["job"]["sentence"].as_str().unwrap().contains("does not send fields that it could: QueryID"),
        "{notice}"
    );
    assert!(notice["job"]["advice"].as_str().unwrap().contains("`tidegate logpush update`"), "{notice}");

    // It does not fail any more, but delivers nothing new.
    set(&mock, &[("last_error", Value::Null), ("error_message", Value::Null)]);
    let notice = wait_for(&site, "logpush.warning", "lag");
    assert!(notice["job"]["sentence"].as_str().unwrap().contains("nothing newer than 3"), "{notice}");
    assert_eq!(wait_for(&site, "logpush.recovered", "failing")["job"]["name"], "tidegate-gateway-dns");

    // Cloudflare says that it delivers, and nothing comes.
    set(&mock, &[("last_complete", json!(ago(0)))]);
    let notice = wait_for(&site, "logpush.warning", "silent");
    let sentence = notice["job"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("says that it delivered up to") && sentence.contains("heard nothing since"), "{notice}");
    assert!(notice["job"]["advice"].as_str().unwrap().contains("`silent_after`"), "{notice}");
    let job = job_when(&server, "the overview says so, too", |job| kinds(job).contains(&"silent"));
    assert_eq!(job["state"], "healthy");
    let _ = wait_for(&site, "logpush.recovered", "lag");
    assert_eq!(sender.send(&to, &gzip(records.lines(1).as_bytes())).unwrap().event_ids().len(), 1);
    set(&mock, &[("last_complete", json!(ago(0)))]);
    let _ = wait_for(&site, "logpush.recovered", "silent");

    for what in ["failing", "drift", "lag", "silent"] {
        assert_eq!(told(&site, "logpush.warning", what).len(), 1, "{what} is told once");
    }
    assert!(told(&site, "logpush.recovered", "drift").is_empty(), "it is not over");
    let key = to.split_once("Key=").unwrap().1;
    let everything = site.got().iter().map(|got| String::from_utf8_lossy(&got.body).into_owned()).collect::<String>();
    assert!(!everything.contains(key) && !server.log().contains(key));
}
