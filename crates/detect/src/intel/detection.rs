//! Tells what a feed is from its first bytes.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use super::csv;
use super::error::IntelError;
use super::report::excerpt;

const HEAD_BYTES_MAX: u64 = 32 << 10;
const LINES_LOOKED_AT_MAX: usize = 200;

/// What a feed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// One a line: names, addresses, URLs; hosts files, adblock, dnsmasq and response policy zones.
    Text,
    /// A table with a header or without.
    Csv,
    /// A JSON list of values, or one of the following, told apart while reading.
    Json,
    /// A STIX 2.0 or 2.1 bundle, a TAXII 2.1 envelope, or objects one a line.
    Stix,
    /// MISP events or attributes.
    Misp,
    /// The relay list of the Tor project.
    Onionoo,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Text, Self::Csv, Self::Json, Self::Stix, Self::Misp, Self::Onionoo];

    /// Its name in files and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Stix => "stix",
            Self::Misp => "misp",
            Self::Onionoo => "onionoo",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| UnknownFormat(excerpt(text, 40)))
    }
}

/// No such format.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("no format `{0}`: there are `text`, `csv`, `json`, `stix`, `misp` and `onionoo`")]
pub struct UnknownFormat(String);

/// What a feed is, and how many bytes come before its beginning.
pub(super) struct Told {
    pub(super) format: Format,
    pub(super) skip: u64,
}

/// The first bytes.
pub(super) fn head_of(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(HEAD_BYTES_MAX).read_to_end(&mut head)?;
    Ok(head)
}

/// What begins like this. What cannot be a feed is refused even when the caller says what it is.
pub(super) fn tell(head: &[u8], asked: Option<Format>) -> Result<Told, IntelError> {
    let skip = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    if let Some(found) = binary(head) {
        return Err(IntelError::NotAFeed { found: found.to_owned() });
    }
    let text = String::from_utf8_lossy(&head[skip..]);
    let begin = text.trim_start();
    if begin.is_empty() {
        return Err(IntelError::Empty);
    }
    if begin.starts_with('<') {
        return Err(IntelError::NotAFeed { found: markup(begin) });
    }
    let format = asked.unwrap_or_else(|| guess(begin));
    Ok(Told { format, skip: skip as u64 })
}

fn binary(head: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 10] = [
        (b"\x1f\x8b", "gzip data (unpack it first)"),
        (b"\x28\xb5\x2f\xfd", "zstd data (unpack it first)"),
        (b"PK\x03\x04", "a zip archive (unpack it first)"),
        (b"BZh", "bzip2 data (unpack it first)"),
        (b"7z\xbc\xaf", "a 7z archive (unpack it first)"),
        (b"%PDF", "a PDF document"),
        (b"\x89PNG", "an image"),
        (b"SQLite format 3", "an SQLite database"),
        (b"\xff\xfe", "UTF-16 text (save it as UTF-8)"),
        (b"\xfe\xff", "UTF-16 text (save it as UTF-8)"),
    ];
    let found = known.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, found)| *found);
    found.or_else(|| head.contains(&0).then_some("binary data"))
}

fn markup(begin: &str) -> String {
    let lower = begin.to_ascii_lowercase();
    if !lower.contains("<html") && !lower.starts_with("<!doctype html") {
        return "XML or other markup".to_owned();
    }
    let title = lower.find("<title").and_then(|at| {
        let inside = begin.get(at..)?.split_once('>')?.1;
        inside.split_once('<').map(|(title, _)| excerpt(title.trim(), 80))
    });
    title.map_or_else(|| "an HTML page".to_owned(), |title| format!("an HTML page titled `{title}`"))
}

fn guess(begin: &str) -> Format {
    if looks_like_json(begin) {
        return Format::Json;
    }
    let lines: Vec<&str> = begin.lines().take(LINES_LOOKED_AT_MAX).collect();
    if csv::looks_like_table(&lines) { Format::Csv } else { Format::Text }
}

/// `[Adblock Plus 2.0]` and a defanged or bracketed address begin with a bracket too.
fn looks_like_json(begin: &str) -> bool {
    let Some(rest) = begin.strip_prefix(['{', '[']) else { return false };
    rest.trim_start().starts_with(['{', '[', '"', ']', '}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart() {
        for (head, format) in [
            ("{\"type\":\"bundle\"}", Format::Json),
            ("\u{feff}[ \"a.example\" ]", Format::Json),
            ("[Adblock Plus 2.0]\n||a.example^", Format::Text),
            ("[2001:db8::1]:53\n", Format::Text),
            ("# a list\na.example\nb.example\n", Format::Text),
            ("# a list, of names\na.example\nb.example\n", Format::Text),
            ("127.0.0.1\ta.example\n127.0.0.1\tb.example\n", Format::Text),
            ("domain,tags\na.example,x\n", Format::Csv),
            ("Indicator;Type\na.example;domain\n", Format::Csv),
            ("# \"first_seen\",\"ioc_value\",\"tags\"\n\"2026\", \"a.example\", \"x\"\n", Format::Csv),
            ("1.2.3.4,a,b\n1.2.3.5,c,d\n", Format::Csv),
            ("evil.example", Format::Text),
        ] {
            assert_eq!(tell(head.as_bytes(), None).map(|told| told.format).ok(), Some(format), "{head}");
        }
    }

    #[test]
    fn what_is_no_feed_is_named() {
        for (head, sentence) in [
            (
                &b"<!DOCTYPE html><html><head><title> Sign in </title>"[..],
                "this is an HTML page titled `Sign in`, not a feed of indicators",
            ),
            (b"<?xml version='1.0'?><rss>", "this is XML or other markup, not a feed of indicators"),
            (b"\x1f\x8b\x08", "this is gzip data (unpack it first), not a feed of indicators"),
            (b"ab\0cd", "this is binary data, not a feed of indicators"),
            (b" \n ", "the feed is empty"),
        ] {
            let said = tell(head, Some(Format::Text)).err().map(|error| error.to_string());
            assert_eq!(said.as_deref(), Some(sentence));
        }
    }
}
