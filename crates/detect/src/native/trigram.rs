//! How much a label surprises somebody who knows domain names: bits a character under a model of trigrams.
//!
//! The model is learnt at start from the labels of our own list of well-known domains (some 2,500; there is no table
//! to ship or to trust): P(c|ab) = 0.60·tri + 0.25·bi + 0.10·uni + 0.05/29. Digits are one class, each digit costs
//! log2(10) bits more. The median of
//! well-known labels is 3.7 bits (4.0 of labels held out), random letters have 6.0, base32 6.8, hexadecimal 6.9.

/// a-z, digits as one, hyphen and whatever else, and the border of a label.
const SYMBOLS: usize = 29;
const DIGIT: usize = 26;
const OTHER: usize = 27;
const BORDER: usize = 28;
/// Steps of the table in a bit.
const STEPS: f64 = 16.0;
const DIGIT_BITS: f64 = 3.322;

/// The model.
#[derive(Clone)]
pub struct Trigrams {
    table: Box<[u8]>,
}

impl std::fmt::Debug for Trigrams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trigrams").finish_non_exhaustive()
    }
}

const fn symbol(byte: u8) -> usize {
    match byte {
        b'a'..=b'z' => (byte - b'a') as usize,
        b'0'..=b'9' => DIGIT,
        _ => OTHER,
    }
}

const fn cell(a: usize, b: usize, c: usize) -> usize {
    (a * SYMBOLS + b) * SYMBOLS + c
}

impl Trigrams {
    /// The model of our list of well-known domains.
    #[must_use]
    pub fn embedded() -> Self {
        let text = include_str!("../../../../lists/benign.txt");
        let names = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        Self::learn(names.flat_map(|name| name.trim_start_matches('=').split('.').rev().skip(1)))
    }

    /// Learns from labels.
    pub fn learn<'a>(labels: impl Iterator<Item = &'a str>) -> Self {
        let mut tri = vec![0_u32; SYMBOLS * SYMBOLS * SYMBOLS];
        let (mut bi, mut uni) = (vec![0_u32; SYMBOLS * SYMBOLS], vec![0_u32; SYMBOLS]);
        for label in labels {
            let (mut a, mut b) = (BORDER, BORDER);
            for c in label.bytes().map(symbol).chain([BORDER]) {
                tri[cell(a, b, c)] += 1;
                bi[b * SYMBOLS + c] += 1;
                uni[c] += 1;
                (a, b) = (b, c);
            }
        }
        Self { table: Self::costs(&tri, &bi, &uni) }
    }

    fn costs(tri: &[u32], bi: &[u32], uni: &[u32]) -> Box<[u8]> {
        let share = |counts: &[u32], at: usize| {
            let total: u32 = counts.iter().sum();
            if total == 0 { 1.0 / SYMBOLS as f64 } else { f64::from(counts[at]) / f64::from(total) }
        };
        let mut table = Vec::with_capacity(tri.len());
        for ab in 0..SYMBOLS * SYMBOLS {
            let b = ab % SYMBOLS;
            for c in 0..SYMBOLS {
                let chance = 0.60 * share(&tri[ab * SYMBOLS..][..SYMBOLS], c)
                    + 0.25 * share(&bi[b * SYMBOLS..][..SYMBOLS], c)
                    + 0.10 * share(uni, c)
                    + 0.05 / SYMBOLS as f64;
                let bits = -chance.log2() + if c == DIGIT { DIGIT_BITS } else { 0.0 };
                table.push((bits * STEPS).round().clamp(0.0, 255.0) as u8);
            }
        }
        table.into_boxed_slice()
    }

    /// Sixteenths of a bit that a text costs; dots are borders between labels.
    #[inline]
    pub(super) fn cost(&self, text: &str) -> u32 {
        let (mut a, mut b, mut cost) = (BORDER, BORDER, 0);
        for byte in text.bytes() {
            if byte == b'.' {
                (a, b) = (BORDER, BORDER);
                continue;
            }
            let c = symbol(byte);
            cost += u32::from(self.table[cell(a, b, c)]);
            (a, b) = (b, c);
        }
        cost
    }

    /// Bits a character; 0 for an empty text.
    #[must_use]
    pub fn bits(&self, text: &str) -> f64 {
        f64::from(self.cost(text)) / STEPS / (text.len().max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cost_little_and_random_letters_much() {
        let model = Trigrams::embedded();
        for label in ["mail", "shoponline", "weatherstation", "autodiscover", "static", "newsletter"] {
            assert!(model.bits(label) < 4.6, "{label}: {}", model.bits(label));
        }
        for label in ["xkqzvjwpfh", "qjxvkzhgtw", "7f3a9c01e8d2b645", "mfzxi3djnvwa5k2q"] {
            assert!(model.bits(label) > 5.2, "{label}: {}", model.bits(label));
        }
        assert!(model.bits("").abs() < f64::EPSILON);
    }
}
