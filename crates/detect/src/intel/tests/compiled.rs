//! The compiled set against a plain one.

use std::net::IpAddr;

use super::*;
use tidegate_event::Timestamp;

fn at(day: i64) -> Timestamp {
    Timestamp::from_micros(day * 86_400_000_000)
}

fn built(texts: &[&str]) -> Indicators {
    let mut builder = Indicators::builder();
    for (number, text) in texts.iter().enumerate() {
        let (value, scope) = parse_value(text).unwrap();
        builder.add(number as u64, "test", "feed", &Indicator::new(value, scope));
    }
    let (built, left) = builder.build();
    assert_eq!(left, Left::default());
    built
}

fn numbers(set: &Indicators, hits: Hits) -> Vec<u64> {
    let mut numbers: Vec<u64> = hits.iter().map(|id| set.get(*id).unwrap().number()).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn names_match_exactly_by_registered_domain_and_by_parent() {
    let set = built(&["evil.example", "*.wide.example", "http://host.shared.example/x", "a.b.deep.example"]);
    let name = |name: &str, registered: &str| numbers(&set, set.match_name(name, registered, at(1)));
    assert_eq!(name("evil.example", "evil.example"), [0]);
    assert_eq!(name("www.evil.example", "evil.example"), [0]);
    assert_eq!(name("www.evil.example", ""), [] as [u64; 0]);
    assert_eq!(name("notevil.example", "notevil.example"), [] as [u64; 0]);
    // A registered domain that is no parent of the name is not believed.
    assert_eq!(name("good.example", "evil.example"), [] as [u64; 0]);
    assert_eq!(name("wide.example", "wide.example"), [1]);
    assert_eq!(name("x.y.z.wide.example", "wide.example"), [1]);
    assert_eq!(name("x.y.z.wide.example", ""), [1]);
    assert_eq!(name("host.shared.example", "shared.example"), [2]);
    assert_eq!(name("x.host.shared.example", "host.shared.example"), [] as [u64; 0]);
    assert_eq!(name("a.b.deep.example", "deep.example"), [3]);
    assert_eq!(name("x.a.b.deep.example", "deep.example"), [] as [u64; 0]);
    assert_eq!(name("", ""), [] as [u64; 0]);
    assert_eq!(name(&"a.".repeat(4000), "a."), [] as [u64; 0]);
}

#[test]
fn addresses_match_alone_and_in_networks() {
    let set =
        built(&["198.51.100.7", "198.51.100.0/24", "198.51.0.0/16", "2001:db8::1", "2001:db8::/32", "64.0.0.0/10"]);
    let ip = |text: &str| numbers(&set, set.match_ip(text.parse().unwrap(), at(1)));
    assert_eq!(ip("198.51.100.7"), [0, 1, 2]);
    assert_eq!(ip("::ffff:198.51.100.7"), [0, 1, 2]);
    assert_eq!(ip("198.51.100.8"), [1, 2]);
    assert_eq!(ip("198.51.1.1"), [2]);
    assert_eq!(ip("198.52.1.1"), [] as [u64; 0]);
    assert_eq!(ip("2001:db8::1"), [3, 4]);
    assert_eq!(ip("2001:db8:ffff::"), [4]);
    assert_eq!(ip("2001:db9::"), [] as [u64; 0]);
    assert_eq!(ip("64.63.255.255"), [5]);
    assert_eq!(ip("64.64.0.0"), [] as [u64; 0]);
}

#[test]
fn validity_counts_at_the_time_of_the_event() {
    let mut indicator = Indicator::new(Value::Name("evil.example".into()), Scope::Domain);
    indicator.valid_from = Some(at(10));
    indicator.valid_until = Some(at(20));
    let mut builder = Indicators::builder();
    builder.add(1, "c", "f", &indicator);
    let (set, _) = builder.build();
    let hit = |micros: i64| !set.match_name("evil.example", "", Timestamp::from_micros(micros)).is_empty();
    let day = 86_400_000_000;
    assert_eq!([hit(10 * day - 1), hit(10 * day), hit(20 * day - 1), hit(20 * day)], [false, true, true, false]);
}

#[test]
fn what_is_known_comes_back_and_the_same_again_widens() {
    let mut first = Indicator::new(Value::Name("evil.example".into()), Scope::Domain);
    first.tags = vec!["c2".into(), "family".into()];
    first.valid_from = Some(at(10));
    first.valid_until = Some(at(20));
    let mut again = first.clone();
    again.valid_from = None;
    again.valid_until = Some(at(15));
    again.confidence = Some(80);
    let mut builder = Indicators::builder();
    builder.add(7, "blue", "feed one", &first);
    builder.add(8, "blue", "feed one", &again);
    builder.add(9, "green", "feed two", &again);
    let (set, left) = builder.build();
    assert_eq!((set.len(), left), (2, Left::default()));
    let hits = set.match_name("evil.example", "", at(1));
    assert_eq!(numbers(&set, hits), [7, 9]);
    let known = set.get(hits[0]).unwrap();
    assert_eq!((known.collection(), known.source(), known.name()), ("blue", "feed one", Some("evil.example")));
    assert_eq!(known.tags().collect::<Vec<_>>(), ["c2", "family"]);
    assert_eq!((known.valid_from(), known.valid_until(), known.confidence()), (None, Some(at(20)), Some(80)));
    assert_eq!(known.value(), first.value);
    assert_eq!(set.iter().count(), 2);
}

#[test]
fn one_value_many_times_is_bounded_and_counted() {
    let mut builder = Indicators::builder();
    let mut indicator = Indicator::new(Value::Name("evil.example".into()), Scope::Domain);
    for number in 0..200_000_u64 {
        indicator.tags = vec![format!("t{number}")];
        builder.add(number, "c", "f", &indicator);
    }
    let (set, left) = builder.build();
    assert_eq!(set.len(), HITS_MAX);
    assert_eq!(left.indicators, 200_000 - HITS_MAX as u64);
    assert_eq!(set.match_name("evil.example", "", at(1)).len(), HITS_MAX);
}

#[test]
fn too_many_tags_are_left_out_and_counted_but_the_indicator_stays() {
    let mut builder = Indicators::builder();
    for number in 0..140_000_u64 {
        let mut indicator = Indicator::new(Value::Name(format!("n{number}.example")), Scope::Domain);
        indicator.tags = vec![format!("t{number}")];
        builder.add(number, "c", "f", &indicator);
    }
    let (set, left) = builder.build();
    assert_eq!((set.len(), left.indicators), (140_000, 0));
    assert!(left.tags > 70_000);
    let last = set.match_name("n139999.example", "", at(1));
    let known = set.get(last[0]).unwrap();
    assert_eq!((known.collection(), known.tags().count()), ("c", 0));
}

#[test]
fn the_fast_set_agrees_with_a_plain_one() {
    // A small alphabet makes parents, children and strangers meet often.
    let mut random = 7_u64;
    let mut draw = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let mut name = |labels: u64| {
        let labels: Vec<String> = (0..labels).map(|_| ["a", "b", "c"][draw(3) as usize].to_owned()).collect();
        format!("{}.example", labels.join("."))
    };
    let mut plain: Vec<(String, Scope)> = Vec::new();
    let mut builder = Indicators::builder();
    for number in 0..60_u64 {
        let scope = [Scope::Exact, Scope::Domain, Scope::Subtree][(number % 3) as usize];
        let name = name(1 + number % 4);
        // The number in the collection keeps them apart.
        builder.add(number, &format!("c{number}"), "", &Indicator::new(Value::Name(name.clone()), scope));
        plain.push((name, scope));
    }
    let (set, left) = builder.build();
    for round in 0..5_000_u64 {
        let asked = name(1 + round % 5);
        let labels: Vec<&str> = asked.split('.').collect();
        let registered = labels[labels.len() - 2..].join(".");
        let expected: Vec<u64> = plain
            .iter()
            .enumerate()
            .filter(|(_, (name, scope))| {
                *name == asked
                    || *scope == Scope::Domain && *name == registered
                    || *scope == Scope::Subtree && asked.ends_with(&format!(".{name}"))
            })
            .map(|(number, _)| number as u64)
            .collect();
        let found = numbers(&set, set.match_name(&asked, &registered, at(1)));
        if expected.len() <= HITS_MAX && left.indicators == 0 {
            assert_eq!(found, expected, "{asked}");
        } else {
            assert!(found.iter().all(|number| expected.contains(number)), "{asked}");
        }
    }
}

#[test]
fn the_self_test_indicators_hit() {
    let mut builder = Indicators::builder();
    for (number, indicator) in eicar().iter().enumerate() {
        builder.add(number as u64, EICAR_COLLECTION, EICAR_COLLECTION, indicator);
    }
    let (set, _) = builder.build();
    for (name, registered) in [
        (EICAR_NAME, "tidegate.test"),
        ("www.eicar.org", "eicar.org"),
        ("malware.testcategory.com", "testcategory.com"),
    ] {
        let hits = set.match_name(name, registered, at(20_000));
        assert!(set.get(hits[0]).unwrap().tags().any(|tag| tag == EICAR_TAG), "{name}");
    }
    let none: IpAddr = "198.51.100.1".parse().unwrap();
    assert!(set.match_ip(none, at(1)).is_empty());
}
