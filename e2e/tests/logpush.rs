//! The drill: a server that behaves like Cloudflare makes jobs for the real binary, and sends logs as Logpush does.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../../crates/logpush/tests/support/mod.rs"]
mod support;

#[path = "logpush/notices.rs"]
mod notices;
#[path = "logpush/sender.rs"]
mod sender;
#[path = "logpush/verbs.rs"]
mod verbs;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use sender::Sender;
use serde_json::{Value, json};
use support::http::Response;
use support::{ACCOUNT, Mock, TOKEN};
use tidegate_e2e::{Http, Output, Records, Server, command, eventually, gzip, repository, run_within, within};

const RUN_TIME_MAX: Duration = Duration::from_secs(60);
/// A look of the watch every ten seconds, and some.
const LOOKED: Duration = Duration::from_secs(40);
/// Logpush gives up when nothing moves for so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// What Logpush is to be taken at, uncompressed.
const BYTES_A_SECOND: f64 = 100e6;

fn certificate() -> PathBuf {
    repository().join("crates/server/src/serve/test-certificate.pem")
}

/// A server with TLS whose certificate it trusts itself, and `more` in its configuration.
fn server(more: &str, environment: &[(&str, &str)]) -> Server {
    let key = certificate().with_file_name("test-key.pem");
    let tls = format!("tls_certificate = \"{}\"\ntls_key = \"{}\"", certificate().display(), key.display());
    let authority = certificate().display().to_string();
    let environment = [&[("SSL_CERT_FILE", authority.as_str())], environment].concat();
    Server::start_in(&format!("[server]\n{tls}\n{more}"), &trusting(), &environment)
}

fn trusting() -> Http {
    Http::trusting(&fs::read(certificate()).unwrap())
}

/// A verb of `tidegate logpush`, asking the mock with this token.
fn verb(mock: &Mock, token: &str, arguments: &[&str]) -> Command {
    let mut command = command();
    command.arg("logpush").args(arguments).args(["--account", ACCOUNT, "--api-url", &mock.url]);
    command.env("CLOUDFLARE_API_TOKEN", token).env("SSL_CERT_FILE", certificate());
    command
}

fn logpush(mock: &Mock, arguments: &[&str]) -> Output {
    run_within(verb(mock, TOKEN, arguments), b"", RUN_TIME_MAX)
}

/// As [`logpush`], for an intake of the server.
fn logpush_on(mock: &Mock, server: &Server, arguments: &[&str]) -> Output {
    let mut command = verb(mock, TOKEN, arguments);
    command.args(["--url", server.url()]).env("TIDEGATE_TOKEN", server.admin().token());
    run_within(command, b"", RUN_TIME_MAX)
}

/// A mock that sends its validation uploads.
fn cloudflare() -> Mock {
    let mock = Mock::start();
    let mut sender = Sender::new(trusting());
    mock.state().upload = Some(Box::new(move |to| sender.validate(to)));
    mock
}

#[test]
fn a_job_is_made_and_every_record_is_stored_once() {
    let (mock, server) = (cloudflare(), server("", &[]));
    let create = ["create", "gateway", "--public-url", server.url(), "--allow-private", "--json"];
    let lines = logpush_on(&mock, &server, &create).lines();
    let steps: Vec<&str> = lines.iter().filter_map(|line| line["step"].as_str()).collect();
    let expected = ["token", "permissions", "permissions", "address", "fields", "jobs", "destination"];
    assert_eq!(steps, expected, "{lines:?}");
    let key = lines.iter().find_map(|line| line["key"].as_str()).expect("the key is shown once").to_owned();
    let job = mock.state().jobs[0].clone();
    let to = job["destination_conf"].as_str().unwrap().to_owned();
    assert!(to.ends_with(&format!("/plain/batch?header_X-Tidegate-Intake-Key={key}")), "{to}");
    assert_eq!(job["output_options"]["timestamp_format"], "rfc3339ns");
    assert_eq!(lines.last().unwrap()["id"], job["id"]);
    assert!(!lines.last().unwrap().to_string().contains(&key), "masked from here on");
    assert_eq!(server.admin().total("*"), 0, "a validation upload is no event");

    let sender = Sender::new(trusting());
    let mut records = Records::new("drill");
    for count in [1_000, 1, 999] {
        assert_eq!(sender.send(&to, &gzip(records.lines(count).as_bytes())).unwrap().event_ids().len(), count);
    }
    // A stall within Logpush's patience, and a connection that is cut before the answer: the batch comes again.
    let stalled = gzip(records.lines(500).as_bytes());
    assert_eq!(sender.send_slowly(&to, &stalled, Duration::from_secs(3)).unwrap().event_ids().len(), 500);
    let cut = gzip(records.lines(700).as_bytes());
    sender.send_and_leave(&to, &cut).unwrap();
    let again = sender.send(&to, &cut).unwrap().event_ids();
    assert_eq!((again.len(), sender.send(&to, &cut).unwrap().event_ids()), (700, again));
    for _ in 0..20 {
        assert_eq!(sender.send(&to, &gzip(records.lines(1).as_bytes())).unwrap().event_ids().len(), 1);
    }
    server.admin().wait_for("*", records.made());
    let ids = server.admin().ids();
    assert_eq!(ids.len() as u64, records.made(), "each record once");
}

#[test]
fn a_hundred_megabytes_a_second_are_taken() {
    let (mock, server) = (cloudflare(), server("", &[]));
    let create = ["create", "gateway", "--public-url", server.url(), "--allow-private"];
    let told = logpush_on(&mock, &server, &create).ok();
    assert!(told.contains("job 100 made; the first batches come within 10 to 15 minutes"), "{told}");
    let to = mock.state().jobs[0]["destination_conf"].as_str().unwrap().to_owned();
    let mut records = Records::new("load");
    let batches: Vec<(usize, Vec<u8>)> = (0..10)
        .map(|_| {
            let lines = records.lines(15_000);
            (lines.len(), gzip(lines.as_bytes()))
        })
        .collect();
    let bytes: usize = batches.iter().map(|(bytes, _)| bytes).sum();
    let sender = Sender::new(trusting());
    let started = Instant::now();
    let mut due = Duration::ZERO;
    std::thread::scope(|scope| {
        for (bytes, body) in &batches {
            std::thread::sleep(due.saturating_sub(started.elapsed()));
            due += Duration::from_secs_f64(*bytes as f64 / BYTES_A_SECOND);
            let (sender, to) = (&sender, &to);
            scope.spawn(move || {
                let begun = Instant::now();
                assert_eq!(sender.send(to, body).unwrap().event_ids().len(), 15_000);
                assert!(begun.elapsed() < PATIENCE, "answered after {:?}", begun.elapsed());
            });
        }
    });
    assert!(bytes as f64 > 2.0 * BYTES_A_SECOND, "two seconds of load: {bytes} bytes");
    let rows = "SELECT count(*) FROM events";
    within(Duration::from_secs(120), "every record is stored", || {
        let count = server.admin().number(rows);
        assert!(count <= records.made(), "{count}");
        (count == records.made()).then_some(())
    });
    let distinct = server.admin().number("SELECT count(DISTINCT \"cloudflare.QueryID\") FROM events");
    assert_eq!(distinct, records.made());
}

/// A server that watches the account, and `more` of its section.
fn watching(mock: &Mock, more: &str) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.keep().join("token");
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let section = format!(
        "[logpush]\ntoken_file = \"{}\"\naccounts = [\"{ACCOUNT}\"]\ninterval = \"10s\"\nallow_private = true\napi_url = \"{}\"\n{more}",
        file.display(),
        mock.url
    );
    server(&section, &[])
}

fn overview(server: &Server) -> Value {
    server.admin().get("logpush/jobs")
}

/// The first job of the overview, once `holds` does.
#[track_caller]
fn job_when(server: &Server, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    within(LOOKED, what, || Some(overview(server)["jobs"][0].clone()).filter(|job| job.is_object() && holds(job)))
}

fn kinds(job: &Value) -> Vec<&str> {
    job["warnings"].as_array().unwrap().iter().filter_map(|warning| warning["kind"].as_str()).collect()
}

fn ago(minutes: u64) -> String {
    let at = std::time::SystemTime::now() - Duration::from_secs(60 * minutes);
    let seconds = at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    sender::rfc3339(seconds)
}

fn wish(server: &Server) -> Value {
    json!({"scope": {"level": "account", "id": ACCOUNT}, "dataset": "gateway_dns", "intake": "gateway", "public_url": server.url()})
}

#[test]
fn the_watch_hears_of_trouble_before_cloudflare_gives_up() {
    let mock = cloudflare();
    let server = watching(&mock, "");
    let empty = overview(&server);
    assert_eq!((&empty["watching"], &empty["token_known"]), (&json!(true), &json!(true)), "{empty}");
    let dry = server.admin().post("logpush/jobs", &with(&wish(&server), json!({"dry_run": true})));
    assert!(
        dry["ready"] == true && dry["job"].is_null() && dry["curl"].as_str().unwrap().starts_with("curl "),
        "{dry}"
    );
    assert_eq!((mock.state().jobs.len(), server.admin().get("intakes")), (0, json!([])), "nothing was made");
    mock.state().fields.push("Tomorrow");
    let made = server.admin().ask("POST", "logpush/jobs", Some(&wish(&server))).expect(201).json();
    let (id, key) = (made["job"]["id"].as_u64().unwrap(), made["key"].as_str().unwrap().to_owned());
    assert_eq!((&made["job"]["intake"]["name"], &made["job"]["state"]), (&json!("gateway"), &json!("starting")));
    let job = job_when(&server, "the watch finds the job and its new field", |job| kinds(job) == ["drift"]);
    assert!(job["warnings"][0]["sentence"].as_str().unwrap().contains("Tomorrow"), "{job}");
    assert_eq!(job["warnings"][0]["severity"], "note");

    mock.state().jobs[0]["last_complete"] = json!(ago(1));
    job_when(&server, "it delivers", |job| job["state"] == "healthy" && job["lag_seconds"].as_u64() < Some(600));
    for (name, value) in [
        ("last_complete", json!(ago(31))),
        ("last_error", json!(ago(1))),
        ("error_message", json!("1102 ConnectionTimeout")),
    ] {
        mock.state().jobs[0][name] = value;
    }
    let job = job_when(&server, "half an hour of failing is told", |job| kinds(job).contains(&"failing"));
    let warning = &job["warnings"][0];
    assert_eq!((&job["state"], &warning["severity"]), (&json!("failing"), &json!("breaking")));
    assert!(warning["sentence"].as_str().unwrap().starts_with("uploads have failed for 3"), "{warning}");
    assert!(warning["advice"].as_str().unwrap().contains("Cloudflare switches the job off at about"), "{warning}");
    let log = server.log();
    assert_eq!(log.matches("uploads have failed for").count(), 1, "told once: {log}");
    assert!(!log.contains(&key) && !log.contains(TOKEN), "{log}");
    let metrics = server
        .http()
        .send(&server.request("GET", "/metrics").header("Authorization", format!("Bearer {}", server.admin().token())));
    let metrics = metrics.unwrap().expect(200).text();
    let labels = format!("{{job=\"{id}\",dataset=\"gateway_dns\",intake=\"gateway\"}}");
    assert!(metrics.contains(&format!("tidegate_logpush_job_failing{labels} 1")), "{metrics}");
    assert!(metrics.contains(&format!("tidegate_logpush_job_lag_seconds{labels} ")), "{metrics}");

    mock.state().jobs[0]["error_message"] = Value::Null;
    mock.state().jobs[0]["last_error"] = Value::Null;
    mock.state().jobs[0]["last_complete"] = json!(ago(1));
    job_when(&server, "it is well again", |job| !kinds(job).contains(&"failing"));
    eventually("the log says so", || server.log().contains("is well again: failing"));
    mock.state().jobs.clear();
    job_when(&server, "somebody deleted it", |job| job["state"] == "gone" && kinds(job) == ["gone"]);
    mock.state().next.push_back(Response::text(200, "<!doctype html><html>log in</html>"));
    let trouble = within(LOOKED, "a login page is told", || {
        overview(&server)["errors"][0]["sentence"].as_str().map(str::to_owned)
    });
    assert!(trouble.contains("a web page instead of JSON: check"), "{trouble}");
}

fn with(wish: &Value, more: Value) -> Value {
    let mut wish = wish.clone();
    wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    wish
}

#[test]
fn a_job_that_somebody_changed_is_compared_and_mended() {
    let mock = cloudflare();
    let server = watching(&mock, "");
    let made = server.admin().ask("POST", "logpush/jobs", Some(&wish(&server))).expect(201).json();
    let number = made["job"]["id"].to_string();
    let look = json!({"public_url": server.url()});
    let verify = || server.admin().post(&format!("logpush/jobs/{number}/verify"), &look);
    let fine = verify();
    assert_eq!((&fine["differences"], &fine["update"]), (&json!([]), &Value::Null), "{fine}");
    mock.state().jobs[0]["enabled"] = json!(false);
    mock.state().jobs[0]["output_options"]["sample_rate"] = json!(0.5);
    let changed = verify();
    let aspects: Vec<_> = changed["differences"].as_array().unwrap().iter().map(|one| one["aspect"].clone()).collect();
    assert_eq!(aspects, ["enabled", "sample_rate"], "{changed}");
    assert_eq!(changed["update"]["request"]["enabled"], true);
    let told = logpush(&mock, &["verify", &number, "--public-url", server.url()]);
    assert!(told.code == Some(1) && told.out.contains("rules that count go wrong"), "{told:?}");

    // Somebody else is quicker; then nobody is.
    let update = |seen: &Value| {
        let body = with(&look, json!({"seen": seen}));
        server.admin().ask("POST", &format!("logpush/jobs/{number}/update"), Some(&body))
    };
    mock.state().jobs[0]["filter"] = json!(r#"{"where":{"key":"RCode","operator":"eq","value":3}}"#);
    let refused = update(&changed["seen"]).refusal(409);
    assert!(refused.contains("changed by someone else meanwhile (filter)"), "{refused}");
    assert_eq!(mock.state().jobs[0]["enabled"], false, "nothing was sent");
    let done = update(&verify()["seen"]).expect(200).json();
    assert_eq!((&done["changed"], done["mended"].as_array().unwrap().len()), (&json!(true), 3), "{done}");
    let job = mock.state().jobs[0].clone();
    assert_eq!((&job["enabled"], &job["filter"]), (&json!(true), &json!("")));
    assert_eq!(verify()["differences"], json!([]));

    // A foreign key: only a rotated one can mend it, and Access headers of the destination stay.
    let to = format!(
        "{}/plain/batch?header_X-Tidegate-Intake-Key=tgi_somebody_elses&header_CF-Access-Client-Id=x",
        server.url()
    );
    mock.state().jobs[0]["destination_conf"] = json!(to);
    let foreign = verify();
    assert_eq!(foreign["differences"][0]["aspect"], "key");
    assert_eq!(
        (&foreign["differences"][0]["needs_key"], &foreign["update"]),
        (&json!(true), &Value::Null),
        "{foreign}"
    );
    let body = with(&look, json!({"seen": foreign["seen"], "rotate_key": true, "intake": "gateway"}));
    let path = format!("logpush/jobs/{number}/update");
    let done = server.admin().ask("POST", &path, Some(&body)).expect(200).json();
    let key = done["key"].as_str().unwrap();
    let expected =
        format!("{}/plain/batch?header_X-Tidegate-Intake-Key={key}&header_CF-Access-Client-Id=x", server.url());
    assert_eq!(mock.state().jobs[0]["destination_conf"], json!(expected));
    let sent = Sender::new(trusting()).send(&expected, &gzip(Records::new("mended").lines(3).as_bytes())).unwrap();
    assert_eq!(sent.event_ids().len(), 3);

    // A header by name takes the place of its older value; the key stays.
    let access = json!([{"name": "CF-Access-Client-Id", "value": "y"}]);
    let other = with(&look, json!({"seen": verify()["seen"], "headers": access}));
    server.admin().ask("POST", &path, Some(&other)).expect(200);
    assert_eq!(mock.state().jobs[0]["destination_conf"], json!(expected.replace("Client-Id=x", "Client-Id=y")));

    let viewer = server.login("admin", server.password()).token("looks", "viewer");
    let viewer = server.session(&viewer);
    assert_eq!(viewer.get("logpush/jobs")["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(viewer.ask("POST", &path, Some(&body)).status, 403);
    assert_eq!(server.admin().ask("DELETE", &format!("logpush/jobs/{number}"), None).status, 204);
    assert!(mock.state().jobs.is_empty());
    let trail = server.admin().get("audit?action=logpush_job").to_string();
    for action in ["logpush_job.create", "logpush_job.update", "logpush_job.delete"] {
        assert!(trail.contains(action), "{action}: {trail}");
    }
    assert!(!trail.contains(key), "{trail}");
}

#[test]
fn every_mistake_is_a_sentence_that_says_what_to_do() {
    let (mock, server) = (cloudflare(), server("", &[]));
    let create = ["create", "gateway", "--public-url", server.url(), "--allow-private"];
    let with_token = |token: &str| {
        let mut command = verb(&mock, token, &create);
        command.args(["--url", server.url()]).env("TIDEGATE_TOKEN", server.admin().token());
        run_within(command, b"", RUN_TIME_MAX)
    };
    let says = |output: Output, part: &str| {
        assert!(matches!(output.code, Some(2 | 4)), "{output:?}");
        let told = format!("{}{}", output.out, output.err);
        assert!(told.contains(part), "{part}\n{told}");
    };
    says(with_token("cf_wrong"), "make a new one under My Profile, API Tokens");
    mock.state().may_read_pii = false;
    says(with_token(TOKEN), "the token lacks `Zero Trust: PII Read`");
    mock.state().may_read_pii = true;
    let mut elsewhere = command();
    elsewhere.args(["logpush", "list", "--account", "ffffffffffffffffffffffffffffffff", "--api-url", &mock.url]);
    elsewhere.env("CLOUDFLARE_API_TOKEN", TOKEN);
    says(run_within(elsewhere, b"", RUN_TIME_MAX), "the token itself works, so it has no right here");
    says(logpush(&mock, &["show", "7"]), "job not found (code 1001); the account, zone or job does not exist");
    mock.state().next.push_back(Response::text(200, "<html>log in</html>"));
    says(logpush(&mock, &["list"]), "a web page instead of JSON: check the address of the API");
    let away = logpush_on(&mock, &server, &["create", "x", "--public-url", "https://127.0.0.1:1", "--allow-private"]);
    says(away, "the connection was refused: nothing listens there");
    let private = logpush_on(&mock, &server, &["create", "x", "--public-url", server.url()]);
    says(private, "Cloudflare needs a public address, or a Tunnel");
    says(logpush_on(&mock, &server, &["create", "x", "--public-url", "http://t.example"]), "over trusted TLS only");
    let expired = sender::expired(&repository().join("crates/logpush/tests/support/tls"));
    let mut command =
        verb(&mock, TOKEN, &["create", "x", "--public-url", &expired.url, "--allow-private", "--dry-run"]);
    command.env("SSL_CERT_FILE", &expired.authority);
    says(run_within(command, b"", RUN_TIME_MAX), "its certificate has expired: renew it");
    assert!(mock.state().jobs.is_empty());
    assert_eq!(server.admin().get("intakes"), json!([]), "no intake is left behind");
    // Cloudflare refuses at the very end: the intake is taken back.
    mock.state().upload = None;
    mock.state().upload_fails = Some("error writing object: error uploading");
    says(with_token(TOKEN), "Cloudflare's validation upload failed");
    assert_eq!(server.admin().get("intakes"), json!([]));
}
