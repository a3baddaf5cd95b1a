use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::path::JsonPath;
use crate::record::Envelope;

fn records(framing: &Framing, text: impl AsRef<[u8]>) -> Vec<String> {
    let text = text.as_ref();
    let limits = Limits::default();
    let split = split(framing, text, &limits).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(count(framing, text, &limits).unwrap() as usize, split.records.len());
    split.records.iter().map(|record| String::from_utf8_lossy(&record.raw).into_owned()).collect()
}

fn error(framing: &Framing, text: impl AsRef<[u8]>) -> String {
    split(framing, text.as_ref(), &Limits::default()).unwrap_err().to_string()
}

fn line_numbers(framing: &Framing, text: &str) -> Vec<u32> {
    split(framing, text.as_bytes(), &Limits::default()).unwrap().records.iter().map(|record| record.line).collect()
}

const JSONS: Framing = Framing::Jsons { path: None };
const ARRAY: Framing = Framing::Array { intake_key: None };

fn at(path: &str) -> Framing {
    Framing::Jsons { path: Some(JsonPath::parse(path).unwrap()) }
}

#[test]
fn plain_is_one_record() {
    assert_eq!(records(&Framing::Plain, "one line"), ["one line"]);
    assert_eq!(records(&Framing::Plain, "two\nlines\r\n"), ["two\nlines"]);
    assert_eq!(records(&Framing::Plain, "[1, 2]\n\n"), ["[1, 2]\n"]);
    assert_eq!(records(&Framing::Plain, "\u{feff}x"), ["x"]);
    for empty in ["", "\n", "\r\n", "\u{feff}"] {
        assert!(records(&Framing::Plain, empty).is_empty(), "{empty:?}");
    }
}

#[test]
fn lines_in_all_their_forms() {
    let text = "{\"a\":1}\r\n\r\n{\"b\":2}\n   \n\t\nplain text\n{\"c\":3}";
    assert_eq!(records(&Framing::Lines, text), ["{\"a\":1}", "{\"b\":2}", "plain text", "{\"c\":3}"]);
    assert_eq!(line_numbers(&Framing::Lines, text), [1, 3, 6, 7]);
    assert_eq!(records(&Framing::Lines, format!("\u{feff}{text}\n")).len(), 4);
    assert_eq!(records(&Framing::Lines, " indented \n"), [" indented "]);
    assert!(records(&Framing::Lines, "").is_empty());
    assert!(records(&Framing::Lines, "\n\r\n \n").is_empty());
}

#[test]
fn lines_that_begin_like_json_stay_lines() {
    let unbound = "[764008:0] info: 198.51.100.10 example.org. A IN\n[764023:0] info: 2.34.100.56 text.org. A IN";
    assert_eq!(records(&Framing::Lines, unbound), unbound.lines().collect::<Vec<_>>());
    for text in [
        "{\"a\":1\n{\"b\":2}\n{\"c\":3}",
        "{\"a\":1}}\n{\"b\":2}\n",
        "{\"a\":\"x\n{\"b\":\"y\"}\n",
        "{\"a\":{\"x\":1\n{\"b\":2}\n{\"c\":3}}",
        "[\"a\"]\n[\"b\"]",
        "[1,2,3]",
        "[{\"a\":1},\n{\"b\":2}\n",
        "[",
        "{",
    ] {
        let expected: Vec<&str> = text.lines().collect();
        assert_eq!(records(&Framing::Lines, text), expected, "{text}");
    }
}

#[test]
fn lines_as_one_document() {
    let array = "\n [ {\"a\":[1]} ,\r\n \"te\\\"xt\\u00e9\" ]\n";
    assert_eq!(records(&Framing::Lines, array), ["{\"a\":[1]}", "te\"xté"]);
    assert_eq!(line_numbers(&Framing::Lines, array), [2, 3]);
    for wrapped in [
        r#"{"events":[{"a":1},{"b":2}]}"#,
        r#"{"Records":[{"a":1},{"b":2}]}"#,
        r#"{ "version": 1, "logs" : [{"a":1},{"b":2}], "count": 2 }"#,
        r#"{"anything":[{"a":1},{"b":2}]}"#,
        "{\n  \"events\": [\n    {\"a\":1},\n    {\"b\":2}\n  ]\n}\n",
    ] {
        assert_eq!(records(&Framing::Lines, wrapped), ["{\"a\":1}", "{\"b\":2}"], "{wrapped}");
        assert_eq!(records(&JSONS, wrapped), ["{\"a\":1}", "{\"b\":2}"], "{wrapped}");
    }
    assert!(records(&Framing::Lines, "[]").is_empty());
    assert!(records(&Framing::Lines, "{\"events\":[]}").is_empty());
}

#[test]
fn one_record_is_no_wrapper() {
    for record in [
        r#"{"a":1}"#,
        r#"{"id":1,"answers":[{"a":1}]}"#,
        r#"{"tags":["a","b"]}"#,
        r#"{"numbers":[]}"#,
        r#"{"events":[1]}"#,
        r#"{"events":[{"a":1}],"more":{"b":1}}"#,
        r#"{"events":[{"a":1}],"records":[{"a":1}]}"#,
        r#"{"content":"x"}"#,
        "{\n  \"a\": 1,\n  \"b\": 2\n}",
    ] {
        assert_eq!(records(&Framing::Lines, record), [record]);
        assert_eq!(records(&Framing::Lines, format!("\n{record} \r\n")), [record]);
        assert_eq!(records(&JSONS, format!(" {record}\n")), [record]);
    }
}

#[test]
fn jsons_one_after_the_other() {
    assert_eq!(
        records(&JSONS, "{\"a\":1}{\"b\":2} {\n\"c\":3\n}\n\"s\\n\"\n"),
        ["{\"a\":1}", "{\"b\":2}", "{\n\"c\":3\n}", "s\n"]
    );
    assert_eq!(records(&JSONS, "[{\"a\":1},\"text\",3]"), ["{\"a\":1}", "text", "3"]);
    assert_eq!(records(&JSONS, "[{\"a\":1}]\n{\"b\":2}"), ["{\"a\":1}", "{\"b\":2}"]);
    assert!(records(&JSONS, " \n").is_empty());
}

#[test]
fn a_damaged_document_costs_its_line_only() {
    let text = "{\"a\":1}\n{\"b\":\r\n{\"c\":3}\nnot json\n{\"d\":\n4}\n{\"e\":5}";
    let expected = ["{\"a\":1}", "{\"b\":", "{\"c\":3}", "not json", "{\"d\":", "4}", "{\"e\":5}"];
    assert_eq!(records(&JSONS, text), expected);
    assert_eq!(line_numbers(&JSONS, text), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(
        error(&JSONS, "[{\"a\":1},\n {\"b\":2}"),
        "line 2, column 9 (byte 18): expected `,` or `]`, found the end of the body"
    );
}

#[test]
fn open_brackets_on_every_line_are_walked_once() {
    let lines = 200_000;
    let started = std::time::Instant::now();
    assert_eq!(records(&JSONS, "{\"a\":[\n".repeat(lines)).len(), lines);
    assert_eq!(records(&Framing::Lines, "{\"a\":[\n".repeat(lines)).len(), lines);
    assert!(started.elapsed().as_secs() < 20, "quadratic");
}

#[test]
fn jsons_below_a_path() {
    let text = r#"{"path":{"to":{"events":["one","t\"wo",{"three":3}]}},"more":[1]}"#;
    for path in ["$.path.to.events", "path.to.events", "$['path'].to[\"events\"][*]"] {
        assert_eq!(records(&at(path), text), ["one", "t\"wo", "{\"three\":3}"], "{path}");
    }
    assert_eq!(records(&at("$.path.to.events[1]"), text), ["t\"wo"]);
    assert_eq!(records(&at("$.more"), text), ["1"]);
    assert_eq!(records(&at("$.e"), "{\"e\":[1]}\n{\"e\":null}\n{\"e\":[2,3]}"), ["1", "2", "3"]);
    assert_eq!(records(&at("$.e"), "{\"e\":[1],\"e\":[2]}"), ["2"]);
    assert_eq!(records(&at("$"), "[1,2]"), ["1", "2"]);
    assert_eq!(error(&at("$.x"), "{\"e\":1}\n\n{\"f\":1}"), "the document that begins on line 1 has nothing at `$.x`");
    assert_eq!(error(&at("$.e"), "{\"e\":[]}\n{\"f\":1}"), "the document that begins on line 2 has nothing at `$.e`");
    assert_eq!(error(&at("$.e"), "{\"e\":[1,\n2,}"), "line 2, column 3 (byte 11): expected a value, found `}`");
}

#[test]
fn batch_carries_its_key() {
    let text = "{\"intake_key\":\"k\\u0031\",\"jsons\":[\"one\",\n\"{\\\"a\\\":1}\",{\"b\":2}],\"@timestamp\":\"2026-01-02T03:04:05Z\"}";
    assert_eq!(records(&Framing::Batch, text), ["one", "{\"a\":1}", "{\"b\":2}"]);
    assert_eq!(line_numbers(&Framing::Batch, text), [1, 2, 2]);
    let split = split(&Framing::Batch, text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(split.intake_key.as_deref(), Some("k1"));
    assert_eq!(split.timestamp.as_deref(), Some("2026-01-02T03:04:05Z"));
    assert!(split.envelopes.is_empty());
    let cases = [
        ("", "line 1, column 1 (byte 0): expected `{`, found the end of the body"),
        ("[]", "line 1, column 1 (byte 0): expected `{`, found `[]`"),
        ("{}", "line 1, column 2 (byte 1): expected the member `jsons`, found `}`"),
        ("{\"jsons\":1}", "line 1, column 10 (byte 9): expected `[`, found `1}`"),
        ("{\"jsons\":[],\"jsons\":[]}", "line 1, column 21 (byte 20): expected that member only once, found `[]}`"),
        ("{\"jsons\":[]} x", "line 1, column 14 (byte 13): expected the end of the body, found `x`"),
        ("{\"intake_key\":1}", "line 1, column 15 (byte 14): expected a string, found `1}`"),
        ("\u{feff}{\"jsons\"\n[", "line 2, column 1 (byte 12): expected `:`, found `[`"),
    ];
    for (text, expected) in cases {
        assert_eq!(error(&Framing::Batch, text), expected);
    }
}

#[test]
fn single_is_one_record_with_its_key() {
    let text = r#"{"json":"{\"a\":\"é\"}","intake_key":"k"}"#;
    assert_eq!(records(&Framing::Single, text), [r#"{"a":"é"}"#]);
    let split = split(&Framing::Single, text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(split.intake_key.as_deref(), Some("k"));
    assert_eq!(records(&Framing::Single, r#"{"json":{"a":1}}"#), [r#"{"a":1}"#]);
    assert_eq!(
        error(&Framing::Single, "{\"intake_key\":\"k\"}"),
        "line 1, column 18 (byte 17): expected the member `json`, found `}`"
    );
}

#[test]
fn array_elements_bare_and_in_envelopes() {
    let text = r#"[ "bare", {"a":1}, {"json":"x","intake_key":"k1","timestamp":"t"},
        {"json":{"b":2},"intake_key":"k2","other":1}, {"json":"only"}, {"json":"kept whole","other":1} ]"#;
    let expected = ["bare", "{\"a\":1}", "x", "{\"b\":2}", "only", r#"{"json":"kept whole","other":1}"#];
    assert_eq!(records(&ARRAY, text), expected);
    assert_eq!(line_numbers(&ARRAY, text), [1, 1, 1, 2, 2, 2]);
    let split = split(&ARRAY, text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(split.envelopes.len(), split.records.len());
    let first = Envelope { intake_key: Some(Cow::Borrowed("k1")), timestamp: Some(Cow::Borrowed("t")) };
    assert_eq!(split.envelopes[2], first);
    assert_eq!(split.envelopes[1], Envelope::default());
    assert_eq!(split.envelopes[3].intake_key.as_deref(), Some("k2"));
    assert_eq!(records(&Framing::Array { intake_key: Some("k2".into()) }, text), ["{\"b\":2}"]);
    assert!(records(&ARRAY, "[]").is_empty());
    assert_eq!(error(&ARRAY, "{}"), "line 1, column 1 (byte 0): expected `[`, found `{}`");
    assert_eq!(
        error(&ARRAY, "[{\"a\":1}\n{\"b\":2}]"),
        "line 2, column 1 (byte 9): expected `,` or `]`, found `{\"b\":2}]`"
    );
    assert_eq!(
        error(&ARRAY, "[\"a\",\n{\"json\":\"x\",\"intake_key\":\"\\ud800\",\"a\":}]"),
        "line 2, column 39 (byte 44): expected a value, found `}]`"
    );
}

#[test]
fn bytes_that_are_no_utf8_are_kept() {
    let text = b"caf\xe9\n{\"a\":\"\xff\xfe\"}\n";
    let split = split(&Framing::Lines, text, &Limits::default()).unwrap();
    assert_eq!(split.records[0].raw.as_ref(), b"caf\xe9");
    assert_eq!(split.records[1].raw.as_ref(), b"{\"a\":\"\xff\xfe\"}");
}

#[test]
fn records_that_are_too_long_are_flagged_and_not_copied() {
    let limits = Limits { record_bytes_max: 10, ..Limits::default() };
    let long = "x".repeat(11);
    for (framing, text) in [
        (Framing::Lines, format!("short\n{long}\nexactly 10\n")),
        (ARRAY, format!("[\"short\",\"{long}\",\"exactly 10\"]")),
        (JSONS, format!("\"short\" \"\\n{long}\" \"exactly 10\"")),
    ] {
        let split = split(&framing, text.as_bytes(), &limits).unwrap();
        let flags: Vec<bool> = split.records.iter().map(|record| record.oversize).collect();
        assert_eq!(flags, [false, true, false], "{framing:?}");
        assert!(matches!(split.records[1].raw, Cow::Borrowed(_)));
    }
}

#[test]
fn records_are_bounded() {
    let limits = Limits { records_max: 3, ..Limits::default() };
    for (framing, text) in [(Framing::Lines, "a\nb\nc\nd"), (ARRAY, "[1,2,3,4]"), (JSONS, "{}{}{}{}")] {
        let expected = BatchError::TooManyRecords { records_max: 3 };
        assert_eq!(split(&framing, text.as_bytes(), &limits), Err(expected.clone()));
        assert_eq!(count(&framing, text.as_bytes(), &limits), Err(expected));
    }
}

#[test]
fn deep_nesting_is_one_record() {
    let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    assert_eq!(records(&ARRAY, format!("[{{\"a\":1}},{deep}]")), ["{\"a\":1}", &deep]);
    assert_eq!(records(&JSONS, format!("{{\"a\":{deep}}}\n{{}}")).len(), 2);
    assert_eq!(records(&Framing::Lines, "[".repeat(3_000_000)).len(), 1);
}

fn framings() -> impl Strategy<Value = Framing> {
    prop::sample::select(vec![
        Framing::Plain,
        Framing::Lines,
        JSONS,
        at("$.a"),
        at("$[0]"),
        Framing::Batch,
        ARRAY,
        Framing::Array { intake_key: Some("k".into()) },
        Framing::Single,
    ])
}

proptest! {
    #[test]
    fn lines_joined_are_the_text(lines in prop::collection::vec("[^\\s\\[{\u{feff}][^\n\r]{0,20}", 0..20), last: bool, crlf: bool) {
        let mut text = lines.join(if crlf { "\r\n" } else { "\n" });
        if last {
            text.push('\n');
        }
        prop_assert_eq!(records(&Framing::Lines, &text), lines);
    }

    #[test]
    fn an_array_gives_its_strings(strings: Vec<String>) {
        let text = serde_json::to_string(&strings).unwrap();
        prop_assert_eq!(&records(&ARRAY, &text), &strings);
        prop_assert_eq!(&records(&JSONS, &text), &strings);
        prop_assert_eq!(&records(&Framing::Lines, &text), &strings);
        let text = serde_json::to_string(&serde_json::json!({"jsons": strings, "intake_key": "k"})).unwrap();
        prop_assert_eq!(&records(&Framing::Batch, &text), &strings);
    }

    #[test]
    fn splitting_is_deterministic_and_harmless(
        framing in framings(),
        text in prop_oneof![
            "[\\[\\]{}\"\\\\:, \nakejsontimy_1]{0,60}",
            "(\\{\"(a|json|jsons|intake_key)\":|\\[|\\]|\\}|,|\"k\"|1|\n| |\\\\){0,20}",
        ],
    ) {
        let limits = Limits::default();
        let first = split(&framing, text.as_bytes(), &limits);
        prop_assert_eq!(&first, &split(&framing, text.as_bytes(), &limits));
        match (first, count(&framing, text.as_bytes(), &limits)) {
            (Ok(split), Ok(count)) => prop_assert_eq!(split.records.len(), count as usize),
            (Err(one), Err(other)) => prop_assert_eq!(one, other),
            (split, count) => prop_assert!(false, "{:?} but {:?}", split, count),
        }
    }

    #[test]
    fn every_line_of_text_is_in_some_record(text in "[a\\[{\"}\\],:\n]{0,40}") {
        // Nothing is lost on the lenient endpoints: all bytes but blanks and wrapper syntax come out.
        let letters = text.matches('a').count();
        let found: usize = records(&Framing::Lines, &text).iter().map(|record| record.matches('a').count()).sum();
        prop_assert!(found <= letters);
        if !text.trim_start().starts_with(['[', '{']) {
            prop_assert_eq!(found, letters);
        }
    }
}
