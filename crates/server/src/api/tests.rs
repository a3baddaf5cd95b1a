use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tidegate_state::{Actor, Role, Secret};

use crate::testing::{Answer, FORMAT, Fixture, PASSWORD};

/// What a browser holds after logging in.
struct Browser {
    cookie: String,
    csrf: String,
}

async fn log_in(fixture: &Fixture, user: &str, password: &str) -> Answer {
    let request = Request::post("/api/v1/login").header("content-type", "application/json");
    let body = json!({"user": user, "password": password}).to_string();
    fixture.send(request.body(Body::from(body)).unwrap()).await
}

impl Browser {
    async fn open(fixture: &Fixture, user: &str) -> Self {
        let answer = log_in(fixture, user, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/"));
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Self { cookie, csrf: answer.json()["csrf"].as_str().unwrap().to_owned() }
    }

    async fn send(
        &self,
        fixture: &Fixture,
        method: Method,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("cookie", &self.cookie);
        request = request.header("content-type", "application/json").header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        fixture.send(request.body(Body::from(body.to_string())).unwrap()).await
    }
}

#[tokio::test]
async fn a_session_reads_with_its_cookie_and_changes_with_its_token() {
    let fixture = Fixture::new();
    let browser = Browser::open(&fixture, "vera").await;
    let me = browser.send(&fixture, Method::GET, "/api/v1/me", &Value::Null, &[]).await;
    assert_eq!(me.json()["user"], "vera");
    assert_eq!(me.json()["csrf"], browser.csrf);

    let token = json!({"name": "script", "role": "viewer"});
    let csrf = ("x-tidegate-csrf", browser.csrf.as_str());
    for headers in [
        &[][..],
        &[("x-tidegate-csrf", "wrong")],
        &[csrf, ("origin", "http://evil.example")],
        &[csrf, ("sec-fetch-site", "cross-site")],
    ] {
        let answer = browser.send(&fixture, Method::POST, "/api/v1/tokens", &token, headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    let headers = [csrf, ("origin", "http://localhost"), ("sec-fetch-site", "same-origin")];
    let made = browser.send(&fixture, Method::POST, "/api/v1/tokens", &token, &headers).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    assert_eq!(fixture.ask(&secret, Method::GET, "/api/v1/me", None).await.json()["token"], "script");
    // A role above one's own, and a token that makes a token.
    let above = json!({"name": "root", "role": "admin"});
    let answer = browser.send(&fixture, Method::POST, "/api/v1/tokens", &above, &headers).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer =
        fixture.ask(&secret, Method::POST, "/api/v1/tokens", Some(json!({"name": "y", "role": "viewer"}))).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);

    let out = browser.send(&fixture, Method::POST, "/api/v1/logout", &Value::Null, &headers).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    let me = browser.send(&fixture, Method::GET, "/api/v1/me", &Value::Null, &[]).await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_password_change_needs_the_old_one_and_ends_other_sessions() {
    let fixture = Fixture::new();
    let (here, there) = (Browser::open(&fixture, "vera").await, Browser::open(&fixture, "VERA").await);
    let headers = [("x-tidegate-csrf", here.csrf.as_str())];
    let change = |old: &str| json!({"old": old, "new": "another long password"});
    let path = "/api/v1/me/password";
    let wrong = here.send(&fixture, Method::POST, path, &change("wrong"), &headers).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let right = here.send(&fixture, Method::POST, path, &change(PASSWORD), &headers).await;
    assert_eq!(right.status, StatusCode::NO_CONTENT, "{}", right.text());
    assert_eq!(here.send(&fixture, Method::GET, "/api/v1/me", &Value::Null, &[]).await.status, StatusCode::OK);
    assert_eq!(
        there.send(&fixture, Method::GET, "/api/v1/me", &Value::Null, &[]).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn guessing_a_password_is_slowed_down() {
    let fixture = Fixture::new();
    let mut last = StatusCode::OK;
    for _ in 0..15 {
        let answer = log_in(&fixture, "vera", "guess guess guess").await;
        last = answer.status;
        if last == StatusCode::TOO_MANY_REQUESTS {
            assert!(answer.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
            break;
        }
        assert_eq!(last, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let foreign =
        Request::post("/api/v1/login").header("content-type", "application/json").header("origin", "http://evil");
    let answer = fixture.send(foreign.body(Body::from("{}")).unwrap()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_admin_runs_intakes() {
    let fixture = Fixture::new();
    let admin = &fixture.admin;
    let new = json!({"name": "second", "format": FORMAT});
    let made = fixture.ask(admin, Method::POST, "/api/v1/intakes", Some(new.clone())).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let (id, key) = (made.json()["intake"]["id"].clone(), made.json()["key"].as_str().unwrap().to_owned());
    assert_eq!(fixture.ask(admin, Method::POST, "/api/v1/intakes", Some(new)).await.status, StatusCode::CONFLICT);
    let unknown = json!({"name": "third", "format": "nope"});
    let refused = fixture.ask(admin, Method::POST, "/api/v1/intakes", Some(unknown)).await;
    assert!(refused.error().contains("`nope`"));

    let path = format!("/api/v1/intakes/{}", id.as_str().unwrap());
    let send = [("x-tidegate-intake-key", key.as_str())];
    assert_eq!(fixture.post_with("/plain/batch", &send, "{}").await.status, StatusCode::OK);
    let rotated = fixture.ask(admin, Method::POST, &format!("{path}/rotate"), Some(json!({}))).await;
    assert_ne!(rotated.json()["key"], key);
    assert_eq!(fixture.post_with("/plain/batch", &send, "{}").await.status, StatusCode::UNAUTHORIZED);
    let renamed = fixture.ask(admin, Method::PATCH, &path, Some(json!({"name": "zweiter"}))).await;
    assert_eq!(renamed.json()["name"], "zweiter");
    assert_eq!(fixture.ask(admin, Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(fixture.ask(admin, Method::GET, &path, None).await.status, StatusCode::NOT_FOUND);
    let list = fixture.ask(&fixture.viewer, Method::GET, "/api/v1/intakes", None).await.json();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert!(!list.to_string().contains(&key));

    let crossed = "/api/v1/audit?from=2026-05-05T00:00:00Z&to=2026-05-04T00:00:00Z";
    assert!(fixture.ask(admin, Method::GET, crossed, None).await.error().contains("is after"));
    let trail = fixture.ask(admin, Method::GET, "/api/v1/audit?action=intake&limit=2", None).await.json();
    assert_eq!(trail["entries"][0]["action"], "intake.delete");
    assert_eq!(trail["entries"][0]["via"], "token test");
    let next = trail["next"].as_i64().unwrap();
    let rest =
        fixture.ask(admin, Method::GET, &format!("/api/v1/audit?action=intake&before={next}"), None).await.json();
    assert!(!rest["entries"].as_array().unwrap().is_empty());
    assert!(!trail.to_string().contains(&key));
}

#[tokio::test]
async fn an_admin_runs_users_and_settings() {
    let fixture = Fixture::new();
    let admin = &fixture.admin;
    let new = json!({"name": "anna", "password": PASSWORD, "role": "analyst"});
    let made = fixture.ask(admin, Method::POST, "/api/v1/users", Some(new)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert!(!made.text().contains(PASSWORD));
    let path = format!("/api/v1/users/{}", made.json()["id"].as_str().unwrap());
    let changed = fixture.ask(admin, Method::PATCH, &path, Some(json!({"role": "viewer", "enabled": false}))).await;
    assert_eq!((&changed.json()["role"], &changed.json()["enabled"]), (&json!("viewer"), &json!(false)));
    assert_eq!(log_in(&fixture, "anna", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(fixture.ask(admin, Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    let weak = json!({"name": "bob", "password": "short", "role": "viewer"});
    assert_eq!(fixture.ask(admin, Method::POST, "/api/v1/users", Some(weak)).await.status, StatusCode::BAD_REQUEST);
    let users = fixture.ask(admin, Method::GET, "/api/v1/users", None).await.json();
    let root = users.as_array().unwrap().iter().find(|user| user["name"] == "admin").unwrap();
    let path = format!("/api/v1/users/{}", root["id"].as_str().unwrap());
    assert_eq!(fixture.ask(admin, Method::DELETE, &path, None).await.status, StatusCode::CONFLICT);

    let set = fixture.ask(admin, Method::PUT, "/api/v1/settings/ui.theme", Some(json!("dark"))).await;
    assert_eq!(set.status, StatusCode::NO_CONTENT);
    let all = fixture.ask(admin, Method::GET, "/api/v1/settings", None).await.json();
    assert_eq!(all, json!({"ui.theme": "dark"}));
    let gone = fixture.ask(admin, Method::DELETE, "/api/v1/settings/ui.theme", None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn the_last_sessions_are_listed_and_closed() {
    let fixture = Fixture::new();
    let browser = Browser::open(&fixture, "vera").await;
    let csrf = [("x-tidegate-csrf", browser.csrf.as_str())];
    let list = browser.send(&fixture, Method::GET, "/api/v1/sessions", &Value::Null, &[]).await.json();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["current"]), (1, &json!(true)));
    let other =
        fixture.shared.state.create_user("otto", &Secret::new(PASSWORD), Role::Viewer, &Actor::system()).unwrap();
    let foreign = format!("/api/v1/sessions?user={}", other.id);
    let answer = browser.send(&fixture, Method::GET, &foreign, &Value::Null, &[]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let path = format!("/api/v1/sessions/{}", list[0]["id"].as_str().unwrap());
    let closed = browser.send(&fixture, Method::DELETE, &path, &Value::Null, &csrf).await;
    assert_eq!(closed.status, StatusCode::NO_CONTENT);
    let again = browser.send(&fixture, Method::GET, "/api/v1/sessions", &Value::Null, &[]).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_no_id_is_the_id_of_nothing() {
    let (fixture, _) = Fixture::detecting();
    for (path, sentence) in [
        ("rules/nope", "no rule `nope`"),
        ("intakes/no%20pe", "no intake `no pe`"),
        ("events/1", "no event `1`"),
        ("retrohunts/%2e", "no retrohunt `.`"),
        ("buckets/x/rejects", "no bucket `x`"),
    ] {
        let answer = fixture.ask(&fixture.admin, Method::GET, &format!("/api/v1/{path}"), None).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::NOT_FOUND, sentence), "{path}");
    }
    for (path, sentence) in [
        ("alert-filters/x", "no alert filter `x`"),
        ("saved-queries/x", "no saved query `x`"),
        ("indicators/x", "no indicator `x`"),
    ] {
        let answer = fixture.ask(&fixture.admin, Method::DELETE, &format!("/api/v1/{path}"), None).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::NOT_FOUND, sentence), "{path}");
    }
}
