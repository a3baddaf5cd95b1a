use proptest::prelude::*;
use serde_json::json;
use tidegate_event::Timestamp;

use super::*;

fn message(kind: &str, payload: Value) -> Message {
    Message { key: "k".into(), kind: kind.into(), created: Timestamp::from_micros(0), payload, link: None }
}

#[test]
fn the_standard_text_says_who_did_what() {
    let alert = json!({
        "number": 12, "urgency": 87, "urgency_level": "high", "occurrences": 2, "event_count": 25,
        "note": "25 names below evil.example; score 0.87 of 1.",
        "rule": {"name": "Potential DNS tunnel", "attack": ["T1071.004", "T1048"]},
        "source": "198.51.100.7", "target": "evil.example", "name": null,
        "matched": [["dns.question.name", "a.evil.example"]],
        "first_seen": "2026-05-04T10:00:00Z", "last_seen": "2026-05-04T10:05:00Z",
    });
    let mut message = message("alert.raised", json!({"alert": alert}));
    message.link = Some("https://tide.example/alerts/x".into());
    let expected = "[high] Potential DNS tunnel: 198.51.100.7 to evil[.]example
why: 25 names below evil[.]example; score 0.87 of 1.
source: 198.51.100.7
target: evil[.]example
matched: dns.question.name=a[.]evil[.]example
events: 25
first seen: 2026-05-04T10:00:00Z
last seen: 2026-05-04T10:05:00Z
urgency: 87
ATT&CK: T1071.004, T1048
alert: 12
https://tide.example/alerts/x";
    assert_eq!(standard(&message, str::to_owned), expected);
}

#[test]
fn every_kind_has_a_title() {
    let intake = json!({"intake": {"name": "Gateway", "what": "lag"}});
    for (kind, title_expected) in [
        ("intake.silent", "intake Gateway is silent"),
        ("intake.lagging", "intake Gateway lags behind"),
        ("intake.recovered", "intake Gateway is well again (lag)"),
        ("test", "this is a test"),
    ] {
        assert_eq!(title(&message(kind, intake.clone())), title_expected);
    }
}

#[test]
fn a_job_is_told_with_what_to_do() {
    let job = json!({"job": {"id": 7, "name": "tidegate-gateway-dns", "what": "failing", "dataset": "gateway_dns",
        "intake": "Gateway", "sentence": "uploads have failed for 31 minutes (x)", "advice": "renew the certificate",
        "last_complete": null}});
    let expected = "Logpush job 7 (tidegate-gateway-dns): uploads have failed for 31 minutes (x)
what to do: renew the certificate
dataset: gateway_dns
intake: Gateway";
    assert_eq!(standard(&message("logpush.warning", job.clone()), str::to_owned), expected);
    let over = title(&message("logpush.recovered", job));
    assert_eq!(over, "Logpush job 7 (tidegate-gateway-dns) is well again (failing)");
}

#[test]
fn only_what_could_become_a_link_is_defanged() {
    for (text, expected) in [
        ("score 0.87 of 1, 12.5 % of 3.", "score 0.87 of 1, 12.5 % of 3."),
        ("198.51.100.7:53 asked for a.evil.example.", "198[.]51[.]100[.]7:53 asked for a[.]evil[.]example."),
        ("(https://evil.example/a.php?x=0.5)", "(hxxps://evil[.]example/a[.]php?x=0.5)"),
        ("1.evil.example,\u{2764}.ws, 0.87.ws", "1[.]evil[.]example,\u{2764}[.]ws, 0[.]87[.]ws"),
    ] {
        assert_eq!(defang(text), expected);
    }
}

#[test]
fn hostile_names_stay_on_their_line() {
    let alert = json!({"rule": {"name": "r"}, "source": "a\r\nBcc: all@corp.example", "target": "x\u{202e}y\u{1b}[2J"});
    let text = standard(&message("alert.raised", json!({"alert": alert})), str::to_owned);
    assert!(!text.contains('\r') && !text.contains('\u{202e}') && !text.contains('\u{1b}'), "{text:?}");
    assert!(text.lines().all(|line| !line.starts_with("Bcc")), "{text}");
    let long = json!({"alert": {"note": "x".repeat(100_000)}});
    assert!(standard(&message("alert.raised", long), str::to_owned).len() <= TEXT_BYTES_MAX);
}

proptest! {
    #[test]
    fn one_line_is_one_line(text in "\\PC{0,40}|[\\x00-\\x20\u{2028}\u{202e}\u{200f}]{0,20}") {
        let line = one_line(&text);
        prop_assert!(line.lines().count() <= 1);
        prop_assert!(!line.chars().any(is_unsafe));
        prop_assert_eq!(line.chars().count(), text.chars().count());
    }
}
