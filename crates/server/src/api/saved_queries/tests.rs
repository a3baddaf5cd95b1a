use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::testing::{Answer, Fixture};

async fn ask(fixture: &Fixture, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    fixture.ask(token, method, &format!("/api/v1/{path}"), body).await
}

#[tokio::test]
async fn everybody_saves_queries_and_shares_them() {
    let fixture = Fixture::new();
    let (vera, anton, admin) = (&fixture.viewer, &fixture.analyst, &fixture.admin);
    let new =
        json!({"name": "Tunnels", "query": "tidegate.dns.name.length:>62", "state": "from=now-1d", "shared": false});
    let made = ask(&fixture, vera, Method::POST, "saved-queries", Some(new.clone())).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json();
    assert_eq!(
        (&made["owner"], &made["state"], &made["shared"]),
        (&json!("vera"), &json!("from=now-1d"), &json!(false))
    );
    assert_eq!(ask(&fixture, vera, Method::POST, "saved-queries", Some(new)).await.status, StatusCode::CONFLICT);
    let of = async |token: &str| ask(&fixture, token, Method::GET, "saved-queries", None).await.json();
    assert_eq!((of(vera).await, of(anton).await), (json!([made]), json!([])));
    let path = format!("saved-queries/{}", made["id"].as_str().unwrap());
    let share = Some(json!({"shared": true}));
    for token in [anton, admin] {
        let foreign = ask(&fixture, token, Method::PATCH, &path, share.clone()).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    }
    let shared = ask(&fixture, vera, Method::PATCH, &path, share).await.json();
    assert_eq!((&shared["shared"], &shared["query"]), (&json!(true), &made["query"]));
    assert_eq!(of(anton).await, json!([shared]));
    let rename = Some(json!({"name": "All tunnels"}));
    assert_eq!(ask(&fixture, anton, Method::PATCH, &path, rename.clone()).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask(&fixture, admin, Method::PATCH, &path, rename).await.json()["name"], "All tunnels");
    assert_eq!(ask(&fixture, anton, Method::DELETE, &path, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask(&fixture, vera, Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    for wrong in [
        json!({"name": "", "query": "x"}),
        json!({"name": "x", "query": "x".repeat(70_000)}),
        json!({"name": "x", "query": "x", "state": "x".repeat(20_000)}),
        json!({"name": "x"}),
    ] {
        let answer = ask(&fixture, vera, Method::POST, "saved-queries", Some(wrong)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        answer.error();
    }
}

#[tokio::test]
async fn each_query_of_the_history_stands_in_it_once() {
    let fixture = Fixture::new();
    let vera = &fixture.viewer;
    for (query, state) in [("a", "1"), ("b", ""), ("a", "2"), ("a", "3")] {
        let ran = json!({"query": query, "state": state});
        let answer = ask(&fixture, vera, Method::POST, "query-history", Some(ran)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    }
    let lines = ask(&fixture, vera, Method::GET, "query-history", None).await.json();
    let lines: Vec<_> =
        lines.as_array().unwrap().iter().map(|line| (line["query"].clone(), line["state"].clone())).collect();
    assert_eq!(lines, [(json!("a"), json!("3")), (json!("b"), json!(""))]);
    let one = ask(&fixture, vera, Method::GET, "query-history?limit=1", None).await.json();
    assert_eq!(one.as_array().unwrap().len(), 1);
    assert_eq!(ask(&fixture, &fixture.analyst, Method::GET, "query-history", None).await.json(), json!([]));
    let long = json!({"query": "x".repeat(70_000)});
    let refused = ask(&fixture, vera, Method::POST, "query-history", Some(long)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(ask(&fixture, vera, Method::DELETE, "query-history", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ask(&fixture, vera, Method::GET, "query-history", None).await.json(), json!([]));
}
