use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tidegate_state::{TargetId, Urgency};
use uuid::Uuid;

use crate::detection::Changed;
use crate::testing::{Answer, Fixture};

const PATH: &str = "/api/v1/notifications";
const SECRET: &str = "a secret of twenty-five b";

async fn ask(fixture: &Fixture, method: Method, path: &str, body: Option<Value>) -> Answer {
    fixture.ask(&fixture.admin, method, path, body).await
}

#[tokio::test]
async fn an_admin_says_where_alerts_are_told() {
    let (fixture, fake) = Fixture::detecting();
    let new = json!({"name": "SOC", "kind": "webhook", "target": "https://soc.example/hook", "secret": SECRET,
        "config": {"headers": {"X-Team": "soc"}}, "min_severity": "high", "on": ["alert"]});
    assert_eq!(
        fixture.ask(&fixture.analyst, Method::POST, PATH, Some(new.clone())).await.status,
        StatusCode::FORBIDDEN
    );
    let made = ask(&fixture, Method::POST, PATH, Some(new.clone())).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert!(!made.text().contains(SECRET));
    let made = made.json();
    assert_eq!((&made["target"], &made["has_secret"]), (&json!("https://soc.example/hook"), &json!(true)));
    assert_eq!((&made["config"], &made["on"]), (&json!({"headers": {"X-Team": "soc"}}), &json!(["alert"])));
    assert_eq!((&made["min_severity"], &made["min_urgency"]), (&json!("high"), &json!("low")));
    assert_eq!((&made["sent"], &made["failed"], &made["last_sent"]), (&json!(0), &json!(0), &Value::Null));
    assert_eq!(fake.take_told(), [Changed::Targets]);
    assert_eq!(ask(&fixture, Method::POST, PATH, Some(new)).await.status, StatusCode::CONFLICT);

    let id = TargetId(Uuid::parse_str(made["id"].as_str().unwrap()).unwrap());
    let kept = fixture.shared.state.target(id).unwrap();
    assert_eq!(kept.config, json!({"url": "https://soc.example/hook", "headers": {"X-Team": "soc"}}));
    assert_eq!((kept.routing.severity_min, kept.routing.urgency_min), (75, Urgency::Low));
    let path = format!("{PATH}/{id}");
    let edit = json!({"on": ["intake_lag"], "template": "{{rule}}", "enabled": false, "config": {}});
    let changed = ask(&fixture, Method::PATCH, &path, Some(edit)).await.json();
    assert_eq!(changed["on"], json!(["intake_silence", "intake_lag"]));
    assert_eq!((&changed["template"], &changed["enabled"]), (&json!("{{rule}}"), &json!(false)));
    assert_eq!((&changed["config"], &changed["target"]), (&json!({}), &made["target"]));
    let kept = fixture.shared.state.target_secret(id).unwrap();
    assert_eq!(kept.unwrap().reveal(), SECRET);
    let edit = json!({"secret": null, "template": null, "target": "https://other.example/"});
    let changed = ask(&fixture, Method::PATCH, &path, Some(edit)).await.json();
    assert_eq!((&changed["has_secret"], &changed["template"]), (&json!(false), &Value::Null));
    assert_eq!(changed["target"], "https://other.example/");
    let tried = ask(&fixture, Method::POST, &format!("{path}/test"), None).await.json();
    assert_eq!(tried, json!({"sent": false, "error": "connection refused"}));
    let list = fixture.ask(&fixture.viewer, Method::GET, PATH, None).await.json();
    assert_eq!(list, json!([changed]));
    assert_eq!(ask(&fixture, Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    for (method, path) in [(Method::POST, format!("{path}/test")), (Method::DELETE, path)] {
        assert_eq!(ask(&fixture, method, &path, None).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn the_address_of_a_slack_channel_is_a_secret() {
    let (fixture, _) = Fixture::detecting();
    let new = json!({"name": "Chat", "kind": "slack", "target": "https://hooks.example/T/B/abcdef",
        "min_severity": "low", "on": ["alert", "intake_silence"]});
    let made = ask(&fixture, Method::POST, PATH, Some(new)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert!(!made.text().contains("abcdef"));
    let id = TargetId(Uuid::parse_str(made.json()["id"].as_str().unwrap()).unwrap());
    let kept = fixture.shared.state.target_secret(id).unwrap().unwrap();
    assert_eq!(kept.reveal(), "https://hooks.example/T/B/abcdef");
    let list = fixture.ask(&fixture.viewer, Method::GET, PATH, None).await;
    assert!(!list.text().contains("abcdef"));
}

#[tokio::test]
async fn what_cannot_be_reached_is_refused() {
    let (fixture, _) = Fixture::detecting();
    for wrong in [
        json!({"name": "x", "kind": "webhook", "target": "http://x.example", "min_severity": "low", "on": []}),
        json!({"name": "x", "kind": "slack", "target": "http://x.example", "min_severity": "low", "on": []}),
        json!({"name": "x", "kind": "webhook", "target": "", "min_severity": "low", "on": []}),
        json!({"name": "x", "kind": "pager", "target": "x", "min_severity": "low", "on": []}),
        json!({"name": "x", "kind": "file", "target": "x", "min_severity": "low", "on": ["status"]}),
        json!({"name": "x", "kind": "file", "target": "x", "min_severity": "low", "on": [], "template": "x".repeat(20_000)}),
        json!({"name": "x", "kind": "syslog", "target": "tcp://x:y", "min_severity": "low", "on": []}),
    ] {
        let answer = ask(&fixture, Method::POST, PATH, Some(wrong.clone())).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong:.120}: {}", answer.text());
        answer.error();
    }
}
