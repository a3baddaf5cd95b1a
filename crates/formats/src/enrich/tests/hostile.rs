//! Input that was damaged, or made to hurt.

use proptest::prelude::*;

use super::{EnrichOptions, QUESTION, enriched, enriched_with, item, name, record};

fn errors(out: &serde_json::Value) -> Vec<&str> {
    let errors = out["tidegate"]["dns"]["answers_errors"].as_array();
    errors.map(|errors| errors.iter().map(|error| error.as_str().unwrap()).collect()).unwrap_or_default()
}

#[test]
fn one_damaged_record_leaves_the_others() {
    let good = |last| item(1, &record(&name("x"), 1, &[192, 0, 2, last]));
    let mut cut = record(&name("x"), 1, &[192, 0, 2, 9]);
    cut.pop();
    let mut more = record(&name("x"), 1, &[192, 0, 2, 9]);
    more.push(0);
    let records = serde_json::json!([
        good(1), item(1, &cut), good(2), item(1, &more), good(3), {"type": "1", "data": "%%%"}, good(4), 7, good(5),
        {"type": "1"}, good(6), item(1, &record(&name("x"), 1, &[1, 2, 3])), good(7), {"data": "AAAA"}, good(8),
        item(65, &record(&name("x"), 65, &[0, 1, 0, 0, 1, 0, 9, 1])), good(9), item(1, &[1, 2, 3]),
        item(5, &record(&name("x"), 5, b"\x40a\0")), item(16, &record(&name("x"), 16, &[])), item(1, &[]),
        item(257, &record(&name("x"), 257, b"\0\x02\xff\xffx")),
    ]);
    let out = enriched(&[("v.records", records)]);
    let addresses: Vec<&str> =
        out["dns"]["answers"].as_array().unwrap().iter().map(|answer| answer["data"].as_str().unwrap()).collect();
    assert_eq!(addresses, (1..=9).map(|last| format!("192.0.2.{last}")).collect::<Vec<_>>());
    assert_eq!(
        errors(&out),
        [
            "record 2: it ends in the middle of the data",
            "record 4: 1 bytes are left over after the data",
            "record 6: the data is not base64",
            "record 8: it is not an object with type and data",
            "record 10: it is not an object with type and data",
            "record 12: an address has 3 bytes instead of 4",
            "record 14: neither the type nor the data tells what it is",
            "record 16: the data breaks the rules of HTTPS",
            "record 18: an address has 3 bytes instead of 4",
            "record 19: a label begins with the byte 0x40",
            "record 20: it ends in the middle of the text",
            "record 21: an address has 0 bytes instead of 4",
            "record 22: the data breaks the rules of CAA",
        ]
    );
}

#[test]
fn every_cut_of_a_record_is_survived() {
    for kind in [1_u16, 5, 6, 15, 16, 33, 35, 64, 65, 257, 999] {
        let whole = record(&name("www.example.com"), kind, b"\0\x01\0\x02\0\x03\x01a\0\x01b\0aaaaaaaaaaaaaaaaaaaa");
        for end in 0..whole.len() {
            let out = enriched(&[("v.records", serde_json::json!([item(kind, &whole[..end])]))]);
            assert!(out["dns"].is_object() || !errors(&out).is_empty(), "type {kind} cut at {end} vanished");
        }
    }
}

#[test]
fn a_text_of_64_kilobytes_is_kept_whole() {
    let text: Vec<u8> = std::iter::repeat_n([&[255_u8][..], &[b'a'; 255]].concat(), 255).flatten().collect();
    let out = enriched(&[("v.records", serde_json::json!([item(16, &record(&name("x"), 16, &text))]))]);
    assert_eq!(out["dns"]["answers"][0]["data"].as_str().unwrap().len(), 255 * 258 - 1);
    let noise = vec![255_u8; 256 * 255];
    let out = enriched(&[("v.records", serde_json::json!([item(16, &record(&name("x"), 16, &noise))]))]);
    assert_eq!(out["dns"]["answers"][0]["data"].as_str().unwrap().len(), 255 * (255 * 4 + 3) - 1);
}

#[test]
fn names_are_bounded() {
    let long = name(&vec!["a".repeat(63); 4].join("."));
    let out = enriched(&[("v.records", serde_json::json!([item(5, &record(&name("x"), 5, &long))]))]);
    assert_eq!(errors(&out), ["record 1: a name is longer than 255 bytes"]);
    // Each pointer leads to the one before: legal, and still short.
    let mut chain = b"\x01a\0".to_vec();
    for step in 0..100_u16 {
        let back = if step == 0 { 0 } else { 3 + (step - 1) * 4 };
        chain.extend_from_slice(&[1, b'b']);
        chain.extend_from_slice(&(0xc000 | back).to_be_bytes());
    }
    let out = enriched(&[("v.records", serde_json::json!([item(5, &chain)]))]);
    assert_eq!(errors(&out).len(), 1);
}

#[test]
fn answers_and_bytes_have_bounds() {
    let records: Vec<_> = (0..5).map(|last| item(1, &record(&name("x"), 1, &[192, 0, 2, last]))).collect();
    let few = EnrichOptions { answers_max: 2, ..EnrichOptions::default() };
    let out = enriched_with(&few, &[("v.records", records.clone().into())]);
    assert_eq!(out["dns"]["answers"].as_array().unwrap().len(), 2);
    assert_eq!(errors(&out), ["record 3 and what follows are beyond the bound"]);
    let small = EnrichOptions { answer_bytes_max: 40, ..EnrichOptions::default() };
    let out = enriched_with(&small, &[("v.records", records.into())]);
    assert_eq!(out["dns"]["answers"].as_array().unwrap().len(), 2);
    assert_eq!(errors(&out).len(), 3);
    let out = enriched_with(&small, &[("v.json", format!("[{}]", " ".repeat(60)).into())]);
    assert_eq!(errors(&out), ["62 bytes of answers are more than 40"]);
    let out = enriched(&[("v.records", vec![7; 1000].into())]);
    assert_eq!(errors(&out).len(), 17);
    assert_eq!(errors(&out)[16], "and 984 more");
}

#[test]
fn garbage_instead_of_answers() {
    for garbage in
        [serde_json::json!(7), true.into(), serde_json::json!({"type": "1"}), "no JSON".into(), "[[]]".into()]
    {
        for source in ["v.json", "v.records"] {
            let out = enriched(&[(source, garbage.clone())]);
            assert_eq!(out.get("dns"), None);
            assert_eq!(errors(&out).len(), 1, "{garbage}");
        }
    }
    let deep = enriched(&[("v.json", "[".repeat(100_000).into())]);
    assert_eq!(errors(&deep), ["the JSON text is nested too deeply at byte 10"]);
    assert_eq!(enriched(&[(QUESTION, 5.into())]), serde_json::json!({}));
}

proptest! {
    #[test]
    fn any_bytes_as_record(kind in any::<u16>(), bytes in prop::collection::vec(any::<u8>(), 0..80), question in ".{0,30}") {
        enriched(&[(QUESTION, question.into()), ("v.records", serde_json::json!([item(kind, &bytes)]))]);
    }

    #[test]
    fn any_bytes_as_data(
        kind in prop::sample::select(vec![1_u16, 2, 5, 6, 13, 15, 16, 28, 33, 35, 43, 48, 52, 64, 65, 257]),
        data in prop::collection::vec(prop_oneof![any::<u8>(), 0..8_u8, 0xc0..0xc2_u8], 0..60),
    ) {
        let whole = record(&name("www.example.com"), kind, &data);
        let out = enriched(&[(QUESTION, "www.example.com".into()), ("v.records", serde_json::json!([item(kind, &whole)]))]);
        prop_assert!(out["dns"].is_object() == errors(&out).is_empty(), "one record gives one answer or one reason");
    }

    #[test]
    fn any_text_as_json(text in ".{0,80}", name in ".{0,300}") {
        enriched(&[("v.json", text.into()), (QUESTION, name.into())]);
    }
}
