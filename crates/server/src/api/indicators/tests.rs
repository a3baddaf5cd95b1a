use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::api::alerts::tests::finding;
use crate::detection::Changed;
use crate::testing::{Answer, BUILTIN, Fixture};

async fn import(fixture: &Fixture, body: Value) -> Answer {
    fixture.ask(&fixture.analyst, Method::POST, "/api/v1/indicators/import", Some(body)).await
}

async fn get(fixture: &Fixture, path: &str) -> Value {
    let answer = fixture.ask(&fixture.viewer, Method::GET, &format!("/api/v1/{path}"), None).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

#[tokio::test]
async fn indicators_are_tried_imported_listed_and_ended() {
    let (fixture, fake) = Fixture::detecting();
    let text = "evil.example\npopular.example\nno name\nbad.example\nAS64500";
    let body =
        |dry_run| json!({"text": text, "collection": "Hand", "tags": ["c2"], "confidence": 80, "dry_run": dry_run});
    let tried = import(&fixture, body(true)).await.json();
    assert_eq!((&tried["accepted"], &tried["known"]), (&json!(2), &json!(0)));
    assert_eq!(tried["benign"][0]["value"], "popular.example");
    assert_eq!(tried["rejected"], json!([{"line": 3, "value": "no name", "reason": "is no name"}]));
    assert_eq!(tried["passed_over"], json!([{"kind": "AS number", "count": 1, "reason": "not looked up"}]));
    assert_eq!((&tried["sample"][0]["kind"], &tried["sample"][0]["id"]), (&json!("domain"), &json!("")));
    assert_eq!(get(&fixture, "indicators").await["total"], 0);
    assert_eq!(fake.take_told(), []);

    let done = import(&fixture, body(false)).await.json();
    assert_eq!((&done["accepted"], &done["known"]), (&json!(2), &json!(0)));
    assert_eq!(fake.take_told(), [Changed::Indicators, Changed::Retrohunts]);
    let hunt = get(&fixture, &format!("retrohunts/{}", done["retrohunt"].as_str().unwrap())).await;
    assert_eq!(
        (&hunt["name"], &hunt["indicators"], &hunt["state"]),
        (&json!("New in Hand"), &json!(2), &json!("waiting"))
    );
    let again = import(&fixture, body(false)).await.json();
    assert_eq!((&again["known"], again.get("retrohunt")), (&json!(2), None));
    assert_eq!(import(&fixture, body(true)).await.json()["known"], 2);

    let page = get(&fixture, "indicators?limit=1").await;
    assert_eq!((&page["total"], &page["indicators"][0]["value"]), (&json!(2), &json!("evil.example")));
    let indicator = &page["indicators"][0];
    assert_eq!((&indicator["collection"], &indicator["source"]), (&json!("Hand"), &json!("import")));
    assert_eq!(
        (&indicator["tags"], &indicator["confidence"], &indicator["expired"]),
        (&json!(["c2"]), &json!(80), &json!(false))
    );
    let next = get(&fixture, &format!("indicators?limit=1&cursor={}", page["next"].as_str().unwrap())).await;
    assert_eq!((&next["indicators"][0]["value"], next.get("next")), (&json!("bad.example"), None));
    for (query, total) in [
        ("q=EVIL", 1),
        ("kind=ip", 0),
        ("kind=domain", 2),
        ("collection=hand", 2),
        ("collection=none", 0),
        ("tag=c2", 2),
        ("expired=false", 2),
    ] {
        assert_eq!(get(&fixture, &format!("indicators?{query}")).await["total"], total, "{query}");
    }
    assert_eq!((&indicator["hits"], &indicator["last_hit"]), (&json!(0), &Value::Null));
    let now = Timestamp::now();
    let mut about = finding(1, BUILTIN, 75, "a.evil.example", Uuid::from_u128(1));
    (about.first_seen, about.last_seen, about.count) = (now, now, 5);
    fixture.shared.state.raise(&[about]).unwrap();
    assert_eq!(get(&fixture, "indicators?q=evil").await["indicators"][0]["hits"], 5);
    assert_eq!(get(&fixture, "collections").await[0]["hits_7d"], 5);
    // The second number that the set knows was deleted since.
    let matched = get(&fixture, "indicators/match?value=evil.example").await;
    assert_eq!(matched["indicators"].as_array().unwrap().len(), 1);

    let id = indicator["id"].as_str().unwrap();
    let expire =
        async |body: Value| fixture.ask(&fixture.analyst, Method::POST, "/api/v1/indicators/expire", Some(body)).await;
    assert_eq!(expire(json!({"ids": [id]})).await.json()["changed"], 1);
    assert_eq!(expire(json!({"collection": "hand"})).await.json()["changed"], 1);
    assert_eq!(get(&fixture, "indicators?expired=false").await["total"], 0);
    let collections = get(&fixture, "collections").await;
    assert_eq!((&collections[0]["indicators"], &collections[0]["active"]), (&json!(2), &json!(0)));
    assert_eq!(expire(json!({"collection": "none"})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(expire(json!({"ids": ["99999"]})).await.status, StatusCode::NOT_FOUND);
    for wrong in [json!({}), json!({"ids": ["x"]}), json!({"ids": [], "collection": "hand"})] {
        assert_eq!(expire(wrong.clone()).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let path = format!("/api/v1/indicators/{id}");
    assert_eq!(fixture.ask(&fixture.viewer, Method::DELETE, &path, None).await.status, StatusCode::FORBIDDEN);
    assert_eq!(fixture.ask(&fixture.analyst, Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(fixture.ask(&fixture.analyst, Method::DELETE, &path, None).await.status, StatusCode::NOT_FOUND);
    let trail = get_trail(&fixture).await;
    assert!(
        trail.contains(&"indicator.import".to_owned()) && trail.contains(&"indicator.delete".to_owned()),
        "{trail:?}"
    );
}

async fn get_trail(fixture: &Fixture) -> Vec<String> {
    let trail = fixture.ask(&fixture.admin, Method::GET, "/api/v1/audit?action=indicator", None).await.json();
    let entries = trail["entries"].as_array().unwrap().iter();
    entries.map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_import_is_bounded_and_larger_than_other_bodies() {
    let (fixture, _) = Fixture::detecting();
    let many: String = (0..150_000).map(|number| format!("n{number}.example\n")).collect();
    assert!(many.len() > 2 << 20);
    let large = import(&fixture, json!({"text": many, "collection": "Large", "dry_run": true})).await;
    assert_eq!(large.json()["accepted"], 150_000);
    assert_eq!(large.json()["sample"].as_array().unwrap().len(), 20);
    for size in [9 << 20, 13 << 20] {
        let answer = import(&fixture, json!({"text": "x".repeat(size), "collection": "x"})).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{size}");
        answer.error();
    }
    for wrong in [
        json!({"text": "a.example", "collection": "x", "confidence": 101}),
        json!({"text": "a.example", "collection": "x", "tags": vec!["t"; 21]}),
        json!({"text": "a.example", "collection": "x", "valid_until": "soon"}),
        json!({"text": "a.example", "collection": "x", "format": "pdf"}),
        json!({"text": "a.example", "collection": "<b>"}),
        json!({"text": "a.example"}),
    ] {
        let answer = import(&fixture, wrong.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}: {}", answer.text());
        answer.error();
    }
    let viewer = fixture.ask(&fixture.viewer, Method::POST, "/api/v1/indicators/import", Some(json!({}))).await;
    assert_eq!(viewer.status, StatusCode::FORBIDDEN);
    for wrong in
        ["indicators?kind=x", "indicators?cursor=x", "indicators?x=1", "indicators/match?value=%3F", "indicators/match"]
    {
        let answer = fixture.ask(&fixture.viewer, Method::GET, &format!("/api/v1/{wrong}"), None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn collections_are_switched_off_and_deleted() {
    let (fixture, fake) = Fixture::detecting();
    let body = |name: &str| json!({"text": "evil.example", "collection": name, "retrohunt": false});
    assert_eq!(import(&fixture, body("By hand")).await.status, StatusCode::OK);
    drop(fake.take_told());
    let change = |enabled| fixture.ask(&fixture.analyst, Method::PATCH, "/api/v1/collections/by%20hand", Some(enabled));
    let off = change(json!({"enabled": false})).await;
    assert_eq!(off.status, StatusCode::OK, "{}", off.text());
    assert_eq!((&off.json()["name"], &off.json()["enabled"]), (&json!("By hand"), &json!(false)));
    assert_eq!(fake.take_told(), [Changed::Indicators]);
    assert_eq!(get(&fixture, "collections").await[0]["enabled"], false);
    assert_eq!(change(json!({"enabled": true})).await.json()["enabled"], true);
    assert_eq!(change(json!({"on": true})).await.status, StatusCode::BAD_REQUEST);
    let delete = |who, path| fixture.ask(who, Method::DELETE, path, None);
    assert_eq!(delete(&fixture.viewer, "/api/v1/collections/By%20hand").await.status, StatusCode::FORBIDDEN);
    assert_eq!(delete(&fixture.analyst, "/api/v1/collections/none").await.status, StatusCode::NOT_FOUND);
    assert_eq!(delete(&fixture.analyst, "/api/v1/collections/By%20hand").await.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&fixture, "collections").await, json!([]));
    assert_eq!(get(&fixture, "indicators").await["total"], 0);
}
