//! The steps before a job, and the watch over it.

use std::time::Duration;

use crate::support::http::{Response, Server};
use crate::support::{ACCOUNT, Mock, TOKEN, ZONE, error};
use crate::tls;
use serde_json::json;
use tidegate_logpush::{
    ApiToken, ApiUrl, Client, Destination, Header, IntakeKey, Job, JobRequest, JobState, Owner, Prepared, Probe,
    Received, Report, Retry, Scope, Setup, StepName, Warning, WarningKind, Watch, check_setup, dataset,
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
    check_setup(&client(mock), Some(&probe), &setup(&scope, to)).await
}

fn setup<'a>(scope: &'a Scope, to: &'a Destination) -> Setup<'a> {
    Setup { scope, dataset: dataset("gateway_dns").unwrap(), to, compat: false, validate: true }
}

fn outline(found: &Prepared) -> Vec<(&'static str, Option<bool>)> {
    found.steps.iter().map(|step| (step.name.name(), step.ok)).collect()
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
    let wrong = check_setup(&client(&mock), None, &setup(&zone, &to(&server))).await;
    assert!(wrong.steps[0].sentence.contains("belongs to an account"), "{wrong:?}");
}

#[tokio::test]
async fn the_job_of_the_guide_asks_for_its_own_fields() {
    let mock = Mock::start();
    let (scope, to) = (Scope::account(ACCOUNT).unwrap(), Destination::new("https://t.example/plain/batch"));
    let of_guide = Setup { compat: true, ..setup(&scope, &to) };
    assert_eq!(of_guide.fields([]).len(), 32);
    let found = check_setup(&client(&mock), None, &of_guide).await;
    let step = found.steps.iter().find(|step| step.name == StepName::Fields).unwrap();
    assert!(step.ok.is_none() && found.is_fine(), "{step:?}");
    assert!(step.sentence.contains("8 fields; the guide asks for 32") && step.sentence.contains("SrcPort"), "{step:?}");
    mock.state().fields = vec!["ApplicationID", "Datetime"];
    let found = check_setup(&client(&mock), None, &setup(&scope, &to)).await;
    let step = found.steps.iter().find(|step| step.name == StepName::Fields).unwrap();
    assert_eq!((step.ok, step.sentence.as_str()), (Some(true), "Cloudflare offers 2 fields, of which 2 will be sent"));
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
async fn the_watch_finds_jobs_and_tells_each_thing_once() {
    let mock = Mock::start();
    let scope = Scope::account(ACCOUNT).unwrap();
    let key = IntakeKey::new("tgi_0123456789ABCDEFGHwxyz").unwrap();
    let to = Destination::of_intake("https://t.example", &key, Header::Tidegate, &[]).unwrap();
    let offered = mock.state().fields.clone();
    let request = JobRequest::of_dataset(dataset("gateway_dns").unwrap(), to, offered);
    let client = client(&mock);
    let job = client.create_job(&scope, &request).await.unwrap();
    let other = Destination::new("https://other.example/x");
    client.create_job(&scope, &JobRequest::of_dataset(dataset("audit_logs").unwrap(), other, [])).await.unwrap();
    mock.state().jobs[0]["last_complete"] = json!("2020-01-01T00:00:00Z");
    mock.state().fields.push("Tomorrow");
    let ours = |job: &Job| {
        let is_ours = job.destination_conf.address().starts_with("https://t.example/");
        let intake = job.destination_conf.intake_key().map(|_| "gateway".to_owned());
        is_ours.then(|| Owner { intake, received: Some(Received::default()) })
    };
    let mut watch = Watch::new(vec![scope.clone()]);
    let round = watch.round(&client, ours).await;
    let [first] = &round.reports[..] else { panic!("{round:?}") };
    assert_eq!(
        (first.job.id, first.intake.as_deref(), first.health.state),
        (job.id, Some("gateway"), JobState::Healthy)
    );
    let kinds =
        |report: &Report| report.warnings.iter().map(|told| (told.warning.kind(), told.is_new)).collect::<Vec<_>>();
    assert_eq!(kinds(first), [(WarningKind::Lag, true), (WarningKind::Drift, true)]);
    assert!(matches!(&first.warnings[1].warning, Warning::Drift(drift) if drift.new == ["Tomorrow"]), "{first:?}");

    // What was told is not new again; a round that fails neither tells nor forgets it.
    let again = watch.round(&client, ours).await;
    assert_eq!(kinds(&again.reports[0]), [(WarningKind::Lag, false), (WarningKind::Drift, false)]);
    mock.state().next.push_back(error(403, 10000, "Authentication error"));
    let failed = watch.round(&client, ours).await;
    assert_eq!((failed.failed.len(), failed.reports[0].health.state), (1, JobState::Unknown));
    assert_eq!((kinds(&failed.reports[0]).len(), failed.reports[0].over.len()), (2, 0));
    mock.state().jobs[0]["last_complete"] = json!(jiff::Timestamp::now().to_string());
    assert_eq!(watch.round(&client, ours).await.reports[0].over, [WarningKind::Lag]);

    // A key that nobody takes, another place, no job at all, and one that is forgotten on purpose.
    mock.state().jobs[0]["destination_conf"] = json!("https://t.example/plain/batch");
    let keyless = watch.round(&client, ours).await;
    assert_eq!(kinds(&keyless.reports[0])[0], (WarningKind::Key, true));
    mock.state().jobs[0]["destination_conf"] = json!("https://other.example/x?header_K=secret");
    let moved = watch.round(&client, ours).await;
    assert_eq!(kinds(&moved.reports[0]), [(WarningKind::Gone, true)]);
    assert!(moved.reports[0].warnings[0].warning.sentence().contains("`https://other.example/x`"));
    mock.state().jobs.clear();
    assert_eq!(watch.round(&client, ours).await.reports[0].health.state, JobState::Gone);
    watch.forget(&scope, job.id);
    assert!(watch.round(&client, ours).await.reports.is_empty());
}
