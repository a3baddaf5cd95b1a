use axum::http::Method;
use serde_json::{Value, json};

use super::*;
use crate::testing::Fixture;

fn resolve(from: Option<&str>, to: Option<&str>) -> Result<Scope, ApiError> {
    let (from, to) = (from.map(str::to_owned), to.map(str::to_owned));
    scope(String::new(), from.map(Time::from), to.map(Time::from))
}

#[test]
fn stretches_of_time_are_read_in_every_form() {
    let at = |text: &str| Some(Timestamp::parse_rfc3339(text).unwrap());
    let scope = resolve(Some("2026-05-04"), Some("2026-05-04")).unwrap();
    assert_eq!((scope.range.start, scope.range.end), (at("2026-05-04T00:00:00Z"), at("2026-05-05T00:00:00Z")));
    let scope = resolve(Some("2026-05-04T10:00:00Z"), Some("2026-05-04T11:00:00Z")).unwrap();
    assert_eq!((scope.range.start, scope.range.end), (at("2026-05-04T10:00:00Z"), at("2026-05-04T11:00:00Z")));
    let scope = resolve(Some("now-24h"), None).unwrap();
    assert_eq!(scope.now.as_micros() - scope.range.start.unwrap().as_micros(), 86_400_000_000);
    assert_eq!(resolve(None, None).unwrap().range, TimeRange::default());
}

#[test]
fn impossible_stretches_are_named() {
    assert!(resolve(Some("soon"), None).unwrap_err().message().contains("`from` is `soon`"));
    assert!(resolve(Some("now"), Some("now-1h")).unwrap_err().message().contains("is after"));
    let error = resolve(Some("2026-05-05"), Some("2026-05-04")).unwrap_err();
    assert_eq!(error.message(), "`from` (2026-05-05T00:00:00Z) is after `to` (2026-05-04T00:00:00Z)");
    assert!(resolve(Some("2026-05-04T12:00:00Z"), Some("2026-05-04")).is_ok());
}

#[test]
fn a_mistake_points_at_its_character() {
    let error = tidegate_query::language::Query::parse("é:(x").unwrap_err();
    let chars = error.chars;
    assert_eq!(ApiError::from(error).span(), Some(crate::error::Span { start: chars.start, end: chars.end }));
}

#[tokio::test]
async fn questions_about_events_are_answered_or_refused_with_the_place() {
    let fixture = Fixture::new();
    let ask = async |path: &str, body: Value| fixture.ask(&fixture.viewer, Method::POST, path, Some(body)).await;
    for (path, body) in [
        ("search", json!({"query": "*", "from": "now-1h", "limit": 5, "order": "oldest"})),
        ("search", json!({})),
        ("histogram", json!({"from": "2026-05-04", "to": "2026-05-04"})),
        ("search", json!({"from": 1_777_852_800, "to": 1_777_939_200_000_i64})),
        ("histogram", json!({"from": "1777852800", "to": null})),
        ("fields", json!({})),
        ("parse", json!({"query": "a b"})),
    ] {
        let answer = ask(&format!("/api/v1/events/{path}"), body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    }
    for path in ["search", "histogram", "fields", "export"] {
        let body = if path == "export" { json!({"query": "é (", "format": "csv"}) } else { json!({"query": "é ("}) };
        let answer = ask(&format!("/api/v1/events/{path}"), body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(answer.json()["error"]["code"], "query", "{path} {}", answer.text());
        assert!(answer.json()["error"]["span"]["start"].as_u64().unwrap() >= 2, "{path}");
    }
    let parsed = ask("/api/v1/events/parse", json!({"query": "é ("})).await.json();
    assert_eq!(parsed["valid"], false);
    assert!(parsed["error"]["span"]["start"].as_u64().unwrap() >= 2, "{parsed}");
    assert_eq!(parsed["tokens"][0], json!({"kind": "text", "start": 0, "end": 1}));
    for from in [json!(1.5), json!(-1), json!(true), json!(["now"]), json!(7)] {
        let odd = ask("/api/v1/events/search", json!({"from": from})).await;
        assert_eq!(odd.status, StatusCode::BAD_REQUEST, "{from}");
        assert!(odd.error().contains("a time such as"), "{from}: {}", odd.text());
    }
    let odd = ask("/api/v1/events/search", json!({"after": "nonsense"})).await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
    let path = "/api/v1/events/export?format=ndjson&query=*";
    let export = fixture.ask(&fixture.viewer, Method::GET, path, None).await;
    assert_eq!(export.headers["content-type"], "application/x-ndjson");
    assert!(export.headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"tidegate-"));
    let missing = "/api/v1/events/00000000-0000-8000-8000-000000000000";
    let answer = fixture.ask(&fixture.viewer, Method::GET, missing, None).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text());
    let answer = fixture.ask(&fixture.viewer, Method::GET, "/api/v1/events/nonsense", None).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn statements_only_read() {
    let fixture = Fixture::new();
    let ask = async |body: Value| fixture.ask(&fixture.viewer, Method::POST, "/api/v1/sql", Some(body)).await;
    let answer = ask(json!({"statement": "SELECT 1 AS n"})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json()["rows"], json!([[1]]));
    assert_eq!(ask(json!({"statement": "SELECT 1 AS n", "format": "ndjson"})).await.text(), "{\"n\":1}\n");
    assert_eq!(ask(json!({"statement": "SELECT 1 AS n", "format": "csv"})).await.text(), "n\r\n1\r\n");
    for statement in ["DROP TABLE events", "", "COPY events TO 'x'"] {
        let refused = ask(json!({"statement": statement})).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{statement}");
        assert_eq!(refused.json()["error"]["code"], "sql", "{statement}");
    }
}

#[tokio::test]
async fn published_events_are_found_counted_shown_and_exported() {
    let fixture = Fixture::new();
    let ids = fixture.stage.publish(&["a.example", "b.example", "A.example"]);
    let ask = async |path: &str, body: Value| {
        let answer = fixture.ask(&fixture.viewer, Method::POST, &format!("/api/v1/{path}"), Some(body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        answer
    };
    let page = ask("events/search", json!({"query": "dns.question.name:a.example", "limit": 1})).await.json();
    assert_eq!((&page["total"], &page["rows"][0]["id"]), (&json!(2), &json!(ids[2])));
    assert_eq!(page["rows"][0]["timestamp"], "2026-05-04T00:00:02Z");
    assert_eq!(page["rows"][0]["event"]["dns"]["question"]["name"], "A.example");
    let next = json!({"query": "dns.question.name:a.example", "limit": 1, "after": page["next"]});
    assert_eq!(ask("events/search", next).await.json()["rows"][0]["id"], ids[0]);
    let one = fixture.ask(&fixture.viewer, Method::GET, &format!("/api/v1/events/{}", ids[1]), None).await.json();
    assert_eq!(one["event"]["dns"]["question"]["name"], "b.example");
    let top = ask("events/top", json!({"field": "dns.question.name", "size": 1})).await.json();
    assert_eq!((&top["values"][0]["count"], &top["total"]), (&json!(2), &json!(3)), "{top}");
    let day = json!({"from": "2026-05-04", "to": "2026-05-04", "interval_ms": 86_400_000});
    assert_eq!(ask("events/histogram", day).await.json()["buckets"][0]["count"], 3);
    let by = json!({"function": "count", "by": {"field": {"name": "dns.question.name"}}});
    assert_eq!(ask("events/aggregate", by).await.json()["groups"][0]["value"], 2);
    let fields = ask("events/fields", json!({})).await.json();
    assert_eq!(fields["sampled"], 3);
    let csv = ask("events/export", json!({"format": "csv", "fields": ["dns.question.name"]})).await.text();
    assert_eq!(csv.lines().count(), 4, "{csv}");
    let newest = json!({"format": "csv", "fields": ["dns.question.name"], "limit": 1});
    assert_eq!(ask("events/export", newest).await.text(), "dns.question.name\r\nA.example\r\n");
    let sql = ask("sql", json!({"statement": "SELECT count(*) AS n FROM events"})).await.json();
    assert_eq!(sql["rows"], json!([[3]]));
    let unknown = json!({"query": "dns.question.nam:x"});
    let answer = fixture.ask(&fixture.viewer, Method::POST, "/api/v1/events/search", Some(unknown)).await;
    assert!(answer.error().contains("did you mean"), "{}", answer.text());
}
