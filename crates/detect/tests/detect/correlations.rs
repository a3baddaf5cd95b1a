//! Correlations on event time, case by case from the specification's prose.

use std::fmt::Write;

use crate::common::{Bench, Record, START, catalogue, latest, query, titles};
use tidegate_detect::{Finding, Memory, RestoreError};
use tidegate_event::Timestamp;

/// A base rule for names that begin with a word, by that word.
fn base(words: &[&str]) -> String {
    let mut text = String::new();
    for word in words {
        let _ = write!(
            text,
            "title: base {word}\nname: {word}\nid: {}\nlogsource: {{category: dns}}\n\
             detection: {{s: {{query|startswith: {word}}}, condition: s}}\nlevel: low\n---\n",
            uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, word.as_bytes()),
        );
    }
    text
}

/// A correlation.
fn rule(name: &str, body: &str) -> String {
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_DNS, name.as_bytes());
    format!(
        "title: {name}\nname: {name}\nid: {id}\nlevel: high\ncorrelation:\n  timespan: 10m\n  group-by: [source.ip]\n{body}---\n"
    )
}

fn bench(words: &[&str], rules: &str) -> Bench {
    Bench::new(catalogue(&format!("{}{rules}", base(words))))
}

fn named(findings: &[Finding], title: &str) -> Vec<Finding> {
    latest(findings).into_iter().filter(|finding| &*finding.rule.name == title).collect()
}

fn times(seconds: &[i64]) -> Vec<Record<'static>> {
    seconds.iter().map(|at| query(*at, "10.0.0.1", "a.example.com")).collect()
}

const COUNT: &str = "  type: event_count\n  rules: [a]\n  condition: {gte: 5}\n";

#[test]
fn event_count_needs_its_events_within_the_timespan() {
    let five = [0, 100, 200, 300, 599];
    let found = named(&bench(&["a"], &rule("many", COUNT)).feed(&times(&five)), "many");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].count, found[0].events.len()), (5, 5));
    assert_eq!(found[0].first_seen, Timestamp::from_micros(START * 1_000_000));
    assert_eq!(found[0].last_seen, Timestamp::from_micros((START + 599) * 1_000_000));
    assert_eq!(found[0].group, [("source.ip".into(), "10.0.0.1".to_owned())]);
    let wide = [0, 100, 200, 300, 601];
    assert!(bench(&["a"], &rule("many", COUNT)).feed(&times(&wide)).is_empty());
    assert!(bench(&["a"], &rule("many", COUNT)).feed(&times(&five[..4])).is_empty());
}

#[test]
fn groups_are_apart() {
    let sources = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
    let records: Vec<Record<'_>> = (0..12).map(|at| query(at, sources[at as usize % 3], "a.example.com")).collect();
    assert!(bench(&["a"], &rule("many", COUNT)).feed(&records).is_empty());
}

#[test]
fn order_of_arrival_does_not_matter() {
    let orders: [[i64; 5]; 4] =
        [[0, 100, 200, 300, 599], [599, 300, 200, 100, 0], [200, 0, 599, 100, 300], [599, 0, 1, 2, 3]];
    for order in orders {
        let found = named(&bench(&["a"], &rule("many", COUNT)).feed_each(&times(&order)), "many");
        assert_eq!(found.len(), 1, "{order:?}");
        assert_eq!(found[0].count, 5, "{order:?}");
    }
    // no window of ten minutes holds five, in whatever order they come
    for order in [[0, 100, 200, 300, 601], [601, 300, 200, 100, 0], [300, 601, 0, 200, 100]] {
        assert!(bench(&["a"], &rule("many", COUNT)).feed_each(&times(&order)).is_empty(), "{order:?}");
    }
}

#[test]
fn an_event_later_than_the_allowed_lateness_is_left_out_and_counted() {
    let mut bench = bench(&["a"], &rule("many", COUNT));
    let found = bench.feed_each(&times(&[0, 1, 2, 3, 2_000, 4]));
    assert!(found.is_empty(), "the fifth came 1,996 seconds after the fact");
    assert_eq!(bench.memory.counters().dropped[0].1.late, 1);
    // but within fifteen minutes it counts
    let mut bench = self::bench(&["a"], &rule("many", COUNT));
    assert_eq!(named(&bench.feed_each(&times(&[0, 1, 2, 3, 890, 4])), "many").len(), 1);
}

#[test]
fn a_clock_in_the_future_does_not_blind() {
    let mut bench = bench(&["a"], &rule("many", COUNT));
    let mut found = Vec::new();
    // received at 10, claims to be ten years later
    let sightings = bench.sightings(&[query(315_360_000, "10.0.0.9", "a.example.com")], 10);
    bench.memory.observe(&sightings, &mut found);
    let sightings = bench.sightings(&times(&[11, 12, 13, 14, 15]), 20);
    bench.memory.observe(&sightings, &mut found);
    assert_eq!(named(&found, "many").len(), 1);
    assert_eq!(bench.memory.counters().clamped, 1);
}

#[test]
fn one_finding_a_window_that_grows() {
    let mut bench = bench(&["a"], &rule("many", COUNT));
    let seconds: Vec<i64> = (0..100).collect();
    let findings = bench.feed_each(&times(&seconds));
    let found = named(&findings, "many");
    assert_eq!(found.len(), 1, "one finding, not 96");
    assert_eq!(found[0].count, 100);
    assert_eq!(findings.len(), 96, "a state for each batch that added to it");
    // a pause longer than the timespan ends it; the next burst is another finding
    let findings = bench.feed_each(&times(&[2_000, 2_001, 2_002, 2_003, 2_004, 2_005]));
    let next = named(&findings, "many");
    assert_eq!(next.len(), 1);
    assert_ne!(next[0].id, found[0].id);
    assert_eq!(next[0].count, 6);
}

#[test]
fn a_batch_reports_a_finding_once() {
    let seconds: Vec<i64> = (0..5_000).map(|number| number / 10).collect();
    let findings = bench(&["a"], &rule("many", COUNT)).feed(&times(&seconds));
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].count, findings[0].events.len()), (5_000, 10));
}

#[test]
fn the_events_shown_are_the_first_of_those_counted() {
    let of = |finding: &Finding| -> Vec<i64> {
        finding.events.iter().map(|event| event.at.as_micros() / 1_000_000 - START).collect()
    };
    // an hour of matches too few for the window, then enough of them
    let text = rule("many", "  type: event_count\n  rules: [a]\n  condition: {gt: 50}\n");
    let mut seconds: Vec<i64> = (0..30).map(|number| number * 120).collect();
    seconds.extend((0..60).map(|number| 3_480 + number * 5));
    let found = named(&bench(&["a"], &text).feed_each(&times(&seconds)), "many");
    assert_eq!((found.len(), found[0].events.len()), (1, 10));
    assert_eq!(found[0].events[0].at, found[0].first_seen, "{:?}", of(&found[0]));
    assert_eq!(
        of(&found[0]),
        seconds.iter().copied().filter(|at| *at >= of(&found[0])[0]).take(10).collect::<Vec<_>>()
    );
    // a match that ends the finding is none of its events
    let found = named(&bench(&["a"], &rule("many", COUNT)).feed(&times(&[0, 1, 2, 3, 4, 700])), "many");
    assert_eq!((of(&found[0]), found[0].count), (vec![0, 1, 2, 3, 4], 5));
    // complete windows show their first events too, each its own
    let text = rule("few", "  type: event_count\n  rules: [a]\n  condition: {lt: 100}\n");
    let seconds: Vec<i64> = (0..90).map(|number| number * 20).collect();
    let found = named(&bench(&["a"], &text).feed_each(&times(&seconds)), "few");
    assert_eq!(found.iter().map(|finding| of(finding)[0]).collect::<Vec<_>>(), [0, 620, 1_240]);
    assert!(found.iter().all(|finding| finding.events.len() == 10 && finding.events[0].at == finding.first_seen));
}

#[test]
fn value_count_counts_distinct_values() {
    let text = rule("names", "  type: value_count\n  rules: [a]\n  condition: {gte: 4, field: query}\n");
    let names = ["a1.x", "a2.x", "a3.x", "a1.x", "a2.x", "a3.x", "A3.x"];
    let records: Vec<Record<'_>> = names.iter().enumerate().map(|(at, name)| query(at as i64, "s", name)).collect();
    assert!(bench(&["a"], &text).feed_each(&records).is_empty());
    let mut more = records.clone();
    more.push(query(9, "s", "a4.x"));
    assert_eq!(named(&bench(&["a"], &text).feed_each(&more), "names").len(), 1);
    // a value that left the window does not count, and one that came late does
    let spread = [query(0, "s", "a1.x"), query(500, "s", "a2.x"), query(550, "s", "a3.x"), query(601, "s", "a4.x")];
    assert!(bench(&["a"], &text).feed_each(&spread).is_empty());
    let late = [query(500, "s", "a2.x"), query(600, "s", "a3.x"), query(590, "s", "a4.x"), query(0, "s", "a1.x")];
    assert_eq!(named(&bench(&["a"], &text).feed_each(&late), "names").len(), 1);
}

#[test]
fn value_count_goes_on_beyond_what_is_exact() {
    let text = rule("names", "  type: value_count\n  rules: [a]\n  condition: {gte: 1000, field: query}\n");
    let names: Vec<String> = (0..1_200).map(|number| format!("a{number}.x")).collect();
    let records: Vec<Record<'_>> = names.iter().enumerate().map(|(at, name)| query(at as i64 / 4, "s", name)).collect();
    let few = bench(&["a"], &text).feed(&records[..800]);
    assert!(few.is_empty(), "800 are not 1,000, estimated within 4 standard errors");
    let found = named(&bench(&["a"], &text).feed(&records), "names");
    assert_eq!(found.len(), 1);
    let again: Vec<Record<'_>> = records[..500].iter().cycle().take(5_000).cloned().collect();
    assert!(bench(&["a"], &text).feed(&again).is_empty(), "500 names, asked for ten times each");
}

#[test]
fn temporal_wants_all_rules_in_any_order() {
    let text = rule("both", "  type: temporal\n  rules: [a, b]\n");
    let (a, b) = (|at| query(at, "s", "a.x"), |at| query(at, "s", "b.x"));
    for records in [[a(0), b(600)], [b(0), a(10)], [a(0), b(-500)]] {
        assert_eq!(named(&bench(&["a", "b"], &text).feed_each(&records), "both").len(), 1);
    }
    for records in [[a(0), b(601)], [a(0), a(1)], [a(0), query(1, "t", "b.x")]] {
        assert!(bench(&["a", "b"], &text).feed_each(&records).is_empty());
    }
}

#[test]
fn temporal_ordered_wants_their_order() {
    let text = rule("chain", "  type: temporal_ordered\n  rules: [a, b, c]\n");
    let records = |order: &[(i64, &'static str)]| -> Vec<Record<'static>> {
        order.iter().map(|(at, name)| query(*at, "s", name)).collect()
    };
    let fires = |order: &[(i64, &'static str)]| {
        !named(&bench(&["a", "b", "c"], &text).feed_each(&records(order)), "chain").is_empty()
    };
    assert!(fires(&[(0, "a.x"), (1, "b.x"), (2, "c.x")]));
    assert!(fires(&[(2, "c.x"), (0, "a.x"), (1, "b.x")]), "by event time, not by arrival");
    assert!(fires(&[(0, "c.x"), (1, "a.x"), (2, "a.x"), (3, "c.x"), (4, "b.x"), (5, "c.x")]));
    assert!(!fires(&[(0, "a.x"), (2, "b.x"), (1, "c.x")]));
    assert!(!fires(&[(0, "c.x"), (1, "b.x"), (2, "a.x")]));
    assert!(!fires(&[(0, "a.x"), (1, "b.x"), (601, "c.x")]));
    assert!(fires(&[(0, "a.x"), (500, "a.x"), (550, "b.x"), (700, "c.x")]), "the later start counts");
}

#[test]
fn temporal_takes_a_formula() {
    let text = rule("either", "  type: temporal\n  rules: [a, b, c]\n  condition: a and (b or c)\n");
    let of = |names: &[&'static str]| -> Vec<Record<'static>> {
        names.iter().enumerate().map(|(at, name)| query(at as i64, "s", name)).collect()
    };
    assert!(!bench(&["a", "b", "c"], &text).feed_each(&of(&["c.x", "a.x"])).is_empty());
    assert!(bench(&["a", "b", "c"], &text).feed_each(&of(&["c.x", "b.x"])).is_empty());
    let text = rule("alone", "  type: temporal\n  rules: [a, b]\n  condition: a and not b\n");
    assert_eq!(named(&bench(&["a", "b"], &text).feed_each(&of(&["a.x", "a.x"])), "alone").len(), 1);
    assert!(bench(&["a", "b"], &text).feed_each(&of(&["a.x", "b.x"])).is_empty(), "judged when the window is complete");
}

/// Records with a size.
fn sizes(list: &[(i64, &'static str)]) -> Vec<Record<'static>> {
    list.iter()
        .map(|(at, size)| {
            (*at, vec![("source.ip", "s"), ("dns.question.name", "a.x"), ("cloudflare.QuerySize", *size)])
        })
        .collect()
}

#[test]
fn sums_averages_medians_and_percentiles() {
    let with = |kind: &str, condition: &str| {
        rule(
            "size",
            &format!("  type: {kind}\n  rules: [a]\n  condition: {{{condition}, field: cloudflare.QuerySize}}\n"),
        )
    };
    let fires = |text: &str, list: &[(i64, &'static str)]| !bench(&["a"], text).feed_each(&sizes(list)).is_empty();
    let list = [(0, "10"), (100, "20"), (200, "30"), (300, "40"), (400, "900")];
    assert!(fires(&with("value_sum", "gte: 1000"), &list));
    assert!(!fires(&with("value_sum", "gt: 1000"), &list));
    assert!(!fires(&with("value_sum", "gte: 950"), &[(0, "10"), (100, "40"), (700, "900")]), "the first two are over");
    assert!(fires(&with("value_avg", "gte: 200"), &list));
    assert!(!fires(&with("value_avg", "gt: 200"), &list));
    assert!(fires(&with("value_median", "lte: 30"), &list));
    assert!(!fires(&with("value_median", "lt: 30"), &list));
    assert!(fires(&with("value_median", "eq: 25"), &list[..4]));
    // nearest rank: the fourth of five is the smallest that 80 % do not exceed
    assert!(fires(&with("value_percentile", "eq: 40, percentile: 80"), &list));
    assert!(fires(&with("value_percentile", "eq: 900, percentile: 81"), &list));
    assert!(fires(&with("value_percentile", "eq: 30"), &list), "50 when the rule does not say");
}

#[test]
fn a_field_that_is_missing_or_no_number_is_left_out_and_counted() {
    let text = rule("size", "  type: value_sum\n  rules: [a]\n  condition: {gte: 5, field: cloudflare.QuerySize}\n");
    let mut bench = bench(&["a"], &text);
    let mut records = sizes(&[(0, "3"), (1, "many")]);
    records.push(query(2, "s", "a.x"));
    records.push((3, vec![("dns.question.name", "a.x"), ("cloudflare.QuerySize", "9")]));
    assert!(bench.feed_each(&records).is_empty());
    assert_eq!(bench.memory.counters().dropped[0].1.incomplete, 3);
}

#[test]
fn every_operator() {
    for (condition, counts) in [
        ("gt: 3", [false, false, true, true]),
        ("gte: 3", [false, true, true, true]),
        ("lt: 3", [true, false, false, false]),
        ("lte: 3", [true, true, false, false]),
        ("eq: 3", [false, true, false, false]),
        ("neq: 3", [true, false, true, true]),
        ("gte: 3, lt: 5", [false, true, true, false]),
    ] {
        for (count, fires) in [2, 3, 4, 5].into_iter().zip(counts) {
            let text = rule("count", &format!("  type: event_count\n  rules: [a]\n  condition: {{{condition}}}\n"));
            let seconds: Vec<i64> = (0..count).collect();
            let found = bench(&["a"], &text).feed_each(&times(&seconds));
            assert_eq!(!found.is_empty(), fires, "{condition} with {count}");
        }
    }
}

#[test]
fn windows_that_must_be_complete_are_judged_by_the_watermark() {
    let text = rule("few", "  type: event_count\n  rules: [a]\n  condition: {lt: 3}\n");
    let mut bench = bench(&["a"], &text);
    // the window ends at 600, and fifteen minutes later no more can come
    assert!(bench.feed(&times(&[0, 100])).is_empty());
    assert!(bench.feed(&[query(1_500, "other", "z.x")]).is_empty());
    let found = bench.feed(&[query(1_501, "other", "z.x")]);
    assert_eq!(named(&found, "few").len(), 1);
    assert_eq!(found[0].count, 2);
    let mut out = Vec::new();
    bench.memory.finish(&mut out);
    assert!(out.is_empty(), "it was judged already");
}

#[test]
fn chains_of_correlations() {
    let text = format!(
        "{}{}",
        rule("many", COUNT),
        rule("then", "  type: temporal_ordered\n  rules: [many, b]\n").replace("10m", "30m")
    );
    let mut records = times(&[0, 1, 2, 3, 4]);
    records.push(query(1_000, "10.0.0.1", "b.example.com"));
    let found = bench(&["a", "b"], &text).feed_each(&records);
    assert_eq!(titles(&found), ["then"], "the base correlation is taken by the chain");
    let mut early = times(&[10, 11, 12, 13, 14]);
    early.push(query(0, "10.0.0.1", "b.example.com"));
    assert!(bench(&["a", "b"], &text).feed_each(&early).is_empty());
}

#[test]
fn a_chain_uses_its_own_group_by() {
    // as in the specification: the counting rule groups by the computer, the chain by the user
    let text = format!(
        "{}{}",
        rule("many", COUNT).replace("source.ip", "host.name"),
        rule("then", "  type: temporal_ordered\n  rules: [many, b]\n").replace("source.ip", "user.name")
    );
    let of = |at, name, host, user| (at, vec![("dns.question.name", name), ("host.name", host), ("user.name", user)]);
    let mut records: Vec<Record<'_>> = (0..5).map(|at| of(at, "a.x", "h1", "ann")).collect();
    records.push(of(9, "b.x", "h2", "ann"));
    let found = bench(&["a", "b"], &text).feed_each(&records);
    assert_eq!(titles(&found), ["then"]);
    assert_eq!(found[0].group, [("user.name".into(), "ann".to_owned())]);
    *records.last_mut().unwrap() = of(9, "b.x", "h2", "bob");
    assert!(bench(&["a", "b"], &text).feed_each(&records).is_empty());
}

#[test]
fn a_temporal_condition_counts_rules() {
    let text = rule("two", "  type: temporal\n  rules: [a, b, c]\n  condition: {gte: 2}\n");
    let of = |names: &[&'static str]| -> Vec<Record<'static>> {
        names.iter().enumerate().map(|(at, name)| query(at as i64, "s", name)).collect()
    };
    assert!(!bench(&["a", "b", "c"], &text).feed_each(&of(&["c.x", "a.x"])).is_empty());
    assert!(bench(&["a", "b", "c"], &text).feed_each(&of(&["c.x", "c.x", "c.x"])).is_empty());
}

#[test]
fn generate_keeps_the_findings_of_the_rules_below() {
    let silent = bench(&["a"], &rule("many", COUNT)).feed(&times(&[0, 1]));
    assert!(silent.is_empty(), "a rule that a correlation names does not report by itself");
    let text = rule("many", COUNT).replace("level: high\n", "level: high\ngenerate: true\n");
    let loud = bench(&["a"], &text).feed(&times(&[0, 1, 2, 3, 4]));
    assert_eq!(titles(&loud), ["base a", "many"]);
}

#[test]
fn aliases_join_fields_of_different_names() {
    let text = rule("both", "  type: temporal\n  rules: [a, b]\n  aliases: {who: {a: src_ip, b: destination.ip}}\n")
        .replace("group-by: [source.ip]", "group-by: [who]");
    let records = [
        (0, vec![("source.ip", "s"), ("dns.question.name", "a.x")]),
        (1, vec![("source.ip", "t"), ("destination.ip", "s"), ("dns.question.name", "b.x")]),
    ];
    let found = bench(&["a", "b"], &text).feed_each(&records);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].group, [("who".into(), "s".to_owned())]);
}

#[test]
fn a_restart_anywhere_changes_nothing() {
    let text = format!(
        "{}{}{}{}",
        rule("many", COUNT),
        rule("names", "  type: value_count\n  rules: [b]\n  condition: {gte: 140, field: query}\n"),
        rule("chain", "  type: temporal_ordered\n  rules: [a, b]\n"),
        rule("few", "  type: event_count\n  rules: [c]\n  condition: {lt: 3}\n"),
    );
    let names: Vec<String> =
        (0..400).map(|n: i64| format!("{}{}.example.com", ["a", "b", "b", "c"][n as usize % 4], n)).collect();
    let sources = ["10.0.0.1", "10.0.0.2"];
    let records: Vec<Record<'_>> = names
        .iter()
        .enumerate()
        .map(|(n, name)| {
            let n = n as i64;
            query(n * 7 + (n * 37) % 300, sources[usize::from(n % 11 == 0)], name)
        })
        .collect();
    let shown =
        |findings: &[Finding]| -> Vec<String> { findings.iter().map(|finding| format!("{finding:?}")).collect() };
    let batches: Vec<&[Record<'_>]> = records.chunks(23).collect();
    let run = |restart: Option<usize>| {
        let mut bench = bench(&["a", "b", "c"], &text);
        let mut out = Vec::new();
        for (number, batch) in batches.iter().enumerate() {
            out.extend(bench.feed(batch));
            if restart == Some(number) {
                let mut bytes = Vec::new();
                bench.memory.snapshot(&mut bytes);
                let mut fresh = Memory::new(std::sync::Arc::clone(&bench.catalogue));
                fresh.restore(&bytes).unwrap();
                let mut again = Vec::new();
                fresh.snapshot(&mut again);
                assert!(bytes == again, "what was restored is what was saved");
                bench.memory = fresh;
            }
        }
        bench.memory.finish(&mut out);
        shown(&out)
    };
    let straight = run(None);
    assert!(straight.len() > 20, "{}", straight.len());
    for number in 0..batches.len() {
        assert!(run(Some(number)) == straight, "restart after batch {number}");
    }
}

#[test]
fn damaged_snapshots_are_refused() {
    let mut bench = bench(&["a"], &rule("many", COUNT));
    bench.feed(&times(&[0, 1, 2, 3]));
    let mut bytes = Vec::new();
    bench.memory.snapshot(&mut bytes);
    for cut in 0..bytes.len() {
        assert!(bench.memory.restore(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x40;
        assert!(bench.memory.restore(&changed).is_err(), "changed at {at}");
    }
    let mut newer = bytes.clone();
    newer[4] = 99;
    assert_eq!(bench.memory.restore(&newer), Err(RestoreError::Version(99)));
    assert_eq!(named(&bench.feed(&times(&[4])), "many").len(), 1, "a refused snapshot changes nothing");
}

#[test]
fn a_reload_keeps_the_state_of_what_did_not_change() {
    let text = format!("{}{}", base(&["a"]), rule("many", COUNT));
    let mut bench = Bench::new(catalogue(&text));
    bench.feed(&times(&[0, 1, 2]));
    let old = bench.sightings(&times(&[3]), 100_000);
    // another rule comes first, so that numbers change
    let changed = catalogue(&format!("{}{text}", base(&["zebra"])));
    bench.catalogue = std::sync::Arc::clone(&changed);
    bench.judge.swap(changed);
    let mut out = bench.feed(&times(&[4]));
    assert!(out.is_empty());
    bench.memory.observe(&old, &mut out);
    assert_eq!(named(&out, "many").len(), 1, "a batch judged by the old catalogue counts too");
    // a rule with another threshold starts anew
    let other = catalogue(&text.replace("gte: 5", "gte: 6"));
    bench.catalogue = std::sync::Arc::clone(&other);
    bench.judge.swap(other);
    assert!(bench.feed(&times(&[5, 6, 7, 8, 9])).is_empty());
    assert_eq!(named(&bench.feed(&times(&[10])), "many").len(), 1);
}

#[test]
fn memory_is_bounded_and_says_what_it_forgot() {
    let mut bench = bench(&["a"], &rule("many", COUNT));
    let sources: Vec<String> = (0..30_000).map(|n| format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255)).collect();
    let records: Vec<Record<'_>> = sources.iter().map(|source| query(1, source, "a.example.com")).collect();
    bench.feed(&records);
    let counters = bench.memory.counters();
    assert!(counters.groups <= 20_000, "{counters:?}");
    assert!(counters.dropped[0].1.groups >= 10_000, "{counters:?}");
}
