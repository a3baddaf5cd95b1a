//! Characters that look alike become one.

/// Letters that look like a Latin one, after the idea of UTS 39's table: those that turn up in registered names.
const ALIKE: &[(&str, char)] = &[
    ("\u{430}\u{251}\u{3b1}\u{e0}\u{e1}\u{e2}\u{e3}\u{e4}\u{e5}\u{101}\u{103}\u{105}\u{1ce}4", 'a'),
    ("\u{44c}\u{432}\u{253}\u{3b2}8", 'b'),
    ("\u{441}\u{3f2}\u{e7}\u{107}\u{10d}\u{188}", 'c'),
    ("\u{501}\u{10f}\u{111}\u{257}", 'd'),
    ("\u{435}\u{454}\u{451}\u{3b5}\u{e8}\u{e9}\u{ea}\u{eb}\u{113}\u{117}\u{119}\u{11b}3", 'e'),
    ("\u{192}", 'f'),
    ("\u{261}\u{581}\u{11f}\u{121}\u{123}9", 'g'),
    ("\u{4bb}\u{570}\u{127}", 'h'),
    ("\u{458}\u{237}", 'j'),
    ("\u{43a}\u{3ba}\u{138}\u{137}", 'k'),
    // i, l, 1 and | are one.
    ("i1|!\u{456}\u{457}\u{131}\u{3b9}\u{4cf}\u{ec}\u{ed}\u{ee}\u{ef}\u{12b}\u{12f}\u{142}\u{13a}\u{13c}", 'l'),
    ("\u{43c}\u{1e41}", 'm'),
    ("\u{43f}\u{578}\u{3b7}\u{f1}\u{144}\u{146}\u{148}", 'n'),
    ("\u{43e}\u{3bf}\u{585}\u{f2}\u{f3}\u{f4}\u{f5}\u{f6}\u{f8}\u{14d}\u{151}0", 'o'),
    ("\u{440}\u{3c1}\u{1a5}", 'p'),
    ("\u{51b}\u{566}", 'q'),
    ("\u{433}\u{155}\u{159}\u{280}", 'r'),
    ("\u{455}\u{15b}\u{15f}\u{161}\u{219}5$", 's'),
    ("\u{442}\u{3c4}\u{163}\u{165}\u{21b}7", 't'),
    ("\u{446}\u{3c5}\u{57d}\u{f9}\u{fa}\u{fb}\u{fc}\u{16b}\u{16f}\u{171}", 'u'),
    ("\u{3bd}\u{475}", 'v'),
    ("\u{461}\u{51d}\u{448}\u{3c9}\u{175}", 'w'),
    ("\u{445}\u{3c7}", 'x'),
    ("\u{443}\u{4af}\u{fd}\u{ff}\u{177}", 'y'),
    ("\u{17a}\u{17c}\u{17e}2", 'z'),
];
/// Pairs that look like one letter.
const PAIRS: [(&str, &str); 4] = [("rn", "m"), ("vv", "w"), ("cl", "d"), ("nn", "m")];

/// A label with look-alikes made one and hyphens left out. Labels with the same skeleton look alike.
pub(super) fn skeleton(label: &str) -> String {
    let mut out: String = label
        .chars()
        .filter(|letter| *letter != '-')
        .map(|letter| ALIKE.iter().find(|(alike, _)| alike.contains(letter)).map_or(letter, |(_, latin)| *latin))
        .collect();
    for (pair, letter) in PAIRS {
        if out.contains(pair) {
            out = out.replace(pair, letter);
        }
    }
    out
}

/// Whether one insertion, omission, replacement or swap of neighbours makes one text the other.
pub(super) fn is_one_slip(left: &str, right: &str) -> bool {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let start = short.iter().zip(&long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[start..], &long[start..]);
    match long.len() - short.len() {
        0 if short.is_empty() => false,
        0 => {
            short[1..] == long[1..]
                || (short.len() >= 2 && short[0] == long[1] && short[1] == long[0] && short[2..] == long[2..])
        }
        1 => short == &long[1..],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn look_alikes_share_a_skeleton() {
        for (one, other) in [
            ("example", "ex\u{430}mple"),
            ("modern", "modem"),
            ("paypal", "paypa1"),
            ("harbourline", "harb0ur-line"),
            ("google", "g00gle"),
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
        }
        assert_ne!(skeleton("example"), skeleton("sample"));
    }

    /// The textbook's distance (optimal string alignment).
    fn distance(left: &str, right: &str) -> usize {
        let (a, b): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
        let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 0..=a.len() {
            for j in 0..=b.len() {
                rows[i][j] = if i == 0 || j == 0 {
                    i + j
                } else {
                    let cost = usize::from(a[i - 1] != b[j - 1]);
                    let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
                    if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                        best = best.min(rows[i - 2][j - 2] + 1);
                    }
                    best
                };
            }
        }
        rows[a.len()][b.len()]
    }

    proptest! {
        #[test]
        fn a_slip_is_a_distance_of_one(left in "[abc]{0,6}", right in "[abc]{0,6}") {
            prop_assert_eq!(is_one_slip(&left, &right), distance(&left, &right) == 1);
        }
    }
}
