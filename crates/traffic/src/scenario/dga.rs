//! Domain generation algorithms.

use super::stage::{Stage, Told};
use crate::category;
use crate::policy::Verdict;
use crate::rtype;

const CONSONANTS: &[u8] = b"bcdfghjklmnpqrstvwxz";
const VOWELS: &[u8] = b"aeiouy";

/// Bazar loader, versions 2 to 7: four digrams of a consonant and a vowel in either order, below `.bazar`.
pub(super) fn bazar(stage: &mut Stage<'_>) {
    "bazar".clone_into(&mut stage.domain);
    for _ in 0..90 {
        let mut name = String::new();
        for _ in 0..4 {
            let vowel_first = stage.rng.per_mille(500);
            let (first, second) = if vowel_first { (VOWELS, CONSONANTS) } else { (CONSONANTS, VOWELS) };
            stage.rng.text(first, 1, &mut name);
            stage.rng.text(second, 1, &mut name);
        }
        stage.ask(&format!("{name}.bazar"), rtype::A, Told::NoSuchName);
        stage.wait(2_000);
    }
}

/// Random letters over several top-level domains; two in two hundred are known to the resolver's category.
pub(super) fn burst(stage: &mut Stage<'_>) {
    for number in 0..200_u32 {
        let top_level = stage.rng.pick(&["com", "net", "org", "info", "biz", "ru", "cc", "top"]);
        let length = stage.rng.between(12, 22) as usize;
        let mut name = String::new();
        // Every fifth in the manner of the families that mix digits in.
        let alphabet: &[u8] =
            if number % 5 == 0 { b"abcdefghijklmnopqrstuvwxyz0123456789" } else { b"abcdefghijklmnopqrstuvwxy" };
        stage.rng.text(b"bcdfghjklmnpqrstvwxz", 1, &mut name);
        stage.rng.text(alphabet, length, &mut name);
        if number % 100 == 77 {
            stage.block(&[category::DGA]);
        }
        stage.ask(&format!("{name}.{top_level}"), rtype::A, Told::NoSuchName);
        stage.categories.clear();
        stage.verdict = Verdict::default();
        stage.wait(900);
    }
}
