//! What each verb says, to people and to scripts, when all is well and when it is not.

use std::process::Command;

use serde_json::{Value, json};
use tidegate_e2e::{Output, command, run_within};

use crate::support::http::Response;
use crate::support::{ACCOUNT, Mock, TOKEN, ZONE};
use crate::{RUN_TIME_MAX, verb};

const KEY: &str = "tgi_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
const SECRET: &str = "0123access9876";

fn run(command: Command) -> Output {
    run_within(command, b"", RUN_TIME_MAX)
}

fn says(mock: &Mock, arguments: &[&str]) -> Output {
    run(verb(mock, TOKEN, arguments))
}

/// A job that differs in much, with two secrets in its destination.
fn odd_job(mock: &Mock) {
    mock.state().jobs = vec![json!({
        "id": 7, "name": "office", "dataset": "gateway_dns", "enabled": false, "filter": "", "logpull_options": null,
        "destination_conf": format!("https://t.example/plain/batch?header_X-Tidegate-Intake-Key={KEY}&header_CF-Access-Client-Secret={SECRET}"),
        "output_options": {"field_names": ["Datetime", "SrcIP", "Old"], "timestamp_format": "rfc3339ns", "sample_rate": 0.5},
        "max_upload_bytes": 0, "max_upload_records": 0, "max_upload_interval_seconds": 30, "last_complete": null,
        "last_error": null, "error_message": format!("error uploading: header_X-Tidegate-Intake-Key={KEY}: status code 401"),
    })];
}

#[test]
fn no_verb_prints_a_secret() {
    let mock = Mock::start();
    odd_job(&mock);
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["show", "7"],
        &["show", "7", "--json"],
        &["verify", "7", "--public-url", "https://t.example"],
        &["verify", "7", "--public-url", "https://t.example", "--json"],
        &["update", "7", "--public-url", "https://new.example", "--dry-run"],
        &["update", "7", "--public-url", "https://new.example", "--dry-run", "--json"],
        &["update", "7", "--public-url", "https://new.example", "--yes"],
        &["delete", "7", "--dry-run"],
        &["delete", "7"],
        &["delete", "7", "--yes", "--json"],
    ] {
        let Output { out, err, .. } = says(&mock, arguments);
        for secret in [KEY, SECRET, TOKEN] {
            assert!(!out.contains(secret) && !err.contains(secret), "{arguments:?}\n{out}\n{err}");
        }
    }
    assert!(mock.state().jobs.is_empty(), "the last one deleted it");
    assert_eq!(mock.paths().iter().filter(|call| call.starts_with("PUT ")).count(), 1, "a dry run sends nothing");
}

#[test]
fn a_script_is_told_as_much_as_a_person() {
    let mock = Mock::start();
    odd_job(&mock);
    let compared = says(&mock, &["verify", "7", "--json"]);
    assert_eq!(compared.code, Some(1), "{compared:?}");
    let rows: Vec<Value> = compared.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| rows.iter().filter_map(|row| row[name].as_str()).collect::<Vec<_>>();
    assert!(of("aspect").starts_with(&["enabled", "failing", "sample_rate"]), "{rows:?}");
    assert!(!of("aspect").contains(&"fields_extra"), "a field that Cloudflare gave up is told once: {rows:?}");
    assert_eq!(of("not_compared"), ["destination", "key"], "{rows:?}");

    let dry = says(&mock, &["update", "7", "--dry-run", "--json"]).lines();
    let aspects = |of: &Value| of.as_array().unwrap().iter().map(|one| one["aspect"].clone()).collect::<Vec<_>>();
    assert_eq!(aspects(&dry[0]["stays"]), ["failing"], "{dry:?}");
    assert!(aspects(&dry[0]["mends"]).contains(&json!("sample_rate")) && dry[0]["dry_run"] == true, "{dry:?}");
    let said = says(&mock, &["update", "7", "--public-url", "https://new.example", "--dry-run"]).ok();
    assert!(said.contains("Intake-Key='\"${TIDEGATE_INTAKE_KEY:?}\"'&header_CF-Access-Client-Secret='\"${CF_ACCESS_CLIENT_SECRET:?}\"'"), "{said}");
    assert!(said.contains("nothing was sent, since this was a dry run: job 7 is as it was"), "{said}");
    assert!(says(&mock, &["update", "7"]).failed(2).contains("--yes goes on without asking"));
    let _ = says(&mock, &["update", "7", "--yes"]).ok();
    let left = says(&mock, &["update", "7", "--json"]).lines();
    assert_eq!((&left[0]["changed"], aspects(&left[0]["stays"])), (&json!(false), vec![json!("failing")]), "{left:?}");
}

#[test]
fn an_update_sets_the_headers_of_an_access_token() {
    let mock = Mock::start();
    odd_job(&mock);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "newer+9876\n").unwrap();
    let header = format!("CF-Access-Client-Secret={}", file.display());
    let update = ["update", "7", "--header", header.as_str()];
    let said = says(&mock, &[&update[..], &["--dry-run"]].concat()).ok();
    assert!(said.contains("  + header_CF-Access-Client-Secret=…\n") && !said.contains("newer"), "{said}");
    let _ = says(&mock, &[&update[..], &["--yes"]].concat()).ok();
    let expected = format!(
        "https://t.example/plain/batch?header_X-Tidegate-Intake-Key={KEY}&header_CF-Access-Client-Secret=newer%2B9876"
    );
    assert_eq!(mock.state().jobs[0]["destination_conf"], json!(expected));
    let again = says(&mock, &[&update[..], &["--json"]].concat()).lines();
    assert_eq!(again[0]["changed"], false, "it is set already: {again:?}");
    assert!(says(&mock, &["update", "7", "--header", "X"]).failed(2).contains("NAME=FILE"));
}

#[test]
fn a_place_that_is_named_must_be_there() {
    let mock = Mock::start();
    odd_job(&mock);
    let folder = tempfile::tempdir().unwrap();
    let away = folder.path().join("away");
    let away = away.to_str().unwrap();
    for arguments in [["verify", "7", "--data", away], ["update", "7", "--data", away]] {
        assert!(says(&mock, &arguments).failed(2).contains("is no data directory"), "{arguments:?}");
    }
    let create = ["create", "x", "--public-url", "https://t.example", "--skip-address", "--dry-run", "--data", away];
    mock.state().jobs.clear();
    let said = says(&mock, &create).ok();
    assert!(said.contains("since this was a dry run; without --dry-run the intake `x` is made first"), "{said}");
    let said = says(&mock, &[&create[..], &["--compat"]].concat()).ok();
    assert!(
        said.contains(" ?  Cloudflare offers 8 fields; the guide asks for 32, and Cloudflare may refuse these"),
        "{said}"
    );
    let body = &said[said.find("request:\n").unwrap() + 9..said.find("\ncurl ").unwrap()];
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["max_upload_bytes"], &body["max_upload_records"]), (&json!(5_000_000), &json!(1_000)));
    assert!(
        body["logpull_options"].as_str().unwrap().ends_with("&timestamps=rfc3339") && body["output_options"].is_null()
    );
    assert!(!folder.path().join("away").exists() && mock.state().jobs.is_empty(), "a dry run makes nothing");
}

#[test]
fn the_job_of_another_dataset_does_not_fit_the_intake_of_its_key() {
    let mock = Mock::start();
    odd_job(&mock);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut create = command();
    create.args([
        "intake",
        "create",
        "gateway",
        "--format",
        "cloudflare-gateway-dns",
        "--existing-key",
        "--data",
        data,
    ]);
    let _ = run_within(create, KEY.as_bytes(), RUN_TIME_MAX).ok();
    let told = says(&mock, &["verify", "7", "--data", data]);
    assert!(!told.out.contains("cannot read this dataset") && !told.out.contains("refuses the key"), "{told:?}");
    mock.state().jobs[0]["dataset"] = json!("audit_logs");
    let told = says(&mock, &["verify", "7", "--data", data]);
    assert!(told.code == Some(1) && told.out.contains("cannot read this dataset"), "{told:?}");
    assert!(told.out.contains("  - audit_logs\n  + gateway_dns\n"), "{told:?}");
    mock.state().jobs[0]["dataset"] = json!("casb_findings");
    let refused = says(&mock, &["verify", "7"]).failed(2);
    assert!(refused.contains("job 7 cannot be compared: no format for the dataset `casb_findings`"), "{refused}");
}

#[test]
fn where_the_token_and_the_account_come_from() {
    let mock = Mock::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let list = |more: &[&str], environment: &[(&str, &str)], typed: &str| {
        let mut list = command();
        list.args(["logpush", "list", "--json", "--api-url", &mock.url]).args(more).env_remove("CLOUDFLARE_API_TOKEN");
        list.envs(environment.iter().copied());
        run_within(list, typed.as_bytes(), RUN_TIME_MAX)
    };
    let account = ("CLOUDFLARE_ACCOUNT_ID", ACCOUNT);
    assert_eq!(list(&[], &[account], &format!("{TOKEN}\n")).ok(), "", "from standard input");
    // The account of the environment does not keep a zone from being named.
    assert_eq!(list(&["--zone", ZONE], &[account, ("CLOUDFLARE_API_TOKEN", TOKEN)], "").ok(), "");
    assert!(mock.paths().last().unwrap().contains(ZONE), "{:?}", mock.paths());
    assert!(list(&[], &[("CLOUDFLARE_API_TOKEN", TOKEN)], "").failed(2).contains("CLOUDFLARE_ACCOUNT_ID"));
    let none = list(&[], &[account, ("CLOUDFLARE_API_TOKEN", " ")], "").failed(2);
    assert!(none.contains("set the variable CLOUDFLARE_API_TOKEN, name a file with --token-file"), "{none}");
    let path = file.to_str().unwrap();
    for (text, part) in [
        (format!("\"{TOKEN}\"\n"), "stands in quotes"),
        (format!("CLOUDFLARE_API_TOKEN={TOKEN}\n"), "give the token alone"),
        (String::new(), "there is no Cloudflare API token"),
    ] {
        std::fs::write(&file, text).unwrap();
        let refused = list(&["--token-file", path], &[account], "").failed(2);
        assert!(refused.contains(part) && refused.contains(path) && !refused.contains(TOKEN), "{refused}");
    }
    std::fs::write(&file, format!("{TOKEN}\r\n")).unwrap();
    assert_eq!(list(&["--token-file", path], &[account, ("CLOUDFLARE_API_TOKEN", "wrong")], "").ok(), "");
    let unknown = list(&[], &[account, ("CLOUDFLARE_API_TOKEN", "cf_wrong")], "").failed(4);
    assert!(unknown.contains(ACCOUNT) && unknown.contains("Cloudflare does not know the token"), "{unknown}");
}

#[test]
fn answers_that_are_none_are_told_and_name_what_was_asked() {
    let mock = Mock::start();
    odd_job(&mock);
    for (status, body, part) in [
        (200, "", "and nothing instead of JSON: this is not the Cloudflare API"),
        (404, r#"{"error":{"code":"not_found"}}"#, "something else instead of JSON: this is not the Cloudflare API"),
        (301, "", "a redirection"),
        (403, "<!doctype html>", "a web page instead of JSON"),
        (200, r#"{"success":true,"result":"x"}"#, "answered `list the jobs` with something unexpected"),
    ] {
        mock.state().next.push_back(Response::text(status, body));
        assert!(says(&mock, &["list"]).failed(4).contains(part), "{part}");
    }
    let gone = says(&mock, &["show", "8"]).failed(2);
    assert!(
        gone.contains(&format!("account `{ACCOUNT}`: Cloudflare refused to read job 8: job not found (code 1001)")),
        "{gone}"
    );
    mock.state().may_read_pii = false;
    let refused = says(&mock, &["fields", "gateway_dns"]).failed(4);
    assert!(
        refused.contains("fields of the dataset `gateway_dns`") && refused.contains("`Zero Trust: PII Read`"),
        "{refused}"
    );
}
