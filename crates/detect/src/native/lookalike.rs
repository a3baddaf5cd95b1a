//! Domains that imitate protected ones.
//!
//! A registered domain is compared once, when it is first asked for. Of its own label (the one left of its suffix):
//!
//! - the same label under another suffix;
//! - the same skeleton: characters that look alike (homoglyphs, `rn` and `m`, digits for letters, accents, Cyrillic and
//!   Greek letters) become one, after the idea of UTS 39, and hyphens go;
//! - one slip away (Damerau-Levenshtein distance 1) when the label has six characters or more, skeletons compared;
//! - the label with words of phishing beside it (`login`, `secure`, ...), hyphens or not;
//! - the protected domain spelt out in the part below somebody else's domain.

mod skeleton;

use super::context::Seen;
use super::evidence::Evidence;
use super::snapshot::{Reader, SnapshotError, Writer};
use super::table::{Persist, Table, TableCounters};
use super::{LookalikeSettings, NativeSettings, Raised};
use crate::names::{decode_label, normalise};
use skeleton::{is_one_slip, skeleton};

const DETECTOR: &str = "lookalike";
/// Protected domains: each first-seen domain is compared with all.
pub(super) const PROTECTED_MAX: usize = 256;
/// Shorter labels are one slip away from too many words.
const SLIP_LENGTH_MIN: usize = 6;
/// Shorter labels stand inside too many words.
const WORD_LENGTH_MIN: usize = 5;
const WORDS: [&str; 28] = [
    "login", "signin", "logon", "sso", "auth", "secure", "security", "account", "accounts", "verify", "support",
    "help", "helpdesk", "mail", "webmail", "portal", "vpn", "online", "office", "update", "service", "services",
    "cloud", "team", "hr", "my", "pay", "app",
];

#[derive(Clone, Debug)]
struct Brand {
    domain: String,
    label: String,
    skeleton: String,
}

/// A domain that was compared, and with what result.
#[derive(Clone, Debug)]
struct Compared {
    /// The evidence of one that imitates, with the protected domain and how.
    hit: Option<Box<(Evidence, String, String)>>,
}

#[derive(Debug)]
pub(super) struct Lookalike {
    brands: Vec<Brand>,
    known: Vec<String>,
    reraise: i64,
    domains: Table<Compared>,
}

fn own_label(domain: &str) -> &str {
    domain.split('.').next().unwrap_or_default()
}

fn resolve(settings: &LookalikeSettings) -> (Vec<Brand>, Vec<String>) {
    let names = |texts: &[String]| texts.iter().filter_map(|text| normalise(text).ok()).collect::<Vec<_>>();
    let protected = names(&settings.protected);
    let known = [names(&settings.known), protected.clone()].concat();
    let brands = protected.into_iter().take(PROTECTED_MAX).map(|domain| {
        let label = decode_label(own_label(&domain));
        Brand { skeleton: skeleton(&label), label, domain }
    });
    (brands.collect(), known)
}

impl Lookalike {
    pub(super) fn new(settings: &NativeSettings) -> Self {
        let (brands, known) = resolve(&settings.lookalike);
        let domains = Table::new(if brands.is_empty() { 1 } else { settings.lookalike.domains });
        Self { brands, known, reraise: i64::from(settings.reraise_seconds), domains }
    }

    pub(super) const fn counters(&self) -> TableCounters {
        self.domains.counters()
    }

    pub(super) fn observe(&mut self, seen: &Seen<'_>, out: &mut Vec<Raised>) {
        if self.brands.is_empty() || self.known.iter().any(|known| seen.domain == known) {
            return;
        }
        let (brands, below) = (&self.brands, seen.below);
        let spelt = || {
            brands
                .iter()
                .find(|brand| is_spelt_out(below, &brand.domain))
                .map(|brand| (brand, "spells it out below itself"))
        };
        let compared = self.domains.entry(seen.domain_hash, || Compared::new(seen, imitates(brands, seen.domain)));
        if compared.hit.is_none()
            && let Some(found) = spelt()
        {
            *compared = Compared::new(seen, Some(found));
        }
        let Some(hit) = &mut compared.hit else { return };
        let (evidence, brand, how) = &mut **hit;
        evidence.note(seen.look);
        if evidence.may_raise(seen.now, self.reraise) {
            let mut group = seen.device_group();
            group.push(("dns.question.registered_domain", seen.domain.to_owned()));
            let note = format!("{} imitates {brand}: it {how}", seen.domain);
            evidence.forget_group();
            out.push(evidence.raise(seen.now, DETECTOR, group, note));
        }
    }

    pub(super) fn save(&self, writer: &mut Writer) {
        self.domains.save(writer);
    }

    pub(super) fn load(&self, reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let domains = self.domains.load(reader)?;
        Ok(Self { brands: self.brands.clone(), known: self.known.clone(), reraise: self.reraise, domains })
    }
}

/// The brand a domain imitates, and how.
fn imitates<'b>(brands: &'b [Brand], domain: &str) -> Option<(&'b Brand, &'static str)> {
    let label = decode_label(own_label(domain));
    let shape = skeleton(&label);
    brands.iter().find_map(|brand| Some((brand, compare(brand, &label, &shape)?)))
}

fn compare(brand: &Brand, label: &str, shape: &str) -> Option<&'static str> {
    if label == brand.label {
        return Some("has the same name under another suffix");
    }
    if shape == brand.skeleton {
        return Some("looks the same");
    }
    let length = brand.skeleton.chars().count();
    if length >= SLIP_LENGTH_MIN && is_one_slip(shape, &brand.skeleton) {
        return Some("is one slip away");
    }
    if length >= WORD_LENGTH_MIN && has_word(label, brand) {
        return Some("adds a word to it");
    }
    None
}

/// The label is the brand's with one of our words before or behind it, or a hyphen between the brand and anything.
fn has_word(label: &str, brand: &Brand) -> bool {
    let before = label.strip_suffix(brand.label.as_str()).filter(|rest| !rest.is_empty());
    let behind = label.strip_prefix(brand.label.as_str()).filter(|rest| !rest.is_empty());
    before.is_some_and(|rest| rest.ends_with('-') || WORDS.contains(&rest))
        || behind.is_some_and(|rest| rest.starts_with('-') || WORDS.contains(&rest))
}

/// The brand's domain stands as whole labels in the part below another domain.
fn is_spelt_out(below: &str, brand: &str) -> bool {
    below.match_indices(brand).any(|(at, _)| {
        let (before, behind) = (&below[..at], &below[at + brand.len()..]);
        (before.is_empty() || before.ends_with('.')) && (behind.is_empty() || behind.starts_with('.'))
    })
}

impl Compared {
    fn new(seen: &Seen<'_>, hit: Option<(&Brand, &'static str)>) -> Self {
        let hit = hit.map(|(brand, how)| Box::new((Evidence::new(seen.look.at), brand.domain.clone(), how.to_owned())));
        Self { hit }
    }
}

impl Persist for Compared {
    fn save(&self, writer: &mut Writer) {
        writer.u8(u8::from(self.hit.is_some()));
        if let Some(hit) = &self.hit {
            hit.0.save(writer);
            writer.text(&hit.1);
            writer.text(&hit.2);
        }
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        if reader.u8()? == 0 {
            return Ok(Self { hit: None });
        }
        let evidence = Evidence::load(reader)?;
        Ok(Self { hit: Some(Box::new((evidence, reader.text()?, reader.text()?))) })
    }
}
