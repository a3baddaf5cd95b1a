use proptest::prelude::*;

use super::*;

fn parts_of(pattern: &str) -> Wildcard {
    let mut parts: Vec<Part> = Vec::new();
    for c in pattern.chars() {
        match (c, parts.last_mut()) {
            ('*', Some(Part::Any)) => {}
            ('*', _) => parts.push(Part::Any),
            ('?', _) => parts.push(Part::One),
            (c, Some(Part::Literal(text))) => text.push(c),
            (c, _) => parts.push(Part::Literal(c.to_string())),
        }
    }
    Wildcard { parts }
}

fn fits(pattern: &str, value: &str) -> bool {
    TextTest::wildcard(&parts_of(pattern), false).is_match(value, &mut String::new())
}

#[test]
fn globs() {
    for (pattern, value, expected) in [
        ("*.example.com", "www.EXAMPLE.com", true),
        ("*.example.com", "example.com", false),
        ("a?c", "aéc", true),
        ("a?c", "ac", false),
        ("a*b*c", "a1b2b3c", true),
        ("a*b*c", "abc", true),
        ("a*bc*bc", "abc", false),
        ("*??", "a", false),
        ("É*", "école", true),
        ("?", "𝄞", true),
        ("a*", "a\nb", true),
        ("100%*", "100% sure", true),
    ] {
        assert_eq!(fits(pattern, value), expected, "{pattern} {value}");
    }
}

#[test]
fn like_patterns_are_escaped() {
    assert_eq!(Glob::new(&parts_of("1_0%*\\?").parts).to_like(), "1\\_0\\%%\\\\_");
}

#[test]
fn equality_ignores_case_beyond_ascii() {
    let test = TextTest::equals("ÉCOLE");
    assert!(test.is_match("école", &mut String::new()));
    assert!(TextTest::equals("k").is_match("\u{212a}", &mut String::new()), "the Kelvin sign is a k in lower case");
}

#[test]
fn mistakes_in_regexes_have_a_place() {
    let (message, span) = TextTest::regex("ab(c").unwrap_err();
    assert_eq!((message.as_str(), span), ("this is no regular expression: unclosed group", 2..3));
    assert!(TextTest::regex("(a{1000}){1000}").unwrap_err().0.contains("too large"));
    assert!(TextTest::regex(&"a".repeat(REGEX_BYTES_MAX + 1)).unwrap_err().0.contains("longer"));
    assert!(TextTest::regex(&format!("{}{}", "(".repeat(60), ")".repeat(60))).is_err());
}

/// The plainest matcher there is.
fn naive(pattern: &[char], value: &[char]) -> bool {
    match pattern {
        [] => value.is_empty(),
        ['*', rest @ ..] => (0..=value.len()).any(|skip| naive(rest, &value[skip..])),
        ['?', rest @ ..] => !value.is_empty() && naive(rest, &value[1..]),
        [c, rest @ ..] => value.first() == Some(c) && naive(rest, &value[1..]),
    }
}

proptest! {
    #[test]
    fn the_glob_is_the_naive_one(pattern in "[abé*?]{1,8}", value in "[abé]{0,10}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(fits(&pattern, &value), naive(&chars(&pattern), &chars(&value)));
    }
}
