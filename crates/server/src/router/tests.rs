use std::collections::BTreeMap;
use std::path::Path;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::json;

use super::openapi;
use crate::options::Options;
use crate::testing::{FORMAT, Fixture};

/// Operations that need no credential at all.
const PUBLIC: [&str; 3] = ["healthz", "readyz", "login"];

struct Operation {
    id: String,
    method: Method,
    path: String,
    /// The role each alternative asks for; empty for intake keys and sessions as such.
    roles: Vec<String>,
    is_intake: bool,
}

fn operations() -> Vec<Operation> {
    let api = serde_json::to_value(openapi()).unwrap();
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let security = operation["security"].as_array().unwrap_or_else(|| panic!("{path} tells no security"));
            let roles = security.iter().flat_map(|way| way.as_object().unwrap().values());
            let roles =
                roles.flat_map(|scopes| scopes.as_array().unwrap()).map(|role| role.as_str().unwrap().to_owned());
            found.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                path: path
                    .replace("{id}", "00000000-0000-8000-8000-000000000000")
                    .replace("{name}", "x")
                    .replace("{key}", "x"),
                method,
                roles: roles.collect(),
                is_intake: operation["tags"][0] == "intake",
            });
        }
    }
    found
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn every_route_needs_a_credential() {
    let fixture = Fixture::new();
    let mut seen = 0;
    for operation in operations() {
        if PUBLIC.contains(&operation.id.as_str()) {
            continue;
        }
        for header in [None, Some("Bearer tgt_wrong"), Some("Basic eDp5"), Some("Bearer")] {
            let mut request = Request::builder().method(operation.method.clone()).uri(&operation.path);
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            let body = if operation.is_intake { Body::from(r#"{"x":1}"#) } else { Body::empty() };
            let answer = fixture.send(request.body(body).unwrap()).await;
            // Where the body may hold the key, a body of another shape is told first.
            let told = operation.is_intake && answer.status == StatusCode::BAD_REQUEST;
            assert!(
                told || answer.status == StatusCode::UNAUTHORIZED,
                "{} {header:?}: {}",
                operation.id,
                answer.text()
            );
            answer.error();
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
    assert_eq!(fixture.send(get("/api/v1/openapi.json")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn each_role_may_do_what_its_operations_say() {
    let fixture = Fixture::new();
    let rank = |role: &str| ["viewer", "analyst", "admin"].iter().position(|name| *name == role).unwrap();
    for (role, token, least) in [("viewer", &fixture.viewer, 30), ("analyst", &fixture.analyst, 10)] {
        let mut forbidden = 0;
        for operation in operations().into_iter().filter(|operation| !operation.roles.is_empty()) {
            let answer = fixture.ask(token, operation.method.clone(), &operation.path, None).await;
            let is_above = operation.roles.iter().all(|needed| rank(needed) > rank(role));
            assert_eq!(
                answer.status == StatusCode::FORBIDDEN,
                is_above,
                "{role} {}: {} {}",
                operation.id,
                answer.status,
                answer.text()
            );
            assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{}", operation.id);
            forbidden += u32::from(is_above);
        }
        assert!(forbidden >= least, "{role} {forbidden}");
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_and_the_one_error_shape() {
    let fixture = Fixture::new();
    let mut odd = Request::post("/api/v1/users").header("authorization", format!("Bearer {}", fixture.admin));
    odd = odd.header("content-type", "application/json");
    let text = Request::post("/api/v1/users").header("authorization", format!("Bearer {}", fixture.admin));
    for (request, status) in [
        (get("/healthz"), 200),
        (get("/"), 200),
        (get("/nowhere"), 404),
        (get("/api/v1/nowhere"), 404),
        (get("/../../etc/passwd"), 404),
        (get("/plain/batch"), 405),
        (get("/api/v1/intake-http/plain/batch"), 405),
        (Request::delete("/api/v1/status").body(Body::empty()).unwrap(), 405),
        (Request::post("/healthz").body(Body::empty()).unwrap(), 405),
        (odd.body(Body::from("{")).unwrap(), 400),
        (text.body(Body::from("{}")).unwrap(), 415),
        (get(&format!("/{}", "x".repeat(20_000))), 414),
    ] {
        let name = format!("{} {:.40}", request.method(), request.uri().to_string());
        let answer = fixture.send(request).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {}", answer.text());
        assert!(answer.headers["content-security-policy"].to_str().unwrap().contains("script-src 'self'"), "{name}");
        for header in ["x-content-type-options", "referrer-policy", "cross-origin-opener-policy", "cache-control"] {
            assert!(answer.headers.contains_key(header), "{name} {header}");
        }
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{name}");
        assert!(!answer.headers.contains_key("strict-transport-security"), "{name}");
        if status >= 400 {
            answer.error();
        }
    }
    let secure = Options { public_url: Some("https://tide.example".into()), ..Options::default() };
    let fixture = Fixture::with(secure, tidegate_journal::Options::default());
    assert!(fixture.send(get("/healthz")).await.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn an_api_body_is_bounded() {
    let fixture = Fixture::new();
    let body = json!({"name": "x".repeat(2 << 20), "format": FORMAT});
    let answer = fixture.ask(&fixture.admin, Method::POST, "/api/v1/intakes", Some(body)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    answer.error();
}

#[tokio::test]
async fn figures_are_told_to_people_and_to_prometheus() {
    let fixture = Fixture::new();
    fixture.post("/plain/batch", "{}\n{}").await.ids();
    let text = fixture.ask(&fixture.viewer, Method::GET, "/metrics", None).await.text();
    for line in [
        r#"tidegate_intake_batches_total{intake="gateway"} 1"#,
        r#"tidegate_intake_records_total{intake="gateway"} 2"#,
        r#"tidegate_http_requests_total{route="/plain/batch",method="POST",status="200"} 1"#,
        "tidegate_journal_last_position 1",
        r#"tidegate_intake_refused_total{reason="key"} 0"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains(&fixture.key));
    let mut helped = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, _) = line.split_once(' ').unwrap();
        assert!(helped.insert(name.to_owned(), ()).is_none(), "{name} twice");
    }
    let status = fixture.ask(&fixture.viewer, Method::GET, "/api/v1/status", None).await.json();
    assert_eq!(status["journal"]["last_position"], 1);
    assert_eq!(status["version"], "0.0.0");
}

#[tokio::test]
async fn readiness_tells_what_is_wrong() {
    let fixture = Fixture::new();
    let ready = fixture.send(get("/readyz")).await;
    assert_eq!((ready.status, ready.json()), (StatusCode::OK, json!({"ready": true, "reasons": []})));
    fixture.troubles.lock().unwrap().push("replaying 3 batches".into());
    let ready = fixture.send(get("/readyz")).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.json()["reasons"][0], "replaying 3 batches");
    assert_eq!(fixture.send(get("/healthz")).await.text(), "ok\n");
}

/// `docs/openapi.json` is what clients are generated from; `UPDATE_GOLDEN=1` rewrites it and the diff is the review.
#[test]
fn the_golden_description_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let mut now = openapi().to_pretty_json().unwrap();
    now.push('\n');
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &now).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == now, "docs/openapi.json is not what the server serves; run this test with UPDATE_GOLDEN=1");
}

#[test]
fn operations_are_named_once_and_references_lead_somewhere() {
    let mut ids: Vec<String> = operations().into_iter().map(|operation| operation.id).collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
    let api = serde_json::to_value(openapi()).unwrap();
    let text = api.to_string();
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(api["components"]["schemas"][name].is_object(), "{name}");
    }
}
