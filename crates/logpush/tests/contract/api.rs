//! The contract with the Cloudflare API: every call, against a server that refuses what its schema does not allow.

use std::time::{Duration, Instant};

use crate::support::http::Response;
use crate::support::{ACCOUNT, Mock, TOKEN, TOKEN_ID, ZONE, error};
use serde_json::{Value, json};
use tidegate_logpush::{
    ApiToken, ApiUrl, Aspect, Challenge, Client, DATASETS, Dataset, Destination, Header, IntakeKey, JobId, JobRequest,
    Level, LogpushError, Retry, Scope, TokenStatus, Wanted, WantedKey, dataset, plan, verify,
};

const KEY: &str = "tgi_0123456789ABCDEFGHwxyz";
const URL: &str = "https://tidegate.example.com";

fn client(mock: &Mock) -> Client {
    let retry = Retry { attempts_max: 3, pause: Duration::from_millis(5), pause_max: Duration::from_millis(50) };
    Client::new(ApiUrl::parse(&mock.url).unwrap(), ApiToken::new(TOKEN).unwrap()).unwrap().with_retry(retry)
}

fn account() -> Scope {
    Scope::account(ACCOUNT).unwrap()
}

fn gateway() -> &'static Dataset {
    dataset("gateway_dns").unwrap()
}

fn destination() -> Destination {
    Destination::of_intake(URL, &IntakeKey::new(KEY).unwrap(), Header::Tidegate, &[]).unwrap()
}

fn request() -> JobRequest {
    JobRequest::of_dataset(gateway(), destination(), [])
}

#[tokio::test]
async fn a_job_is_made_listed_read_changed_and_deleted() {
    let mock = Mock::start();
    let (client, scope) = (client(&mock), account());
    assert_eq!(client.jobs(&scope).await.unwrap().len(), 0);
    let job = client.create_job(&scope, &request()).await.unwrap();
    assert_eq!((job.id, job.enabled, job.dataset.as_deref()), (JobId(100), true, Some("gateway_dns")));
    assert_eq!(job.destination_conf, destination());
    assert_eq!(client.job(&scope, job.id).await.unwrap().id, job.id);
    assert_eq!(client.jobs_of(&scope, "gateway_dns").await.unwrap().len(), 1);
    assert_eq!(client.jobs_of(&scope, "gateway_http").await.unwrap().len(), 0);
    assert!(client.destination_exists(&scope, &destination()).await.unwrap());
    mock.state().jobs[0]["output_options"]["sample_rate"] = json!(0.5);
    let wanted = Wanted::new(gateway(), Vec::new(), Some(URL), WantedKey::Any).unwrap();
    let seen = client.job(&scope, job.id).await.unwrap();
    let plan = plan(&seen, &wanted, None);
    let changed = client.update_if_unchanged(&scope, &seen, &plan.update).await.unwrap();
    assert_eq!(verify(&changed, &wanted), []);
    client.delete_job(&scope, job.id).await.unwrap();
    let gone = client.job(&scope, job.id).await.unwrap_err();
    assert_eq!((gone.status(), gone.code()), (Some(404), Some(1001)));
    assert!(gone.to_string().contains("does not exist"), "{gone}");
    assert_eq!(mock.paths()[1], format!("POST accounts/{ACCOUNT}/logpush/jobs"));
}

#[tokio::test]
async fn every_dataset_and_both_ways_conform_to_the_schema() {
    let mock = Mock::start();
    let client = client(&mock);
    for dataset in &DATASETS {
        let scope = match dataset.level {
            Level::Account => account(),
            Level::Zone => Scope::zone(ZONE).unwrap(),
        };
        let plain = client.create_job(&scope, &JobRequest::of_dataset(dataset, destination(), [])).await.unwrap();
        assert_eq!(plain.known_dataset().unwrap().format, dataset.format);
        let compat = client.create_job(&scope, &JobRequest::compat(dataset, destination())).await.unwrap();
        assert!(compat.is_old_style());
        let wanted =
            Wanted::new(dataset, Vec::new(), Some(URL), WantedKey::Exact(IntakeKey::new(KEY).unwrap())).unwrap();
        assert_eq!(verify(&plain, &wanted), [], "{}", dataset.name);
        let update = plan(&compat, &wanted, Some(&destination())).update;
        if !update.is_empty() {
            client.update_job(&scope, compat.id, &update).await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_schema_of_the_mock_refuses_what_it_should() {
    let mock = Mock::start();
    let http = reqwest::Client::new();
    let send = async |method: reqwest::Method, path: &str, body: Value| {
        let url = format!("{}/client/v4/accounts/{ACCOUNT}/logpush/{path}", mock.url);
        let request = http.request(method, url).header("Authorization", format!("Bearer {TOKEN}"));
        request
            .header("Content-Type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let post = reqwest::Method::POST;
    assert_eq!(send(post.clone(), "jobs", json!({"destination_conf": "https://x"})).await, 200);
    for body in [
        json!({}),
        json!([]),
        json!({"destination_conf": 1}),
        json!({"destination_conf": "x", "surprise": 1}),
        json!({"destination_conf": "x", "dataset": "gateway-dns"}),
        json!({"destination_conf": "x", "max_upload_bytes": 4_999_999}),
        json!({"destination_conf": "x", "max_upload_records": 999}),
        json!({"destination_conf": "x", "max_upload_interval_seconds": 301}),
        json!({"destination_conf": "x", "output_options": {"timestamp_format": "rfc2822"}}),
        json!({"destination_conf": "x", "output_options": {"sample_rate": 0}}),
        json!({"destination_conf": "x", "output_options": {"field_names": []}}),
        json!({"destination_conf": "x", "output_options": {"fields": ["A"]}}),
    ] {
        assert_eq!(send(post.clone(), "jobs", body.clone()).await, 400, "{body}");
    }
    assert_eq!(send(reqwest::Method::PUT, "jobs/100", json!({"dataset": "gateway_dns"})).await, 400);
    assert_eq!(send(post, "validate/destination", json!({"destination_conf": "x", "name": "y"})).await, 400);
}

#[tokio::test]
async fn datasets_destinations_and_ownership_are_asked_about() {
    let mock = Mock::start();
    let (client, scope) = (client(&mock), account());
    let fields = client.fields(&scope, "gateway_dns").await.unwrap();
    assert_eq!(fields["QueryID"], "string");
    assert_eq!(client.default_fields(&scope, "gateway_dns").await.unwrap(), ["Datetime", "QueryName"]);
    assert!(client.fields(&scope, "../jobs").await.unwrap_err().is_usage());
    assert!(client.validate_destination(&scope, &destination()).await.unwrap().valid);
    mock.state().upload_fails = Some("error writing object: error uploading to https://t/?header_K=tgi_secret");
    let validity = client.validate_destination(&scope, &destination()).await.unwrap();
    assert!(!validity.valid && validity.message.contains("error uploading") && !validity.message.contains("secret"));
    assert!(!client.destination_exists(&scope, &destination()).await.unwrap());
    assert!(client.validate_origin(&scope, "fields=Datetime").await.unwrap().valid);
    let bucket = Destination::new("s3://bucket/logs?region=eu-west-1");
    assert_eq!(client.challenge_ownership(&scope, &bucket).await.unwrap(), "logs/ownership-challenge.txt");
    assert!(client.validate_ownership(&scope, &bucket, &Challenge("right".to_owned())).await.unwrap());
    assert!(!client.validate_ownership(&scope, &bucket, &Challenge("wrong".to_owned())).await.unwrap());
}

#[tokio::test]
async fn tokens_of_users_and_of_accounts_are_verified() {
    let mock = Mock::start();
    let client = client(&mock);
    let of_user = client.verify_token(None).await.unwrap();
    assert_eq!((of_user.id.as_str(), of_user.status), (TOKEN_ID, TokenStatus::Active));
    mock.state().of_account = true;
    assert_eq!(client.verify_token(None).await.unwrap_err().code(), Some(1000));
    mock.state().token_expires = Some("2030-01-01T00:00:00Z");
    let of_account = client.verify_token(Some(&account())).await.unwrap();
    assert_eq!(of_account.expires.unwrap().to_string(), "2030-01-01T00:00:00Z");
}

#[tokio::test]
async fn missing_permissions_are_named_however_they_are_found_out() {
    let mock = Mock::start();
    let client = client(&mock);
    let held = async || {
        let token = client.verify_token(None).await.unwrap();
        let permissions = client.permissions(&account(), gateway(), &token).await.unwrap();
        permissions.into_iter().map(|permission| (permission.name, permission.held)).collect::<Vec<_>>()
    };
    for reads_itself in [false, true] {
        mock.state().reads_itself = reads_itself;
        mock.state().may_edit_logs = true;
        mock.state().may_read_pii = true;
        assert_eq!(held().await, [("Logs: Edit", Some(true)), ("Zero Trust: PII Read", Some(true))]);
        mock.state().may_read_pii = false;
        assert_eq!(held().await, [("Logs: Edit", Some(true)), ("Zero Trust: PII Read", Some(false))]);
        mock.state().may_edit_logs = false;
        let pii = if reads_itself { Some(false) } else { None };
        assert_eq!(held().await, [("Logs: Edit", Some(false)), ("Zero Trust: PII Read", pii)]);
    }
}

#[tokio::test]
async fn a_missing_permission_is_one_sentence_with_its_code() {
    let mock = Mock::start();
    mock.state().may_read_pii = false;
    let text = client(&mock).create_job(&account(), &request()).await.unwrap_err().to_string();
    for part in ["create the job", "gateway_dns", "(code 1004)", "`Logs: Edit`", "`Zero Trust: PII Read`"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains('\n'));
}

#[tokio::test]
async fn what_users_get_wrong_is_told() {
    let mock = Mock::start();
    let stranger = Client::new(ApiUrl::parse(&mock.url).unwrap(), ApiToken::new("cf_wrong").unwrap()).unwrap();
    let wrong = stranger.verify_token(Some(&account())).await.unwrap_err().to_string();
    assert!(
        wrong.contains("(code 1000)") && wrong.contains("make a new one") && !wrong.contains("cf_wrong"),
        "{wrong}"
    );
    let refused = stranger.jobs(&account()).await.unwrap_err().to_string();
    assert!(refused.contains("(code 10000)") && refused.contains("expired"), "{refused}");
    let client = client(&mock);
    let unknown =
        client.jobs(&Scope::account("ffffffffffffffffffffffffffffffff").unwrap()).await.unwrap_err().to_string();
    assert!(unknown.contains("no right for this account"), "{unknown}");
    let zone = client.jobs(&Scope::zone("ffffffffffffffffffffffffffffffff").unwrap()).await.unwrap_err().to_string();
    assert!(zone.contains("(code 7003)") && zone.contains("32 letters"), "{zone}");
    mock.state().upload_fails = Some("error writing object: error uploading");
    let upload = client.create_job(&account(), &request()).await.unwrap_err().to_string();
    assert!(upload.contains("trusted TLS") && !upload.contains(KEY), "{upload}");
}

#[tokio::test]
async fn a_job_that_someone_changed_meanwhile_is_left_alone() {
    let mock = Mock::start();
    let (client, scope) = (client(&mock), account());
    let seen = client.create_job(&scope, &request()).await.unwrap();
    let update = tidegate_logpush::JobUpdate { enabled: Some(false), ..Default::default() };
    // Progress is no change.
    mock.state().jobs[0]["last_complete"] = json!("2026-11-22T10:00:00Z");
    client.update_if_unchanged(&scope, &seen, &update).await.unwrap();
    let error = client.update_if_unchanged(&scope, &seen, &update).await.unwrap_err();
    assert!(matches!(&error, LogpushError::Changed { what, .. } if what == "enabled"), "{error}");
    mock.state().jobs.clear();
    assert_eq!(client.update_if_unchanged(&scope, &seen, &update).await.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn only_429_and_5xx_are_tried_again() {
    for (status, calls) in [(429, 3), (500, 3), (502, 3), (503, 3), (400, 1), (401, 1), (403, 1), (404, 1), (409, 1)] {
        let mock = Mock::start();
        mock.state().next.extend((0..5).map(|_| error(status, 1, "x")));
        let refused = client(&mock).jobs(&account()).await.unwrap_err();
        assert_eq!((refused.status(), mock.paths().len()), (Some(status), calls));
        assert_eq!(refused.to_string().contains("third attempt"), calls == 3, "{refused}");
    }
    let mock = Mock::start();
    mock.state().next.extend([error(503, 1, "x"), Response::text(502, "<html>bad gateway</html>")]);
    assert_eq!(client(&mock).jobs(&account()).await.unwrap().len(), 0);
}

#[tokio::test]
async fn retry_after_is_waited_for_within_bounds() {
    let mock = Mock::start();
    mock.state().next.push_back(error(429, 971, "slow down").with("Retry-After", "1"));
    let patient = Retry { attempts_max: 2, pause: Duration::from_millis(1), pause_max: Duration::from_secs(5) };
    let start = Instant::now();
    client(&mock).with_retry(patient).jobs(&account()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    mock.state().next.push_back(error(429, 971, "slow down").with("Retry-After", "86400"));
    let start = Instant::now();
    client(&mock).jobs(&account()).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "bounded by `pause_max`");
}

#[tokio::test]
async fn a_job_is_not_made_twice_when_the_answer_got_lost() {
    let mock = Mock::start();
    let (client, scope) = (client(&mock), account());
    client.create_job(&scope, &request()).await.unwrap();
    // The server made the job, but its answer was an error of a proxy.
    mock.state().next.push_back(Response::text(502, "bad gateway"));
    let job = client.create_job(&scope, &request()).await.unwrap();
    assert_eq!((job.id, mock.state().jobs.len()), (JobId(100), 1));
    // It had not made it.
    mock.state().jobs.clear();
    mock.state().next.push_back(error(500, 1, "x"));
    client.create_job(&scope, &request()).await.unwrap();
    assert_eq!(mock.state().jobs.len(), 1);
}

#[tokio::test]
async fn all_pages_are_read() {
    let mock = Mock::start();
    let (client, scope) = (client(&mock), account());
    for _ in 0..7 {
        client.create_job(&scope, &request()).await.unwrap();
    }
    mock.state().page_size = 3;
    assert_eq!(client.jobs(&scope).await.unwrap().len(), 7);
    assert_eq!(client.jobs_of(&scope, "gateway_dns").await.unwrap().len(), 7);
    assert!(mock.paths().last().unwrap().ends_with("?page=3"));
}

#[tokio::test]
async fn answers_that_are_none_are_told() {
    let cases = [
        (Response::text(200, "<!DOCTYPE html><html>login</html>"), "a web page instead of JSON"),
        (Response::text(403, "<html>blocked</html>"), "a web page"),
        (Response::text(200, "fine"), "something else"),
        (Response::text(200, "[1]"), "something else"),
        (Response::text(400, ""), "nothing"),
        (Response::text(302, "").with("Location", "https://elsewhere.example"), "a redirection"),
        (Response::json(200, &json!({"success": true, "result": {"x": 1}})), "something unexpected"),
        (Response::json(200, &json!({"success": true, "result": [{"id": 1}]})), "destination_conf"),
        (Response::json(200, &json!({"success": false, "errors": []})), "status 200"),
    ];
    for (response, part) in cases {
        let mock = Mock::start();
        mock.state().next.push_back(response.clone());
        let text = client(&mock).jobs(&account()).await.unwrap_err().to_string();
        assert!(text.contains(part), "{response:?}: {text}");
    }
    let mock = Mock::start();
    mock.state().next.push_back(Response::json(200, &json!({"success": true, "result": null})));
    assert_eq!(client(&mock).jobs(&account()).await.unwrap().len(), 0, "no jobs may be `null`");
    let huge = format!("{{\"result\":\"{}\"}}", "x".repeat(17 << 20));
    mock.state().next.push_back(Response::text(200, &huge));
    assert!(client(&mock).jobs(&account()).await.unwrap_err().to_string().contains("more than"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let mock = Mock::start();
    let url = mock.url.clone();
    drop(mock);
    let client = Client::new(ApiUrl::parse(&url).unwrap(), ApiToken::new(TOKEN).unwrap()).unwrap();
    let text = client.jobs(&account()).await.unwrap_err().to_string();
    assert!(text.contains("cannot reach the Cloudflare API") && text.contains("refused"), "{text}");
}

#[tokio::test]
async fn nothing_that_prints_shows_the_token_or_the_key() {
    let mock = Mock::start();
    let (client, scope) = (client(&mock), account());
    let job = client.create_job(&scope, &request()).await.unwrap();
    let wanted = Wanted::new(gateway(), Vec::new(), Some("https://other.example"), WantedKey::Judged(false)).unwrap();
    let differences = verify(&job, &wanted);
    assert!(differences.iter().any(|difference| difference.aspect == Aspect::Destination));
    let printed = format!(
        "{client:?} {job:?} {} {:?} {} {differences:?} {}",
        job.shown(),
        request(),
        request().shown(),
        request().curl(client.api(), &scope)
    );
    assert!(!printed.contains(TOKEN) && !printed.contains(KEY), "{printed}");
}
