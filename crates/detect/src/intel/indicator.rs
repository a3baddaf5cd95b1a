//! One indicator.

use tidegate_event::Timestamp;

use super::value::{Scope, Value};

/// What intelligence says about one name, address or network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indicator {
    /// What it is about.
    pub value: Value,
    /// Which queries a name is found by.
    pub scope: Scope,
    /// What it is said to be: `c2`, `phishing`, a family's name. Sorted, each once.
    pub tags: Vec<String>,
    /// How sure the source is, 0 to 100.
    pub confidence: Option<u8>,
    /// Events before this do not count.
    pub valid_from: Option<Timestamp>,
    /// Events at or after this do not count.
    pub valid_until: Option<Timestamp>,
    /// Where more is to be read: a link, or an id at the source.
    pub reference: Option<String>,
    /// What the source says about it.
    pub description: Option<String>,
}

impl Indicator {
    /// An indicator about `value` of which nothing else is known.
    #[must_use]
    pub const fn new(value: Value, scope: Scope) -> Self {
        Self {
            value,
            scope,
            tags: Vec::new(),
            confidence: None,
            valid_from: None,
            valid_until: None,
            reference: None,
            description: None,
        }
    }
}

/// A tag may be this long, an indicator have so many.
pub(super) const TAG_CHARS_MAX: usize = 64;
pub(super) const TAGS_MAX: usize = 16;
const TEXT_CHARS_MAX: usize = 512;

/// Adds what is a tag: lower case, words joined by dashes, no control characters, each once.
pub(super) fn add_tag(tags: &mut Vec<String>, text: &str) {
    let mut tag = String::new();
    let text = text.trim();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    for c in bare.chars().take(TAG_CHARS_MAX) {
        match c {
            ' ' | '\t' => tag.push('-'),
            c if c.is_control() || is_direction(c) => {}
            c => tag.extend(c.to_lowercase()),
        }
    }
    let tag = tag.trim_matches(['-', ',']).to_owned();
    if tag.is_empty() || tags.len() >= TAGS_MAX {
        return;
    }
    if let Err(place) = tags.binary_search(&tag) {
        tags.insert(place, tag);
    }
}

/// Foreign text for people to read: one line, bounded, nothing that turns a terminal's or page's text around.
pub(super) fn tidy(text: &str) -> Option<String> {
    let line: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_direction(*c)).collect();
    let line = line.trim();
    if line.is_empty() { None } else { Some(line.chars().take(TEXT_CHARS_MAX).collect()) }
}

const fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_sorted_unique_and_harmless() {
        let mut tags = Vec::new();
        for tag in ["Cobalt Strike", "c2", "C2", "", "  ", "\"quoted\"", "a\u{202e}b\n"] {
            add_tag(&mut tags, tag);
        }
        assert_eq!(tags, ["ab", "c2", "cobalt-strike", "quoted"]);
        for number in 0..100 {
            add_tag(&mut tags, &number.to_string());
        }
        assert_eq!(tags.len(), TAGS_MAX);
    }

    #[test]
    fn foreign_text_is_one_bounded_line() {
        assert_eq!(tidy(" a\nb\u{202e} ").as_deref(), Some("a b"));
        assert_eq!(tidy("\n"), None);
        assert_eq!(tidy(&"x".repeat(10_000)).map(|text| text.len()), Some(TEXT_CHARS_MAX));
    }
}
