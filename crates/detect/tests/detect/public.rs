//! Rules as public collections have them: words of older versions of the specification, and values left to their users.

use crate::common::{Bench, build, query, source, titles};
use tidegate_detect::{Grade, RuleKind, RuleSettings, SettingValue, Settings};

fn rule(detection: &str) -> String {
    format!(
        "title: Busy\nid: 5f0b9c1e-2d7a-4c61-9f30-6f7b2d0a9e01\nlogsource: {{category: dns}}\n{detection}level: medium\n"
    )
}

#[test]
fn relations_in_older_words_do_no_harm() {
    let text = rule("detection:\n  s: {query: www.example.com}\n  condition: s\n")
        + "related:\n  - id: 5f0b9c1e-2d7a-4c61-9f30-6f7b2d0a9e02\n    type: obsoletes\n  - type: similar\n";
    let (catalogue, problems) = build(&[source("r.yml", &text)], &Settings::default());
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems.iter().all(|problem| problem.grade == Grade::Warning), "{problems:#?}");
    assert_eq!(Bench::new(catalogue).feed(&[query(0, "10.0.0.1", "www.example.com")]).len(), 1);
}

/// Queries of one client, a second apart, for hosts with these numbers.
fn asked(detection: &str, numbers: &[u32]) -> Vec<(String, u64)> {
    let (catalogue, problems) = build(&[source("busy.yml", &rule(detection))], &Settings::default());
    assert!(problems.iter().all(|problem| problem.grade == Grade::Warning), "{problems:#?}");
    let names: Vec<String> = numbers.iter().map(|number| format!("h{number}.example.com")).collect();
    let records: Vec<_> = names.iter().enumerate().map(|(at, name)| query(at as i64, "10.0.0.1", name)).collect();
    let found = crate::common::latest(&Bench::new(catalogue).feed_each(&records));
    found.into_iter().map(|finding| (finding.rule.id.to_string(), finding.count)).collect()
}

#[test]
fn aggregations_of_sigma_1_count_like_correlations() {
    let own = "5f0b9c1e-2d7a-4c61-9f30-6f7b2d0a9e01".to_owned();
    let by = |tail: &str| {
        format!("detection:\n  s: {{query|endswith: example.com}}\n  timeframe: 1m\n  condition: s | {tail}\n")
    };
    assert_eq!(asked(&by("count() by src_ip > 3"), &[1, 2, 3]), []);
    assert_eq!(asked(&by("count() by src_ip > 3"), &[1, 2, 2, 2]), [(own.clone(), 4)]);
    assert_eq!(asked(&by("count(query) by src_ip >= 3"), &[1, 2, 2, 2]), []);
    assert_eq!(asked(&by("count(query) by src_ip, parent_domain >= 3"), &[1, 2, 2, 3]).len(), 1);
    assert_eq!(asked(&by("COUNT() > 2"), &[1, 2, 3]).len(), 1);
    let minutes: Vec<u32> = (0..3_000).collect();
    let hour = "detection:\n  s: {query|endswith: example.com}\n  condition: s | count() by src_ip > 2999\n";
    assert_eq!(asked(hour, &minutes).len(), 1, "without a time, an hour");
}

#[test]
fn what_an_aggregation_selects_is_no_finding() {
    let text =
        rule("detection:\n  s: {query: www.example.com}\n  timeframe: 5m\n  condition: s | count() by src_ip > 1\n");
    let (catalogue, problems) = build(&[source("busy.yml", &text)], &Settings::default());
    assert!(problems.is_empty(), "{problems:#?}");
    let rules: Vec<_> = catalogue.rules().iter().map(|rule| (&*rule.slug, rule.kind, rule.enabled)).collect();
    assert_eq!(rules, [("busy-events", RuleKind::Sigma, false), ("busy", RuleKind::Correlation, true)]);
    let found = Bench::new(catalogue).feed(&[query(0, "10.0.0.1", "www.example.com")]);
    assert!(found.is_empty(), "{:?}", titles(&found));
}

#[test]
fn aggregations_without_a_counterpart_are_mistakes_with_a_place() {
    for (tail, words) in [("near t", "near t"), ("min(size) by src_ip < 3", "`min`"), ("count() by src_ip", "count()")]
    {
        let text = rule(&format!("detection:\n  s: {{query: x}}\n  t: {{query: y}}\n  condition: s | {tail}\n"));
        let (_, problems) = build(&[source("r.yml", &text)], &Settings::default());
        let [problem] = &problems[..] else { panic!("{tail}: {problems:#?}") };
        assert_eq!((problem.line, problem.grade), (7, Grade::Error), "{problem}");
        assert!(problem.message.contains(words), "{problem}");
    }
}

#[test]
fn values_left_to_the_users_are_settings() {
    let text = rule(
        "detection:\n  s:\n    src_ip|cidr|expand: '%offices%'\n    query|endswith|expand: '%zones%'\n  condition: s\n",
    );
    let files = [source("busy.yml", &text)];
    let (catalogue, problems) = build(&files, &Settings::default());
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems.iter().all(|problem| problem.grade == Grade::Warning && problem.message.contains("nothing yet")));
    assert_eq!((problems[0].line, problems[0].column), (6, 25), "{}", problems[0]);
    assert!(Bench::new(catalogue).feed(&[query(0, "10.0.0.1", "www.example.com")]).is_empty());

    let list = |text: &str| SettingValue::List(vec![text.to_owned()]);
    let own = RuleSettings {
        values: [("offices".to_owned(), list("10.0.0.0/8")), ("zones".to_owned(), list(".example.com"))].into(),
        ..RuleSettings::default()
    };
    let settings = Settings { rules: [("busy".to_owned(), own)].into(), ..Settings::default() };
    let (catalogue, problems) = build(&files, &settings);
    assert!(problems.is_empty(), "{problems:#?}");
    let mut bench = Bench::new(catalogue);
    assert_eq!(bench.feed(&[query(0, "10.0.0.1", "www.example.com")]).len(), 1);
    assert!(bench.feed(&[query(0, "192.0.2.1", "www.example.com")]).is_empty());
}
