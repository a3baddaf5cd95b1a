//! Sigma as the field knows it: fields, log sources, modifiers, filters, and how a finding looks.

use crate::common::{Bench, Record, build, catalogue, query, source, titles};
use tidegate_detect::{Effort, RuleSettings, Settings, Severity};

fn rule(title: &str, logsource: &str, detection: &str) -> String {
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, title.as_bytes());
    format!("title: {title}\nid: {id}\nlogsource: {{{logsource}}}\ndetection:\n{detection}level: medium\n---\n")
}

fn fires(detection: &str, record: Record<'_>) -> bool {
    let text = rule("r", "category: dns", detection);
    !Bench::new(catalogue(&text)).feed(&[record]).is_empty()
}

fn with<'r>(extra: &[(&'r str, &'r str)]) -> Record<'r> {
    let mut record = query(0, "10.0.0.1", "www.Example.com.");
    record.1.extend_from_slice(extra);
    record
}

#[test]
fn field_names_of_the_dns_categories() {
    for field in ["query", "QueryName", "dns.question.name", "dns_query"] {
        assert!(fires(&format!("  s: {{{field}: www.example.com}}\n  condition: s\n"), with(&[])), "{field}");
    }
    for (field, value, own) in [
        ("record_type", "TXT", "dns.question.type"),
        ("src_ip", "10.0.0.1", "tags"),
        ("dst_ip", "192.0.2.1", "destination.ip"),
        ("rcode_name", "NXDOMAIN", "dns.response_code"),
    ] {
        let given = if value == "NXDOMAIN" { "NXDomain" } else { value };
        assert!(fires(&format!("  s: {{{field}: {value}}}\n  condition: s\n"), with(&[(own, given)])), "{field}");
        assert!(!fires(&format!("  s: {{{field}: other}}\n  condition: s\n"), with(&[(own, given)])), "{field}");
    }
}

#[test]
fn modifiers() {
    let record = || with(&[("dns.resolved_ip", "[192.0.2.7, 198.51.100.9]"), ("tags", "[paste, oast]")]);
    for detection in [
        "{query|startswith: WWW., query|endswith: .example.com}",
        "{query|contains|all: [www, example]}",
        "{query: '*.example.???'}",
        "{query|re: '^www\\.[a-z]+\\.com$'}",
        "{query|re|i: '^WWW'}",
        "{query|cased: www.example.com}",
        "{dns.resolved_ip|cidr: 198.51.100.0/24}",
        "{dns.resolved_ip: 192.0.2.7}",
        "{tags: oast}",
        "{tags|contains: past}",
        "{tags|exists: true}",
        "{user.email|exists: false}",
        "{user.email: null}",
        "{tidegate.dns.name.length|gte: 15}",
        "{tidegate.dns.name.labels: 3}",
        "{dns.question.registered_domain: example.com}",
        "{query|fieldref|endswith: dns.question.registered_domain}",
    ] {
        assert!(fires(&format!("  s: {detection}\n  condition: s\n"), record()), "{detection}");
    }
    for detection in [
        "{query|cased: WWW.example.com}",
        "{query|re: '^WWW'}",
        "{dns.resolved_ip|cidr: 203.0.113.0/24}",
        "{tags: tor-relay}",
        "{tags|contains|all: [paste, tor]}",
        "{tidegate.dns.name.length|gt: 15}",
        "{user.email|exists: true}",
    ] {
        assert!(!fires(&format!("  s: {detection}\n  condition: s\n"), record()), "{detection}");
    }
}

#[test]
fn keywords_and_conditions() {
    assert!(fires("  words: [example, nothing]\n  condition: words\n", with(&[])));
    assert!(!fires("  words: [nothing]\n  condition: words\n", with(&[])));
    let two = "  s1: {query|contains: www}\n  s2: {query|contains: zzz}\n";
    for (condition, expected) in
        [("1 of s*", true), ("all of s*", false), ("1 of them", true), ("s1 and not s2", true), ("s2 or not s1", false)]
    {
        assert_eq!(fires(&format!("{two}  condition: {condition}\n"), with(&[])), expected, "{condition}");
    }
}

#[test]
fn log_sources_are_respected() {
    let any = "  s: {query|contains: example}\n  condition: s\n";
    let text = [
        ("dns", "category: dns"),
        ("query", "category: dns_query"),
        ("cloudflare", "product: cloudflare"),
        ("gateway", "product: cloudflare, service: gateway-dns"),
        ("windows", "product: windows, category: dns_query"),
        ("zeek", "product: zeek, service: dns"),
        ("proxy", "category: proxy"),
        ("process", "category: process_creation"),
        ("other", "product: cloudflare, service: audit_logs"),
    ]
    .map(|(title, logsource)| rule(title, logsource, any))
    .concat();
    let catalogue = catalogue(&text);
    let found = Bench::new(catalogue.clone())
        .feed(&[with(&[("observer.vendor", "Cloudflare"), ("event.dataset", "gateway_dns")])]);
    assert_eq!(titles(&found), ["cloudflare", "dns", "gateway", "query"]);
    let found = Bench::new(catalogue.clone()).feed(&[with(&[("observer.vendor", "Zeek")])]);
    assert_eq!(titles(&found), ["dns", "query"], "what belongs to other products is never tried");
    let applicable: Vec<(&str, bool)> = catalogue.rules().iter().map(|rule| (&*rule.name, rule.applicable)).collect();
    assert!(applicable.contains(&("windows", false)) && applicable.contains(&("process", false)), "{applicable:?}");
    assert!(applicable.contains(&("dns", true)) && applicable.contains(&("proxy", true)));
}

#[test]
fn unknown_fields_are_remarked_upon_and_match_nothing() {
    let text = rule("r", "category: dns", "  s: {Image|endswith: .exe}\n  condition: s\n");
    let (catalogue, problems) = build(&[source("r.yml", &text)], &Settings::default());
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("`Image`"), "{}", problems[0]);
    assert_eq!((problems[0].line, problems[0].column), (5, 7), "{}", problems[0]);
    assert!(Bench::new(catalogue).feed(&[with(&[])]).is_empty());
}

#[test]
fn a_finding_says_what_matched() {
    let text = rule("r", "category: dns", "  s: {query|startswith: www}\n  condition: s\n");
    let mut bench = Bench::new(catalogue(&text));
    let found = bench.feed(&[with(&[]), with(&[]), query(5, "10.0.0.2", "www.example.com")]);
    assert_eq!(found.len(), 2, "alike are those of one client and one name");
    assert_eq!((found[0].count, found[1].count), (2, 1));
    assert_eq!(found[0].matched, [("dns.question.name".into(), "www.example.com".to_owned())]);
    assert_eq!(found[0].source.as_deref(), Some("10.0.0.1"));
    assert_eq!(found[0].target.as_deref(), Some("example.com"));
    assert_eq!(found[0].name.as_deref(), Some("www.example.com"));
    assert_ne!(found[0].id, found[1].id);
    let again = Bench::new(catalogue(&text)).feed(&[with(&[]), with(&[]), query(5, "10.0.0.2", "www.example.com")]);
    assert_eq!((found[0].id, found[1].id), (again[0].id, again[1].id), "a replay reports the same findings");
}

#[test]
fn duplicates_are_taken_out_before_they_count() {
    let text = rule("r", "category: dns", "  s: {query|startswith: www}\n  condition: s\n");
    let mut bench = Bench::new(catalogue(&text));
    let mut sightings = bench.sightings(&[with(&[]), with(&[]), with(&[])], 100);
    sightings.retain(|row| row != 1);
    let mut out = Vec::new();
    bench.memory.observe(&sightings, &mut out);
    assert_eq!(out[0].count, 2);
}

#[test]
fn filters_are_put_into_the_rules_they_name() {
    let text = rule("r", "category: dns", "  s: {query|startswith: www}\n  condition: s\n")
        + &rule("q", "category: dns", "  s: {query|startswith: www}\n  condition: s\n")
        + "title: not ours\nlogsource: {category: dns}\nfilter:\n  rules: [r]\n  selection: {src_ip: 10.0.0.1}\n  condition: not selection\n";
    let found = Bench::new(catalogue(&text)).feed(&[with(&[]), query(1, "10.0.0.2", "www.example.com")]);
    let mut seen: Vec<(&str, &str)> = found.iter().map(|f| (&*f.rule.name, f.source.as_deref().unwrap())).collect();
    seen.sort_unstable();
    assert_eq!(seen, [("q", "10.0.0.1"), ("q", "10.0.0.2"), ("r", "10.0.0.2")]);
}

#[test]
fn collections_with_a_global_part_load() {
    let text = "action: global\ntitle: r\nlogsource: {category: dns}\nlevel: low\n---\nid: 3f7a1d0e-5a5e-4b7e-9c39-0d9f6b1a2c11\n\
                detection:\n  s: {query|startswith: www}\n  condition: s\n---\nid: 3f7a1d0e-5a5e-4b7e-9c39-0d9f6b1a2c12\n\
                detection:\n  s: {query|startswith: ftp}\n  condition: s\n";
    let catalogue = catalogue(text);
    assert_eq!(catalogue.rules().len(), 2);
    assert_eq!(Bench::new(catalogue).feed(&[with(&[])]).len(), 1);
}

#[test]
fn users_turn_rules_on_and_off_and_rate_them() {
    let text = rule("loud", "category: dns", "  s: {query|startswith: www}\n  condition: s\n")
        + &(rule("hard", "category: dns", "  s: {query|startswith: www}\n  condition: s\n")
            .trim_end_matches("---\n")
            .to_owned()
            + "tidegate: {effort: master}\n");
    let run = |settings: &Settings| {
        let (catalogue, problems) = build(&[source("r.yml", &text)], settings);
        assert!(problems.is_empty(), "{problems:#?}");
        let found = Bench::new(catalogue).feed(&[with(&[])]);
        found.iter().map(|finding| (finding.rule.name.to_string(), finding.rule.severity)).collect::<Vec<_>>()
    };
    let of = |severity, names: &[&str]| names.iter().map(|name| ((*name).to_owned(), severity)).collect::<Vec<_>>();
    assert_eq!(run(&Settings::default()), of(Severity::Medium, &["loud"]));
    assert_eq!(
        run(&Settings { effort: Effort::Master, ..Settings::default() }),
        of(Severity::Medium, &["loud", "hard"])
    );
    let change =
        |name: &str, own: RuleSettings| Settings { rules: [(name.to_owned(), own)].into(), ..Settings::default() };
    let off = RuleSettings { enabled: Some(false), ..RuleSettings::default() };
    assert_eq!(run(&change("loud", off)), []);
    let high = RuleSettings { severity: Some(Severity::High), ..RuleSettings::default() };
    assert_eq!(run(&change("loud", high)), of(Severity::High, &["loud"]));
    let easier = RuleSettings { effort: Some(Effort::Elementary), ..RuleSettings::default() };
    assert_eq!(run(&change("hard", easier)), of(Severity::Medium, &["loud", "hard"]));
    let harder = RuleSettings { effort: Some(Effort::Master), ..RuleSettings::default() };
    assert_eq!(run(&change("loud", harder)), []);
}

#[test]
fn of_two_rules_with_one_id_the_later_file_counts() {
    let one = rule("r", "category: dns", "  s: {query|startswith: ftp}\n  condition: s\n");
    let two = rule("r", "category: dns", "  s: {query|startswith: www}\n  condition: s\n");
    let (catalogue, _) = build(&[source("a.yml", &one), source("b.yml", &two)], &Settings::default());
    assert_eq!(catalogue.rules().len(), 1);
    assert_eq!(Bench::new(catalogue).feed(&[with(&[])]).len(), 1);
}
