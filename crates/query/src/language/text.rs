//! Tests on text. Case never counts: both sides are compared in lower case.

use std::fmt;

use memchr::memmem;
use regex::{Regex, RegexBuilder};

use super::ast::{Part, Wildcard};

/// Longest regular expression.
pub const REGEX_BYTES_MAX: usize = 1_000;
/// Memory that one compiled regular expression may take.
const REGEX_SIZE_BYTES_MAX: usize = 1 << 20;
/// Memory that matching one regular expression may take.
const REGEX_DFA_BYTES_MAX: usize = 4 << 20;
/// Texts below this are searched without preparation.
const SHORT_BYTES: usize = 64;
/// Deepest nesting inside a regular expression.
const REGEX_NEST_MAX: u32 = 50;

/// What a text must be.
#[derive(Clone, Debug)]
pub enum TextTest {
    /// The whole text is this.
    Equals(String),
    /// This stands somewhere in it.
    Contains(Box<Needle>),
    /// The whole text fits the pattern.
    Glob(Glob),
    /// The expression finds something in it.
    Regex(Regex),
}

/// Two tests are equal when they are written alike.
impl PartialEq for TextTest {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

/// A text that is looked for inside others, in lower case.
#[derive(Clone, Debug)]
pub struct Needle {
    text: String,
    finder: memmem::Finder<'static>,
}

impl Needle {
    fn new(text: String) -> Self {
        let finder = memmem::Finder::new(text.as_bytes()).into_owned();
        Self { text, finder }
    }

    /// The text, in lower case.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it first stands in `text`.
    fn find(&self, text: &str) -> Option<usize> {
        // Getting the finder going takes longer than looking through a name (`contains_folded` in benches/language.rs).
        if text.len() < SHORT_BYTES { text.find(&self.text) } else { self.finder.find(text.as_bytes()) }
    }

    /// Whether it stands in `text`.
    fn is_in(&self, text: &str) -> bool {
        if text.len() < SHORT_BYTES { text.contains(&self.text) } else { self.finder.find(text.as_bytes()).is_some() }
    }
}

impl TextTest {
    /// The whole text is `text`.
    #[must_use]
    pub fn equals(text: &str) -> Self {
        Self::Equals(fold(text))
    }

    /// `text` stands somewhere in it.
    #[must_use]
    pub fn contains(text: &str) -> Self {
        Self::Contains(Box::new(Needle::new(fold(text))))
    }

    /// The whole text fits `wildcard`; `anywhere`: some part of it does.
    #[must_use]
    pub fn wildcard(wildcard: &Wildcard, anywhere: bool) -> Self {
        let mut parts = wildcard.parts.clone();
        if anywhere {
            parts.insert(0, Part::Any);
            parts.push(Part::Any);
            parts.dedup_by(|a, b| *a == Part::Any && *b == Part::Any);
        }
        match parts.as_slice() {
            [Part::Any, Part::Literal(text), Part::Any] => Self::contains(text),
            _ => Self::Glob(Glob::new(&parts)),
        }
    }

    /// The expression finds something in it.
    ///
    /// # Errors
    /// When it is longer than [`REGEX_BYTES_MAX`], wrong, or too large once compiled: what, and where in `source`.
    pub fn regex(source: &str) -> Result<Self, (String, std::ops::Range<usize>)> {
        let whole = 0..source.len();
        if source.len() > REGEX_BYTES_MAX {
            return Err((format!("the regular expression is longer than {REGEX_BYTES_MAX} bytes"), whole));
        }
        if let Err(error) = regex_syntax::ParserBuilder::new().nest_limit(REGEX_NEST_MAX).build().parse(source) {
            let (cause, span) = match &error {
                regex_syntax::Error::Parse(error) => (error.kind().to_string(), error.span()),
                regex_syntax::Error::Translate(error) => (error.kind().to_string(), error.span()),
                _ => return Err((format!("this is no regular expression: {error}"), whole)),
            };
            let message = format!("this is no regular expression: {cause}");
            return Err((message, span.start.offset..span.end.offset));
        }
        RegexBuilder::new(source)
            .case_insensitive(true)
            .size_limit(REGEX_SIZE_BYTES_MAX)
            .dfa_size_limit(REGEX_DFA_BYTES_MAX)
            .nest_limit(REGEX_NEST_MAX)
            .build()
            .map(Self::Regex)
            .map_err(|_| ("the regular expression is too large".to_owned(), whole))
    }

    /// Whether `value` passes. `scratch` is reused between calls.
    #[must_use]
    pub fn is_match(&self, value: &str, scratch: &mut String) -> bool {
        match self {
            Self::Regex(regex) => regex.is_match(value),
            Self::Equals(text) if value.is_ascii() => value.eq_ignore_ascii_case(text),
            _ => {
                fold_into(value, scratch);
                self.is_match_folded(scratch)
            }
        }
    }

    /// Whether `value`, which is in lower case already, passes.
    #[must_use]
    pub fn is_match_folded(&self, value: &str) -> bool {
        match self {
            Self::Equals(text) => value == text,
            Self::Contains(needle) => needle.is_in(value),
            Self::Glob(glob) => glob.is_match(value),
            Self::Regex(regex) => regex.is_match(value),
        }
    }
}

impl fmt::Display for TextTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(text) => write!(f, "is {text:?}"),
            Self::Contains(needle) => write!(f, "contains {:?}", needle.text),
            Self::Glob(glob) => write!(f, "like {:?}", glob.to_like()),
            Self::Regex(regex) => write!(f, "finds /{regex}/"),
        }
    }
}

/// `text` in lower case, as the folded columns of the table hold it.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

fn fold_into(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.clear();
        out.push_str(text);
        out.make_ascii_lowercase();
    } else {
        *out = text.to_lowercase();
    }
}

/// A compiled wildcard pattern over text in lower case.
#[derive(Clone, Debug)]
pub struct Glob {
    /// What stands between the stars. The first is tied to the start of the text and the last to its end; either may
    /// be empty. At least one.
    segments: Vec<Segment>,
}

/// Literals and single-character wildcards in a row.
#[derive(Clone, Debug, Default)]
struct Segment {
    parts: Vec<Part>,
    /// Characters that it takes.
    chars: usize,
    /// Finds its first literal, when it starts with one.
    finder: Option<Box<Needle>>,
}

impl Glob {
    fn new(parts: &[Part]) -> Self {
        let segments = parts.split(|part| *part == Part::Any).map(Segment::new).collect();
        Self { segments }
    }

    /// The pattern for SQL's LIKE with `\` as its escape character.
    #[must_use]
    pub fn to_like(&self) -> String {
        let mut out = String::new();
        for (index, segment) in self.segments.iter().enumerate() {
            if index > 0 {
                out.push('%');
            }
            for part in &segment.parts {
                match part {
                    Part::Literal(text) => out.push_str(&escape_like(text)),
                    _ => out.push('_'),
                }
            }
        }
        out
    }

    /// The text that a value must start with, when the pattern asks for nothing else.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [first, last] if last.parts.is_empty() => match first.parts.as_slice() {
                [Part::Literal(text)] => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    fn is_match(&self, text: &str) -> bool {
        let [first, rest @ ..] = self.segments.as_slice() else { return false };
        let Some(mut at) = first.match_at(text, 0) else { return false };
        let [middle @ .., last] = rest else { return at == text.len() };
        for segment in middle {
            match segment.find_from(text, at) {
                Some(end) => at = end,
                None => return false,
            }
        }
        // The last one ends with the text, so its start is counted from there.
        let start = match last.chars {
            0 => text.len(),
            count => match text.char_indices().rev().nth(count - 1) {
                Some((start, _)) => start,
                None => return false,
            },
        };
        start >= at && last.match_at(text, start) == Some(text.len())
    }
}

impl Segment {
    fn new(parts: &[Part]) -> Self {
        let parts: Vec<Part> = parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => Part::Literal(fold(text)),
                other => other.clone(),
            })
            .collect();
        let chars =
            parts.iter().map(|part| if let Part::Literal(text) = part { text.chars().count() } else { 1 }).sum();
        let finder = match parts.first() {
            Some(Part::Literal(text)) => Some(Box::new(Needle::new(text.clone()))),
            _ => None,
        };
        Self { parts, chars, finder }
    }

    /// Where it ends when it starts at `at`.
    fn match_at(&self, text: &str, at: usize) -> Option<usize> {
        let mut rest = &text[at..];
        for part in &self.parts {
            rest = match part {
                Part::Literal(literal) => rest.strip_prefix(literal.as_str())?,
                _ => {
                    let mut chars = rest.chars();
                    chars.next()?;
                    chars.as_str()
                }
            };
        }
        Some(text.len() - rest.len())
    }

    /// Where it ends when it starts at the first place from `at` on where it fits.
    fn find_from(&self, text: &str, mut at: usize) -> Option<usize> {
        loop {
            if let Some(finder) = &self.finder {
                at += finder.find(&text[at..])?;
            }
            if let Some(end) = self.match_at(text, at) {
                return Some(end);
            }
            at += text[at..].chars().next()?.len_utf8();
        }
    }
}

/// A text for SQL's LIKE in which nothing is a wildcard.
#[must_use]
pub fn escape_like(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests;
