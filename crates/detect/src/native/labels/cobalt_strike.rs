//! Names of Cobalt Strike's DNS beacon with its default prefixes (4.3 and later).
//!
//! Shapes after the public Malleable C2 reference and the public descriptions of the traffic: data goes up as
//! `www.` or `post.`, the number of data labels in front of the first, hexadecimal words of eight digits, the
//! transaction; tasks are asked for as `cdn.`, `www6.` or `api.` and the transaction; the stager counts in letters.

use super::is_hex;

/// Which part of the protocol a name looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CobaltShape {
    /// Data sent up: a strict shape.
    Data,
    /// A task asked for: ordinary hosts may look so.
    Task,
    /// The stager's download: a strict shape.
    Stager,
}

impl CobaltShape {
    /// Whether hardly anything else looks so.
    #[must_use]
    pub const fn is_strict(self) -> bool {
        matches!(self, Self::Data | Self::Stager)
    }
}

/// The shape of a beacon's name.
#[must_use]
pub fn cobalt_strike(name: &str) -> Option<CobaltShape> {
    let (prefix, rest) = name.split_once('.')?;
    match prefix {
        "www" | "post" if is_data(rest) => Some(CobaltShape::Data),
        "cdn" | "www6" | "api" if is_task(rest) => Some(CobaltShape::Task),
        _ if prefix.len() == 3 && prefix.bytes().all(|byte| byte.is_ascii_lowercase()) && is_stager(rest) => {
            Some(CobaltShape::Stager)
        }
        _ => None,
    }
}

fn is_data(rest: &str) -> bool {
    let count = match rest.as_bytes() {
        [digit @ b'1'..=b'4', ..] => usize::from(digit - b'0'),
        _ => return false,
    };
    let mut labels = rest[1..].split('.');
    let words = |label: &str| matches!(label.len(), 8 | 16 | 24 | 32 | 40 | 48 | 56) && label.bytes().all(is_hex);
    (0..count).all(|_| labels.next().is_some_and(words))
        && labels.next().is_some_and(is_transaction)
        && labels.count() >= 2
}

fn is_transaction(label: &str) -> bool {
    (2..=16).contains(&label.len()) && label.bytes().all(is_hex)
}

fn is_task(rest: &str) -> bool {
    let mut labels = rest.split('.');
    labels.next().is_some_and(|label| label.len() >= 9 && is_transaction(label)) && labels.count() >= 2
}

fn is_stager(rest: &str) -> bool {
    let mut labels = rest.split('.');
    labels.next() == Some("stage")
        && labels
            .next()
            .is_some_and(|label| (6..=10).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_digit()))
        && labels.count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        for (name, shape) in [
            ("www.1a1b2c3d4.5f7a9c01.evil.example", Some(CobaltShape::Data)),
            ("post.2a1b2c3d4e5f60718.00112233.5f7a9c01aa.c2.evil.example", Some(CobaltShape::Data)),
            ("api.17a9c01d2.evil.example", Some(CobaltShape::Task)),
            ("www6.0123456789abcdef.evil.example", Some(CobaltShape::Task)),
            ("aaa.stage.123456.evil.example", Some(CobaltShape::Stager)),
            ("zzq.stage.12345678.evil.example", Some(CobaltShape::Stager)),
            // Too few labels said, words not of eight, short hash, words, nothing below.
            ("post.2a1b2c3d4.5f7a9c01.evil.example", None),
            ("www.1a1b2c3d.5f7a9c01.evil.example", None),
            ("api.17a9c01d.evil.example", None),
            ("cdn.assets.evil.example", None),
            ("www.1example.com", None),
            ("abc.stage.example.com", None),
            ("aaa.stage.123456", None),
            ("", None),
        ] {
            assert_eq!(cobalt_strike(name), shape, "{name}");
        }
    }
}
