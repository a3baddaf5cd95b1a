//! Where in a query text something stands.

use serde::{Deserialize, Serialize};

/// A half-open stretch of a query text. In bytes unless a name says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First position that belongs to it.
    pub start: usize,
    /// First position after it.
    pub end: usize,
}

impl Span {
    /// The stretch from `start` up to `end`.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The same stretch counted in characters (Unicode scalar values).
    #[must_use]
    pub fn in_chars(self, text: &str) -> Self {
        self.counted(text, |_| 1)
    }

    /// The same stretch counted in UTF-16 units, as browsers count.
    #[must_use]
    pub fn in_utf16(self, text: &str) -> Self {
        self.counted(text, char::len_utf16)
    }

    fn counted(self, text: &str, width: impl Fn(char) -> usize) -> Self {
        let upto = |end: usize| text.char_indices().take_while(|(at, _)| *at < end).map(|(_, c)| width(c)).sum();
        Self { start: upto(self.start), end: upto(self.end) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_counts_its_own() {
        let text = "é𝄞x";
        let span = Span::new(6, 7);
        assert_eq!(&text[span.start..span.end], "x");
        assert_eq!(span.in_chars(text), Span::new(2, 3));
        assert_eq!(span.in_utf16(text), Span::new(3, 4));
    }
}
