//! The data of every type that is written out, and names with compression pointers.

use super::{QUESTION, answers, enriched, item, name, record};

fn strings(texts: &[&[u8]]) -> Vec<u8> {
    texts
        .iter()
        .flat_map(|text| std::iter::once(u8::try_from(text.len()).unwrap()).chain(text.iter().copied()))
        .collect()
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// Type, data as on the wire, data as written.
fn cases() -> Vec<(u16, Vec<u8>, &'static str)> {
    let target = name("mail.example.com");
    let parameters: &[u8] = &[
        0, 0, 0, 2, 0, 1, // mandatory=alpn
        0, 1, 0, 6, 2, b'h', b'3', 2, b'h', b'2', // alpn
        0, 3, 0, 2, 0x20, 0xfb, // port
        0, 4, 0, 8, 192, 0, 2, 1, 192, 0, 2, 2, // ipv4hint
        0, 5, 0, 3, b'e', b'c', b'h', // ech
        0, 6, 0, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, // ipv6hint
        0, 7, 0, 5, b'/', b'q', b'"', b'?', 0, // dohpath
        0, 9, 0, 0, // key9
    ];
    vec![
        (1, vec![0, 10, 255, 100], "0.10.255.100"),
        (28, vec![0; 16], "::"),
        (2, target.clone(), "mail.example.com"),
        (12, vec![0], "."),
        (39, b"\x03a.b\x02\\\xff\0".to_vec(), r"a\.b.\\\255"),
        (15, joined(&[&[0, 10], &target]), "10 mail.example.com"),
        (15, vec![0, 0, 0], "0 ."),
        (16, strings(&[b"v=spf1 -all"]), r#""v=spf1 -all""#),
        (16, strings(&[b"a\"b", b"", b"\x00\xff"]), r#""a\"b" "" "\000\255""#),
        (13, strings(&[b"RFC8482", b""]), r#""RFC8482" """#),
        (33, joined(&[&[0, 1, 0, 2, 0x1f, 0x90], &target]), "1 2 8080 mail.example.com"),
        (
            6,
            joined(&[&name("ns.example.com"), &name("admin.example.com"), &[0, 0, 0, 1, 0, 0, 0, 2], &[0; 11], &[5]]),
            "ns.example.com admin.example.com 1 2 0 0 5",
        ),
        (257, joined(&[&[128], &strings(&[b"issue"]), b"ca.example"]), r#"128 issue "ca.example""#),
        (65, joined(&[&[0, 0], &name("svc.example.net")]), "0 svc.example.net"),
        (
            65,
            joined(&[&[0, 1, 0], parameters]),
            "1 . mandatory=alpn alpn=h3,h2 port=8443 ipv4hint=192.0.2.1,192.0.2.2 ech=ZWNo ipv6hint=2001:db8::1 \
             dohpath=\"/q\\\"?\\000\" key9",
        ),
        (64, joined(&[&[0, 1, 0], &[0, 1, 0, 3, 2, b'h', b'2', 0, 2, 0, 0]]), "1 . alpn=h2 no-default-alpn"),
        (64, joined(&[&[0, 1, 0], &[0, 1, 0, 4, 3, b'a', b',', b'b']]), r#"1 . alpn="a,b""#),
        (
            35,
            joined(&[&[0, 100, 0, 10], &strings(&[b"u", b"E2U+sip", b"!^.*$!sip:x!"]), &[0]]),
            r#"100 10 "u" "E2U+sip" "!^.*$!sip:x!" ."#,
        ),
        (52, vec![3, 1, 1, 0xab, 0xcd], "3 1 1 abcd"),
        (43, vec![0xec, 0x46, 13, 2, 0xde, 0xad], "60486 13 2 dead"),
        (44, vec![4, 2, 0x12, 0x34], "4 2 1234"),
        (48, joined(&[&[1, 1, 3, 13], b"key"]), "257 3 13 a2V5"),
        (256, joined(&[&[0, 1, 0, 2], b"https://x/"]), r#"1 2 "https://x/""#),
        (65280, vec![10, 0, 0, 1], r"\# 4 0a000001"),
        (46, vec![], r"\# 0"),
    ]
}

#[test]
fn data_is_readable_in_full_records_and_bare() {
    for (kind, data, expected) in cases() {
        let full = answers(&[("v.records", serde_json::json!([item(kind, &record(&name("x.y"), kind, &data))]))]);
        assert_eq!(full[0]["data"], expected, "type {kind}");
        assert_eq!((&full[0]["name"], &full[0]["ttl"]), (&"x.y".into(), &300.into()));
        let bare = answers(&[("v.records", serde_json::json!([item(kind, &data)]))]);
        assert_eq!(bare[0]["data"], expected, "bare type {kind}");
        assert_eq!(bare[0].get("name"), None);
        assert_eq!(bare[0]["type"], full[0]["type"]);
    }
}

#[test]
fn the_type_may_be_a_number_a_name_or_missing() {
    let bytes = data_encoding::BASE64_NOPAD.encode(&record(&name("x"), 5, &name("y")));
    for kind in
        [serde_json::json!(5), "CNAME".into(), "cname".into(), "TYPE5".into(), serde_json::Value::Null, "?".into()]
    {
        let out = answers(&[("v.records", serde_json::json!([{"type": kind, "data": bytes}]))]);
        assert_eq!((&out[0]["type"], &out[0]["data"]), (&"CNAME".into(), &"y".into()), "{kind}");
    }
}

#[test]
fn pointers_into_the_record_and_into_the_question_are_followed() {
    let inside = record(&name("www.example.com"), 5, b"\x03cdn\xc0\x04");
    let to_question = record(&[0xc0, 12], 5, b"\x03cdn\xc0\x10");
    for (bytes, owner) in [(inside, "www.example.com"), (to_question, "www.example.com")] {
        let out = answers(&[(QUESTION, "www.example.com".into()), ("v.records", serde_json::json!([item(5, &bytes)]))]);
        assert_eq!((&out[0]["name"], &out[0]["data"]), (&owner.into(), &"cdn.example.com".into()));
    }
    let bare =
        answers(&[(QUESTION, "www.example.com".into()), ("v.records", serde_json::json!([item(5, b"\x01a\xc0\x0c")]))]);
    assert_eq!(bare[0]["data"], "a.www.example.com");
}

#[test]
fn pointers_elsewhere_are_damage() {
    let outside = "record 1: a name continues outside of the record";
    let forward = "record 1: a name continues at or after itself";
    for (bytes, question, reason) in [
        (record(&[0xc0, 12], 5, b"\xc0\x40"), "www.example.com", outside),
        (record(&[0xc0, 13], 1, &[1, 2, 3, 4]), "www.example.com", outside),
        (record(&[0xc0, 11], 1, &[1, 2, 3, 4]), "www.example.com", outside),
        (record(&[0xc0, 12], 1, &[1, 2, 3, 4]), "", outside),
        (record(&name("a"), 5, b"\x01b\xc0\x0d"), "a", forward),
        (record(&name("a"), 5, b"\x01b\xff\xff"), "a", forward),
    ] {
        let records = serde_json::json!([item(5, &bytes)]);
        let out = enriched(&[(QUESTION, question.into()), ("v.records", records)]);
        assert_eq!(out["tidegate"]["dns"]["answers_errors"], serde_json::json!([reason]));
        assert_eq!(out.get("dns"), None);
    }
}
