use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tidegate_event::Timestamp;
use tidegate_query::language::{Field, Fields, Kind, Query};
use tidegate_state::{HuntHit, HuntId, NewIndicator};
use uuid::Uuid;

use super::{name_of, query_of};
use crate::detection::Changed;
use crate::testing::{Answer, Fixture};

async fn create(fixture: &Fixture, body: Value) -> Answer {
    fixture.ask(&fixture.analyst, Method::POST, "/api/v1/retrohunts", Some(body)).await
}

/// Keeps an indicator; its number.
fn keep(fixture: &Fixture, value: &str) -> i64 {
    let state = &fixture.shared.state;
    let collection = state.collection_named("Hand", &tidegate_state::Actor::system()).unwrap();
    let new = NewIndicator { value: value.into(), kind: "name", scope: "domain", ..NewIndicator::default() };
    state.upsert_indicators(collection.id, None, &[new]).unwrap();
    state.last_indicator().unwrap()
}

#[tokio::test]
async fn a_hunt_is_begun_watched_and_cancelled() {
    let (fixture, fake) = Fixture::detecting();
    let ids = [keep(&fixture, "evil.example"), keep(&fixture, "bad.example")];
    let made = create(&fixture, json!({"collection": "hand", "from": "2026-05-01", "to": "2026-05-04"})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let hunt = made.json();
    assert_eq!((&hunt["state"], &hunt["indicators"], &hunt["progress"]), (&json!("waiting"), &json!(2), &json!(0.0)));
    assert_eq!((&hunt["from"], &hunt["to"]), (&json!("2026-05-01T00:00:00Z"), &json!("2026-05-05T00:00:00Z")));
    assert_eq!((&hunt["created_by"], fake.take_told()), (&json!("anton"), vec![Changed::Retrohunts]));

    let id = HuntId(Uuid::parse_str(hunt["id"].as_str().unwrap()).unwrap());
    let state = &fixture.shared.state;
    assert_eq!(state.next_retrohunt().unwrap().unwrap().id, id);
    let at = Timestamp::parse_rfc3339("2026-05-04T00:00:00Z").unwrap();
    let hit = |indicator, value: &str, count| HuntHit {
        indicator,
        value: value.to_owned(),
        count,
        first: at,
        last: at,
        events: json!([{"source_ip": "192.0.2.1"}, {"source_ip": "192.0.2.1"}, {}]),
    };
    let found = [hit(ids[0], "evil.example", 3), hit(999, "gone.example", 1)];
    assert!(state.advance_retrohunt(id, 0, 4, &found).unwrap());
    let path = format!("/api/v1/retrohunts/{id}");
    let seen = fixture.ask(&fixture.viewer, Method::GET, &path, None).await.json();
    assert_eq!((&seen["state"], &seen["progress"], &seen["hits"]), (&json!("running"), &json!(0.25), &json!(4)));
    let first = &seen["results"][0];
    assert_eq!((&first["indicator"]["value"], &first["count"]), (&json!("evil.example"), &json!(3)));
    assert_eq!(first["sources"], json!(["192.0.2.1"]));
    assert_eq!(first["query"], "dns.question.name:evil.example OR dns.question.name:*.evil.example");
    let gone = &seen["results"][1]["indicator"];
    assert_eq!((&gone["value"], &gone["source"]), (&json!("gone.example"), &json!("deleted")));

    let cancel = format!("{path}/cancel");
    assert_eq!(fixture.ask(&fixture.viewer, Method::POST, &cancel, None).await.status, StatusCode::FORBIDDEN);
    let over = fixture.ask(&fixture.analyst, Method::POST, &cancel, None).await.json();
    assert_eq!(over["state"], "cancelled");
    let list = fixture.ask(&fixture.viewer, Method::GET, "/api/v1/retrohunts", None).await.json();
    assert_eq!(list, json!([over]));
    let missing = format!("/api/v1/retrohunts/{}", Uuid::nil());
    assert_eq!(fixture.ask(&fixture.viewer, Method::GET, &missing, None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_hunt_that_makes_no_sense_is_refused() {
    let (fixture, _) = Fixture::detecting();
    keep(&fixture, "evil.example");
    assert_eq!(create(&fixture, json!({})).await.json()["indicators"], 1);
    assert_eq!(create(&fixture, json!({"indicators": ["1"], "name": "One"})).await.json()["name"], "One");
    assert_eq!(create(&fixture, json!({"collection": "none"})).await.status, StatusCode::NOT_FOUND);
    for wrong in [
        json!({"collection": "hand", "indicators": ["1"]}),
        json!({"indicators": []}),
        json!({"indicators": ["x"]}),
        json!({"indicators": vec!["1"; 5_001]}),
        json!({"from": "now", "to": "now-1d"}),
        json!({"from": "now", "to": "now"}),
        json!({"name": "<b>"}),
    ] {
        let answer = create(&fixture, wrong.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{:.80}: {}", wrong.to_string(), answer.text());
        answer.error();
    }
}

#[test]
fn the_search_behind_what_was_found_can_be_read() {
    let field = |name: &str| Field { name: name.into(), kind: Kind::Text, folded: false };
    let fields: Fields = ["dns.question.name", "source.ip", "dns.resolved_ip"].map(field).into_iter().collect();
    for value in ["evil.example", "x*y (", "\"", "xn--a.example", "_dmarc.example"] {
        let text = query_of(value, &fields);
        Query::parse(&text).unwrap().resolve(&fields, Timestamp::now()).unwrap();
        assert!(text.contains(" OR "), "{text}");
    }
    assert_eq!(query_of("192.0.2.0/24", &fields), "source.ip:192.0.2.0/24 OR dns.resolved_ip:192.0.2.0/24");
    assert_eq!(name_of(&"x".repeat(64)).chars().count(), 64);
}
