//! The steps before a job, and the watch over it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::http::{Response, Server};
use crate::support::{ACCOUNT, Mock, TOKEN, ZONE, tls};
use serde_json::json;
use tidegate_logpush::{
    ApiToken, ApiUrl, Client, Destination, Header, IntakeKey, JobRequest, JobState, Prepared, Probe, Received, Report,
    Retry, Scope, Warning, Watched, check_setup, dataset, watch,
};

fn client(mock: &Mock) -> Client {
    let retry = Retry { attempts_max: 2, pause: Duration::from_millis(1), pause_max: Duration::from_millis(5) };
    Client::new(ApiUrl::parse(&mock.url).unwrap(), ApiToken::new(TOKEN).unwrap()).unwrap().with_retry(retry)
}

fn to(server: &Server) -> Destination {
    let key = IntakeKey::new("tgi_0123456789ABCDEFGHwxyz").unwrap();
    Destination::of_intake(&format!("https://{}", server.address), &key, Header::Tidegate, &[]).unwrap()
}

fn intake() -> Server {
    tls::server(tls::GOOD, |_| Response::text(200, "{}"))
}

async fn steps(mock: &Mock, to: &Destination) -> Prepared {
    let probe = Probe::private(tls::client());
    let scope = Scope::account(ACCOUNT).unwrap();
    check_setup(&client(mock), Some(&probe), &scope, dataset("gateway_dns").unwrap(), to, true).await
}

fn outline(found: &Prepared) -> Vec<(&'static str, Option<bool>)> {
    found.steps.iter().map(|step| (step.name, step.ok)).collect()
}

#[tokio::test]
async fn all_steps_are_taken_and_nothing_is_changed() {
    let (mock, server) = (Mock::start(), intake());
    let found = steps(&mock, &to(&server)).await;
    let yes = Some(true);
    let expected = [
        ("token", yes),
        ("permissions", yes),
        ("permissions", yes),
        ("address", yes),
        ("fields", yes),
        ("jobs", yes),
        ("destination", yes),
    ];
    assert_eq!(outline(&found), expected);
    assert!(found.is_fine());
    assert_eq!(found.fields.len(), 8);
    assert!(mock.paths().iter().all(|call| call.starts_with("GET ") || call.ends_with("/validate/destination")));
}

#[tokio::test]
async fn the_first_step_that_fails_says_why() {
    let (mock, server) = (Mock::start(), intake());
    mock.state().may_read_pii = false;
    let found = steps(&mock, &to(&server)).await;
    assert!(!found.is_fine());
    let failed = found.steps.iter().find(|step| step.ok == Some(false)).unwrap();
    assert!(failed.sentence.contains("`Zero Trust: PII Read`"), "{failed:?}");
    mock.state().may_read_pii = true;
    mock.state().token_status = "disabled";
    assert_eq!(outline(&steps(&mock, &to(&server)).await), [("token", Some(false)), ("address", Some(true))]);
    mock.state().token_status = "active";
    mock.state().token_expires = Some("2020-01-01T00:00:00Z");
    assert!(steps(&mock, &to(&server)).await.steps[0].sentence.contains("expired"));
    mock.state().token_expires = None;
    mock.state().upload_fails = Some("1105 dial tcp: no such host");
    let last = steps(&mock, &to(&server)).await.steps.pop().unwrap();
    assert!(last.ok == Some(false) && last.sentence.contains("DNS record"), "{last:?}");
    let zone = Scope::zone(ZONE).unwrap();
    let wrong = check_setup(&client(&mock), None, &zone, dataset("gateway_dns").unwrap(), &to(&server), true).await;
    assert!(wrong.steps[0].sentence.contains("belongs to an account"), "{wrong:?}");
}

#[tokio::test]
async fn a_second_job_to_the_same_intake_is_noticed() {
    let (mock, server) = (Mock::start(), intake());
    let to = to(&server);
    let scope = Scope::account(ACCOUNT).unwrap();
    client(&mock)
        .create_job(&scope, &JobRequest::of_dataset(dataset("gateway_dns").unwrap(), to.clone(), []))
        .await
        .unwrap();
    let found = steps(&mock, &to).await;
    assert!(!found.is_fine() && found.twin(&to).is_some());
    assert!(found.steps.iter().any(|step| step.sentence.contains("job 100 sends there already")), "{found:?}");
}

#[tokio::test]
async fn the_watch_reports_each_look_and_stops_when_told() {
    let mock = Mock::start();
    let scope = Scope::account(ACCOUNT).unwrap();
    let key = IntakeKey::new("tgi_0123456789ABCDEFGHwxyz").unwrap();
    let to = Destination::of_intake("https://t.example", &key, Header::Tidegate, &[]).unwrap();
    let offered = mock.state().fields.clone();
    let request = JobRequest::of_dataset(dataset("gateway_dns").unwrap(), to, offered);
    let job = client(&mock).create_job(&scope, &request).await.unwrap();
    mock.state().jobs[0]["last_complete"] = json!("2020-01-01T00:00:00Z");
    mock.state().fields.push("Tomorrow");
    let gone = Watched { scope: scope.clone(), id: tidegate_logpush::JobId(999), intake: "other".to_owned() };
    let jobs = vec![Watched { scope, id: job.id, intake: "gateway".to_owned() }, gone];
    let reports: Arc<Mutex<Vec<Report>>> = Arc::default();
    let (done, stop) = tokio::sync::oneshot::channel::<()>();
    let mut done = Some(done);
    let sink = {
        let reports = Arc::clone(&reports);
        move |report| {
            let mut reports = reports.lock().unwrap();
            reports.push(report);
            if reports.len() == 2 {
                let _ = done.take().map(|done| done.send(()));
            }
        }
    };
    let received = |_: &Watched| Some(Received::default());
    let stop = async move { stop.await.unwrap() };
    let watching = watch(&client(&mock), || jobs.clone(), received, Duration::from_secs(3_600), sink, stop);
    tokio::time::timeout(Duration::from_secs(20), watching).await.unwrap();
    let reports = reports.lock().unwrap();
    let first = &reports[0];
    assert_eq!(
        (first.health.state, first.is_news, first.watched.intake.as_str()),
        (JobState::Healthy, true, "gateway")
    );
    assert!(
        matches!(&first.health.warnings[..], [Warning::Lag(_), Warning::Drift(drift)] if drift.new == ["Tomorrow"]),
        "{first:?}"
    );
    assert_eq!(reports[1].health.state, JobState::Gone);
}
