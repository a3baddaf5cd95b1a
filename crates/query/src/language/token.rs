//! The pieces of a query text, for colouring it while it is typed.

use serde::Serialize;

use super::span::Span;

/// A piece of a query text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands, in bytes.
    pub span: Span,
}

/// What a piece of a query is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// A field name.
    Field,
    /// The `:` after a field name.
    Colon,
    /// `AND`, `OR`, `NOT` and their short forms.
    Operator,
    /// `(` or `)`.
    Paren,
    /// A word.
    Text,
    /// Text in quotes.
    Phrase,
    /// A word with wildcards, or `*`.
    Wildcard,
    /// A regular expression with its slashes.
    Regex,
    /// `>`, `>=`, `<` or `<=`.
    Compare,
    /// A bracket or the `TO` of a range.
    Range,
    /// From the mistake to the end of the text.
    Error,
}
