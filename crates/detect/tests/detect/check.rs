//! Mistakes in rules: each is named with file, line and column, and none stops the rules beside it.

use crate::common;
use crate::common::{build, query, registry, source, titles};
use tidegate_detect::{Grade, Problem, RuleSources, Settings, check};

const GOOD: &str = "title: good\nid: 3f7a1d0e-5a5e-4b7e-9c39-0d9f6b1a2c11\nlogsource: {category: dns}\ndetection:\n  s: {query: good.example.com}\n  condition: s\nlevel: low\n";

/// The problems of one text beside a good rule, which must work all the same.
fn problems(text: &str) -> Vec<Problem> {
    let files = [source("bad.yml", text), source("good.yml", GOOD)];
    let (catalogue, problems) = build(&files, &Settings::default());
    let found = common::Bench::new(catalogue).feed(&[query(0, "s", "good.example.com")]);
    assert!(titles(&found).contains(&"good"), "{text}");
    problems
}

fn rule(detection: &str) -> String {
    format!("title: bad\nlogsource:\n  category: dns\ndetection:\n{detection}level: low\n")
}

#[test]
fn mistakes_have_their_place() {
    for (text, line, column, words) in [
        ("title: a\n  b: : c\n".to_owned(), 2, 0, ""),
        (rule("  s:\n    query|contians: x\n  condition: s\n"), 6, 5, "`contians` is no modifier"),
        (rule("  s:\n    query: x\n  condition: sel\n"), 7, 3, "`sel`"),
        (rule("  s:\n    query: x\n  condition: s and\n"), 7, 0, "condition"),
        (rule("  s:\n    query: x\n  condition: 1 of t*\n"), 7, 3, "t*"),
        (rule("  s:\n    query|re: 'a(b'\n  condition: s\n"), 6, 15, "regular expression `a(b`"),
        (rule("  s:\n    query|re: '(a{1000}){1000}'\n  condition: s\n"), 6, 15, "smaller repetitions"),
        (rule("  s:\n    query:\n      re: x\n  condition: s\n"), 7, 7, "`query|re`"),
        (rule("  s:\n    - query: {contains: x}\n  condition: s\n"), 6, 14, "`query|contains`"),
        (
            "action: global\ntitle: a\nlogsource: {category: dns}\ndetection:\n  condition: s | count() > 5\n---\ndetection:\n  s: {query: x}\n".to_owned(),
            5,
            3,
            "without `action:`",
        ),
        (rule("  s:\n    query|gt: many\n  condition: s\n"), 4, 1, ""),
        ("title: x\nlogsource: {category: dns}\n".to_owned(), 1, 0, "detection"),
        (rule("  s:\n    query: x\n  condition: s\n").replace("level: low", "level: terrible"), 8, 1, "no level"),
        (rule("  s:\n    query: x\n  condition: s\n") + "tidegate:\n  efort: master\n", 10, 3, "efort"),
        (rule("  s:\n    query: x\n  condition: s\n") + "tidegate:\n  effort: expert\n", 10, 0, "expert"),
        ("- a\n- b\n".to_owned(), 1, 1, "mapping"),
        (String::new(), 1, 1, "no rule"),
        (
            "title: c\ncorrelation:\n  type: event_count\n  rules: [nobody]\n  group-by: [source.ip]\n  timespan: 5m\n  condition: {gte: 3}\n".to_owned(),
            4,
            3,
            "`nobody`",
        ),
        (
            "title: c\ncorrelation:\n  type: event_sum\n  rules: [good]\n  timespan: 5m\n  condition: {gte: 3}\n".to_owned(),
            3,
            3,
            "event_sum",
        ),
        (
            "title: c\ncorrelation:\n  type: event_count\n  rules: [good]\n  timespan: soon\n  condition: {gte: 3}\n".to_owned(),
            5,
            3,
            "soon",
        ),
        (
            "title: c\ncorrelation:\n  type: value_count\n  rules: [good]\n  timespan: 5m\n  condition: {gte: 3}\n".to_owned(),
            6,
            3,
            "needs a `field`",
        ),
    ] {
        let found = problems(&text);
        let error = found.iter().find(|problem| problem.grade == Grade::Error).unwrap_or_else(|| panic!("no mistake in\n{text}"));
        assert_eq!(&*error.path, "bad.yml");
        assert!(error.message.contains(words), "{error}\n{text}");
        assert_eq!(error.line, line, "{error}\n{text}");
        assert!(column == 0 || error.column == column, "{error}\n{text}");
    }
}

#[test]
fn a_mistake_in_a_later_document_has_the_line_of_the_file() {
    let text = format!("{GOOD}---\n{}", rule("  s:\n    query|contians: x\n  condition: s\n"));
    let found = problems(&text.replace("title: good", "title: other"));
    let error = found.iter().find(|problem| problem.grade == Grade::Error).unwrap();
    assert_eq!((error.line, error.column), (14, 5), "{error}");
}

#[test]
fn a_rule_that_takes_anothers_place_says_whose() {
    let files =
        [source("ours.yml", GOOD), source("theirs.yml", &GOOD.replace("good.example.com", "other.example.com"))];
    let (_, found) = build(&files, &Settings::default());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].grade, &*found[0].path, found[0].line), (Grade::Warning, "theirs.yml", 2));
    assert!(found[0].message.contains("`ours.yml`"), "{}", found[0]);

    let twice = [source("ours.yml", GOOD), source("again.yml", GOOD)];
    assert_eq!(build(&twice, &Settings::default()).1, []);
}

#[test]
fn circles_are_refused() {
    let one = |name: &str, of: &str| {
        format!(
            "title: {name}\nname: {name}\ncorrelation:\n  type: event_count\n  rules: [{of}]\n  timespan: 5m\n  condition: {{gte: 3}}\n---\n"
        )
    };
    let found = problems(&(one("a", "b") + &one("b", "a") + &one("c", "c")));
    assert_eq!(found.iter().filter(|problem| problem.grade == Grade::Error).count(), 3, "{found:#?}");
}

#[test]
fn hostile_files_get_a_sentence() {
    let deep = "[".repeat(100_000);
    let aliases = "a: &a [x]\n".to_owned() + "b: [*a, *a, *a]\n".repeat(40).as_str();
    let bomb = (1..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        text + &format!("a{n}: &a{n} [*a{m}, *a{m}, *a{m}, *a{m}]\n", m = n - 1)
    });
    for text in [
        rule(&format!("  s:\n    query: {deep}\n")),
        deep.clone(),
        aliases,
        bomb,
        "x".repeat(2 << 20),
        "\u{0}\u{1}\u{2}".to_owned(),
        "%YAML 9.9\n---\n&".to_owned(),
        "<html><body>502 Bad Gateway</body></html>".to_owned(),
        rule(&format!("  s:\n    query|re: '{}'\n  condition: s\n", r"(\w{500}){500}")),
        rule(&format!("  s:\n    query: x\n  condition: {}s{}\n", "(".repeat(5_000), ")".repeat(5_000))),
    ] {
        let found = problems(&text);
        let shown: String = text.chars().take(60).collect();
        assert!(found.iter().any(|problem| problem.grade == Grade::Error), "{shown}");
        assert!(found.iter().all(|problem| problem.message.len() < 2_000), "{shown}");
    }
}

#[test]
fn check_compiles_what_loading_passes_over() {
    let foreign = |pattern: &str| {
        format!(
            "title: w\nid: 0a1d0e3f-5a5e-4b7e-9c39-0d9f6b1a2c11\nlogsource: {{product: windows, category: process_creation}}\ndetection:\n  s:\n    CommandLine|re: '{pattern}'\n  condition: s\nlevel: low\n"
        )
    };
    let sources =
        |text: &str| RuleSources { files: vec![source("w.yml", text), source("good.yml", GOOD)], problems: Vec::new() };
    let checked = check::check(&sources(&foreign("a+")), &registry(), &Settings::default());
    assert!(!checked.failed(), "{:#?}", checked.problems);
    assert_eq!((checked.rules, checked.not_applicable), (2, 1));
    let checked = check::check(&sources(&foreign("a(")), &registry(), &Settings::default());
    assert!(!checked.failed(), "it may be right where it is meant to run");
    let remark = checked.problems.iter().find(|problem| problem.message.contains("`a(`")).unwrap();
    assert_eq!((remark.line, &*remark.path), (6, "w.yml"));
}

#[test]
fn our_own_rules_pass_the_check() {
    let checked = check::check(&RuleSources::embedded(), &registry(), &Settings::default());
    assert!(checked.problems.is_empty(), "{:#?}", checked.problems);
}
