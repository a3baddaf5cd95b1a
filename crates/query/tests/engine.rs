//! Every request of the engine over a small store: in the tail, in the table, and in both.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use support::{Flat, HOUR, SECOND, START, Stage, event, wait};
use tidegate_event::Timestamp;
use tidegate_query::language::TimeRange;
use tidegate_query::{
    Aggregation, Engine, Error, Export, Format, Function, Group, Histogram, Options, Order, Scope, Search, Split,
    TopValues,
};

/// Ten events, one an hour, over two days.
fn events() -> Vec<Flat> {
    let name = |index: i64| format!("h{}.Example.com", index % 3);
    (0..10)
        .map(|index| {
            let mut fields = json!({
                "dns.question.name": name(index),
                "dns.question.type": if index % 2 == 0 { "A" } else { "AAAA" },
                "source.ip": format!("10.0.{}.1", index % 4),
                "source.port": 1_000 + index,
                "dns.resolved_ip": ["192.0.2.1", "192.0.2.1", format!("192.0.2.{}", index % 2 + 1)],
                "tls.established": index % 5 == 0,
                "message": format!("raw record number {index}"),
            });
            if index % 3 == 0 {
                fields["user.name"] = json!("Bob");
            }
            if index == 4 {
                fields["dns.resolved_ip"] = Value::Null;
            }
            event(20 * HOUR + index * HOUR, fields)
        })
        .collect()
}

/// The events in the tail, in the table, and half in each.
fn stages() -> Vec<Stage> {
    let all = events();
    [0, 5, 10]
        .into_iter()
        .map(|in_table| {
            let mut stage = Stage::new(Options::default());
            if in_table > 0 {
                stage.publish(&all[..in_table]);
                stage.flush();
            }
            if in_table < all.len() {
                stage.publish(&all[in_table..]);
            }
            stage
        })
        .collect()
}

fn search(stage: &Stage, query: &str) -> Search {
    Search { scope: stage.scope(query), limit: 100, ..Search::default() }
}

fn ports(rows: &[tidegate_query::Row]) -> Vec<i64> {
    let port = |row: &tidegate_query::Row| {
        let event: Value = serde_json::from_str(row.event.get()).unwrap();
        event["source"]["port"].as_i64().unwrap()
    };
    rows.iter().map(port).collect()
}

#[test]
fn a_search_finds_what_matches_newest_first() {
    for stage in stages() {
        for (query, expected) in [
            ("", vec![1009, 1008, 1007, 1006, 1005, 1004, 1003, 1002, 1001, 1000]),
            ("dns.question.name:H1.EXAMPLE.COM", vec![1007, 1004, 1001]),
            ("dns.question.name:*EXAMPLE* AND dns.question.type:aaaa", vec![1009, 1007, 1005, 1003, 1001]),
            ("dns.question.name:(h1.example.com OR h2.example.com) source.port:<1003", vec![1002, 1001]),
            ("dns.question.name:h1*", vec![1007, 1004, 1001]),
            ("user.name:bob", vec![1009, 1006, 1003, 1000]),
            ("NOT user.name:bob", vec![1008, 1007, 1005, 1004, 1002, 1001]),
            ("NOT user.name:*", vec![1008, 1007, 1005, 1004, 1002, 1001]),
            ("NOT dns.resolved_ip:*", vec![1004]),
            ("dns.resolved_ip:192.0.2.2", vec![1009, 1007, 1005, 1003, 1001]),
            ("dns.resolved_ip:192.0.2.0/30 source.port:>=1008", vec![1009, 1008]),
            ("source.ip:10.0.3.0/24", vec![1007, 1003]),
            ("source.ip:[10.0.2.0 TO 10.0.3.255] -dns.question.type:A", vec![1007, 1003]),
            ("tls.established:true", vec![1005, 1000]),
            ("\"record NUMBER 7\"", vec![1007]),
            ("message:/number [12]$/", vec![1002, 1001]),
            ("source.port:[1002 TO 1004}", vec![1003, 1002]),
            ("@timestamp:>2026-05-05T04:00", vec![1009]),
            ("nothing", vec![]),
        ] {
            let result = wait(stage.engine.search(search(&stage, query))).unwrap();
            assert_eq!(ports(&result.rows), expected, "{query}");
            assert_eq!(result.total, expected.len() as u64, "{query}");
            assert!(!result.partial && result.next.is_none());
        }
    }
}

#[test]
fn a_time_range_narrows_every_search() {
    for stage in stages() {
        let at = |hours: i64| Some(Timestamp::from_micros(START + hours * HOUR));
        let scope = Scope { range: TimeRange { start: at(22), end: at(25) }, ..stage.scope("") };
        let result = wait(stage.engine.search(Search { scope: scope.clone(), limit: 2, ..Search::default() })).unwrap();
        assert_eq!((ports(&result.rows), result.total), (vec![1004, 1003], 3));
        assert_eq!(wait(stage.engine.count(scope)).unwrap(), 3);
    }
}

#[test]
fn a_time_range_finds_rows_that_lie_under_another_day() {
    let mut stage = Stage::with_flush_days_max(2);
    let days: Vec<Flat> = (0..6).map(|day| event(-24 * HOUR * day, json!({"source.port": 1_000 + day}))).collect();
    stage.publish(&days);
    stage.flush();
    for day in 0..6 {
        let at = |hours: i64| Some(Timestamp::from_micros(START + hours * HOUR));
        let range = TimeRange { start: at(-24 * day), end: at(-24 * day + 1) };
        let found = wait(stage.engine.search(Search {
            scope: Scope { range, ..stage.scope("") },
            limit: 9,
            ..Search::default()
        }));
        assert_eq!(ports(&found.unwrap().rows), [1_000 + day]);
    }
}

#[test]
fn pages_follow_each_other_in_every_order() {
    let by = |name: &str, descending| Order::Field { name: name.to_owned(), descending };
    for stage in stages() {
        for (order, expected) in [
            (Order::Newest, vec![1009, 1008, 1007, 1006, 1005, 1004, 1003, 1002, 1001, 1000]),
            (Order::Oldest, vec![1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009]),
            (by("source.ip", false), vec![1008, 1004, 1000, 1009, 1005, 1001, 1006, 1002, 1007, 1003]),
            (by("source.port", true), vec![1009, 1008, 1007, 1006, 1005, 1004, 1003, 1002, 1001, 1000]),
            (by("user.name", true), vec![1009, 1006, 1003, 1000, 1008, 1007, 1005, 1004, 1002, 1001]),
        ] {
            for limit in [1, 3, 10] {
                let (mut seen, mut after) = (Vec::new(), None);
                loop {
                    let page = Search { limit, order: order.clone(), after, ..search(&stage, "") };
                    let result = wait(stage.engine.search(page)).unwrap();
                    assert_eq!(result.total, 10);
                    seen.extend(ports(&result.rows));
                    match result.next {
                        Some(next) => after = Some(next),
                        None => break,
                    }
                }
                assert_eq!(seen, expected, "{order:?} by {limit}");
            }
        }
    }
}

#[test]
fn addresses_are_ordered_as_numbers() {
    let sorted = ["9.255.255.255", "10.0.0.1", "10.0.0.2", "198.51.100.7", "::1", "2001:db8::1", "fe80::1"];
    let mut stage = Stage::new(Options::default());
    let ranks = [5, 3, 0, 6, 4, 2, 1, 2];
    let events: Vec<Flat> =
        ranks.iter().map(|&rank| event(0, json!({"source.port": rank, "source.ip": sorted[rank]}))).collect();
    stage.publish(&events[..3]);
    stage.flush();
    stage.publish(&events[3..]);
    stage.publish(&[event(0, json!({"source.port": 99}))]);
    for (descending, expected) in [(false, [0, 1, 2, 2, 3, 4, 5, 6, 99]), (true, [6, 5, 4, 3, 2, 2, 1, 0, 99])] {
        for limit in [1, 2, 9] {
            let order = Order::Field { name: "source.ip".to_owned(), descending };
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = Search { limit, order: order.clone(), after, ..search(&stage, "") };
                let result = wait(stage.engine.search(page)).unwrap();
                seen.extend(ports(&result.rows));
                match result.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            assert_eq!(seen, expected, "descending: {descending}, by {limit}");
        }
    }
}

#[test]
fn rows_of_one_moment_are_paged_too() {
    let mut stage = Stage::new(Options::default());
    let same: Vec<Flat> = (0..20).map(|port| event(0, json!({"source.port": port}))).collect();
    stage.publish(&same[..10]);
    stage.flush();
    stage.publish(&same[10..]);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let result = wait(stage.engine.search(Search { limit: 7, after, ..search(&stage, "") })).unwrap();
        seen.extend(ports(&result.rows));
        match result.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, (0..20).rev().collect::<Vec<_>>());
}

#[test]
fn chosen_fields_only() {
    let stage = &stages()[1];
    let fields = Some(vec!["dns.question".to_owned(), "source.port".to_owned()]);
    let result = wait(stage.engine.search(Search { fields, limit: 1, ..search(stage, "") })).unwrap();
    let event: Value = serde_json::from_str(result.rows[0].event.get()).unwrap();
    let expected = json!({"dns": {"question": {"name": "h0.Example.com", "type": "AAAA"}}, "source": {"port": 1009}});
    assert_eq!(event, expected, "with the name as it was received");
    let fields = Some(vec!["dns.qestion".to_owned()]);
    let error = wait(stage.engine.search(Search { fields, ..search(stage, "") })).unwrap_err();
    assert!(error.is_callers());
}

#[test]
fn rows_are_described() {
    let mut stage = Stage::new(Options::default());
    stage.publish(&[event(0, json!({"source.port": 53, "dns.question.name": "A.example"}))]);
    let engine = Engine::new(stage.store.clone(), Options::default()).unwrap().with_describe(std::sync::Arc::new(
        |flat: &serde_json::Map<String, Value>| {
            Some(format!("{} by {}", flat["dns.question.name"], flat["tidegate.format"]))
        },
    ));
    let result = wait(engine.search(search(&stage, ""))).unwrap();
    assert_eq!(result.rows[0].description.as_deref(), Some("\"A.example\" by \"test-format\""));
}

#[test]
fn a_histogram_has_every_bucket() {
    for stage in stages() {
        let at = |hours: i64| Some(Timestamp::from_micros(START + hours * HOUR));
        let range = TimeRange { start: at(18), end: at(32) };
        let scope = Scope { range, ..stage.scope("") };
        let histogram = Histogram { scope, interval_ms: Some(2 * 3_600_000), split: None };
        let result = wait(stage.engine.histogram(histogram)).unwrap();
        let counts: Vec<u64> = result.buckets.iter().map(|bucket| bucket.count).collect();
        assert_eq!(counts, [0, 2, 2, 2, 2, 2, 0]);
        assert_eq!(result.buckets[0].start.to_rfc3339(), "2026-05-04T18:00:00Z");
    }
}

#[test]
fn a_histogram_finds_its_range_and_splits() {
    for stage in stages() {
        let split = Some(Split { field: "dns.question.name".to_owned(), size: 2 });
        let histogram = Histogram { scope: stage.scope(""), interval_ms: Some(86_400_000), split };
        let result = wait(stage.engine.histogram(histogram)).unwrap();
        assert_eq!(result.series, [json!("h0.example.com"), json!("h1.example.com")]);
        let shown: Vec<_> = result.buckets.iter().map(|bucket| (bucket.count, bucket.series.clone())).collect();
        assert_eq!(shown, [(4, vec![2, 1]), (6, vec![2, 2])]);
    }
}

#[test]
fn a_histogram_keeps_its_bounds() {
    let stage = &stages()[0];
    let at = |micros: i64| Some(Timestamp::from_micros(START + micros));
    let ask = |start, end, interval_ms| {
        let scope = Scope { range: TimeRange { start, end }, ..stage.scope("") };
        wait(stage.engine.histogram(Histogram { scope, interval_ms, split: None }))
    };
    assert!(matches!(ask(at(0), at(2_001 * SECOND), Some(1_000)), Err(Error::Request(_))));
    assert_eq!(ask(at(0), at(2_000 * SECOND), Some(1_000)).unwrap().buckets.len(), 2_000);
    assert_eq!(ask(at(0), at(0), Some(1_000)).unwrap().buckets.len(), 0);
    assert_eq!(ask(at(0), at(1), Some(1_000)).unwrap().buckets.len(), 1);
    assert!(ask(at(0), at(1), Some(0)).is_err());
    let nothing = Histogram { scope: stage.scope("nothing"), ..Histogram::default() };
    assert_eq!(wait(stage.engine.histogram(nothing)).unwrap().buckets, []);
    let auto = Histogram { scope: stage.scope(""), ..Histogram::default() };
    let auto = wait(stage.engine.histogram(auto)).unwrap();
    assert_eq!(auto.buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 10);
    let split = Some(Split { field: "dns.resolved_ip".to_owned(), size: 2 });
    let by_list = Histogram { scope: stage.scope(""), split, ..Histogram::default() };
    assert!(matches!(wait(stage.engine.histogram(by_list)), Err(Error::Request(_))));
}

#[test]
fn top_values_add_up() {
    for stage in stages() {
        let top = |field: &str, size| {
            let top = TopValues { scope: stage.scope(""), field: field.to_owned(), size };
            wait(stage.engine.top_values(top)).unwrap()
        };
        let shown = |result: &tidegate_query::TopValuesResult| {
            result.values.iter().map(|value| (value.value.clone(), value.count)).collect::<Vec<_>>()
        };
        let names = top("dns.question.name", 2);
        assert_eq!(shown(&names), [(json!("h0.example.com"), 4), (json!("h1.example.com"), 3)]);
        assert_eq!((names.other, names.missing, names.distinct, names.total), (3, 0, 3, 10));
        let users = top("user.name", 5);
        assert_eq!(shown(&users), [(json!("Bob"), 4)]);
        assert_eq!((users.other, users.missing, users.distinct), (0, 6, 1));
        let answers = top("dns.resolved_ip", 5);
        assert_eq!(shown(&answers), [(json!("192.0.2.1"), 9), (json!("192.0.2.2"), 5)], "an item counts once an event");
        assert_eq!((answers.missing, answers.total), (1, 10));
        assert_eq!(shown(&top("tls.established", 5)), [(json!(false), 8), (json!(true), 2)]);
        assert_eq!(shown(&top("source.port", 1)), [(json!(1000), 1)]);
    }
}

#[test]
fn aggregates_by_nothing_time_and_field() {
    for stage in stages() {
        let ask = |function, field: Option<&str>, group| {
            let field = field.map(str::to_owned);
            let aggregation = Aggregation { scope: stage.scope(""), function, field, group };
            let groups = wait(stage.engine.aggregate(aggregation)).unwrap().groups;
            groups.into_iter().map(|group| (group.key, group.value)).collect::<Vec<_>>()
        };
        let one = |function, field| ask(function, field, Group::None)[0].1.clone();
        assert_eq!(one(Function::Count, None), json!(10));
        assert_eq!(one(Function::Count, Some("user.name")), json!(4));
        assert_eq!(one(Function::Count, Some("dns.resolved_ip")), json!(9));
        assert_eq!(one(Function::Cardinality, Some("source.ip")), json!(4));
        assert_eq!(one(Function::Sum, Some("source.port")), json!(10_045));
        assert_eq!(one(Function::Avg, Some("source.port")), json!(1004.5));
        assert_eq!(one(Function::Min, Some("@timestamp")), json!("2026-05-04T20:00:00Z"));
        assert_eq!(one(Function::Max, Some("dns.question.name")), json!("h2.example.com"));
        let days = ask(Function::Count, None, Group::Time(Some(86_400_000)));
        assert_eq!(days, [(json!("2026-05-04T00:00:00Z"), json!(4)), (json!("2026-05-05T00:00:00Z"), json!(6))]);
        let types =
            ask(Function::Max, Some("source.port"), Group::Field { name: "dns.question.type".to_owned(), size: 1 });
        assert_eq!(types, [(json!("AAAA"), json!(1009))]);
    }
    let stage = &stages()[0];
    for (function, field) in
        [(Function::Sum, Some("user.name")), (Function::Avg, None), (Function::Min, Some("dns.resolved_ip"))]
    {
        let field = field.map(str::to_owned);
        let aggregation = Aggregation { scope: stage.scope(""), function, field, group: Group::None };
        assert!(matches!(wait(stage.engine.aggregate(aggregation)), Err(Error::Request(_))));
    }
}

#[test]
fn fields_have_a_coverage() {
    for stage in stages() {
        let result = wait(stage.engine.fields(stage.scope(""))).unwrap();
        assert_eq!(result.sampled, 10);
        let coverage = |name: &str| result.fields.iter().find(|field| field.name == name).unwrap().coverage;
        assert_eq!((coverage("user.name"), coverage("source.port"), coverage("labels")), (0.4, 1.0, 0.0));
        assert!(result.fields.iter().all(|field| field.name != "day"), "the partition is no field");
    }
}

fn exported(
    stage: &Stage,
    format: Format,
    fields: Option<&[&str]>,
    limit: Option<usize>,
) -> Result<String, tidegate_query::Error> {
    let fields = fields.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    wait(async {
        let mut stream = stage.engine.export(Export { scope: stage.scope(""), format, fields, limit }).await?;
        let mut out = Vec::new();
        while let Some(chunk) = stream.next().await {
            out.extend_from_slice(&chunk?);
        }
        Ok(String::from_utf8(out).unwrap())
    })
}

#[test]
fn an_export_with_a_limit_holds_the_newest() {
    for stage in stages() {
        let newest = exported(&stage, Format::Csv, Some(&["source.port"]), Some(3)).unwrap();
        assert_eq!(newest, "source.port\r\n1009\r\n1008\r\n1007\r\n");
        let lines = exported(&stage, Format::Ndjson, None, Some(99)).unwrap();
        assert_eq!(lines.lines().count(), 10);
        let whole = exported(&stage, Format::Ndjson, None, None).unwrap();
        assert!(lines.lines().all(|line| whole.lines().any(|other| other == line)));
        assert_eq!(exported(&stage, Format::Csv, Some(&["source.port"]), Some(0)).unwrap(), "source.port\r\n");
        assert!(exported(&stage, Format::Csv, None, Some(10_001)).unwrap_err().is_callers());
    }
}

#[test]
fn an_export_holds_everything() {
    let whole = |stage: &Stage, format, fields| exported(stage, format, fields, None).unwrap();
    for stage in stages() {
        let lines = whole(&stage, Format::Ndjson, None);
        let mut seen: Vec<i64> = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["source"]["port"].as_i64().unwrap())
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, (1_000..1_010).collect::<Vec<_>>());
        let table = whole(&stage, Format::Csv, Some(&["source.port", "dns.question.name", "dns.resolved_ip"]));
        let mut lines: Vec<&str> = table.split_terminator("\r\n").collect();
        assert_eq!(lines.remove(0), "source.port,dns.question.name,dns.resolved_ip");
        lines.sort_unstable();
        assert_eq!(lines[0], "1000,h0.Example.com,\"[\"\"192.0.2.1\"\",\"\"192.0.2.1\"\",\"\"192.0.2.1\"\"]\"");
        assert_eq!(lines[4], "1004,h1.Example.com,");
        assert_eq!(lines.len(), 10);
    }
}

#[test]
fn an_event_is_found_by_its_id() {
    let mut stage = Stage::new(Options::default());
    let mut ids = stage.publish(&events()[..5]);
    stage.flush();
    ids.extend(stage.publish(&events()[5..]));
    for (index, id) in ids.iter().enumerate() {
        let row = wait(stage.engine.event(&id.to_uppercase())).unwrap().unwrap();
        assert_eq!((&row.id, ports(std::slice::from_ref(&row))), (id, vec![1_000 + index as i64]));
    }
    assert!(wait(stage.engine.event("01890a5d-ac96-8774-8cce-b302099a8057")).unwrap().is_none());
    assert!(matches!(wait(stage.engine.event("x\n")), Err(Error::Request(_))));
}

fn rows(engine: &Engine, statement: &str) -> Result<(Vec<Vec<Value>>, bool), Error> {
    wait(async {
        let mut answer = engine.sql(statement).await?;
        let mut all = Vec::new();
        while let Some(rows) = answer.next().await {
            all.extend(rows?);
        }
        Ok((all, answer.truncated()))
    })
}

#[test]
fn sql_reads_events() {
    for stage in stages() {
        for (statement, expected) in [
            ("SELECT count(*) FROM events", json!([[10]])),
            (
                "select \"dns.question.name\", count(*) as n from events group by 1 order by n desc, 1 limit 2",
                json!([["h0.example.com", 4], ["h1.example.com", 3]]),
            ),
            (
                "SELECT e.source.port FROM events e WHERE dns.question.type = 'A' ORDER BY Source.Port DESC LIMIT 2",
                json!([[1008], [1006]]),
            ),
            (
                "SELECT user.name, count(User.Name) FROM events e WHERE e.user.name = 'Bob' GROUP BY 1",
                json!([["Bob", 4]]),
            ),
            ("WITH a AS (SELECT source.port p FROM events) SELECT max(p), min(p) FROM a", json!([[1009, 1000]])),
            (
                "SELECT @timestamp, tls.established FROM events ORDER BY 1 LIMIT 1",
                json!([["2026-05-04T20:00:00Z", true]]),
            ),
            (
                "SELECT date_trunc('day', \"@timestamp\") d, count(*) FROM events GROUP BY d ORDER BY d",
                json!([["2026-05-04T00:00:00Z", 4], ["2026-05-05T00:00:00Z", 6]]),
            ),
            ("SELECT count(*) FROM events WHERE @timestamp < now() - INTERVAL '1 hour'", json!([[10]])),
            ("VALUES (1, 'a')", json!([[1, "a"]])),
            ("SELECT NULL, [1, 2]", json!([[null, [1, 2]]])),
            (
                "SELECT count(*) FROM events WHERE NOT EXISTS (SELECT 1 FROM events x WHERE x.source.port > 5000)",
                json!([[10]]),
            ),
        ] {
            let (found, truncated) =
                rows(&stage.engine, statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
            assert_eq!(json!(found), expected, "{statement}");
            assert!(!truncated);
        }
        assert!(rows(&stage.engine, "EXPLAIN SELECT 1 FROM events").is_ok());
    }
}

#[test]
fn a_condition_opens_only_the_files_that_it_needs() {
    let mut stage = Stage::new(Options::default());
    for (day, event) in events().chunks(4).enumerate() {
        stage.publish(event);
        stage.flush();
        assert_eq!(rows(&stage.engine, "SELECT count(distinct day) FROM events").unwrap().0, [[json!(day.min(1) + 1)]]);
    }
    // Hours 20 to 23 of one day, 0 to 3 and 4 to 5 of the next: a file each.
    for (condition, files) in [
        ("true", 3),
        ("@timestamp >= timestamp '2026-05-05T04:00:00Z'", 1),
        ("@timestamp < timestamp '2026-05-05T04:00:00Z'", 2),
        ("day = date '2026-05-05'", 2),
        ("day < date '2026-05-05' AND source.ip = '10.0.1.1'", 1),
        ("dns.question.name = 'h9.example.com'", 0),
        ("dns.question.name >= 'h0' AND source.port = 1000", 3),
    ] {
        let plan = rows(&stage.engine, &format!("EXPLAIN SELECT event.id FROM events WHERE {condition}")).unwrap().0;
        let text = plan.iter().filter_map(|row| row[1].as_str()).collect::<String>();
        assert_eq!(text.matches(".parquet").count(), files, "{condition}: {text}");
    }
}

#[test]
fn the_partition_is_a_column_like_any_other() {
    for stage in stages() {
        for (statement, expected) in [
            (
                "SELECT day, count(*) FROM events GROUP BY day ORDER BY day",
                json!([["2026-05-04", 4], ["2026-05-05", 6]]),
            ),
            ("SELECT source.port, day FROM events WHERE source.port = 1005", json!([[1005, "2026-05-05"]])),
            (
                "SELECT day, source.port FROM events WHERE day = '2026-05-04' AND source.port > 1002",
                json!([["2026-05-04", 1003]]),
            ),
            ("SELECT count(day), count(user.name) FROM events", json!([[10, 4]])),
        ] {
            assert_eq!(json!(rows(&stage.engine, statement).unwrap().0), expected, "{statement}");
        }
    }
}

#[test]
fn sql_does_nothing_but_read_events() {
    let stage = &stages()[1];
    let secret = stage.dir.path().join("secret.csv");
    std::fs::write(&secret, "a\n1\n").unwrap();
    let path = secret.display();
    for statement in [
        "DELETE FROM events".to_owned(),
        "UPDATE events SET source.port = 1".to_owned(),
        "INSERT INTO events SELECT * FROM events".to_owned(),
        "TRUNCATE TABLE events".to_owned(),
        "DROP TABLE events".to_owned(),
        "CREATE TABLE x AS SELECT 1".to_owned(),
        "CREATE VIEW x AS SELECT 1".to_owned(),
        format!("CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '{path}'"),
        format!("COPY events TO '{path}.out'"),
        format!("COPY (SELECT 1) TO '{path}.out' STORED AS CSV"),
        format!("EXPLAIN COPY events TO '{path}.out'"),
        "EXPLAIN ANALYZE DELETE FROM events".to_owned(),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "SHOW ALL".to_owned(),
        "SHOW TABLES".to_owned(),
        "BEGIN".to_owned(),
        "PREPARE x AS SELECT 1".to_owned(),
        "RESET datafusion.execution.batch_size".to_owned(),
        format!("SELECT * FROM '{path}'"),
        format!("SELECT * FROM \"{path}\""),
        format!("SELECT * FROM read_csv('{path}')"),
        "SELECT * FROM range(1, 100000000000)".to_owned(),
        "SELECT * FROM generate_series(1, 100000000000)".to_owned(),
        "SELECT repeat('x', 1000000000000)".to_owned(),
        "SELECT * FROM information_schema.tables".to_owned(),
        "SELECT 1; SELECT 2".to_owned(),
        "SELECT * INTO x FROM events".to_owned(),
        "SELECT nosuch FROM events".to_owned(),
        "SELEC 1".to_owned(),
        String::new(),
        format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("SELECT '{}'", "x".repeat(100_000)),
    ] {
        let found = rows(&stage.engine, &statement);
        let short: String = statement.chars().take(80).collect();
        assert!(matches!(found, Err(Error::Sql(_) | Error::Statement(_))), "{short}: {found:?}");
    }
    assert!(!stage.dir.path().join("secret.csv.out").exists());
    assert_eq!(wait(stage.engine.count(stage.scope(""))).unwrap(), 10);
}

#[test]
fn a_mistake_in_sql_is_told_at_its_place() {
    let stage = &stages()[1];
    for (statement, at, said) in [
        ("SELECT dns.question.nam FROM events", "dns.question.nam", "did you mean `dns.question.name`?"),
        ("SELECT -- dns.question.nam\n  'é', dns.question.nam FROM events", "dns.question.nam", "there is no column"),
        ("SELECT count(*) FROM events e WHERE e.dns.question.nam = 'x'", "e.dns.question.nam", "`dns.question.name`?"),
        ("SELECT User.Nam FROM events", "User.Nam", "there is no column `User.Nam`; did you mean `user.name`?"),
        ("SELECT \"source.ipp\" FROM events", "\"source.ipp\"", "did you mean `source.ip`?"),
        ("SELECT 1 FROM events WHERE @timestam > now()", "@timestam", "did you mean `@timestamp`?"),
        ("SELECT a.q FROM (SELECT source.port AS p FROM events) a", "a.q", "there is no column `a.q`"),
        ("SELECT nosuchcolumn FROM events", "nosuchcolumn", "there is no column `nosuchcolumn`"),
        ("SELECT source.ip", "source.ip", "`FROM events`"),
        ("EXPLAIN SELECT da FROM events", "da", "did you mean `day`?"),
        ("SELECT 1 FROM\n  evnts", "evnts", "there is no table `evnts`; did you mean `events`?"),
        ("WITH a AS (SELECT 1) SELECT * FROM a, pg_catalog.users", "pg_catalog.users", "the only one is `events`"),
        ("SELEC 1", "SELEC", "expected an SQL statement, found SELEC"),
        ("SELECT 1 FROM events WHERE source.port = = 2", "=", "expected"),
    ] {
        let Err(Error::Statement(wrong)) = rows(&stage.engine, statement) else { panic!("{statement} is no mistake") };
        assert_eq!(&statement[wrong.span.start..wrong.span.end], at, "{statement}: {wrong:?}");
        assert!(wrong.message.contains(said), "{statement}: {}", wrong.message);
    }
}

#[test]
fn sql_answers_are_bounded() {
    let mut stage = Stage::new(Options { sql_rows_max: 3, ..Options::default() });
    stage.publish(&events());
    let (found, truncated) = rows(&stage.engine, "SELECT source.port FROM events").unwrap();
    assert!(found.len() == 3 && truncated);
    let (found, truncated) = rows(&stage.engine, "SELECT source.port FROM events LIMIT 3").unwrap();
    assert!(found.len() == 3 && !truncated);
}

#[test]
fn odd_characters_are_found_as_they_are() {
    let odd =
        ["Ünïcødé", "quote\"and\\slash", "a\u{202e}b", "per%cent_under", "new\nline", "*star?", "日本語", "", "\0"];
    for flushed in [false, true] {
        let mut stage = Stage::new(Options::default());
        let all: Vec<Flat> = odd
            .iter()
            .enumerate()
            .map(|(at, text)| {
                event(at as i64, json!({"user.name": text, "source.port": at, "dns.question.name": text}))
            })
            .collect();
        stage.publish(&all);
        if flushed {
            stage.flush();
        }
        for (port, text) in odd.iter().enumerate() {
            let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            for field in ["user.name", "dns.question.name"] {
                let result = wait(stage.engine.search(search(&stage, &format!("{field}:{quoted}")))).unwrap();
                assert_eq!(ports(&result.rows), [port as i64], "{field} {text:?}");
            }
        }
        for (query, expected) in [
            ("user.name:ÜNÏCØDÉ", vec![0]),
            ("dns.question.name:per%cent_*", vec![3]),
            ("user.name:per%*", vec![3]),
            ("dns.question.name:p*%c*_u*", vec![3]),
            ("user.name:日??", vec![6]),
            ("dns.question.name:日*", vec![6]),
            ("user.name:/\\x{202e}/", vec![2]),
            ("user.name:*\\**", vec![5]),
        ] {
            let result = wait(stage.engine.search(search(&stage, query))).unwrap();
            assert_eq!(ports(&result.rows), expected, "{query}");
        }
    }
}

#[test]
fn mistakes_are_the_callers() {
    let stage = &stages()[0];
    let error = wait(stage.engine.search(search(stage, "source.prot:5"))).unwrap_err();
    assert!(error.is_callers());
    assert_eq!(error.to_string(), "unknown field `source.prot`; did you mean `source.port`? (at character 1)");
    let page = Search { limit: 10_001, ..search(stage, "") };
    assert!(matches!(wait(stage.engine.search(page)), Err(Error::Request(_))));
    let order = Order::Field { name: "dns.resolved_ip".to_owned(), descending: true };
    assert!(matches!(wait(stage.engine.search(Search { order, ..search(stage, "") })), Err(Error::Request(_))));
}

#[test]
fn a_query_that_takes_too_long_ends() {
    let mut stage = Stage::new(Options { timeout: Duration::ZERO, ..Options::default() });
    stage.publish(&events());
    let found = wait(stage.engine.search(search(&stage, "user.name:bob")));
    assert!(matches!(found, Err(Error::Timeout(_))), "{found:?}");
}

#[test]
fn a_table_is_read_beside_its_writer() {
    let mut stage = Stage::new(Options::default());
    stage.publish(&events());
    stage.flush();
    let reader = Engine::open_read_only(stage.dir.path(), Options::default()).unwrap();
    assert_eq!(wait(reader.search(search(&stage, "user.name:bob"))).unwrap().total, 4);
    assert_eq!(wait(reader.count(stage.scope(""))).unwrap(), 10);
}

#[test]
fn an_empty_store_answers() {
    let stage = Stage::new(Options::default());
    assert_eq!(wait(stage.engine.search(search(&stage, "user.name:bob"))).unwrap().total, 0);
    assert_eq!(
        wait(stage.engine.histogram(Histogram { scope: stage.scope(""), ..Histogram::default() })).unwrap().buckets,
        []
    );
    let top = TopValues { scope: stage.scope(""), field: "user.name".to_owned(), size: 5 };
    assert_eq!(wait(stage.engine.top_values(top)).unwrap().total, 0);
    assert_eq!(rows(&stage.engine, "SELECT count(*) FROM events").unwrap().0, [[json!(0)]]);
    assert_eq!(wait(stage.engine.fields(stage.scope(""))).unwrap().sampled, 0);
}

#[tokio::test]
async fn each_value_of_a_range_is_handed_on() {
    for stage in stages() {
        let at = Timestamp::from_micros;
        let range = TimeRange { start: Some(at(START)), end: Some(at(START + 23 * HOUR)) };
        let fields = ["dns.question.name", "dns.resolved_ip", "source.ip", "no.such.field"];
        let mut found: Vec<String> = stage
            .engine
            .each_value(&fields, range, Vec::new(), |found, text| found.push(text.to_owned()))
            .await
            .unwrap();
        found.sort_unstable();
        let expected = [
            "10.0.0.1",
            "10.0.1.1",
            "10.0.2.1",
            "192.0.2.1",
            "192.0.2.1",
            "192.0.2.1",
            "192.0.2.1",
            "192.0.2.1",
            "192.0.2.1",
            "192.0.2.1",
            "192.0.2.1",
            "192.0.2.2",
            "h0.example.com",
            "h1.example.com",
            "h2.example.com",
        ];
        assert_eq!(found, expected);
        let nothing = stage.engine.each_value(&["no.such.field"], range, 0, |count, _| *count += 1).await.unwrap();
        assert_eq!(nothing, 0);
    }
}
