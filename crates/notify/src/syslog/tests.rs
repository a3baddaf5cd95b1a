use serde_json::json;
use tidegate_event::Timestamp;

use super::*;

fn message() -> Message {
    let alert = json!({"id": "a1", "urgency_level": "medium", "urgency": 60, "rule": {"name": "quo\"te]\\"},
        "source": "10.0.0.1", "target": "x\n<13>1 forged", "note": "é".repeat(5_000)});
    Message {
        key: "a1:alert.raised".into(),
        kind: "alert.raised".into(),
        created: Timestamp::from_micros(1_777_000_000_123_456),
        payload: json!({"alert": alert}),
        link: None,
    }
}

#[test]
fn a_message_is_what_rfc_5424_says() {
    let syslog = Syslog::new(&json!({"host": "localhost", "facility": 4})).unwrap();
    let line = syslog.write(None, &message());
    let expected = "<36>1 2026-04-24T03:06:40.123456Z - tidegate - alert.raised [tidegate@32473 key=\"a1:alert.raised\" \
        alert=\"a1\" rule=\"quo\\\"te\\]\\\\\" urgency=\"60\" source=\"10.0.0.1\" target=\"x <13>1 forged\"] \u{feff}[medium] ";
    assert!(line.starts_with(expected), "{line}");
    assert!(line.len() <= UDP_BYTES_MAX && !line.contains('\n'));
}

#[test]
fn bad_configurations_are_refused() {
    for bad in [
        json!({}),
        json!({"host": ""}),
        json!({"host": "h", "facility": 24}),
        json!({"host": "h", "transport": "carrier pigeon"}),
        json!({"host": "h", "app_name": "a b"}),
        json!({"host": "h", "hots": 1}),
    ] {
        assert!(Syslog::new(&bad).is_err(), "{bad}");
    }
}
