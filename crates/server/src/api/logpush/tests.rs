use std::sync::{Arc, Mutex};

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tidegate_state::{Actor, Secret};

use crate::logpush::*;
use crate::testing::{Answer, Fixture};

const TOKEN: &str = "cf_one_off_0123456789";

/// A Cloudflare side that remembers what it was asked.
#[derive(Default)]
struct Fake(Mutex<Vec<String>>);

fn job(id: u64) -> LogpushJob {
    LogpushJob {
        id,
        scope: LogpushScope { level: LogpushLevel::Account, id: "a1".to_owned() },
        name: None,
        dataset: Some("gateway_dns".to_owned()),
        format: None,
        intake: None,
        destination: "https://t.example/plain/batch?header_X-Tidegate-Intake-Key=…".to_owned(),
        enabled: true,
        state: LogpushState::Failing,
        last_complete: Some("2026-11-22T10:00:00Z".to_owned()),
        last_error: None,
        error_message: None,
        failing_since: None,
        lag_seconds: Some(90),
        warnings: vec![LogpushWarning {
            kind: LogpushWarningKind::Failing,
            severity: LogpushSeverity::Breaking,
            sentence: "uploads have failed for 31 minutes".to_owned(),
            advice: "renew the certificate".to_owned(),
            since: None,
        }],
        estimate: None,
        checked_at: "2026-11-22T10:01:30Z".to_owned(),
    }
}

impl Fake {
    fn hear(&self, what: &str, token: Option<&Secret>) {
        self.0.lock().unwrap().push(format!("{what} {}", token.map_or("-", Secret::reveal)));
    }
}

impl Logpush for Fake {
    fn overview(&self, _: &Arrivals) -> LogpushOverview {
        LogpushOverview {
            watching: true,
            sentence: "one job sends here".to_owned(),
            token_known: true,
            scopes: Vec::new(),
            public_url: None,
            checked_at: None,
            errors: Vec::new(),
            jobs: vec![job(7)],
            estimate: None,
        }
    }

    fn datasets(&self) -> Vec<LogpushDataset> {
        Vec::new()
    }

    fn check(&self, wish: &LogpushWish) -> Result<LogpushChecked, LogpushFailure> {
        self.hear("check", wish.token.as_ref());
        Ok(LogpushChecked { ready: false, steps: Vec::new(), offered: 0, sent: Vec::new() })
    }

    fn create(&self, wish: &LogpushWish, _: &Actor) -> Result<LogpushMade, LogpushFailure> {
        self.hear(&format!("create {}", wish.headers.len()), wish.token.as_ref());
        match wish.intake.as_deref() {
            None => Err(LogpushFailure::Invalid("name the intake".to_owned())),
            Some("late") => Err(LogpushFailure::NotReady("no job was made".to_owned())),
            Some("far") => Err(LogpushFailure::Cloudflare("Cloudflare refused".to_owned())),
            Some(_) => Ok(LogpushMade {
                ready: true,
                steps: Vec::new(),
                request: None,
                curl: None,
                job: None,
                intake: None,
                key: None,
            }),
        }
    }

    fn verify(&self, id: u64, look: &LogpushLook) -> Result<LogpushComparison, LogpushFailure> {
        self.hear("verify", look.token.as_ref());
        Ok(LogpushComparison { job: job(id), differences: Vec::new(), update: None, seen: "x".to_owned() })
    }

    fn update(&self, _: u64, wish: &LogpushUpdate, _: &Actor) -> Result<LogpushUpdated, LogpushFailure> {
        self.hear("update", wish.token.as_ref());
        Err(LogpushFailure::Changed("changed by someone else".to_owned()))
    }

    fn delete(&self, id: u64, scope: Option<&LogpushScope>, _: &Actor) -> Result<(), LogpushFailure> {
        self.hear(&format!("delete {id} {}", scope.map_or("-", |scope| &scope.id)), None);
        Ok(())
    }
}

fn fixture() -> (Fixture, Arc<Fake>) {
    let fake = Arc::new(Fake::default());
    (Fixture::with_logpush(Arc::clone(&fake) as Arc<dyn Logpush>), fake)
}

async fn ask(fixture: &Fixture, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    fixture.ask(token, method, &format!("/api/v1/logpush/{path}"), body).await
}

fn wish(more: &Value) -> Option<Value> {
    let mut wish = json!({"scope": {"level": "account", "id": "a1"}});
    wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Some(wish)
}

#[tokio::test]
async fn jobs_are_told_to_all_and_changed_by_admins() {
    let (fixture, fake) = fixture();
    let list = ask(&fixture, &fixture.viewer, Method::GET, "jobs", None).await.json();
    assert_eq!((&list["jobs"][0]["id"], &list["jobs"][0]["state"]), (&json!(7), &json!("failing")));
    assert_eq!(list["jobs"][0]["warnings"][0]["kind"], "failing");
    let body = wish(&json!({"intake": "gateway", "token": TOKEN, "headers": [{"name": "X", "value": "y"}]}));
    for (token, status) in [(&fixture.viewer, 403), (&fixture.analyst, 403), (&fixture.admin, 201)] {
        assert_eq!(ask(&fixture, token, Method::POST, "jobs", body.clone()).await.status.as_u16(), status);
    }
    let dry = wish(&json!({"intake": "gateway", "dry_run": true}));
    assert_eq!(ask(&fixture, &fixture.admin, Method::POST, "jobs", dry).await.status, StatusCode::OK);
    let look = Some(json!({"token": TOKEN}));
    assert_eq!(ask(&fixture, &fixture.viewer, Method::POST, "jobs/7/verify", look.clone()).await.status.as_u16(), 403);
    assert_eq!(ask(&fixture, &fixture.analyst, Method::POST, "jobs/7/verify", look).await.json()["seen"], "x");
    assert_eq!(ask(&fixture, &fixture.admin, Method::DELETE, "jobs/7?zone=z1", None).await.status.as_u16(), 204);
    let heard = fake.0.lock().unwrap().clone();
    assert_eq!(
        heard,
        [format!("create 1 {TOKEN}"), "create 0 -".to_owned(), format!("verify {TOKEN}"), "delete 7 z1 -".to_owned()]
    );
}

#[tokio::test]
async fn what_goes_wrong_has_a_code_of_its_own() {
    let (fixture, _) = fixture();
    for (path, body, status, code) in [
        ("jobs", wish(&json!({})), 400, "invalid"),
        ("jobs", wish(&json!({"intake": "late"})), 409, "not_ready"),
        ("jobs", wish(&json!({"intake": "far"})), 502, "cloudflare"),
        ("jobs", wish(&json!({"unknown": 1})), 400, "bad_request"),
        ("jobs", Some(json!({"scope": {"level": "galaxy", "id": "x"}})), 400, "bad_request"),
        ("jobs/7/update", Some(json!({"seen": "x"})), 409, "changed"),
        ("jobs/x/verify", Some(json!({})), 404, "not_found"),
    ] {
        let answer = ask(&fixture, &fixture.admin, Method::POST, path, body).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["code"]),
            (status, &json!(code)),
            "{}",
            answer.text()
        );
    }
    let both = ask(&fixture, &fixture.admin, Method::DELETE, "jobs/7?zone=z1&account=a1", None).await;
    assert!(both.error().contains("not in both"));
    let without = Fixture::new();
    assert_eq!(ask(&without, &without.admin, Method::GET, "jobs", None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn figures_of_jobs_are_exposed() {
    let (fixture, _) = fixture();
    let text = fixture.ask(&fixture.viewer, Method::GET, "/metrics", None).await.text();
    for line in [
        r#"tidegate_logpush_job_failing{job="7",dataset="gateway_dns",intake=""} 1"#,
        r#"tidegate_logpush_job_warnings{job="7",dataset="gateway_dns",intake=""} 1"#,
        r#"tidegate_logpush_job_lag_seconds{job="7",dataset="gateway_dns",intake=""} 90"#,
        "tidegate_logpush_watch_failing 0",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn a_token_does_not_print() {
    let wish: LogpushWish = serde_json::from_value(wish(&json!({"token": TOKEN, "key": ""})).unwrap()).unwrap();
    assert!(wish.key.is_none() && !format!("{wish:?}").contains(TOKEN));
}
