//! What is wrong with a query, and at which character.

use std::fmt;

use serde::Serialize;

use super::span::Span;

/// A mistake in a query: one sentence and the place it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueryError {
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where, in bytes of the query text.
    pub span: Span,
    /// Where, in characters of the query text.
    pub chars: Span,
}

impl std::error::Error for QueryError {}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at character {})", self.message, self.chars.start + 1)
    }
}

/// Characters of a query that [`QueryError::caret`] shows around the mistake.
const CARET_CHARS_MAX: usize = 100;

impl QueryError {
    /// A mistake at `span` of `text`.
    pub(crate) fn new(text: &str, mistake: Mistake) -> Self {
        let Mistake { message, span } = mistake;
        Self { message, span, chars: span.in_chars(text) }
    }

    /// The query with the mistake underlined, for a terminal: three lines without a final newline. Characters that
    /// would move the cursor or reorder the line are shown as `�`.
    #[must_use]
    pub fn caret(&self, text: &str) -> String {
        let shown: Vec<char> = text.chars().map(|c| if is_unsafe_to_show(c) { '\u{fffd}' } else { c }).collect();
        let start = self.chars.start.min(shown.len());
        let end = self.chars.end.clamp(start, shown.len());
        let first = start.saturating_sub(CARET_CHARS_MAX / 2);
        let last = shown.len().min(first + CARET_CHARS_MAX);
        let lead = if first > 0 { "…" } else { "" };
        let trail = if last < shown.len() { "…" } else { "" };
        let line: String = shown[first..last].iter().collect();
        let indent = " ".repeat(start - first + lead.chars().count());
        let marks = "^".repeat((end.min(last) - start).max(1));
        format!("{lead}{line}{trail}\n{indent}{marks}\n{}", self.message)
    }
}

/// Control characters and the ones that change the direction of text.
fn is_unsafe_to_show(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A mistake before its place has been counted in characters.
#[derive(Clone, Debug)]
pub(crate) struct Mistake {
    pub(crate) message: String,
    pub(crate) span: Span,
}

impl Mistake {
    pub(crate) fn at(span: Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), span }
    }
}

/// Cuts `text` to what a sentence can quote.
pub(crate) fn quoted(text: &str) -> String {
    const QUOTED_CHARS_MAX: usize = 60;
    let mut cut: String =
        text.chars().take(QUOTED_CHARS_MAX).map(|c| if is_unsafe_to_show(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(QUOTED_CHARS_MAX).is_some() {
        cut.push('…');
    }
    format!("`{cut}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, start: usize, end: usize) -> QueryError {
        QueryError::new(text, Mistake::at(Span::new(start, end), "no such field"))
    }

    #[test]
    fn the_caret_stands_under_the_mistake() {
        assert_eq!(at("é:x bad:1", 5, 8).caret("é:x bad:1"), "é:x bad:1\n    ^^^\nno such field");
    }

    #[test]
    fn a_mistake_at_the_end_is_shown() {
        assert_eq!(at("a:", 2, 2).caret("a:"), "a:\n  ^\nno such field");
    }

    #[test]
    fn what_moves_the_cursor_is_replaced() {
        let text = "a\u{202e}b\nc";
        assert_eq!(at(text, 0, 1).caret(text), "a\u{fffd}b\u{fffd}c\n^\nno such field");
    }

    #[test]
    fn a_long_query_is_shown_in_part() {
        let text = format!("{}bad{}", "x".repeat(500), "y".repeat(500));
        let shown = at(&text, 500, 503).caret(&text);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0].chars().count(), CARET_CHARS_MAX + 2);
        assert_eq!(lines[0].chars().skip(lines[1].find('^').unwrap()).take(3).collect::<String>(), "bad");
    }
}
