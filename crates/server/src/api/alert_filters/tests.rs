use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::alerts::tests::finding;
use crate::detection::Changed;
use crate::testing::{BUILTIN, Fixture};

const PATH: &str = "/api/v1/alert-filters";

#[tokio::test]
async fn an_analyst_writes_changes_and_ends_an_exception() {
    let (fixture, fake) = Fixture::detecting();
    let ask =
        async |method: Method, path: &str, body: Option<Value>| fixture.ask(&fixture.analyst, method, path, body).await;
    let new = json!({"name": "Backup", "rule": BUILTIN, "query": "source.ip:192.0.2.0/24", "reason": "ours"});
    let refused = fixture.ask(&fixture.viewer, Method::POST, PATH, Some(new.clone())).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let made = ask(Method::POST, PATH, Some(new.clone())).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["rule"]["name"], &made["created_by"]), (&json!("Tunnel"), &json!("anton")));
    assert_eq!((&made["hidden"], &made["enabled"], &made["expires"]), (&json!(0), &json!(true), &Value::Null));
    assert_eq!(fake.take_told(), [Changed::AlertFilters]);
    assert_eq!(ask(Method::POST, PATH, Some(new)).await.status, StatusCode::CONFLICT);

    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    let edit = json!({"query": "*", "enabled": false, "expires": "2999-01-01T00:00:00Z"});
    let changed = ask(Method::PATCH, &path, Some(edit)).await.json();
    assert_eq!((&changed["query"], &changed["reason"]), (&json!("*"), &json!("ours")));
    assert_eq!((&changed["enabled"], &changed["expires"]), (&json!(false), &json!("2999-01-01T00:00:00Z")));
    let changed = ask(Method::PATCH, &path, Some(json!({"expires": null}))).await.json();
    assert_eq!(changed["expires"], Value::Null);
    let list = fixture.ask(&fixture.viewer, Method::GET, PATH, None).await.json();
    assert_eq!(list, json!([changed]));
    assert_eq!(ask(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ask(Method::PATCH, &path, Some(json!({"name": "x"}))).await.status, StatusCode::NOT_FOUND);
    assert_eq!(fake.take_told(), [Changed::AlertFilters; 3]);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_at_its_character() {
    let (fixture, _) = Fixture::detecting();
    let ask = async |body: Value| fixture.ask(&fixture.analyst, Method::POST, PATH, Some(body)).await;
    for query in ["dns.question.nam:x", "é ("] {
        let refused = ask(json!({"name": "x", "query": query, "reason": ""})).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (StatusCode::BAD_REQUEST, &json!("query")));
        assert!(refused.json()["error"]["span"]["end"].is_u64());
    }
    for body in [
        json!({"name": "x", "query": "*", "reason": "everything"}),
        json!({"name": "x", "query": "source.ip:192.0.2.1", "reason": "", "rule": Uuid::nil()}),
        json!({"name": "x", "query": "source.ip:192.0.2.1", "reason": "", "expires": "2001-01-01T00:00:00Z"}),
        json!({"name": "", "query": "source.ip:192.0.2.1", "reason": ""}),
    ] {
        let refused = ask(body.clone()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
        refused.error();
    }
}

#[tokio::test]
async fn a_preview_tells_what_would_have_been_hidden() {
    let fixture = Fixture::new();
    let events = fixture.stage.publish(&["a.example", "b.example", "a.example"]);
    let event = |index: usize| Uuid::parse_str(&events[index]).unwrap();
    let at = |index: i64| tidegate_event::Timestamp::from_micros(1_777_852_800_000_000 + index * 1_000_000);
    let mut found: Vec<_> = [(0, BUILTIN, "a.example"), (1, BUILTIN, "b.example"), (2, Uuid::nil(), "a.example")]
        .into_iter()
        .map(|(index, rule, name)| {
            let mut found = finding(index as u128 + 1, rule, 50, name, event(index));
            found.events[0].at = at(index as i64);
            (found.first_seen, found.last_seen) = (found.events[0].at, found.events[0].at);
            found
        })
        .collect();
    // An alert of which only a part would be hidden.
    let mut both = finding(9, Uuid::max(), 50, "c.example", event(0));
    both.events.push(found[1].events[0].clone());
    both.events[0].at = at(0);
    (both.first_seen, both.last_seen, both.count) = (at(0), at(1), 2);
    found.push(both);
    fixture.shared.state.raise(&found).unwrap();
    let ask = async |body: Value| {
        let answer = fixture.ask(&fixture.viewer, Method::POST, &format!("{PATH}/preview"), Some(body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    };
    let all = ask(json!({"query": "dns.question.name:a.example OR source.ip:x*", "from": "2026-05-01"})).await;
    assert_eq!((&all["alert_count"], &all["event_count"], &all["of_alerts"]), (&json!(2), &json!(2), &json!(4)));
    assert_eq!(all["alerts"][0]["name"], "a.example");
    let of_rule = ask(json!({"query": "*", "rule": BUILTIN, "from": "2026-05-01"})).await;
    assert_eq!((&of_rule["alert_count"], &of_rule["of_alerts"]), (&json!(2), &json!(2)));
    let later = ask(json!({"query": "*", "from": "2026-05-05"})).await;
    assert_eq!((&later["alert_count"], &later["of_alerts"]), (&json!(0), &json!(0)));
    let wrong = json!({"query": "(".repeat(9_000)});
    let refused = fixture.ask(&fixture.viewer, Method::POST, &format!("{PATH}/preview"), Some(wrong)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}
