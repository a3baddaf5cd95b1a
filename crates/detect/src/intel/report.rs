//! What became of a feed, in numbers and sentences.

use std::collections::BTreeMap;
use std::fmt;

use super::detection::Format;
use crate::finding::counted;

/// So many problems are told in full; the rest is counted.
pub const PROBLEMS_MAX: usize = 100;
/// So many kinds of passed-over objects are told apart.
const KINDS_MAX: usize = 64;
const KIND_CHARS_MAX: usize = 48;
const SENTENCE_CHARS_MAX: usize = 300;
/// Why objects are passed over.
pub const PASSED_OVER: &str = "not looked up: only names, addresses and the hosts of URLs are";

/// Why an indicator was not taken although it could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// On the list of names and addresses that are known to be benign.
    Benign,
    /// A public suffix such as `co.uk`: everybody is below it.
    PublicSuffix,
    /// An address that is not on the public internet.
    NotPublic,
    /// No longer valid when it was read.
    Over,
    /// Marked by its source as not for detection, revoked or deleted.
    NotForDetection,
}

impl Refusal {
    /// Reads on from "N refused: ".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Benign => "on the benign list",
            Self::PublicSuffix => "a public suffix",
            Self::NotPublic => "not on the public internet",
            Self::Over => "no longer valid",
            Self::NotForDetection => "marked as not for detection",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that was not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, or the number of the object, from 1.
    pub at: u64,
    /// What is wrong, as a sentence.
    pub sentence: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.sentence)
    }
}

/// What a TAXII envelope says about the pages that follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Whether there is more.
    pub more: bool,
    /// By what to ask for it.
    pub next: Option<String>,
}

/// What became of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// As what it was read.
    pub format: Format,
    /// Lines, rows or objects that were looked at.
    pub records: u64,
    /// Indicators that were handed on.
    pub accepted: u64,
    /// Indicators that were refused, by reason.
    pub refused: BTreeMap<Refusal, u64>,
    /// A few of the refused, for people: `value (reason)`.
    pub refused_examples: Vec<String>,
    /// Objects of kinds that are not looked up, by kind; see [`PASSED_OVER`].
    pub passed_over: BTreeMap<String, u64>,
    /// What could not be read; at most [`PROBLEMS_MAX`].
    pub problems: Vec<Problem>,
    /// How many problems there were.
    pub problems_total: u64,
    /// Why reading ended before the end of the feed, if it did.
    pub cut_short: Option<String>,
    /// For a TAXII envelope: what follows.
    pub page: Page,
}

impl Report {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            records: 0,
            accepted: 0,
            refused: BTreeMap::new(),
            refused_examples: Vec::new(),
            passed_over: BTreeMap::new(),
            problems: Vec::new(),
            problems_total: 0,
            cut_short: None,
            page: Page::default(),
        }
    }

    pub(super) fn problem(&mut self, at: u64, sentence: &str) {
        self.problems_total += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { at, sentence: excerpt(sentence, SENTENCE_CHARS_MAX) });
        }
    }

    pub(super) fn pass_over(&mut self, kind: &str) {
        let kind = excerpt(kind, KIND_CHARS_MAX);
        if self.passed_over.len() < KINDS_MAX || self.passed_over.contains_key(&kind) {
            *self.passed_over.entry(kind).or_default() += 1;
        } else {
            *self.passed_over.entry("other".to_owned()).or_default() += 1;
        }
    }

    pub(super) fn refuse(&mut self, value: &str, why: Refusal) {
        *self.refused.entry(why).or_default() += 1;
        if self.refused_examples.len() < PROBLEMS_MAX {
            self.refused_examples.push(format!("{value} ({why})"));
        }
    }

    /// The report as sentences for people.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let (taken, read) = (counted(self.accepted, "indicator"), counted(self.records, "record"));
        let mut out = vec![format!("{taken} taken from {read} of {}", self.format)];
        for (why, count) in &self.refused {
            out.push(format!("{count} refused: {why}"));
        }
        for (kind, count) in &self.passed_over {
            out.push(format!("{count} `{kind}` {PASSED_OVER}"));
        }
        if self.problems_total > 0 {
            out.push(format!("{} could not be read", self.problems_total));
            out.extend(self.problems.iter().take(3).map(|problem| format!("record {problem}")));
        }
        if let Some(why) = &self.cut_short {
            out.push(format!("reading ended early: {why}"));
        }
        out
    }
}

/// The beginning of foreign text, without what does strange things to a terminal.
pub(super) fn excerpt(text: &str, chars_max: usize) -> String {
    let mut out: String = text
        .chars()
        .take(chars_max)
        .map(|c| if c.is_control() || matches!(c, '\u{200e}'..='\u{202e}' | '\u{2066}'..='\u{2069}') { '?' } else { c })
        .collect();
    if text.chars().nth(chars_max).is_some() {
        out.push('\u{2026}');
    }
    out
}
