//! Secrets: drawn at random, shown once, stored as hashes, never printed by accident.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::StateError;
use crate::mask::masked;

/// Text that must not end up in a log. `Debug` and `Display` print a mask (`tgi_…abcd`); it is wiped from memory when
/// dropped and deliberately does not implement `Serialize`.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself: for the one place that shows or sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The last four characters, by which people tell keys apart.
    pub(crate) fn hint(&self) -> String {
        let count = self.0.chars().count();
        self.0.chars().skip(count.saturating_sub(4)).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", masked(&self.0))
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.0))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        same(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl Eq for Secret {}

/// What a secret is for: its prefix, by which people and scanners recognise it, and the context that keeps the hash of
/// one purpose from ever matching another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    IntakeKey,
    ApiToken,
    Session,
}

/// 43 characters of 62 hold 256 bits.
const RANDOM_CHARS: usize = 43;
const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Without the characters that people confuse: 0 and o, 1, i and l.
const READABLE: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";
/// Longer texts are refused before they are hashed.
pub(crate) const SECRET_BYTES_MAX: usize = 256;

/// The hash of a secret, as stored.
pub(crate) type Digest = [u8; 32];

impl Purpose {
    const fn prefix(self) -> &'static str {
        match self {
            Self::IntakeKey => "tgi_",
            Self::ApiToken => "tgt_",
            Self::Session => "tgs_",
        }
    }

    const fn context(self) -> &'static str {
        match self {
            Self::IntakeKey => "tidegate 2026 intake key",
            Self::ApiToken => "tidegate 2026 api token",
            Self::Session => "tidegate 2026 session",
        }
    }

    /// A new random secret.
    pub(crate) fn draw(self) -> Result<Secret, StateError> {
        Ok(Secret::new(format!("{}{}", self.prefix(), random_text(BASE62, RANDOM_CHARS)?)))
    }

    /// Whether `text` has the shape of a secret we drew: spares the look-up of what cannot be one.
    pub(crate) fn is_shape_of(self, text: &str) -> bool {
        text.strip_prefix(self.prefix())
            .is_some_and(|rest| rest.len() == RANDOM_CHARS && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    }

    /// The hash under which `text` is stored. A fast hash is enough: what it protects holds 256 random bits.
    pub(crate) fn digest(self, text: &str) -> Digest {
        blake3::derive_key(self.context(), text.as_bytes())
    }
}

/// The token that a page must send beside its session cookie: a function of the session's secret, so it needs no storage
/// and dies with the session, yet does not tell the secret.
pub(crate) fn csrf_of(session: &str) -> String {
    blake3::Hash::from(blake3::derive_key("tidegate 2026 csrf", session.as_bytes())).to_hex().to_string()
}

/// A random password that can be read aloud and typed: five groups of four, 99 bits.
pub(crate) fn readable_password() -> Result<Secret, StateError> {
    let text = Zeroizing::new(random_text(READABLE, 20)?);
    let mut out = String::with_capacity(24);
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            out.push('-');
        }
        out.push(character);
    }
    Ok(Secret::new(out))
}

/// Compares without telling by its duration where two texts differ.
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// `count` characters of `alphabet`, each equally likely: bytes above the largest multiple of its length are thrown away.
fn random_text(alphabet: &[u8], count: usize) -> Result<String, StateError> {
    let bound = 256 - 256 % alphabet.len();
    let mut out = String::with_capacity(count);
    let mut bytes = Zeroizing::new([0_u8; 64]);
    while out.len() < count {
        getrandom::fill(bytes.as_mut_slice()).map_err(StateError::Random)?;
        for byte in bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < bound) {
            if out.len() < count {
                out.push(char::from(alphabet[byte % alphabet.len()]));
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let key = Purpose::IntakeKey.draw().unwrap();
        let last = key.hint();
        assert_eq!(format!("{key}"), format!("tgi_…{last}"));
        assert_eq!(format!("{key:?}"), format!("Secret(tgi_…{last})"));
        assert_eq!(format!("{}", Secret::new("correct horse battery staple")), "…");
    }

    #[test]
    fn drawn_secrets_have_their_shape_and_differ() {
        for purpose in [Purpose::IntakeKey, Purpose::ApiToken, Purpose::Session] {
            let (first, second) = (purpose.draw().unwrap(), purpose.draw().unwrap());
            assert!(purpose.is_shape_of(first.reveal()));
            assert_ne!(first, second);
            assert_eq!(first, first.clone());
        }
        assert!(!Purpose::ApiToken.is_shape_of("tgt_short"));
        assert!(!Purpose::ApiToken.is_shape_of(Purpose::Session.draw().unwrap().reveal()));
    }

    #[test]
    fn the_same_text_hashes_differently_for_each_purpose() {
        assert_ne!(Purpose::IntakeKey.digest("x"), Purpose::ApiToken.digest("x"));
        assert_ne!(Purpose::Session.digest("x"), Purpose::ApiToken.digest("x"));
    }

    #[test]
    fn a_readable_password_has_five_groups_of_four() {
        let password = readable_password().unwrap();
        assert_eq!(password.reveal().len(), 24);
        assert!(password.reveal().split('-').all(|group| group.len() == 4));
        assert_ne!(password, readable_password().unwrap());
    }
}
