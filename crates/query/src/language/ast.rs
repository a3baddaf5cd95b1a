//! A query as it was written: terms, and how they combine. Field names and values are still text.

use super::span::Span;

/// A query or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// `*` or an empty query: every event.
    All,
    /// All of them; at least two.
    And(Vec<Expr>),
    /// Any of them; at least two.
    Or(Vec<Expr>),
    /// Every event that the inner expression does not match.
    Not(Box<Expr>),
    /// One test.
    Term(Term),
}

/// One test of one field, or of all text fields.
#[derive(Clone, Debug)]
pub struct Term {
    /// The field; `None` for a bare word, phrase, pattern or regex.
    pub field: Option<FieldName>,
    /// What its value must be.
    pub test: Test,
    /// Where the value stands.
    pub span: Span,
}

/// Two terms are equal when they ask the same, wherever they stand.
impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.field == other.field && self.test == other.test
    }
}

/// The name of a field, as written.
#[derive(Clone, Debug)]
pub struct FieldName {
    /// The dotted name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

impl PartialEq for FieldName {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `field:*`: there is a value.
    Exists,
    /// A word or a phrase, escapes undone.
    Text(String),
    /// A word with wildcards.
    Wildcard(Wildcard),
    /// The text between slashes, with `\/` undone.
    Regex(String),
    /// `:>` and its kin.
    Compare(Comparison, Literal),
    /// `[a TO b]`, `{a TO b}`, or one of each.
    Range(Range),
}

/// `>`, `>=`, `<` or `<=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
}

impl Comparison {
    /// The operator as it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
        }
    }
}

/// A plain value: a bound of a range or the right side of a comparison.
#[derive(Clone, Debug)]
pub struct Literal {
    /// The value, escapes undone.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

impl PartialEq for Literal {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// A range; an end that is `None` is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// The lower end.
    pub low: Option<Literal>,
    /// Whether the lower end itself belongs to the range.
    pub low_included: bool,
    /// The upper end.
    pub high: Option<Literal>,
    /// Whether the upper end itself belongs to the range.
    pub high_included: bool,
}

/// A text with wildcards: at least one wildcard, never two `*` or two literals in a row, never `*` alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wildcard {
    /// The pieces in order.
    pub parts: Vec<Part>,
}

/// A piece of a [`Wildcard`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// This text.
    Literal(String),
    /// `*`: any number of characters.
    Any,
    /// `?`: one character.
    One,
}

impl Expr {
    /// Calls `visit` with every term, in the order of the text.
    pub fn each_term<'a>(&'a self, visit: &mut impl FnMut(&'a Term)) {
        match self {
            Self::All => {}
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.each_term(visit)),
            Self::Not(inner) => inner.each_term(visit),
            Self::Term(term) => visit(term),
        }
    }
}
