//! As much DER (X.690) as it takes to read when a certificate ends and for whom it is. Anything odd is no certificate.

use tidegate_event::Timestamp;

/// Names that are read of a certificate.
const NAMES_MAX: usize = 1_000;
/// Extensions that are looked at.
const EXTENSIONS_MAX: usize = 100;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const BOOLEAN: u8 = 0x01;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;
const KEY_IDENTIFIER: u8 = 0x80;

/// 2.5.29.17, RFC 5280 section 4.2.1.6.
const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// 2.5.29.35, RFC 5280 section 4.2.1.1.
const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x23];

/// What is read of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) names: Vec<String>,
    /// As it is encoded, with its leading zero.
    pub(crate) serial: Vec<u8>,
    pub(crate) authority_key: Option<Vec<u8>>,
}

/// Reads a certificate.
pub(crate) fn facts(certificate: &[u8]) -> Option<Facts> {
    let mut whole = Reader(Reader(certificate).only(SEQUENCE)?);
    let mut signed = Reader(whole.take(SEQUENCE)?);
    signed.take_if(VERSION)?;
    let serial = signed.take(INTEGER)?.to_vec();
    let _algorithm = signed.take(SEQUENCE)?;
    let _issuer = signed.take(SEQUENCE)?;
    let mut validity = Reader(signed.take(SEQUENCE)?);
    let (not_before, not_after) = (validity.time()?, validity.time()?);
    let _subject = signed.take(SEQUENCE)?;
    let _key = signed.take(SEQUENCE)?;
    let mut facts = Facts { not_before, not_after, names: Vec::new(), serial, authority_key: None };
    while !signed.is_empty() {
        let (tag, content) = signed.next()?;
        if tag == EXTENSIONS {
            facts.read_extensions(content)?;
        }
    }
    Some(facts)
}

impl Facts {
    fn read_extensions(&mut self, content: &[u8]) -> Option<()> {
        let mut list = Reader(Reader(content).only(SEQUENCE)?);
        for _ in 0..EXTENSIONS_MAX {
            if list.is_empty() {
                break;
            }
            let mut extension = Reader(list.take(SEQUENCE)?);
            let id = extension.take(OBJECT)?;
            extension.take_if(BOOLEAN)?;
            let value = extension.take(OCTETS)?;
            if id == SUBJECT_ALTERNATIVE_NAME {
                self.names = names(value)?;
            } else if id == AUTHORITY_KEY_IDENTIFIER {
                let mut parts = Reader(Reader(value).only(SEQUENCE)?);
                self.authority_key = parts.take_if(KEY_IDENTIFIER)?.map(<[u8]>::to_vec);
            }
        }
        Some(())
    }
}

fn names(value: &[u8]) -> Option<Vec<String>> {
    let mut list = Reader(Reader(value).only(SEQUENCE)?);
    let mut names = Vec::new();
    while !list.is_empty() && names.len() < NAMES_MAX {
        let (tag, content) = list.next()?;
        if tag == DNS_NAME {
            names.push(String::from_utf8(content.to_vec()).ok()?.to_ascii_lowercase());
        }
    }
    Some(names)
}

/// What is left of a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The tag and the content of the next element.
    pub(crate) fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // Four bytes hold more than any certificate has.
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next element, which must have this tag.
    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }

    /// As [`Reader::take`], when it has this tag; fails when it is damaged.
    fn take_if(&mut self, tag: u8) -> Option<Option<&'a [u8]>> {
        if self.0.first() == Some(&tag) { self.take(tag).map(Some) } else { Some(None) }
    }

    /// The content of the one element that there is.
    pub(crate) fn only(mut self, tag: u8) -> Option<&'a [u8]> {
        self.take(tag).filter(|_| self.is_empty())
    }

    fn time(&mut self) -> Option<Timestamp> {
        let (tag, text) = self.next()?;
        let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (year, rest) = match (tag, text.len()) {
            (UTC_TIME, 12) => {
                let year: i64 = text[..2].parse().ok()?;
                // RFC 5280 section 4.1.2.5.1.
                (if year < 50 { 2000 + year } else { 1900 + year }, &text[2..])
            }
            (GENERALIZED_TIME, 14) => (text[..4].parse().ok()?, &text[4..]),
            _ => return None,
        };
        let part = |at: usize| rest[at..at + 2].parse::<u32>().ok();
        let (hour, minute, second) = (part(4)?, part(6)?, part(8)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let micros_of_day = i64::from(hour * 3_600 + minute * 60 + second) * 1_000_000;
        Timestamp::from_civil(year, part(0)?, part(2)?, micros_of_day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SerialNumber, date_time_ymd};

    fn certificate(names: &[&str]) -> Vec<u8> {
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        params.not_before = date_time_ymd(2026, 11, 1);
        params.not_after = date_time_ymd(2051, 1, 30);
        params.serial_number = Some(SerialNumber::from_slice(&[0x87, 0x65, 0x43, 0x21]));
        params.use_authority_key_identifier_extension = true;
        params.signed_by(&KeyPair::generate().unwrap(), &authority).unwrap().der().to_vec()
    }

    #[test]
    fn what_was_put_into_a_certificate_is_read() {
        let facts = facts(&certificate(&["a.example", "B.example"])).unwrap();
        assert_eq!(facts.names, ["a.example", "b.example"]);
        assert_eq!(facts.not_before.to_rfc3339(), "2026-11-01T00:00:00Z");
        assert_eq!(facts.not_after.to_rfc3339(), "2051-01-30T00:00:00Z");
        assert_eq!(facts.serial, [0, 0x87, 0x65, 0x43, 0x21], "the zero keeps it positive");
        assert_eq!(facts.authority_key.map(|key| key.len()), Some(20));
    }

    #[test]
    fn damaged_bytes_are_no_certificate_and_no_panic() {
        let whole = certificate(&["a.example"]);
        for end in 0..whole.len() {
            assert_eq!(facts(&whole[..end]), None, "cut at {end}");
        }
        for at in 0..whole.len() {
            for bits in [0x01, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] ^= bits;
                let _ = facts(&damaged);
            }
        }
        assert_eq!(facts(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(facts(&[0x30, 0x80]), None);
    }
}
