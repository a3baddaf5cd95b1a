//! The long tail: pronounceable domains that exist only here, made from a number when asked for.

use crate::category;
use crate::network::{self, NetworkId};
use crate::rng::{Rng, mix};

const ONSETS: [&str; 30] = [
    "b", "br", "c", "ch", "cl", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "pl", "pr", "r",
    "s", "st", "str", "t", "tr", "v", "w", "z", "sh",
];
const VOWELS: [&str; 12] = ["a", "e", "i", "o", "u", "ai", "ea", "ie", "o", "a", "e", "ou"];
const CODAS: [&str; 16] = ["", "", "", "", "n", "r", "l", "s", "t", "m", "nd", "rt", "x", "ck", "sk", "ng"];
const WORDS: [&str; 40] = [
    "shop",
    "tech",
    "media",
    "travel",
    "cars",
    "garden",
    "design",
    "studio",
    "group",
    "online",
    "service",
    "market",
    "school",
    "music",
    "photo",
    "sport",
    "food",
    "home",
    "lab",
    "data",
    "soft",
    "cloud",
    "web",
    "consulting",
    "legal",
    "clinic",
    "hotel",
    "energy",
    "print",
    "log",
    "finance",
    "works",
    "house",
    "club",
    "art",
    "news",
    "box",
    "hub",
    "link",
    "plus",
];
/// With how often each is drawn, per mille.
const TOP_LEVELS: [(&str, u64); 36] = [
    ("com", 430),
    ("net", 55),
    ("org", 60),
    ("de", 50),
    ("fr", 60),
    ("co.uk", 35),
    ("it", 20),
    ("es", 18),
    ("nl", 18),
    ("io", 22),
    ("eu", 14),
    ("be", 10),
    ("ch", 10),
    ("at", 8),
    ("pl", 12),
    ("se", 8),
    ("dk", 6),
    ("no", 5),
    ("fi", 4),
    ("cz", 6),
    ("ca", 12),
    ("us", 6),
    ("com.br", 14),
    ("com.au", 10),
    ("co.jp", 8),
    ("jp", 6),
    ("in", 8),
    ("co.za", 5),
    ("info", 12),
    ("biz", 5),
    ("shop", 12),
    ("app", 10),
    ("dev", 8),
    ("xyz", 14),
    ("online", 10),
    ("site", 9),
];
/// Internationalised labels as the wire has them; each is the ACE form of a real word.
const ACE_LABELS: [&str; 16] = [
    "xn--bcher-kva",
    "xn--mnchen-3ya",
    "xn--espaa-rta",
    "xn--caf-dma",
    "xn--e1afmkfd",
    "xn--80akhbyknj4f",
    "xn--r8jz45g",
    "xn--0zwm56d",
    "xn--11b5bs3a9aj6g",
    "xn--9t4b11yi5a",
    "xn--jxalpdlp",
    "xn--kgbechtv",
    "xn--zckzah",
    "xn--fiqs8s",
    "xn--wgv71a",
    "xn--3e0b707e",
];
/// Hosts below a tail domain.
const PREFIXES: [&str; 10] = ["www", "", "cdn", "static", "img", "api", "assets", "mail", "shop", "blog"];
/// Everyday categories, and how often, per mille.
const CATEGORIES: [(u8, u64); 22] = [
    (75, 180),
    (155, 110),
    (88, 100),
    (148, 60),
    (122, 60),
    (109, 50),
    (160, 45),
    (103, 40),
    (97, 40),
    (90, 35),
    (152, 35),
    (105, 30),
    (101, 25),
    (163, 25),
    (140, 25),
    (92, 25),
    (89, 25),
    (104, 20),
    (129, 20),
    (94, 20),
    (70, 15),
    (190, 15),
];

/// Threats a careless click meets.
const THREATS: [u8; 5] = [category::MALWARE, category::PHISHING, category::SPAM, category::SPYWARE, category::PHISHING];

/// The maker of tail domains.
#[derive(Debug)]
pub(crate) struct Tail {
    seed: u64,
}

/// What is behind a tail domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Answers,
    /// No such name.
    Gone,
    /// The name servers do not answer, or answers do not validate: the extended error says which.
    Broken(u16),
    /// The name servers refuse.
    Refused,
}

/// A tail domain.
#[derive(Debug)]
pub(crate) struct TailDomain {
    pub name: String,
    pub hash: u64,
    pub categories: Vec<u8>,
    pub network: NetworkId,
    pub fate: Fate,
}

impl Tail {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The name of host `host` of domain `number`.
    pub(crate) fn host(host: u8, domain: &str) -> String {
        match PREFIXES[usize::from(host) % PREFIXES.len()] {
            "" => domain.to_owned(),
            prefix => format!("{prefix}.{domain}"),
        }
    }

    /// The domain of a number; always the same for a seed.
    pub(crate) fn domain(&self, number: u32) -> TailDomain {
        let hash = mix(self.seed ^ mix(u64::from(number)));
        let mut rng = Rng::new(hash);
        let mut name = String::with_capacity(32);
        let categories = categories(&mut rng);
        if categories.iter().any(|id| *id == category::ALWAYS_BLOCKED || THREATS.contains(id)) {
            // What is called bad must not be anybody's real name.
            label(&mut rng, &mut name);
            name.push_str(&format!("-{}", rng.between(10_000, 99_999)));
        } else if rng.per_mille(4) {
            name.push_str(rng.pick(&ACE_LABELS));
        } else {
            label(&mut rng, &mut name);
        }
        name.push('.');
        name.push_str(weighted(&TOP_LEVELS, &mut rng));
        let network = network::by_chance(&name, hash);
        TailDomain { name, hash, categories, network, fate: fate(&mut rng) }
    }

    /// A domain number by popularity: log-uniform, so that the n-th domain is visited in proportion to 1/n.
    pub(crate) fn visit(domains: u32, rng: &mut Rng) -> u32 {
        let rank = crate::rng::exp(rng.unit() * crate::rng::ln(f64::from(domains)));
        (rank as u32).min(domains - 1)
    }
}

fn label(rng: &mut Rng, name: &mut String) {
    let syllables = rng.between(2, 3);
    for _ in 0..syllables {
        name.push_str(rng.pick(&ONSETS));
        name.push_str(rng.pick(&VOWELS));
        name.push_str(rng.pick(&CODAS));
    }
    if rng.per_mille(450) {
        if rng.per_mille(300) {
            name.push('-');
        }
        name.push_str(rng.pick(&WORDS));
    }
}

fn weighted<T: Copy>(table: &[(T, u64)], rng: &mut Rng) -> T {
    let mut left = rng.below(table.iter().map(|(_, share)| share).sum());
    for (item, share) in table {
        if left < *share {
            return *item;
        }
        left -= share;
    }
    table[0].0
}

fn categories(rng: &mut Rng) -> Vec<u8> {
    match rng.below(1000) {
        0..70 => Vec::new(),
        70..90 => vec![category::PARKED],
        90..105 => vec![category::NEWLY_SEEN],
        105..113 => vec![category::NEW, category::NEWLY_SEEN],
        113..121 => vec![rng.pick(&THREATS)],
        121..125 => vec![category::ALWAYS_BLOCKED],
        125..600 => vec![weighted(&CATEGORIES, rng)],
        _ => {
            let first = weighted(&CATEGORIES, rng);
            let second = weighted(&CATEGORIES, rng);
            if first == second { vec![first] } else { vec![first, second] }
        }
    }
}

fn fate(rng: &mut Rng) -> Fate {
    match rng.below(1000) {
        0..40 => Fate::Gone,
        40..70 => Fate::Broken(rng.pick(&[22, 23, 6, 9, 22, 10, 7])),
        70..80 => Fate::Refused,
        _ => Fate::Answers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_always_the_same_domain() {
        let tail = Tail::new(7);
        for number in 0..2_000 {
            let domain = tail.domain(number);
            assert_eq!(domain.name, tail.domain(number).name);
            assert!(domain.name.len() < 60 && domain.name.split('.').all(|label| (1..=63).contains(&label.len())));
        }
        assert_ne!(tail.domain(5).name, Tail::new(8).domain(5).name);
    }

    #[test]
    fn the_tail_has_its_dark_corners_under_names_that_are_nobodys() {
        let tail = Tail::new(7);
        let domains: Vec<TailDomain> = (0..5_000).map(|number| tail.domain(number)).collect();
        for category in THREATS.into_iter().chain([category::ALWAYS_BLOCKED, category::PARKED, category::NEWLY_SEEN]) {
            assert!(domains.iter().any(|domain| domain.categories.contains(&category)), "{category}");
        }
        for domain in domains.iter().filter(|domain| domain.categories.iter().any(|id| THREATS.contains(id))) {
            let label = domain.name.split('.').next().unwrap();
            assert!(label.len() > 6 && label[label.len() - 5..].bytes().all(|byte| byte.is_ascii_digit()), "{label}");
        }
        assert!(domains.iter().any(|domain| domain.fate == Fate::Refused));
    }
}
