//! Statistics of the queried name: length, labels, longest label, entropy, share of digits.

use tidegate_event::{Event, FieldId, Registry, Value, names};

use super::{EnrichError, field};

/// Counts of one byte above this are left to `f64::log2`. A name on the wire has at most 255 bytes.
const COUNTED_MAX: usize = 256;

/// The fields that are read and written, and a table of logarithms.
#[derive(Debug)]
pub(super) struct NameFields {
    question: FieldId,
    targets: [FieldId; 5],
    /// At `n`: how much `n log2 n` grows with the next occurrence of the same character.
    growth: Box<[f64; COUNTED_MAX]>,
}

impl NameFields {
    pub(super) fn new(registry: &Registry) -> Result<Self, EnrichError> {
        let mut growth = Box::new([0.0; COUNTED_MAX]);
        for (count, entry) in growth.iter_mut().enumerate() {
            *entry = growth_of(count);
        }
        Ok(Self {
            question: field(registry, "dns.question.name")?,
            targets: [
                field(registry, names::NAME_LENGTH)?,
                field(registry, names::NAME_LABELS)?,
                field(registry, names::NAME_LONGEST_LABEL)?,
                field(registry, names::NAME_ENTROPY)?,
                field(registry, names::NAME_DIGITS_RATIO)?,
            ],
            growth,
        })
    }

    pub(super) fn targets(&self) -> &[FieldId] {
        &self.targets
    }

    /// Sets the statistics when the event has a queried name.
    pub(super) fn add(&self, event: &mut Event<'_>) {
        let Some(Value::Str(name)) = event.get(self.question) else { return };
        let statistics = self.measure(name);
        let [length, labels, longest, entropy, digits] = self.targets;
        event.set(length, Value::Int(count(statistics.length)));
        event.set(labels, Value::Int(count(statistics.labels)));
        event.set(longest, Value::Int(count(statistics.longest_label)));
        event.set(entropy, Value::Float(statistics.entropy));
        event.set(digits, Value::Float(statistics.digits_ratio));
    }

    /// Measures a name, with or without its trailing dot; the root has no labels.
    pub(super) fn measure(&self, name: &str) -> Statistics {
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.is_empty() {
            return Statistics::default();
        }
        if name.is_ascii() { self.measure_ascii(name.as_bytes()) } else { measure_unicode(name) }
    }

    fn measure_ascii(&self, name: &[u8]) -> Statistics {
        let mut seen = [0_u16; 128];
        let (mut labels, mut longest, mut label) = (1, 0, 0);
        let (mut digits, mut sum) = (0_usize, 0.0);
        for &byte in name {
            if byte == b'.' {
                labels += 1;
                longest = longest.max(label);
                label = 0;
                continue;
            }
            label += 1;
            digits += usize::from(byte.is_ascii_digit());
            let times = &mut seen[usize::from(byte & 0x7f)];
            sum += self.growth.get(usize::from(*times)).copied().unwrap_or_else(|| growth_of(usize::from(*times)));
            *times = times.saturating_add(1);
        }
        let characters = name.len() + 1 - labels;
        Statistics {
            length: name.len(),
            labels,
            longest_label: longest.max(label),
            entropy: entropy(sum, characters),
            digits_ratio: ratio(digits, characters),
        }
    }
}

/// What [`NameFields::measure`] finds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Statistics {
    /// Characters without the trailing dot.
    pub(super) length: usize,
    /// Labels.
    pub(super) labels: usize,
    /// Characters of the longest label.
    pub(super) longest_label: usize,
    /// Bits a character, dots left out.
    pub(super) entropy: f64,
    /// Share of the digits 0 to 9 among the characters, dots left out.
    pub(super) digits_ratio: f64,
}

/// The same over characters instead of bytes, for the few names that are not ASCII.
fn measure_unicode(name: &str) -> Statistics {
    let mut characters: Vec<char> = name.chars().filter(|character| *character != '.').collect();
    characters.sort_unstable();
    let sum = characters.chunk_by(|a, b| a == b).map(|run| run.len() as f64 * (run.len() as f64).log2()).sum();
    let digits = characters.iter().filter(|character| character.is_ascii_digit()).count();
    Statistics {
        length: name.chars().count(),
        labels: name.split('.').count(),
        longest_label: name.split('.').map(|label| label.chars().count()).max().unwrap_or(0),
        entropy: entropy(sum, characters.len()),
        digits_ratio: ratio(digits, characters.len()),
    }
}

/// `(n+1) log2 (n+1) - n log2 n`.
fn growth_of(count: usize) -> f64 {
    let weight = |count: f64| if count > 0.0 { count * count.log2() } else { 0.0 };
    weight(count as f64 + 1.0) - weight(count as f64)
}

/// Shannon's entropy from the sum of `n log2 n` over the distinct characters: `log2 N - sum / N`.
fn entropy(sum: f64, characters: usize) -> f64 {
    if characters == 0 {
        return 0.0;
    }
    let total = characters as f64;
    // Rounding of the sum may leave a tiny negative number for a name of one repeated character.
    rounded((total.log2() - sum / total).max(0.0))
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { rounded(part as f64 / whole as f64) }
}

fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use proptest::prelude::*;
    use tidegate_event::RegistryBuilder;

    static FIELDS: LazyLock<NameFields> =
        LazyLock::new(|| NameFields::new(&RegistryBuilder::with_ecs().freeze()).unwrap());

    #[test]
    fn known_names() {
        let fields = &*FIELDS;
        let measured = |name| {
            let s = fields.measure(name);
            (s.length, s.labels, s.longest_label, s.entropy, s.digits_ratio)
        };
        assert_eq!(measured("www.example.com"), (15, 3, 7, 3.027, 0.0));
        assert_eq!(measured("www.example.com."), measured("www.example.com"));
        assert_eq!(measured("a"), (1, 1, 1, 0.0, 0.0));
        assert_eq!(measured("aaaa.aa"), (7, 2, 4, 0.0, 0.0));
        assert_eq!(measured("ab12.34"), (7, 2, 4, 2.585, 0.6667));
        assert_eq!(measured("bücher.例え"), (9, 2, 6, 3.0, 0.0));
        for root in ["", "."] {
            assert_eq!(fields.measure(root), Statistics::default());
        }
        assert_eq!(measured(".."), (1, 2, 0, 0.0, 0.0));
    }

    #[test]
    fn a_name_beyond_every_table_is_measured() {
        let statistics = FIELDS.measure(&"a".repeat(100_000));
        assert_eq!((statistics.length, statistics.labels, statistics.longest_label), (100_000, 1, 100_000));
        assert!(statistics.entropy < 0.5);
    }

    proptest! {
        #[test]
        fn bytes_and_characters_agree_on_ascii(name in "[ -~]{1,80}") {
            let fields = &*FIELDS;
            let (fast, slow) = (fields.measure_ascii(name.as_bytes()), measure_unicode(&name));
            prop_assert!((fast.entropy - slow.entropy).abs() < 0.0002);
            prop_assert_eq!(Statistics { entropy: 0.0, ..fast }, Statistics { entropy: 0.0, ..slow });
        }
    }
}
