use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tidegate_state::{FeedAuth, FeedId};
use uuid::Uuid;

use super::draft::with_parameter;
use crate::detection::Changed;
use crate::testing::{Answer, Fixture};

async fn ask(fixture: &Fixture, method: Method, path: &str, body: Option<Value>) -> Answer {
    fixture.ask(&fixture.admin, method, &format!("/api/v1/feeds{path}"), body).await
}

#[tokio::test]
async fn a_feed_is_added_by_hand_changed_fetched_and_deleted() {
    let (fixture, fake) = Fixture::detecting();
    let new = json!({"name": "Ours", "kind": "taxii", "url": "https://taxii.example/api/collections/1/", "format": "stix",
        "collection": "Ours", "every_seconds": 900, "secret": "hunter2hunter2", "auth": "basic", "auth_name": "me"});
    assert_eq!(
        fixture.ask(&fixture.analyst, Method::POST, "/api/v1/feeds", Some(new.clone())).await.status,
        StatusCode::FORBIDDEN
    );
    let made = ask(&fixture, Method::POST, "", Some(new.clone())).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let feed = made.json();
    assert_eq!((&feed["state"], &feed["enabled"], &feed["kind"]), (&json!("never"), &json!(true), &json!("taxii")));
    assert_eq!(
        (&feed["format"], &feed["collection"], &feed["auth"]),
        (&json!("stix"), &json!("Ours"), &json!("basic"))
    );
    assert!(!made.text().contains("hunter2"));
    assert_eq!(ask(&fixture, Method::POST, "", Some(new)).await.status, StatusCode::CONFLICT);
    let id = Uuid::parse_str(feed["id"].as_str().unwrap()).unwrap();
    assert_eq!(fake.take_told(), [Changed::Feeds]);

    let path = format!("/{id}");
    let edit = json!({"enabled": false, "every_seconds": 1_200, "format": "misp"});
    let changed = ask(&fixture, Method::PATCH, &path, Some(edit)).await.json();
    assert_eq!(
        (&changed["enabled"], &changed["every_seconds"], &changed["format"]),
        (&json!(false), &json!(1_200), &json!("misp"))
    );
    assert_eq!(changed["next_run"], Value::Null);
    assert!(matches!(fixture.shared.state.feed_auth(FeedId(id)).unwrap(), FeedAuth::Basic(name, _) if name == "me"));
    ask(&fixture, Method::PATCH, &path, Some(json!({"secret": null}))).await;
    assert_eq!(fixture.shared.state.feed_auth(FeedId(id)).unwrap(), FeedAuth::None);
    fake.take_told();
    let refreshed = ask(&fixture, Method::POST, &format!("{path}/refresh"), None).await;
    assert_eq!((refreshed.status, &refreshed.json()["id"]), (StatusCode::ACCEPTED, &json!(id)));
    assert_eq!(fake.take_told(), [Changed::FeedWanted(FeedId(id))]);
    assert_eq!(ask(&fixture, Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    for (method, path) in [(Method::POST, format!("{path}/refresh")), (Method::DELETE, path)] {
        assert_eq!(ask(&fixture, method, &path, None).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_well_known_feed_is_added_by_its_name() {
    let (fixture, _) = Fixture::detecting();
    let presets = ask(&fixture, Method::GET, "/presets", None).await.json();
    assert_eq!((&presets[0]["preset"], &presets[0]["wants_secret"]), (&json!("known"), &json!(true)));
    let made = ask(&fixture, Method::POST, "", Some(json!({"preset": "known", "secret": "a key&x"}))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let feed = made.json();
    assert_eq!(
        (&feed["name"], &feed["preset"], &feed["license"]),
        (&json!("Known feed"), &json!("known"), &json!("free"))
    );
    assert!(!made.text().contains("a%20key"), "{}", made.text());
    let kept = fixture.shared.state.feeds().unwrap().remove(0);
    assert_eq!(kept.url, "https://feed.example/list.txt?auth-key=a%20key%26x");
    assert_eq!(kept.settings, json!({"format": "text", "preset": "known", "tags": ["malware"]}));
    let list = fixture.ask(&fixture.viewer, Method::GET, "/api/v1/feeds", None).await.json();
    assert_eq!(list, json!([feed]));
    for wrong in [
        json!({"preset": "nope"}),
        json!({"name": "x", "collection": "x"}),
        json!({"name": "x", "url": "https://x.example", "collection": "x", "confidence": 101}),
        json!({"name": "x", "url": "ftp://x.example", "collection": "x"}),
        json!({"name": "x", "url": "https://x.example", "collection": "x", "every_seconds": 1}),
        json!({"name": "x", "url": "https://x.example", "collection": "x", "secret": "s", "auth": "header"}),
        json!({"url": 1}),
    ] {
        let answer = ask(&fixture, Method::POST, "", Some(wrong.clone())).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}: {}", answer.text());
        answer.error();
    }
}

#[test]
fn parameters_are_escaped() {
    assert_eq!(with_parameter("https://x.example/a", "k", "a b"), "https://x.example/a?k=a%20b");
    assert_eq!(with_parameter("https://x.example/a?b=c", "k", "ü&"), "https://x.example/a?b=c&k=%C3%BC%26");
}
