use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn all(set: &SuffixSet, name: &str) -> Vec<u32> {
    let mut found = Vec::new();
    set.each(name, |value| found.push(value));
    found
}

#[test]
fn parents_are_found_shortest_first_and_siblings_are_not() {
    let mut set = SuffixSet::default();
    set.insert("com", 1);
    set.insert("example.com", 2);
    set.insert("a.b.example.com", 3);
    set.insert_exact("only.example.com", 4);
    assert_eq!(all(&set, "a.b.example.com"), [1, 2, 3]);
    assert_eq!(all(&set, "x.a.b.example.com"), [1, 2, 3]);
    assert_eq!(all(&set, "b.example.com"), [1, 2]);
    assert_eq!(all(&set, "only.example.com"), [1, 2, 4]);
    assert_eq!(all(&set, "www.only.example.com"), [1, 2]);
    assert_eq!(all(&set, "badexample.com"), [1]);
    assert_eq!(all(&set, "example.org"), [0; 0]);
    assert_eq!(set.longest("x.example.com"), Some(2));
    assert_eq!(set.longest("net"), None);
    assert_eq!(set.insert("example.com", 9), Some(2));
    assert_eq!((set.get("example.com", false), set.get("example.com", true), set.len()), (Some(9), None, 4));
}

#[test]
fn odd_texts_are_no_members_and_do_no_harm() {
    let mut set = SuffixSet::default();
    set.insert("example.com", 1);
    for name in ["", ".", "..", ".com", "com.", "example.com.", &"a".repeat(300), &"a.".repeat(200)] {
        assert_eq!(all(&set, name), [0; 0], "{name}");
    }
    assert_eq!(set.insert("", 1), None);
    assert_eq!(set.insert(&"a".repeat(254), 1), None);
    assert_eq!(set.len(), 1);
}

#[test]
fn a_million_names_need_less_than_25_megabytes() {
    let mut set = SuffixSet::default();
    for number in 0..1_000_000_u32 {
        set.insert(&format!("host-{number}.example{}.com", number % 977), number);
    }
    assert_eq!(set.len(), 1_000_000);
    assert!(set.heap_bytes() < 25_000_000, "{}", set.heap_bytes());
    for number in (0..1_000_000_u32).step_by(997) {
        assert_eq!(set.longest(&format!("www.host-{number}.example{}.com", number % 977)), Some(number));
        assert_eq!(set.longest(&format!("gast-{number}.example{}.com", number % 977)), None);
    }
}

fn name() -> impl Strategy<Value = String> {
    proptest::collection::vec("[ab]{1,2}", 1..5).prop_map(|labels| labels.join("."))
}

proptest! {
    #[test]
    fn it_finds_what_a_plain_search_finds(
        entries in proptest::collection::vec((name(), any::<bool>()), 0..60),
        asked in proptest::collection::vec(name(), 1..40),
    ) {
        let mut set = SuffixSet::default();
        let mut plain = BTreeMap::new();
        for (number, (name, exact)) in entries.iter().enumerate() {
            if *exact { set.insert_exact(name, number as u32) } else { set.insert(name, number as u32) };
            plain.insert((name.clone(), *exact), number as u32);
        }
        prop_assert_eq!(set.len(), plain.len());
        for name in asked {
            let mut expected: Vec<(usize, bool, u32)> = plain
                .iter()
                .filter(|((entry, exact), _)| &name == entry || (!exact && name.ends_with(&format!(".{entry}"))))
                .map(|((entry, exact), value)| (entry.len(), *exact, *value))
                .collect();
            expected.sort_unstable();
            let expected: Vec<u32> = expected.into_iter().map(|(.., value)| value).collect();
            prop_assert_eq!(all(&set, &name), expected);
        }
    }
}
