//! The plain evaluator, over whole events and over the fields that a filter names, and the execution over table and tail
//! decide alike, on random rows and random queries.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use support::{Flat, SECOND, Stage, event, wait};
use tidegate_event::Timestamp;
use tidegate_query::language::{Query, matches};
use tidegate_query::{Options, Search};
use uuid::Uuid;

const ROWS: usize = 200;
const QUERIES: usize = 400;

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[abAB]{0,3}", "[aA.é%_*]{1,4}", "a\u{202e}?b?"]
}

fn address() -> impl Strategy<Value = String> {
    prop_oneof![
        "10\\.0\\.[0-3]\\.[0-3]",
        "192\\.168\\.[01]\\.1",
        Just("2001:db8::1".to_owned()),
        Just("::1".to_owned())
    ]
}

/// A row whose fields may be missing; the nanosecond-free time is its place in the store.
fn row() -> impl Strategy<Value = serde_json::Value> {
    let maybe = proptest::option::of::<BoxedStrategy<serde_json::Value>>;
    let of = |strategy: BoxedStrategy<String>| strategy.prop_map(|text| json!(text)).boxed();
    let fields = (
        maybe(of(text().boxed())),
        maybe(of(text().boxed())),
        maybe(of(address().boxed())),
        maybe((-3..10_i64).prop_map(|number| json!(number)).boxed()),
        maybe(any::<bool>().prop_map(|flag| json!(flag)).boxed()),
        maybe((-4..8_i32).prop_map(|number| json!(f64::from(number) / 2.0 + 0.25)).boxed()),
        maybe(proptest::collection::vec(address(), 1..4).prop_map(|list| json!(list)).boxed()),
        maybe(proptest::collection::vec(-3..10_i64, 1..4).prop_map(|list| json!(list)).boxed()),
        maybe(proptest::collection::vec(text(), 1..3).prop_map(|list| json!(list)).boxed()),
        of(text().boxed()),
    );
    fields.prop_map(|(name, user, ip, port, tls, score, ips, numbers, tags, message)| {
        let mut row = json!({ "message": message });
        for (field, value) in [
            ("dns.question.name", name),
            ("user.name", user),
            ("source.ip", ip),
            ("source.port", port),
            ("tls.established", tls),
            ("test.score", score),
            ("dns.resolved_ip", ips),
            ("test.numbers", numbers),
            ("tags", tags),
        ] {
            if let Some(value) = value {
                row[field] = value;
            }
        }
        row
    })
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn term() -> impl Strategy<Value = String> {
    let text_field =
        || prop_oneof![Just("dns.question.name:"), Just("user.name:"), Just("tags:"), Just("message:"), Just(""),];
    let pattern = prop_oneof!["[abA]?\\*[abA.]?", "\\?[ab]?\\*?", "[aé]{1,2}\\?", "\\*[aAé%_]{1,2}\\*"]
        .prop_map(|pattern: String| pattern.replace('%', "\\%").replace('_', "\\_"))
        .prop_filter("not everything", |pattern| pattern != "*");
    let regex = prop_oneof![Just("/a+b/"), Just("/^a/"), Just("/[^a]$/"), Just("/É|b{2}/"), Just("/(?-i)A/")];
    let ip_field = || prop_oneof![Just("source.ip"), Just("dns.resolved_ip")];
    let network = prop_oneof![
        Just("10.0.0.0/8"),
        Just("10.0.1.0/24"),
        Just("10.0.2.0/23"),
        Just("192.168.0.0/16"),
        Just("::/0"),
        Just("[10.0.0.2 TO 10.0.2.1}"),
        Just(">=10.0.2.0"),
        Just("10.0.*"),
        Just("*"),
    ];
    let number_field = || prop_oneof![Just("source.port"), Just("test.numbers"), Just("test.score")];
    let exists = prop_oneof![
        Just("user.name:*"),
        Just("tags:*"),
        Just("test.numbers:*"),
        Just("source.port:*"),
        Just("dns.resolved_ip:*"),
        Just("tls.established:true"),
        Just("tls.established:false"),
        Just("labels:*"),
        Just("*"),
    ];
    let low = -4..9_i64;
    prop_oneof![
        4 => (text_field(), text()).prop_map(|(field, text)| format!("{field}{}", quoted(&text))),
        3 => (text_field(), pattern).prop_map(|(field, pattern)| format!("{field}{pattern}")),
        2 => (text_field(), regex).prop_map(|(field, regex)| format!("{field}{regex}")),
        2 => (ip_field(), network).prop_map(|(field, network)| format!("{field}:{network}")),
        1 => (ip_field(), address()).prop_map(|(field, address)| format!("{field}:{address}")),
        2 => (number_field(), low.clone(), 0..5_i64, any::<(bool, bool)>()).prop_map(|(field, low, more, ends)| {
            let (open, close) = (if ends.0 { '[' } else { '{' }, if ends.1 { ']' } else { '}' });
            format!("{field}:{open}{low} TO {}{close}", low + more)
        }),
        2 => (number_field(), prop_oneof![Just(">"), Just(">="), Just("<"), Just("<="), Just("")], low)
            .prop_map(|(field, sign, number)| format!("{field}:{sign}{number}")),
        1 => (0..ROWS as i64).prop_map(|second| {
            format!("@timestamp:>={}", Timestamp::from_micros(support::START + second * SECOND))
        }),
        2 => exists.prop_map(str::to_owned),
    ]
}

fn query() -> impl Strategy<Value = String> {
    term().prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) AND ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) OR ({b})")),
            inner.prop_map(|a| format!("NOT ({a})")),
        ]
    })
}

#[test]
fn evaluator_and_execution_decide_alike() {
    let mut runner = TestRunner::new(Config::default());
    let rows: Vec<Flat> =
        (0..ROWS as i64).map(|second| event(second * SECOND, row().new_tree(&mut runner).unwrap().current())).collect();
    let mut stage = Stage::new(Options::default());
    stage.publish(&rows[..ROWS / 2]);
    stage.flush();
    stage.publish(&rows[ROWS / 2..]);
    // Bare words look at the fields that the store adds too; the evaluator gets them from a search.
    let stored =
        wait(stage.engine.search(Search { scope: stage.scope(""), limit: ROWS, ..Search::default() })).unwrap();
    let mut flats: Vec<(String, Flat)> =
        stored.rows.iter().map(|row| (row.id.clone(), flat(row.event.get()))).collect();
    flats.sort_by(|a, b| a.0.cmp(&b.0));
    let wanted: Vec<(Timestamp, Uuid)> = flats
        .iter()
        .map(|(id, flat)| {
            (Timestamp::parse_rfc3339(flat["@timestamp"].as_str().unwrap()).unwrap(), Uuid::parse_str(id).unwrap())
        })
        .collect();
    let fields = stage.engine.fields_known();
    let now = Timestamp::from_micros(support::START);
    let mut hits = 0;
    for _ in 0..QUERIES {
        let text = query().new_tree(&mut runner).unwrap().current();
        let filter = Query::parse(&text).and_then(|query| query.resolve(fields, now)).unwrap_or_else(|error| {
            panic!("{}", error.caret(&text));
        });
        let expected: Vec<&str> =
            flats.iter().filter(|(_, flat)| matches(&filter, flat)).map(|(id, _)| id.as_str()).collect();
        let found =
            wait(stage.engine.search(Search { scope: stage.scope(&text), limit: ROWS, ..Search::default() })).unwrap();
        let mut ids: Vec<&str> = found.rows.iter().map(|row| row.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids, expected, "{text}\n{filter}");
        assert_eq!(found.total, expected.len() as u64, "{text}");
        let read = wait(stage.engine.events(wanted.clone(), &filter.fields())).unwrap();
        assert_eq!(read.len(), ROWS, "{text}");
        let met = read.values().filter(|event| matches(&filter, *event)).count();
        assert_eq!(met, expected.len(), "{text}\n{filter}");
        hits += usize::from(!expected.is_empty() && expected.len() < ROWS);
    }
    assert!(hits > QUERIES / 4, "only {hits} queries told rows apart");
}

/// Nested JSON as dotted names; lists stay whole.
fn flat(json: &str) -> Flat {
    fn walk(prefix: &str, value: serde_json::Value, out: &mut Flat) {
        match value {
            serde_json::Value::Object(members) => {
                for (key, value) in members {
                    walk(&if prefix.is_empty() { key } else { format!("{prefix}.{key}") }, value, out);
                }
            }
            value => {
                out.insert(prefix.to_owned(), value);
            }
        }
    }
    let mut out = Flat::new();
    walk("", serde_json::from_str(json).unwrap(), &mut out);
    out
}
