//! Whatever comes, reading ends without a panic and the report adds up.

use proptest::prelude::*;

use super::*;

const SEEDS: [&str; 6] = [
    include_str!("../../../tests/feeds/bundle.json"),
    include_str!("../../../tests/feeds/misp-event.json"),
    include_str!("../../../tests/feeds/threatfox.csv"),
    include_str!("../../../tests/feeds/adblock.txt"),
    include_str!("../../../tests/feeds/mixed.txt"),
    include_str!("../../../tests/feeds/onionoo.json"),
];

fn settle(bytes: &[u8], format: Option<Format>) {
    let options = ReadOptions { format, ..ReadOptions::default() };
    if let Ok((found, report)) = read_with(bytes, &options) {
        assert!(report.problems.len() as u64 <= report.problems_total);
        assert!(!report.sentences().is_empty());
        for indicator in found {
            let (value, _) = parse_value(&indicator.value.to_string()).unwrap();
            assert_eq!(value, indicator.value);
            assert!(indicator.confidence.is_none_or(|sure| sure <= 100));
            assert!(indicator.tags.is_sorted());
        }
    }
}

fn formats() -> impl Strategy<Value = Option<Format>> {
    prop_oneof![Just(None), proptest::sample::select(&Format::ALL[..]).prop_map(Some)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400), format in formats()) {
        settle(&bytes, format);
    }

    #[test]
    fn any_text(text in "[\\PC\n\t,;|\"'#\\[\\](){}=:/.*^$|@%0-9a-z]{0,200}", format in formats()) {
        settle(text.as_bytes(), format);
    }

    #[test]
    fn any_value(text in "\\PC{0,80}") {
        if let Ok((value, _)) = parse_value(&text) {
            prop_assert_eq!(parse_value(&value.to_string()).map(|(value, _)| value), Ok(value));
        }
    }

    #[test]
    fn any_pattern(pattern in "[\\[\\]()=!<>', a-zA-Z:.*\\\\]{0,80}") {
        let _ = super::super::pattern::operands(&pattern);
        let _ = super::super::pattern::operands(&format!("[domain-name:value = 'a.example' {pattern}]"));
    }

    /// Real feeds with bytes changed, cut out, doubled.
    #[test]
    fn mutated_feeds(
        seed in 0..SEEDS.len(),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0_u8..4, any::<u8>()), 1..12),
        format in formats(),
    ) {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        for (place, kind, byte) in edits {
            if bytes.is_empty() { break; }
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, byte),
                _ => {
                    let end = (at + usize::from(byte)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        settle(&bytes, format);
    }

    #[test]
    fn cut_feeds(seed in 0..SEEDS.len(), place in any::<proptest::sample::Index>()) {
        let bytes = SEEDS[seed].as_bytes();
        settle(&bytes[..place.index(bytes.len())], None);
    }
}
