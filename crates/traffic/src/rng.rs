//! A small random number generator of our own, so that a seed means the same bytes on every machine and release.

/// xoshiro256++ (Blackman and Vigna, public domain), seeded through splitmix64.
#[derive(Clone, Debug)]
pub(crate) struct Rng([u64; 4]);

/// One round of splitmix64: also the hash behind every "stable for this name" choice.
pub(crate) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A stable hash of a text under a seed (FNV-1a, then mixed).
pub(crate) fn hash_text(seed: u64, text: &str) -> u64 {
    let folded = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    mix(folded ^ mix(seed))
}

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        let a = mix(seed);
        let b = mix(a);
        let c = mix(b);
        Self([a, b, c, mix(c)])
    }

    pub(crate) const fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in `0..bound` (0 when the bound is 0).
    pub(crate) const fn below(&mut self, bound: u64) -> u64 {
        ((self.next() as u128 * bound as u128) >> 64) as u64
    }

    /// An index into something of `len` items.
    pub(crate) const fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// A number in `low..=high`.
    pub(crate) const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True `share` times out of a thousand.
    pub(crate) const fn per_mille(&mut self, share: u64) -> bool {
        self.below(1000) < share
    }

    /// A fraction in `0.0..1.0`.
    pub(crate) const fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One item of a slice that is not empty.
    pub(crate) const fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.index(items.len())]
    }

    /// A waiting time with mean 1 of a memoryless process.
    pub(crate) fn exponential(&mut self) -> f64 {
        -ln(1.0 - self.unit())
    }

    /// `len` lower-case hexadecimal digits.
    pub(crate) fn hex(&mut self, len: usize, out: &mut String) {
        for _ in 0..len {
            out.push(char::from(b"0123456789abcdef"[self.index(16)]));
        }
    }

    /// `len` characters of an alphabet.
    pub(crate) fn text(&mut self, alphabet: &[u8], len: usize, out: &mut String) {
        for _ in 0..len {
            out.push(char::from(alphabet[self.index(alphabet.len())]));
        }
    }

    /// A random (version 4) UUID as text.
    pub(crate) fn uuid(&mut self) -> String {
        let mut bytes = [0; 36];
        write_uuid(self.next(), self.next(), &mut bytes);
        bytes.iter().map(|byte| char::from(*byte)).collect()
    }
}

/// Writes a version 4 UUID made of 128 given bits.
pub(crate) fn write_uuid(high: u64, low: u64, out: &mut [u8; 36]) {
    let high = (high & 0xffff_ffff_ffff_0fff) | 0x4000;
    let low = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    const HEX: &[u8; 16] = b"0123456789abcdef";
    *out = [b'-'; 36];
    let mut at = 0;
    for byte in high.to_be_bytes().into_iter().chain(low.to_be_bytes()) {
        out[at] = HEX[usize::from(byte >> 4)];
        out[at + 1] = HEX[usize::from(byte & 15)];
        at += if matches!(at, 6 | 11 | 16 | 21) { 3 } else { 2 };
    }
}

/// The natural logarithm from the four basic operations only: the platform's own may differ in the last bit, and a
/// seed must mean the same bytes everywhere.
pub(crate) fn ln(value: f64) -> f64 {
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let square = z * z;
    let series = (0..12).rev().fold(0.0, |sum, term| sum * square + 1.0 / f64::from(2 * term + 1));
    exponent as f64 * std::f64::consts::LN_2 + 2.0 * z * series
}

/// The exponential function from the four basic operations only.
pub(crate) fn exp(value: f64) -> f64 {
    let halvings = 10;
    let small = value / f64::from(1 << halvings);
    let mut result = (1..10).rev().fold(1.0, |sum, term| 1.0 + sum * small / f64::from(term));
    for _ in 0..halvings {
        result *= result;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_of_a_seed_never_change() {
        let mut rng = Rng::new(1);
        assert_eq!([rng.next(), rng.next(), rng.below(1000)], FIRST);
        assert_ne!(Rng::new(2).next(), FIRST[0]);
    }

    const FIRST: [u64; 3] = [8_519_585_912_109_933_218, 10_835_778_687_385_656_862, 794];

    #[test]
    fn our_logarithm_and_exponential_are_right() {
        for value in [0.001, 0.3, 1.0, 1.7, 12.5, 99_999.0] {
            assert!((ln(value) - value.ln()).abs() < 1e-9, "{value}");
        }
        for value in [-3.0, -0.1, 0.0, 0.5, 2.0, 6.0] {
            assert!((exp(value) / value.exp() - 1.0).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn waiting_times_have_mean_one() {
        let mut rng = Rng::new(3);
        let mean = (0..100_000).map(|_| rng.exponential()).sum::<f64>() / 100_000.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }

    #[test]
    fn a_uuid_has_its_shape() {
        let uuid = Rng::new(5).uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "4");
        assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"));
    }
}
