use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::alerts::tests::finding;
use crate::testing::{BUILTIN, Fixture};

const PATH: &str = "/api/v1/assets";

#[tokio::test]
async fn assets_weigh_open_alerts() {
    let fixture = Fixture::new();
    fixture.shared.state.raise(&[finding(1, BUILTIN, 75, "a.example", Uuid::from_u128(1))]).unwrap();
    let ask =
        async |method: Method, path: &str, body: Option<Value>| fixture.ask(&fixture.admin, method, path, body).await;
    let urgency = async || {
        let alert = fixture.ask(&fixture.viewer, Method::GET, "/api/v1/alerts/1", None).await.json();
        (alert["urgency"].as_u64().unwrap(), alert["criticality"].clone())
    };
    assert_eq!(urgency().await, (75, Value::Null));
    // The source of the alert, as an address that is called a network.
    let new = json!({"name": "Domain controller", "match": "192.0.2.1", "kind": "network", "criticality": 100});
    let refused = fixture.ask(&fixture.analyst, Method::POST, PATH, Some(new.clone())).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let made = ask(Method::POST, PATH, Some(new)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["kind"], &made["match"], &made["note"]), (&json!("ip"), &json!("192.0.2.1"), &Value::Null));
    assert_eq!(urgency().await, (88, json!(100)));
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    let edit = json!({"match": "192.0.2.0/24", "note": "the office", "criticality": 50});
    let changed = ask(Method::PATCH, &path, Some(edit)).await.json();
    assert_eq!((&changed["id"], &changed["kind"]), (&made["id"], &json!("network")));
    assert_eq!((&changed["name"], &changed["note"]), (&json!("Domain controller"), &json!("the office")));
    assert_eq!(urgency().await.1, 50);
    let changed = ask(Method::PATCH, &path, Some(json!({"note": null}))).await.json();
    assert_eq!(changed["note"], Value::Null);
    let list = fixture.ask(&fixture.viewer, Method::GET, PATH, None).await.json();
    assert_eq!(list, json!([changed]));
    assert_eq!(ask(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(urgency().await, (75, Value::Null));
    assert_eq!(ask(Method::PATCH, &path, Some(json!({}))).await.status, StatusCode::NOT_FOUND);
    for wrong in [
        json!({"name": "x", "match": "192.0.2.0/99", "kind": "network", "criticality": 1}),
        json!({"name": "x", "match": "x", "kind": "ip", "criticality": 1}),
        json!({"name": "x", "match": "alice", "kind": "user", "criticality": 101}),
        json!({"name": "x", "match": "alice", "kind": "person", "criticality": 1}),
        json!({"name": "x", "match": "", "kind": "user", "criticality": 1}),
    ] {
        let answer = ask(Method::POST, PATH, Some(wrong.clone())).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        answer.error();
    }
}

#[tokio::test]
async fn two_assets_are_not_known_by_the_same() {
    let fixture = Fixture::new();
    let ask =
        async |method: Method, path: &str, body: Value| fixture.ask(&fixture.admin, method, path, Some(body)).await;
    let new = |value: &str| json!({"name": "x", "match": value, "kind": "user", "criticality": 1});
    ask(Method::POST, PATH, new("alice")).await;
    let bob = ask(Method::POST, PATH, new("bob")).await.json();
    let path = format!("{PATH}/{}", bob["id"].as_str().unwrap());
    assert_eq!(ask(Method::PATCH, &path, json!({"match": "Alice"})).await.status, StatusCode::CONFLICT);
}
