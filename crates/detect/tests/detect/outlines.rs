//! What rules look at.

use crate::common;

use tidegate_detect::{Outline, Piece, Plain, RuleSource, RuleSources, Settings, outline};

fn of(name: &str) -> Outline {
    let (catalogue, _) = common::build(&RuleSources::embedded().files, &Settings::default());
    let rule = catalogue.find(name).unwrap().id;
    outline(&catalogue, &common::registry(), rule)
}

fn is(field: &str, value: &str) -> Outline {
    Outline::Test(field.into(), Plain::Is(value.to_owned()))
}

fn not(inner: Outline) -> Outline {
    Outline::Not(Box::new(inner))
}

fn ends(text: &str) -> Outline {
    Outline::Test("dns.question.name".into(), Plain::Like(vec![Piece::Many, Piece::Text(text.to_owned())]))
}

#[test]
fn a_correlation_looks_at_what_the_rules_below_it_do() {
    let one = Outline::Any(vec![is("tags", "cobalt-strike-shape")]);
    assert_eq!(of("cobalt-strike-dns-beaconing"), one);
    // Settings are put in; one without values is a test that nothing passes.
    let long = Outline::All(vec![
        Outline::Test("tidegate.dns.name.length".into(), Plain::Above(62.0, false)),
        not(is("tags", "benign-long-name")),
        not(Outline::Any(vec![ends(".in-addr.arpa"), ends(".ip6.arpa")])),
        not(Outline::Any(Vec::new())),
    ]);
    assert_eq!(of("correlation-potential-dns-tunnel"), Outline::Any(vec![long]));
}

#[test]
fn behaviour_is_said_where_it_can_be() {
    assert_eq!(of("native-nxdomain-burst"), is("dns.response_code", "NXDomain"));
    assert_eq!(of("native-beacon"), Outline::Unknown);
}

#[test]
fn every_way_to_write_a_test_is_said_or_unknown() {
    let text =
        "title: Ways\nid: 3f1c5a52-4b0f-4c4e-9d0f-0a5a5b5c5d5e\nlogsource: {category: dns}\nlevel: low\ndetection:
  a: {QueryName|contains|all: [x, 'y*z?']}
  b: {source.ip|cidr: 10.0.0.0/8, tags|startswith: r, user.email: null, tags|exists: true}
  c: {dns.question.name|re: '^a$', tags|contains: ''}
  d: [{tags: ''}, {tags|base64: x}]
  e: [word]
  _hidden: {tags: no}
  condition: 1 of them and (all of b* or not c) and 2 of a*
";
    let sources = [RuleSource { path: "ways.yml".into(), text: text.into() }];
    let (catalogue, problems) = common::build(&sources, &Settings::default());
    assert!(problems.is_empty(), "{problems:?}");
    let found = outline(&catalogue, &common::registry(), catalogue.rules()[0].id);
    let like = |pieces: &[Piece]| Outline::Test("dns.question.name".into(), Plain::Like(pieces.to_vec()));
    let text = |text: &str| Piece::Text(text.to_owned());
    let a = Outline::All(vec![
        like(&[Piece::Many, text("x"), Piece::Many]),
        like(&[Piece::Many, text("y"), Piece::Many, text("z"), Piece::One, Piece::Many]),
    ]);
    let something = |field: &str| Outline::Test(field.into(), Plain::Something);
    let b = Outline::All(vec![
        Outline::Test("source.ip".into(), Plain::Network("10.0.0.0/8".into())),
        Outline::Test("tags".into(), Plain::Like(vec![text("r"), Piece::Many])),
        not(something("user.email")),
        something("tags"),
    ]);
    let c =
        Outline::All(vec![Outline::Test("dns.question.name".into(), Plain::Regex("^a$".into())), something("tags")]);
    let d = Outline::Any(vec![Outline::Unknown, Outline::Unknown]);
    let any = Outline::Any(vec![a, b.clone(), c.clone(), d, Outline::Unknown]);
    assert_eq!(found, Outline::All(vec![any, Outline::Any(vec![b, not(c)]), Outline::Unknown]));
}
