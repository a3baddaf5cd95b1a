use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::api::alerts::tests::finding;
use crate::detection::Changed;
use crate::testing::{ALWAYS, BUILTIN, Fixture};

async fn get(fixture: &Fixture, path: &str) -> Value {
    let answer = fixture.ask(&fixture.viewer, Method::GET, &format!("/api/v1/rules{path}"), None).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

fn raise(fixture: &Fixture) {
    let mut found = finding(1, BUILTIN, 75, "a.example", Uuid::from_u128(1));
    let now = Timestamp::now();
    (found.first_seen, found.last_seen, found.events[0].at, found.count) = (now, now, now, 3);
    fixture.shared.state.raise(&[found]).unwrap();
}

#[tokio::test]
async fn rules_are_listed_with_what_they_found() {
    let (fixture, _) = Fixture::detecting();
    raise(&fixture);
    let list = get(&fixture, "").await;
    assert_eq!(list["effort"], "advanced");
    let rule = list["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == BUILTIN.to_string()).unwrap();
    assert_eq!(
        (&rule["name"], &rule["severity"], &rule["origin"]),
        (&json!("Tunnel"), &json!("high"), &json!("builtin"))
    );
    assert_eq!((&rule["hits_7d"], &rule["alerts_open"], &rule["exclusions"]), (&json!(3), &json!(1), &json!(0)));
    assert!(rule["last_hit"].is_string());
    let rule = get(&fixture, &format!("/{BUILTIN}")).await;
    assert_eq!((&rule["yaml"], &rule["hits"][0]["count"]), (&json!("title: Tunnel\n"), &json!(3)));
    assert_eq!(rule["hits"][0]["day"].as_str().unwrap().len(), 10);
    assert_eq!((&rule["settings"][0]["key"], &rule["enabled"]), (&json!("length"), &json!(true)));
    let matrix = get(&fixture, "/matrix").await;
    let technique = &matrix["techniques"][0];
    assert_eq!((&technique["name"], &technique["tactics"]), (&json!("DNS"), &json!(["command-and-control"])));
    assert_eq!(
        (&technique["enabled"], &technique["hits_7d"], &technique["alerts_open"]),
        (&json!(2), &json!(3), &json!(1))
    );
    let layer = fixture.ask(&fixture.viewer, Method::GET, "/api/v1/rules/navigator", None).await;
    assert!(layer.headers["content-disposition"].to_str().unwrap().contains("tidegate-navigator.json"));
    assert_eq!(layer.json()["domain"], "enterprise-attack");
    let missing = fixture.ask(&fixture.viewer, Method::GET, &format!("/api/v1/rules/{}", Uuid::nil()), None).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_admin_switches_and_tunes_rules() {
    let (fixture, fake) = Fixture::detecting();
    let path = format!("/api/v1/rules/{BUILTIN}");
    let patch = async |token: &str, body: Value| fixture.ask(token, Method::PATCH, &path, Some(body)).await;
    let edit = json!({"enabled": false, "severity": "low", "effort": "master", "settings": {"length": 62}});
    assert_eq!(patch(&fixture.analyst, edit.clone()).await.status, StatusCode::FORBIDDEN);
    let changed = patch(&fixture.admin, edit).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    let said = fixture.shared.state.rule_setting(BUILTIN).unwrap().unwrap();
    assert_eq!(said.enabled, Some(false));
    assert_eq!(Value::Object(said.settings), json!({"length": 62, "severity": "low", "effort": "master"}));
    assert_eq!(fake.take_told(), [Changed::Rules]);
    let back = json!({"enabled": null, "severity": null, "effort": null, "settings": {"length": null}});
    assert_eq!(patch(&fixture.admin, back.clone()).await.status, StatusCode::OK);
    assert_eq!(fixture.shared.state.rule_setting(BUILTIN).unwrap(), None);
    assert_eq!(patch(&fixture.admin, back).await.status, StatusCode::OK);
    for wrong in [
        json!({"settings": {"colour": 1}}),
        json!({"settings": {"severity": "low"}}),
        json!({"severity": "worst"}),
        json!({"yaml": "title: x"}),
        json!({"on": true}),
    ] {
        let answer = patch(&fixture.admin, wrong.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}: {}", answer.text());
        answer.error();
    }
    let always = format!("/api/v1/rules/{ALWAYS}");
    let off = fixture.ask(&fixture.admin, Method::PATCH, &always, Some(json!({"enabled": false}))).await;
    assert!(off.error().contains("cannot be switched off"));
    let effort = async |token: &str| {
        fixture.ask(token, Method::PUT, "/api/v1/rules/effort", Some(json!({"effort": "master"}))).await.status
    };
    assert_eq!(effort(&fixture.analyst).await, StatusCode::FORBIDDEN);
    assert_eq!(effort(&fixture.admin).await, StatusCode::NO_CONTENT);
    assert_eq!(get(&fixture, "").await["effort"], "master");
}

#[tokio::test]
async fn an_analyst_makes_a_rule_and_an_admin_deletes_it() {
    let (fixture, _) = Fixture::detecting();
    let ask = async |token: &str, method: Method, path: &str, body: Option<Value>| {
        fixture.ask(token, method, &format!("/api/v1/rules{path}"), body).await
    };
    let text = json!({"yaml": "title: Mine\n"});
    assert_eq!(ask(&fixture.viewer, Method::POST, "", Some(text.clone())).await.status, StatusCode::FORBIDDEN);
    let made = ask(&fixture.analyst, Method::POST, "", Some(text.clone())).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!((&made.json()["origin"], &made.json()["name"]), (&json!("user"), &json!("Mine")));
    assert_eq!(ask(&fixture.analyst, Method::POST, "", Some(text)).await.status, StatusCode::CONFLICT);
    let path = format!("/{}", made.json()["id"].as_str().unwrap());
    let changed = ask(&fixture.analyst, Method::PATCH, &path, Some(json!({"yaml": "title: Ours\n"}))).await;
    assert_eq!(changed.json()["yaml"], "title: Ours\n");
    let bad = ask(&fixture.analyst, Method::PATCH, &path, Some(json!({"yaml": "x"}))).await;
    assert_eq!((bad.status, bad.error()), (StatusCode::BAD_REQUEST, "rule lacks `title`".to_owned()));
    assert_eq!(ask(&fixture.analyst, Method::DELETE, &path, None).await.status, StatusCode::FORBIDDEN);
    assert_eq!(ask(&fixture.admin, Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ask(&fixture.admin, Method::DELETE, &path, None).await.status, StatusCode::NOT_FOUND);
    let builtin = ask(&fixture.admin, Method::DELETE, &format!("/{BUILTIN}"), None).await;
    assert!(builtin.error().contains("switch this one off"));
    let trail = fixture.ask(&fixture.admin, Method::GET, "/api/v1/audit?action=rule", None).await.json();
    let actions: Vec<_> = trail["entries"].as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["rule.delete", "rule.change", "rule.create"]);
}

#[tokio::test]
async fn a_rule_is_checked_and_tried() {
    let (fixture, _) = Fixture::detecting();
    let ask = async |path: &str, body: Value| {
        fixture.ask(&fixture.viewer, Method::POST, &format!("/api/v1/rules/{path}"), Some(body)).await
    };
    let good = ask("check", json!({"yaml": "title: x"})).await.json();
    assert_eq!(good, json!({"valid": true, "problems": [], "fields": ["dns.question.name"]}));
    let bad = ask("check", json!({"yaml": ""})).await.json();
    assert_eq!((&bad["valid"], &bad["problems"][0]["severity"]), (&json!(false), &json!("error")));
    assert_eq!((&bad["problems"][0]["line"], &bad["problems"][0]["column"]), (&json!(1), &json!(1)));
    assert_eq!(ask("preview", json!({"yaml": "title: x"})).await.json()["scanned"], 7);
    let day = json!({"yaml": "title: x", "from": "2026-05-04", "to": "2026-05-04"});
    assert_eq!(ask("preview", day).await.json()["scanned"], 1);
    for (path, body) in [
        ("preview", json!({"yaml": "x"})),
        ("preview", json!({"yaml": "title: x", "from": "soon"})),
        ("check", json!({"yaml": "x".repeat(300_000)})),
        ("preview", json!({"yaml": "x".repeat(300_000)})),
    ] {
        let answer = ask(path, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        answer.error();
    }
}

#[tokio::test]
async fn a_build_without_detection_says_so() {
    let fixture = Fixture::new();
    for (method, path, body) in [
        (Method::GET, "/api/v1/rules", None),
        (Method::GET, "/api/v1/rules/matrix", None),
        (Method::PUT, "/api/v1/rules/effort", Some(json!({"effort": "master"}))),
        (Method::POST, "/api/v1/rules/check", Some(json!({"yaml": ""}))),
        (Method::GET, "/api/v1/feeds/presets", None),
        (Method::GET, "/api/v1/indicators/match?value=x", None),
        (Method::POST, "/api/v1/retrohunts", Some(json!({}))),
        (Method::POST, "/api/v1/indicators/import", Some(json!({"text": "x", "collection": "x"}))),
    ] {
        let answer = fixture.ask(&fixture.admin, method, path, body).await;
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (StatusCode::NOT_FOUND, "this build has no detection"),
            "{path}"
        );
    }
    for path in
        ["alerts", "alert-filters", "assets", "notifications", "indicators", "collections", "feeds", "retrohunts"]
    {
        let answer = fixture.ask(&fixture.viewer, Method::GET, &format!("/api/v1/{path}"), None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
}
