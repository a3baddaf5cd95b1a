//! What senders may send, and what they are told.

#![allow(clippy::unwrap_used, reason = "a test says what it expects in one word")]

use data_encoding::BASE64;
use serde_json::{Value, json};
use tidegate_e2e::{
    Http, Intake, Records, Reply, Request, Server, deflate, gzip, gzip_members, query_id, raw_deflate, zstd,
};

const KEY: &str = "X-Tidegate-Intake-Key";
const ALIAS: &str = "/api/v1/intake-http";

fn send(server: &Server, request: &Request) -> Reply {
    server.http().send(request).unwrap_or_else(|error| panic!("{error}"))
}

fn post(server: &Server, path: &str, body: impl Into<Vec<u8>>) -> Request {
    server.request("POST", path).body(body)
}

/// The ids that an answer gives, whether for one record or for many.
fn ids(reply: &Reply) -> Vec<String> {
    match reply.json()["event_id"].as_str() {
        Some(id) => vec![id.to_owned()],
        None => reply.event_ids(),
    }
}

#[test]
fn every_endpoint_and_its_alias_takes_records_and_answers_with_their_ids() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let key = intake.key.as_str();
    let mut records = Records::new("endpoints");
    let mut expected = Vec::new();
    for prefix in ["", ALIAS] {
        let mut take = |path: &str, in_header: bool, count: usize, body: &dyn Fn(&[String]) -> String| {
            let made: Vec<String> = (0..count).map(|_| records.one()).collect();
            let mut request = post(&server, &format!("{prefix}{path}"), body(&made));
            if in_header {
                request = request.header(KEY, key);
            }
            let reply = send(&server, &request).expect(200);
            let ids = ids(&reply);
            assert_eq!(ids.len(), count, "{prefix}{path}: {}", reply.text());
            let first = records.made() - count as u64;
            expected.extend(ids.into_iter().zip(first..).map(|(id, number)| (query_id("endpoints", number), id)));
        };
        take("/plain", true, 1, &|made| made[0].clone());
        take("/plain/batch", true, 3, &|made| made.join("\n"));
        take("/plain/batch", true, 3, &|made| format!("[{}]", made.join(",")));
        take("/plain/batch", true, 2, &|made| format!("{{\"events\":[{}]}}", made.join(",")));
        take("/jsons", true, 3, &|made| made.join("\n"));
        take("/jsons", true, 2, &|made| made.concat());
        take("/jsons?path=$.result.events", true, 3, &|made| {
            format!("{{\"result\":{{\"events\":[{}]}},\"success\":true}}", made.join(","))
        });
        take("/batch", true, 2, &|made| json!({"jsons": made}).to_string());
        take("/batch", false, 2, &|made| json!({"intake_key": key, "jsons": made}).to_string());
        take("/array", true, 2, &|made| format!("[{}]", made.join(",")));
        take("/array", false, 2, &|made| {
            let wrapped: Vec<Value> = made.iter().map(|record| json!({"intake_key": key, "json": record})).collect();
            json!(wrapped).to_string()
        });
        take("/", true, 1, &|made| json!({"json": made[0]}).to_string());
        take("/", false, 1, &|made| format!("{{\"intake_key\":\"{key}\",\"json\":{}}}", made[0]));
    }
    // The alias without its last slash is the same place.
    let bare = post(&server, ALIAS, json!({"intake_key": key, "json": records.one()}).to_string());
    expected.push((query_id("endpoints", records.made() - 1), ids(&send(&server, &bare).expect(200)).remove(0)));

    server.admin().wait_for("*", records.made());
    let stored = server.admin().ids();
    assert_eq!(stored.len(), expected.len());
    for (query, id) in &expected {
        assert_eq!(stored.get(query), Some(id), "{query}");
    }
    let mut ids: Vec<&String> = stored.values().collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), expected.len(), "no id is given twice");
}

#[test]
fn one_array_may_be_for_several_intakes() {
    let server = Server::start("");
    let (left, right) = (server.admin().gateway("left"), server.admin().gateway("right"));
    let mut records = Records::new("several");
    let body: Vec<Value> = [&left, &right, &left]
        .map(|intake| json!({"intake_key": intake.key, "json": records.one()}))
        .into_iter()
        .collect();
    let ids = send(&server, &post(&server, "/array", json!(body).to_string())).event_ids();
    server.admin().wait_for("*", 3);
    let stored = server.admin().ids();
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(stored[&query_id("several", number as u64)], *id);
    }
    assert_eq!(server.admin().total("tidegate.intake.name:left"), 2);
    assert_eq!(server.admin().total("tidegate.intake.name:right"), 1);
    let strange = json!([{"intake_key": left.key, "json": records.one()}, {"intake_key": "nope", "json": "x"}]);
    send(&server, &post(&server, "/array", strange.to_string())).refusal(401);
    let nobody = json!([{"intake_key": left.key, "json": "x"}, {"json": "y"}]);
    assert!(send(&server, &post(&server, "/array", nobody.to_string())).refusal(401).contains("record 2"));
    assert_eq!(server.admin().total("*"), 3, "a refused array is refused whole");
}

#[test]
fn every_way_to_give_the_key() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("keys");
    let basic = |user: &str| format!("Basic {}", BASE64.encode(format!("{user}:{}", intake.key).as_bytes()));
    let plain = "/plain/batch".to_owned();
    let ways: [(&str, &str, String, String); 9] = [
        ("the old header", "X-SEKOIAIO-INTAKE-KEY", intake.key.clone(), plain.clone()),
        ("our header", KEY, intake.key.clone(), plain.clone()),
        ("in another case", "x-tidegate-INTAKE-key", format!(" {} ", intake.key), plain.clone()),
        ("basic", "Authorization", basic("logpush"), plain.clone()),
        ("basic without a user", "Authorization", basic(""), plain.clone()),
        ("query", "X-Nothing", "x".into(), format!("{plain}?intake_key={}", intake.key)),
        ("query among others", "X-Nothing", "x".into(), format!("{plain}?a=b&intake_key={}&c", intake.key)),
        ("query, escaped", "X-Nothing", "x".into(), format!("{plain}?intake_key={}", escaped(&intake.key))),
        ("header and query", KEY, intake.key.clone(), format!("{plain}?intake_key=wrong")),
    ];
    for (way, name, value, path) in &ways {
        let reply = send(&server, &post(&server, path, records.one()).header(name, value));
        assert_eq!(reply.status, 200, "{way}: {}", reply.text());
    }
    server.admin().wait_for("*", ways.len() as u64);

    let wrong: [(&str, &str, String, String); 6] = [
        ("no key", "X-Nothing", "x".into(), plain.clone()),
        ("a wrong one", KEY, "tgi_wrong".into(), plain.clone()),
        ("an empty one", KEY, String::new(), plain.clone()),
        ("the header wins", KEY, "wrong".into(), format!("{plain}?intake_key={}", intake.key)),
        ("not basic", "Authorization", format!("Bearer {}", intake.key), plain.clone()),
        ("an API token", KEY, server.admin().token().to_owned(), plain.clone()),
    ];
    for (way, name, value, path) in &wrong {
        let reply = send(&server, &post(&server, path, records.one()).header(name, value));
        assert_eq!(reply.status, 401, "{way}");
        assert!(reply.refusal(401).contains("intake"), "{way}");
    }
    assert_eq!(server.admin().total("*"), ways.len() as u64);
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[test]
fn keys_end() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("ends");
    let mut status = |key: &str| send(&server, &post(&server, "/plain", records.one()).header(KEY, key)).status;
    let rotate = |grace: u64| {
        let path = format!("intakes/{}/rotate", intake.id);
        let answer = server.admin().post(&path, &json!({"grace_seconds": grace}));
        answer["key"].as_str().expect("a new key is shown").to_owned()
    };
    let second = rotate(600);
    assert_eq!((status(&intake.key), status(&second)), (200, 200), "the old key has its grace");
    let third = rotate(0);
    assert_eq!((status(&second), status(&third)), (401, 200));
    let change = |body: Value| server.admin().ask("PATCH", &format!("intakes/{}", intake.id), Some(&body)).expect(200);
    assert_eq!(change(json!({"enabled": false})).json()["enabled"], false);
    assert_eq!(status(&third), 403);
    assert_eq!(change(json!({"enabled": true})).json()["enabled"], true);
    assert_eq!(status(&third), 200);
    let deleted = server.admin().ask("DELETE", &format!("intakes/{}", intake.id), None);
    assert_eq!(deleted.status, 204);
    assert_eq!(status(&third), 401);
    server.admin().wait_for("*", 4);
}

#[test]
fn every_compression_by_header_or_by_content() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("codings");
    type Pack = fn(&[u8]) -> Vec<u8>;
    let halves: Pack = |text| {
        let (left, right) = text.split_at(text.len() / 2);
        gzip_members(&[left, b"", right])
    };
    let frames: Pack = |text| {
        let (left, right) = text.split_at(text.len() / 2);
        [zstd(left), zstd(right)].concat()
    };
    let cases: [(&str, Pack, Option<&str>); 17] = [
        ("plain", <[u8]>::to_vec, None),
        ("plain, said", <[u8]>::to_vec, Some("identity")),
        ("plain under a gzip header", <[u8]>::to_vec, Some("gzip")),
        ("plain under a deflate header", <[u8]>::to_vec, Some("deflate")),
        ("plain under a character set", <[u8]>::to_vec, Some("utf-8")),
        ("gzip", gzip, Some("gzip")),
        ("gzip, shouted", gzip, Some("GZIP")),
        ("gzip, unsaid", gzip, None),
        ("gzip under a zstd header", gzip, Some("zstd")),
        ("gzip under an identity header", gzip, Some("identity")),
        ("gzip of several members", halves, Some("gzip")),
        ("gzip of several members, unsaid", halves, None),
        ("zstd", zstd, Some("zstd")),
        ("zstd under a gzip header", zstd, Some("gzip")),
        ("zstd of several frames, unsaid", frames, None),
        ("deflate", deflate, Some("deflate")),
        ("deflate without its wrapper", raw_deflate, Some("deflate")),
    ];
    for (name, pack, header) in cases {
        let mut request = post(&server, "/plain/batch", pack(records.lines(5).as_bytes())).header(KEY, &intake.key);
        if let Some(header) = header {
            request = request.header("Content-Encoding", header);
        }
        let reply = send(&server, &request);
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        assert_eq!(reply.event_ids().len(), 5, "{name}");
    }
    server.admin().wait_for("tidegate.status:valid", records.made());
    assert_eq!(server.admin().ids().len() as u64, records.made());
}

#[test]
fn lines_in_all_their_forms() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("lines");
    let mut take = |name: &str, count: usize, form: &dyn Fn(&[String]) -> String| {
        let made: Vec<String> = (0..count).map(|_| records.one()).collect();
        let reply = send(&server, &post(&server, "/plain/batch", form(&made)).header(KEY, &intake.key));
        assert_eq!(reply.event_ids().len(), count, "{name}");
    };
    take("with a final newline", 3, &|made| made.join("\n") + "\n");
    take("without one", 3, &|made| made.join("\n"));
    take("CRLF", 3, &|made| made.join("\r\n") + "\r\n");
    take("blank lines", 3, &|made| format!("\n\n  \n{}\r\n\n\t\n\n", made.join("\n\n")));
    take("a byte order mark", 3, &|made| format!("\u{feff}{}\n", made.join("\n")));
    take("one record", 1, &|made| made[0].clone());
    take("an array", 4, &|made| format!(" [\n {} ]\n", made.join(" ,\n")));
    take("an array of one", 1, &|made| format!("[{}]", made[0]));
    take("an array behind a mark", 2, &|made| format!("\u{feff}[{}]", made.join(",")));
    take("an object that wraps one", 3, &|made| format!("{{\"logs\":[{}],\"count\":3}}", made.join(",")));
    take("a record over several lines", 1, &|made| {
        let value: Value = serde_json::from_str(&made[0]).expect("a record is JSON");
        serde_json::to_string_pretty(&value).expect("JSON can be written")
    });
    let empty = ["", "\n", "\r\n\r\n", " ", "[]", "\u{feff}"];
    for body in empty {
        let reply = send(&server, &post(&server, "/plain/batch", body).header(KEY, &intake.key));
        assert_eq!(reply.event_ids(), Vec::<String>::new(), "{body:?}");
    }
    server.admin().wait_for("tidegate.status:valid", records.made());
    assert_eq!(server.admin().total("*"), records.made());
    assert_eq!(server.admin().ids().len() as u64, records.made());
}

#[test]
fn ids_are_in_the_order_of_the_records() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("order");
    let ids = server.admin().push(&intake, &records.lines(10_000));
    assert!(ids.is_sorted(), "ids ascend with the records");
    server.admin().wait_for("*", 10_000);
    let stored = server.admin().ids();
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(stored.get(&query_id("order", number as u64)), Some(id), "record {number}");
    }
    let event = server.admin().get(&format!("events/{}", ids[77]));
    assert_eq!(event.pointer("/event/cloudflare/QueryID"), Some(&json!(query_id("order", 77))));
    assert_eq!(server.admin().ask("GET", "events/00000000-0000-8000-8000-000000000000", None).status, 404);
}

#[test]
fn the_upload_that_checks_a_destination_is_answered_and_is_no_event() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    for text in [r#"{"content":"tests"}"#, "{\"content\": \"tests\"}\n", "test", "test\n"] {
        for path in ["/plain/batch", "/plain", "/jsons", "/api/v1/intake-http/plain/batch"] {
            for (body, coding) in
                [(text.as_bytes().to_vec(), None), (gzip(text.as_bytes()), Some("gzip")), (gzip(text.as_bytes()), None)]
            {
                for key in [Some(intake.key.as_str()), None] {
                    let mut request = post(&server, path, body.clone());
                    if let Some(coding) = coding {
                        request = request.header("Content-Encoding", coding);
                    }
                    if let Some(key) = key {
                        request = request.header(KEY, key);
                    }
                    let reply = send(&server, &request);
                    assert_eq!(reply.status, 200, "{text:?} to {path}, {coding:?}, key {key:?}: {}", reply.text());
                }
            }
        }
    }
    let wrong = post(&server, "/plain/batch", r#"{"content":"tests"}"#).header(KEY, "wrong");
    send(&server, &wrong).refusal(401);
    // A record behind them is the first event.
    let _ = server.admin().push(&intake, &Records::new("check").lines(1));
    server.admin().wait_for("*", 1);
    assert_eq!(server.admin().counts(&intake)["batches"], 1);
}

#[test]
fn what_cannot_be_taken_is_refused_with_a_sentence_and_not_stored() {
    let server = Server::start(
        "[intake]\ncompressed_bytes_max = \"256 KiB\"\ndecompressed_bytes_max = \"2 MiB\"\nrecord_bytes_max = \"64 KiB\"\n",
    );
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("refused");
    let good = gzip(records.lines(50).as_bytes());
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 0x55;
    let mut checksum = good.clone();
    let last = checksum.len() - 6;
    checksum[last] ^= 1;
    /// Name, path, coding header, body, status, parts of the sentence.
    type Case<'c> = (&'c str, &'c str, Option<&'c str>, Vec<u8>, u16, &'c [&'c str]);
    let cases: [Case<'_>; 15] = [
        ("cut off", "/plain/batch", Some("gzip"), good[..good.len() / 2].to_vec(), 400, &["gzip", "cut off", "byte"]),
        ("damaged", "/plain/batch", Some("gzip"), flipped, 400, &["gzip", "byte"]),
        ("a wrong checksum", "/plain/batch", None, checksum, 400, &["gzip", "byte"]),
        ("garbage behind", "/plain/batch", None, [&good[..], b"garbage"].concat(), 400, &["gzip", "byte"]),
        ("no such zstd", "/plain/batch", None, b"\x28\xb5\x2f\xfdgarbage".to_vec(), 400, &["zstd", "byte"]),
        ("not gzip", "/plain/batch", Some("gzip"), vec![0, 1, 2, 3], 400, &["gzip", "byte 0"]),
        ("an unknown coding", "/plain/batch", Some("br"), vec![0, 1, 2, 3], 415, &["br"]),
        ("text under an unknown coding", "/plain/batch", Some("br"), b"{\"a\":1}".to_vec(), 415, &["br"]),
        ("a wrapper that ends", "/batch", None, br#"{"jsons":["a""#.to_vec(), 400, &["line 1, column", "expected"]),
        ("a wrapper of another shape", "/batch", None, b"{\n\"json\":1}".to_vec(), 400, &["line 2", "`jsons`"]),
        ("no array", "/array", None, br#"{"a":1}"#.to_vec(), 400, &["line 1, column 1", "`[`"]),
        ("nothing at the path", "/jsons?path=$.a.b", None, br#"{"a":{}}"#.to_vec(), 400, &["line 1", "$.a.b"]),
        ("no path", "/jsons?path=$.a%5B", None, br#"{"a":{}}"#.to_vec(), 400, &["path", "character"]),
        ("too large", "/plain/batch", None, vec![b'x'; 300 << 10], 413, &["larger than"]),
        (
            "too large inside",
            "/plain/batch",
            Some("gzip"),
            gzip(&vec![b'x'; 3 << 20]),
            413,
            &["decompressed", "2097152"],
        ),
    ];
    for (name, path, coding, body, status, parts) in cases {
        let mut request = post(&server, path, body).header(KEY, &intake.key);
        if let Some(coding) = coding {
            request = request.header("Content-Encoding", coding);
        }
        let reply = send(&server, &request);
        assert_eq!(reply.status, status, "{name}: {}", reply.text());
        let sentence = reply.refusal(status);
        for part in parts {
            assert!(sentence.contains(part), "{name}: `{part}` is not in `{sentence}`");
        }
    }
    let time =
        post(&server, "/plain", records.one()).header(KEY, &intake.key).header("X-SEKOIAIO-EVENT-TIMESTAMP", "soon");
    assert!(send(&server, &time).refusal(400).contains("`soon`"));
    assert!(send(&server, &server.request("GET", "/plain/batch")).refusal(405).contains("GET"));
    send(&server, &post(&server, "/plain/other", "x")).refusal(404);
    let rebound = post(&server, "/plain", "x").header("Host", "evil.example").header(KEY, &intake.key);
    send(&server, &rebound).refusal(421);

    let _ = server.admin().push(&intake, &records.lines(1));
    server.admin().wait_for("*", 1);
    let counts = server.admin().counts(&intake);
    assert_eq!((&counts["batches"], &counts["valid"], &counts["invalid"]), (&json!(1), &json!(1), &json!(0)));
}

#[test]
fn the_content_type_does_not_matter() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("types");
    let types = ["text/plain", "application/json", "application/x-ndjson", "application/gzip", "image/png", "nonsense"];
    for kind in types {
        let request = post(&server, "/plain/batch", gzip(records.lines(2).as_bytes())).header(KEY, &intake.key);
        assert_eq!(send(&server, &request.header("Content-Type", kind)).event_ids().len(), 2, "{kind}");
    }
    server.admin().wait_for("tidegate.status:valid", records.made());
}

#[test]
fn the_senders_time_stands_in_for_a_missing_one() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("times");
    let times = ["2023-11-14T22:13:20Z", "1700000000", "1700000000000", "2023-11-14T23:13:20+01:00"];
    for time in times {
        let request = post(&server, "/plain", without_time(&records.one())).header(KEY, &intake.key);
        send(&server, &request.header("X-SEKOIAIO-EVENT-TIMESTAMP", time)).expect(200);
    }
    let own = post(&server, "/plain", records.one()).header(KEY, &intake.key);
    send(&server, &own.header("X-SEKOIAIO-EVENT-TIMESTAMP", "2001-01-01T00:00:00Z")).expect(200);
    let none = post(&server, "/plain", without_time(&records.one())).header(KEY, &intake.key);
    send(&server, &none).expect(200);
    server.admin().wait_for("*", 6);
    assert_eq!(times_of(&server, &intake, "2023-11-14T22:13:20Z"), 4);
    assert_eq!(times_of(&server, &intake, "2001-01-01T00:00:00Z"), 0, "the record's own time wins");
    let reason =
        |event: &Value| event.pointer("/tidegate/reason").and_then(Value::as_str).unwrap_or_default().to_owned();
    let received: Vec<Value> = server.admin().events("tidegate.reason:*receipt*");
    assert_eq!(received.len(), 1, "only the record that nobody gave a time bears that of its receipt: {received:?}");
    assert!(reason(&received[0]).contains("the receipt time stands in"), "{}", received[0]);
}

fn without_time(record: &str) -> String {
    let mut value: Value = serde_json::from_str(record).expect("a record is JSON");
    value.as_object_mut().expect("a record is an object").remove("Datetime");
    value.to_string()
}

/// How many events of the intake bear this very second.
fn times_of(server: &Server, intake: &Intake, second: &str) -> u64 {
    let query = format!("tidegate.intake.id:\"{}\"", intake.id);
    let end = second.replace(":20Z", ":21Z").replace(":00Z", ":01Z");
    let body = json!({"query": query, "from": second, "to": end, "limit": 0});
    server.admin().post("events/search", &body)["total"].as_u64().expect("a total is a number")
}

#[test]
fn keys_that_senders_already_use_can_be_kept() {
    let server = Server::start("");
    let body = json!({"name": "kept", "format": "cloudflare-gateway-dns", "key": "0123456789abcdefABCDEF0123456789"});
    let answer = server.admin().ask("POST", "intakes", Some(&body)).expect(201).json();
    assert_eq!(answer["key"], Value::Null, "a key that was brought is not shown");
    let request = post(&server, "/plain/batch", Records::new("kept").lines(2));
    let request = request.header("X-SEKOIAIO-INTAKE-KEY", "0123456789abcdefABCDEF0123456789");
    assert_eq!(Http::default().send(&request).unwrap().event_ids().len(), 2);
    server.admin().wait_for("*", 2);
}
