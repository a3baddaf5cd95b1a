use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use serde_json::json;
use std::time::Duration;
use tidegate_batch::{Framing, Head};
use tidegate_state::{Actor, IntakeChange};

use crate::options::Options;
use crate::testing::{FORMAT, Fixture, gzip};

const LINES: &str = "{\"QueryName\":\"a.example\"}\r\n\n{\"QueryName\":\"b.example\"}\n{\"QueryName\":\"c.example\"}";

#[tokio::test]
async fn every_endpoint_answers_an_id_a_record() {
    let fixture = Fixture::new();
    for prefix in ["", "/api/v1/intake-http"] {
        for (path, body, count) in [
            ("/plain/batch", LINES.to_owned(), 3),
            ("/plain/batch", r#"[{"a":1},{"a":2}]"#.to_owned(), 2),
            ("/jsons?path=$.a.b", r#"{"a":{"b":[{"x":1},{"x":2}]}}"#.to_owned(), 2),
            ("/jsons", "{\"x\":1}\n{\"x\":2}".to_owned(), 2),
            ("/batch", r#"{"jsons":["{\"x\":1}","{\"x\":2}"]}"#.to_owned(), 2),
            ("/array", r#"[{"json":"{\"x\":1}"},{"json":"{\"x\":2}"}]"#.to_owned(), 2),
        ] {
            let ids = fixture.post(&format!("{prefix}{path}"), body).await.ids();
            assert_eq!(ids.len(), count, "{prefix}{path}");
            assert!(ids.is_sorted() && ids.iter().all(|id| uuid::Uuid::parse_str(id).is_ok()));
        }
        for (path, body) in [("/plain", "one\ntwo"), ("/", r#"{"json":"{\"x\":1}"}"#)] {
            let answer = fixture.post(&format!("{prefix}{path}"), body).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            assert!(answer.json()["event_id"].is_string(), "{prefix}{path}");
        }
    }
}

#[tokio::test]
async fn the_journal_holds_the_body_as_it_was_sent() {
    let fixture = Fixture::new();
    let body = gzip(LINES.as_bytes());
    let key = fixture.key.clone();
    let headers = [
        ("x-tidegate-intake-key", key.as_str()),
        ("content-encoding", "gzip"),
        ("content-type", "text/whatever"),
        ("x-sekoiaio-event-timestamp", "1700000000"),
    ];
    let ids = fixture.post_with("/plain/batch", &headers, body.clone()).await.ids();
    assert_eq!(ids.len(), 3);
    let batch = fixture.reader().next(Duration::from_secs(5)).unwrap().unwrap();
    assert_eq!(batch.body, body);
    assert_eq!(batch.records, 3);
    let head = Head::from_bytes(&batch.head).unwrap();
    assert_eq!(head.framing, Framing::Lines);
    assert_eq!(head.coding.as_deref(), Some("gzip"));
    assert_eq!(head.event_time.unwrap().as_micros(), 1_700_000_000_000_000);
    let node = fixture.shared.journal.node();
    let expected = tidegate_event::EventId::new(node, batch.position, batch.received, 1);
    assert_eq!(ids[1], expected.to_string());
}

#[tokio::test]
async fn a_batch_sent_again_is_answered_with_the_first_ids() {
    let fixture = Fixture::new();
    let first = fixture.post("/plain/batch", gzip(LINES.as_bytes())).await.ids();
    let again = fixture.post("/plain/batch", gzip(LINES.as_bytes())).await.ids();
    assert_eq!(first, again);
    assert_eq!(fixture.stored(), 1);
    let other = fixture.post("/plain/batch", gzip(b"{}\n")).await.ids();
    assert!(!first.contains(&other[0]));
}

#[tokio::test]
async fn a_key_is_found_in_each_of_its_places() {
    let fixture = Fixture::new();
    let key = fixture.key.clone();
    let basic = format!("Basic {}", data_encoding::BASE64.encode(format!("any:{key}").as_bytes()));
    for headers in [
        &[("x-sekoiaio-intake-key", key.as_str())][..],
        &[("x-tidegate-intake-key", key.as_str())],
        &[("authorization", basic.as_str())],
    ] {
        assert_eq!(fixture.post_with("/plain/batch", headers, LINES).await.ids().len(), 3, "{headers:?}");
    }
    assert_eq!(fixture.post_with(&format!("/plain/batch?intake_key={key}"), &[], LINES).await.ids().len(), 3);
    for (path, body) in [
        ("/batch", json!({"intake_key": key, "jsons": ["{}", "{}"]})),
        ("/array", json!([{"intake_key": key, "json": "{}"}, {"intake_key": key, "json": "{}"}])),
    ] {
        assert_eq!(fixture.post_with(path, &[], body.to_string()).await.ids().len(), 2, "{path}");
    }
    let single = json!({"intake_key": key, "json": "{}"}).to_string();
    assert!(fixture.post_with("/", &[], single).await.json()["event_id"].is_string());
    // The first place that holds one decides, also when it is the wrong one.
    let both = [("x-sekoiaio-intake-key", "wrong"), ("x-tidegate-intake-key", key.as_str())];
    assert_eq!(fixture.post_with("/plain/batch", &both, LINES).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_array_may_be_for_several_intakes() {
    let fixture = Fixture::new();
    let (_, other) = fixture.shared.state.create_intake("other", FORMAT, &Actor::system()).unwrap();
    let (one, two) = (fixture.key.as_str(), other.reveal());
    let record = |key: &str, n: u32| json!({"intake_key": key, "json": format!("{{\"n\":{n}}}")});
    let body = json!([record(one, 1), record(two, 2), record(one, 3)]).to_string();
    let ids = fixture.post_with("/array", &[], body.clone()).await.ids();
    assert_eq!(ids.len(), 3);
    assert_eq!(fixture.stored(), 2);
    assert_eq!(fixture.post_with("/array", &[], body).await.ids(), ids);
    let mixed = json!([record(one, 1), record("wrong", 2)]).to_string();
    assert_eq!(fixture.post_with("/array", &[], mixed).await.status, StatusCode::UNAUTHORIZED);
    let missing = json!([record(one, 1), {"json": "{}"}]).to_string();
    let answer = fixture.post_with("/array", &[], missing).await;
    assert_eq!(
        (answer.status, answer.error()),
        (StatusCode::UNAUTHORIZED, "record 2 of the array has no `intake_key`".into())
    );
    assert_eq!(fixture.stored(), 2);
}

#[tokio::test]
async fn validation_uploads_are_answered_and_stored_nowhere() {
    let fixture = Fixture::new();
    let key = fixture.key.clone();
    for path in ["/plain/batch", "/plain", "/jsons", "/batch", "/array", "/", "/api/v1/intake-http/plain/batch"] {
        for body in [
            gzip(br#"{"content":"tests"}"#),
            br#"{"content":"tests"}"#.to_vec(),
            b"{\"content\": \"tests\"}\n".to_vec(),
            b"test".to_vec(),
            gzip(b"test"),
        ] {
            for headers in [&[][..], &[("x-sekoiaio-intake-key", key.as_str()), ("content-encoding", "gzip")]] {
                let answer = fixture.post_with(path, headers, body.clone()).await;
                assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.text());
            }
        }
    }
    assert_eq!(fixture.stored(), 0);
    // A wrong key is told while the destination is being set up, not by the first lost batch.
    let answer = fixture.post_with("/plain/batch", &[("x-sekoiaio-intake-key", "wrong")], "test").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn without_a_known_key_nothing_is_stored_or_learnt() {
    let fixture = Fixture::new();
    let big = vec![b'x'; 100_000];
    for path in ["/plain/batch", "/plain", "/jsons"] {
        for body in [b"{}".to_vec(), Vec::new(), big.clone(), gzip(LINES.as_bytes()), vec![0x1f, 0x8b, 8, 0]] {
            let answer = fixture.post_with(path, &[], body).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
            assert!(answer.error().contains("X-Tidegate-Intake-Key"));
        }
    }
    let wrong = [("x-sekoiaio-intake-key", "tgi_wrong")];
    assert_eq!(fixture.post_with("/plain/batch", &wrong, LINES).await.status, StatusCode::UNAUTHORIZED);
    for (path, body) in [("/batch", r#"{"jsons":["{}"]}"#), ("/array", "[{}]"), ("/", r#"{"json":"{}"}"#)] {
        assert_eq!(fixture.post_with(path, &[], body).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(fixture.stored(), 0);
}

#[tokio::test]
async fn ten_thousand_bad_keys_change_nothing() {
    let fixture = Fixture::new();
    for index in 0..10_000 {
        let key = format!("tgi_{index}");
        let answer = fixture.post_with("/plain/batch", &[("x-tidegate-intake-key", &key)], "{}").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(fixture.post("/plain/batch", LINES).await.ids().len(), 3);
}

#[tokio::test]
async fn a_key_of_a_disabled_intake_opens_nothing() {
    let fixture = Fixture::new();
    let intake = fixture.shared.state.intake_by_name("gateway").unwrap();
    let change = IntakeChange { enabled: Some(false), ..IntakeChange::default() };
    fixture.shared.state.change_intake(intake.id, &change, &Actor::system()).unwrap();
    let answer = fixture.post("/plain/batch", LINES).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.error().contains("the intake `gateway` is disabled"), "{}", answer.error());
    assert_eq!(fixture.stored(), 0);
}

#[tokio::test]
async fn damaged_bodies_are_named_and_not_stored() {
    let fixture = Fixture::new();
    let whole = gzip(LINES.as_bytes());
    for length in (2..whole.len()).step_by(3) {
        let answer = fixture.post("/plain/batch", whole[..length].to_vec()).await;
        // The first bytes alone can be anything, also text that is a record.
        if length >= 3 {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{length}: {}", answer.text());
            assert!(answer.error().contains("byte"), "{}", answer.error());
        }
    }
    let mut flipped = whole.clone();
    let last = flipped.len() - 5;
    flipped[last] ^= 0xff;
    assert_eq!(fixture.post("/plain/batch", flipped).await.status, StatusCode::BAD_REQUEST);
    let answer = fixture.post("/batch", "{\"jsons\":[\n\"{}\", oops]}").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.error().contains("line 2"), "{}", answer.error());
    let deep = "[".repeat(200_000);
    for path in ["/plain/batch", "/jsons", "/batch", "/array", "/"] {
        let answer = fixture.post(path, deep.clone()).await;
        assert!(answer.status.is_success() || answer.status == StatusCode::BAD_REQUEST, "{path} {}", answer.status);
    }
    let answer = fixture.post("/jsons?path=a..b", "{}").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let key = fixture.key.clone();
    let headers = [("x-sekoiaio-intake-key", key.as_str()), ("x-sekoiaio-event-timestamp", "yesterday")];
    let answer = fixture.post_with("/plain/batch", &headers, LINES).await;
    assert_eq!((answer.status, answer.error().contains("`yesterday`")), (StatusCode::BAD_REQUEST, true));
    let headers = [("x-sekoiaio-intake-key", key.as_str()), ("content-encoding", "br")];
    for body in [vec![1, 2, 3, 0, 255], LINES.as_bytes().to_vec(), gzip(LINES.as_bytes())] {
        let answer = fixture.post_with("/plain/batch", &headers, body).await;
        assert_eq!((answer.status, answer.error().contains("`br`")), (StatusCode::UNSUPPORTED_MEDIA_TYPE, true));
    }
}

#[tokio::test]
async fn foreign_bytes_are_records_not_errors() {
    let fixture = Fixture::new();
    let ids = fixture.post("/plain/batch", b"\xff\xfe{\n\xc3\x28\n{\"a\":\x00}\n".to_vec()).await.ids();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_bomb_stops_at_the_bound() {
    let options = Options { decompressed_bytes_max: 1 << 20, ..Options::default() };
    let fixture = Fixture::with(options, tidegate_journal::Options::default());
    let bomb = gzip(&vec![b' '; 64 << 20]);
    let answer = fixture.post("/plain/batch", bomb).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.error().contains("1048576"), "{}", answer.error());
    assert_eq!(fixture.stored(), 0);
}

#[tokio::test]
async fn a_body_beyond_the_common_size_is_still_taken() {
    let fixture = Fixture::new();
    let line = format!("{{\"pad\":\"{}\"}}\n", "x".repeat(1_000));
    let text = line.repeat((70 << 20) / line.len());
    let ids = fixture.post("/plain/batch", gzip(text.as_bytes())).await.ids();
    assert_eq!(ids.len(), (70 << 20) / line.len());
}

#[tokio::test]
async fn memory_follows_what_arrives_and_not_what_is_claimed() {
    let options = Options { compressed_bytes_max: 1 << 20, ..Options::default() };
    let fixture = Fixture::with(options, tidegate_journal::Options::default());
    let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 8192])));
    let answer = fixture.post("/plain/batch", Body::from_stream(endless)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.headers["connection"], "close");
    let request = Request::post("/plain/batch")
        .header("x-sekoiaio-intake-key", &fixture.key)
        .header("content-length", "1073741824")
        .body(Body::from("{}"));
    assert_eq!(fixture.send(request.unwrap()).await.ids().len(), 1);
}

#[tokio::test]
async fn a_long_line_is_one_record() {
    let fixture = Fixture::new();
    assert_eq!(fixture.post("/plain/batch", gzip(&vec![b'x'; 40 << 20])).await.ids().len(), 1);
}

#[tokio::test]
async fn an_empty_body_is_an_empty_batch() {
    let fixture = Fixture::new();
    for body in [Vec::new(), b"\n\n".to_vec(), gzip(b"")] {
        assert_eq!(fixture.post("/plain/batch", body).await.ids(), Vec::<String>::new());
    }
    assert_eq!(fixture.stored(), 0);
}

#[tokio::test]
async fn a_full_journal_is_told_and_seen_by_the_readiness_check() {
    let journal = tidegate_journal::Options {
        segment_bytes: 1 << 20,
        journal_bytes_max: 2 << 20,
        ..tidegate_journal::Options::default()
    };
    let fixture = Fixture::with(Options::default(), journal);
    let mut noise = 1_u64;
    let refused = loop {
        let body: Vec<u8> = (0..300_000)
            .map(|_| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                b'a' + (noise >> 60) as u8
            })
            .collect();
        let answer = fixture.post("/plain/batch", body).await;
        if answer.status != StatusCode::OK {
            break answer;
        }
        assert!(fixture.stored() < 100, "the journal never gets full");
    };
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers.contains_key("retry-after"));
    assert!(refused.error().contains("full"));
    let ready = fixture.send(Request::get("/readyz").body(Body::empty()).unwrap()).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.text().contains("full"));
}
