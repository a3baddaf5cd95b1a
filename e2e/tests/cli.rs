//! The command line: what scripts rely on.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tidegate_e2e::{Records, Server, command, gzip, repository, run, run_with_input, run_within, within};

/// The verbs that a help page lists.
fn verbs(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| line.starts_with("  "));
    // A wrapped description begins further right.
    let names = list.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The help of a verb and of every verb below it.
fn every_help(verb: &[&str], found: &mut Vec<(String, String)>) {
    let help = run(&[verb, &["--help"]].concat()).ok();
    for below in verbs(&help) {
        every_help(&[verb, &[below.as_str()]].concat(), found);
    }
    found.push((verb.join(" "), help));
}

#[test]
fn the_help_of_every_verb_has_an_example() {
    let mut found = Vec::new();
    every_help(&[], &mut found);
    let names: BTreeSet<&str> = found.iter().map(|(verb, _)| verb.as_str()).collect();
    for verb in [
        "demo",
        "serve",
        "parse",
        "formats list",
        "formats show",
        "formats test",
        "import",
        "search",
        "sql",
        "indicators import",
        "indicators list",
        "indicators expire",
        "feeds add",
        "feeds list",
        "feeds refresh",
        "retrohunt",
        "intake create",
        "intake list",
        "intake rotate",
        "intake delete",
        "user add",
        "user list",
        "user token",
        "config check",
        "config show",
        "generate",
    ] {
        assert!(names.contains(verb), "no `{verb}` in {names:?}");
    }
    for (verb, help) in &found {
        if !verb.is_empty() {
            let example = help.split_once("Example:\n").unwrap_or_else(|| panic!("`{verb} --help` has no example")).1;
            assert!(example.trim_start().contains("tidegate "), "{verb}: {example}");
            assert!(example.contains(verb.split(' ').next().unwrap()), "{verb}: {example}");
        }
    }
    assert!(run(&["--version"]).ok().starts_with("tidegate "));
}

#[test]
fn exit_codes_tell_what_went_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    for usage in [
        &["no-such-verb"][..],
        &["parse"],
        &["parse", "--format", "no-such-format", "/dev/null"],
        &["parse", "--no-such-option"],
        &["search"],
        &["search", "*", "--last", "soon", "--data", data],
        &["search", "*", "--data", data],
        &["formats", "show", "no-such-format"],
        &["formats", "test", "/nowhere/at/all"],
        &["intake", "list", "--data", data],
        &["intake", "create", "x", "--format", "no-such-format", "--data", data],
        &["generate", "--scenarios", "no-such-attack"],
    ] {
        let error = run(usage).failed(2);
        assert!(error.contains(' ') && !error.contains("panicked"), "{usage:?}: {error}");
    }
    let _ = run(&[]).failed(2);
    let _ = run(&["serve", "--config", "/nowhere.toml", "--data", data]).failed(3);
    let _ = run(&["parse", "--format", "cloudflare-gateway-dns", "/nowhere/at/all"]).failed(4);
    let _ = run(&["generate", "--events", "1", "-o", "/nowhere/at/all"]).failed(4);
    let error = run(&["search", "*", "--url", "http://127.0.0.1:1", "--token", "tgt_x"]).failed(4);
    assert!(error.contains("cannot reach"), "{error}");
    let _ = run(&["search", "*", "--url", "http://example.com", "--token", "tgt_x"]).failed(2);
}

#[test]
fn a_scan_judges_with_the_good_rules_and_counts_the_records() {
    let folder = tempfile::tempdir().unwrap();
    let good = "title: Any\nid: 0b7c6a3e-5d1f-4c58-9f0e-2f6c1f1d9a01\nlogsource: {category: dns}\n\
                detection: {names: {dns.question.name: '*'}, condition: names}\nlevel: low\n";
    fs::write(folder.path().join("good.yml"), good).unwrap();
    fs::write(folder.path().join("bad.yml"), "title: x\nlogsource: [\n").unwrap();
    let rules = folder.path().to_str().unwrap();
    let records = Records::new("scanned").lines(2) + "garbage\n";
    let scan = run_with_input(&["scan", "--rules", rules, "--", "-"], records.as_bytes());
    assert_eq!(scan.code, Some(2), "{}{}", scan.out, scan.err);
    assert!(scan.err.contains("bad.yml:") && scan.err.contains("the others judged"), "{}", scan.err);
    assert!(scan.out.contains("3 records: 2 valid, 0 warning, 1 invalid\n  1: invalid JSON at byte N"), "{}", scan.out);
    assert!(scan.out.contains("  Any  "), "{}", scan.out);
    let _ = run_with_input(&["scan", "--rules", "/nowhere/at/all", "--", "-"], records.as_bytes()).failed(2);
    let no_cases = run(&["formats", "test", rules]).failed(2);
    assert!(no_cases.contains("is no case"), "{no_cases}");
    let file = folder.path().join("good.yml");
    let error = run(&["rules", "test", file.to_str().unwrap()]).failed(2);
    assert!(error.contains("is a file; name the folder"), "{error}");
}

#[test]
fn a_record_that_is_too_long_is_told_the_bound() {
    let record = format!("{{\"QueryName\":\"{}\"}}\n", "x".repeat(2 << 20));
    let said = run_with_input(&["parse", "--format", "cloudflare-gateway-dns", "-"], record.as_bytes());
    assert!(said.err.contains("the record is longer than 1048576 bytes, the bound"), "{:.200}", said.err);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut generate = command();
    generate.args(["generate", "--events", "200000"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = generate.spawn().unwrap();
    let mut some = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn events_come_out_of_parse_as_the_formats_own_cases_say() {
    let cases = repository().join("formats/cloudflare/gateway_dns/tests");
    let (mut input, mut expected) = (String::new(), Vec::new());
    for file in tidegate_e2e::every_file(&cases) {
        let case: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let message = case.pointer("/input/message").and_then(Value::as_str).unwrap_or_default();
        // One record a line; cases of other shapes are for `formats test`.
        if message.is_empty() || message.contains('\n') || message.trim() != message || !case["expected"].is_object() {
            continue;
        }
        input += &format!("{message}\n");
        expected.push((file, case["expected"].clone()));
    }
    assert!(expected.len() >= 20, "{} cases", expected.len());
    let arguments = ["parse", "--format", "cloudflare-gateway-dns", "-"];
    let plain = run_with_input(&arguments, input.as_bytes()).ok();
    let events: Vec<Value> = plain.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), expected.len());
    for ((file, mut expected), mut event) in expected.into_iter().zip(events) {
        for value in [&mut expected, &mut event] {
            canonical(value);
        }
        assert_eq!(event, expected, "{}", file.display());
    }
    // However it is packed, the same comes out, byte for byte, in the same order.
    let lines: Vec<&str> = input.lines().collect();
    let array = format!("[{}]", lines.join(",\n"));
    for packed in [gzip(input.as_bytes()), tidegate_e2e::zstd(input.as_bytes()), array.into_bytes()] {
        assert_eq!(run_with_input(&arguments, &packed).ok(), plain);
    }
    assert_eq!(run_with_input(&arguments, b"").ok(), "");
}

/// Lists compare without regard to order, and a time is the same with and without its zeros, as `formats test` has it.
fn canonical(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.iter_mut().for_each(canonical);
            items.sort_by_key(Value::to_string);
        }
        Value::Object(members) => members.values_mut().for_each(canonical),
        Value::String(text) if text.ends_with('Z') && text.contains('T') && text.contains('.') => {
            *text = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.').to_owned() + "Z";
        }
        _ => {}
    }
}

#[test]
fn the_repositorys_formats_pass_their_cases() {
    let formats = repository().join("formats");
    let formats = formats.to_str().unwrap();
    let said = run(&["formats", "test", formats]).ok();
    let last = said.lines().last().unwrap_or_default();
    assert!(last.ends_with(" passed, 0 failed") && !last.starts_with("0 "), "{said}");
    let rows = run(&["formats", "test", formats, "--json"]).lines();
    assert_eq!(format!("{} passed, 0 failed", rows.len()), last);
    assert!(rows.iter().all(|row| row["pass"] == true && row["format"].is_string() && row["case"].is_string()));
    let listed = run(&["formats", "list", "--json"]).lines();
    assert!(listed.len() >= 9 && listed.iter().any(|row| row["name"] == "cloudflare-gateway-dns"), "{listed:?}");
    let shown = run(&["formats", "show", "cloudflare-gateway-dns"]).ok();
    assert!(shown.contains("dns.question.name"), "{shown}");
}

#[test]
fn a_case_that_fails_and_a_format_that_does_not_load_are_told() {
    let folder = tempfile::tempdir().unwrap();
    copy(&repository().join("formats"), folder.path());
    let dns = folder.path().join("cloudflare/gateway_dns");
    let all = run(&["formats", "test", folder.path().to_str().unwrap(), "--json"]).lines().len();
    let case = dns.join("tests/all_fields.json");
    let wrong = fs::read_to_string(&case).unwrap().replace("\"Watch file sharing\"", "\"Watch something else\"");
    fs::write(&case, wrong).unwrap();
    let list = folder.path().join("list.txt");
    fs::write(&list, "cloudflare/gateway_dns/tests/all_fields.json\ncloudflare/gateway_dns/tests/time_unix.json\n")
        .unwrap();
    let arguments = ["formats", "test", folder.path().to_str().unwrap()];
    let failed = run(&[&arguments[..], &["--cases", list.to_str().unwrap()]].concat());
    assert_eq!(failed.code, Some(1), "{}{}", failed.out, failed.err);
    assert!(failed.out.ends_with("1 passed, 1 failed\n") && failed.out.contains("all_fields"), "{}", failed.out);
    // The format cannot be read any more: its cases fail, the others go on.
    let cases = fs::read_dir(dns.join("tests")).unwrap().count();
    fs::write(dns.join("ingest/parser.yml"), "name: x\npipeline:\n  - name: [\n").unwrap();
    let failed = run(&arguments);
    assert_eq!(failed.code, Some(1));
    assert!(failed.out.ends_with(&format!("{} passed, {cases} failed\n", all - cases)), "{}", failed.out);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn made_up_records_are_the_same_for_a_seed() {
    let generate = |arguments: &[&str]| run(&[&["generate", "--events", "3000"][..], arguments].concat()).ok();
    let first = generate(&["--seed", "7"]);
    assert_eq!(first.lines().count(), 3_000);
    assert_eq!(generate(&["--seed", "7"]), first);
    assert_ne!(generate(&["--seed", "8"]), first);
    let parsed = run_with_input(&["parse", "--format", "cloudflare-gateway-dns", "-"], first.as_bytes());
    assert_eq!((parsed.code, parsed.err.as_str()), (Some(0), ""), "every one can be parsed");
    assert_eq!(parsed.out.lines().count(), 3_000);
    let full = generate(&["--fields", "full"]);
    let full: serde_json::Map<String, Value> = serde_json::from_str(full.lines().next().unwrap()).unwrap();
    assert_eq!(full.len(), 82);
    let folder = tempfile::tempdir().unwrap();
    let (file, truth) = (folder.path().join("a.ndjson.gz"), folder.path().join("truth.json"));
    let (file, truth) = (file.to_str().unwrap(), truth.to_str().unwrap());
    let _ = run(&["generate", "--seed", "7", "--events", "3000", "-o", file, "--truth", truth]).ok();
    assert_eq!(fs::read(file).unwrap()[..2], [0x1f, 0x8b], "a name with .gz is gzip");
    assert!(serde_json::from_str::<Value>(&fs::read_to_string(truth).unwrap()).unwrap().is_object());
    let again = run(&["parse", "--format", "cloudflare-gateway-dns", file]).ok();
    assert_eq!(again, parsed.out);
}

#[test]
fn the_demo_ends_cleanly_and_can_be_run_again_on_its_data() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut seen = 0;
    for round in 0..2 {
        let mut demo = command();
        demo.args(["demo", "--for", "5s", "--rate", "50", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        let output = run_within(demo, b"", Duration::from_secs(60)).ok();
        assert!(output.contains("listening on http://127.0.0.1:"), "{output}");
        assert_eq!(output.contains("first login (shown this once): user `admin`"), round == 0, "{output}");
        let count = "SELECT count(*) AS n FROM events WHERE \"tidegate.status\" = 'valid'";
        let rows = run(&["sql", count, "--json", "--data", data.to_str().unwrap()]).lines();
        let found = rows[0]["n"].as_u64().unwrap();
        assert!(found > seen + 100, "round {round}: {found} events after {seen}");
        seen = found;
    }
}

#[test]
fn users_intakes_and_tokens_are_managed_from_the_shell() {
    let server = Server::start("");
    let data = server.data().to_str().unwrap();
    let added =
        run_with_input(&["user", "add", "vera", "--role", "viewer", "--data", data], b"correct horse battery\n");
    assert!(added.ok().contains("`vera`"));
    let token = run(&["user", "token", "vera", "--name", "ci", "--json", "--data", data]).lines();
    let token = token[0]["token"].as_str().unwrap();
    // The running server knows both at once.
    assert_eq!(server.session(token).get("me")["user"], "vera");
    let made =
        run(&["intake", "create", "gateway", "--format", "cloudflare-gateway-dns", "--json", "--data", data]).lines();
    let key = made[0]["key"].as_str().unwrap();
    assert!(made[0]["logpush_destination"].as_str().unwrap().contains("/plain/batch?header_"));
    let send = |key: &str, lines: String| {
        let request = server.request("POST", "/plain/batch").header("X-Tidegate-Intake-Key", key).body(lines);
        server.http().send(&request).unwrap().status
    };
    let mut records = Records::new("cli");
    let taken = |key: &str, records: &mut Records| {
        let lines = records.lines(2);
        within(Duration::from_secs(5), "the key is known", || (send(key, lines.clone()) == 200).then_some(()));
    };
    taken(key, &mut records);
    let mut rotate = command();
    rotate
        .args(["intake", "rotate", "gateway", "--json", "--url", server.url()])
        .env("TIDEGATE_TOKEN", server.admin().token());
    let rotated = run_within(rotate, b"", Duration::from_secs(20)).lines();
    let new_key = rotated[0]["key"].as_str().unwrap();
    taken(new_key, &mut records);
    assert_eq!(send(key, records.lines(1)), 401);
    let _ = run(&["user", "disable", "vera", "--data", data]).ok();
    within(Duration::from_secs(5), "vera is kept out", || {
        (server.session(token).ask("GET", "me", None).status == 401).then_some(())
    });
    server.admin().wait_for("*", 4);
    let refused = run_with_input(&["user", "add", "otto", "--data", data], b"short\n").failed(2);
    assert!(refused.contains("password"), "{refused}");
    let weak = run(&["intake", "create", "gateway", "--format", "cloudflare-gateway-dns", "--data", data]).failed(2);
    assert!(weak.contains("gateway"), "a name is taken once: {weak}");
}
