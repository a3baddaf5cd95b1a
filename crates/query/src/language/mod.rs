//! The events query language: text in, a filter over events out. Pure: no tables, no disk, no clock.
//!
//! | written | matches |
//! |---|---|
//! | nothing, or `*` | every event |
//! | `field:value`, `field:"two words"` | events whose field is exactly that; case never counts |
//! | `field:val*`, `field:v?lue` | the same with any number of characters, or one, in that place |
//! | `field:/re/` | a regular expression finds something in the field (`^` and `$` tie it to the ends) |
//! | `field:*` | the field has a value |
//! | `field:>5`, `:>=`, `:<`, `:<=` | numbers, times and addresses on that side |
//! | `field:[1 TO 5]`, `field:{1 TO 5}`, `field:[now-2h TO *]` | between two ends; `{` and `}` leave the end out, `*` leaves it open |
//! | `source.ip:10.0.0.0/8` | addresses of a network |
//! | `word`, `"two words"`, `w*rd`, `/re/` | the text stands somewhere in a text, address or JSON field, `message` included |
//! | `a b`, `a AND b`, `a && b` | both |
//! | `a OR b`, `a \|\| b` | either; AND binds closer |
//! | `NOT a`, `!a`, `-a` | events that `a` does not match, also those without the field |
//! | `field:(a OR b AND NOT c)` | the same field with several values |
//! | `\` before a character | the character itself |
//!
//! A field with a list matches when one item does. In `message`, `error.message`, `tidegate.reason` and fields that hold
//! JSON, a word matches anywhere in the value. Times may be `2026-05-04T10:20:30Z`, a part of that (`2026-05-04` is the
//! whole day), seconds or finer since 1970, or relative (`now-2h`, `now-1d/d`); without an offset they are in UTC.

mod ast;
mod error;
mod evaluate;
mod fields;
mod filter;
mod ip;
mod moment;
mod parse;
mod print;
mod resolve;
mod scan;
mod span;
mod text;
mod token;

use tidegate_event::Timestamp;

pub use ast::{Comparison, Expr, FieldName, Literal, Part, Range, Term, Test, Wildcard};
pub use error::QueryError;
pub(crate) use error::{Mistake, quoted};
pub use evaluate::{Cell, Row, matches};
pub(crate) use fields::nearest_of;
pub use fields::{Field, Fields, Kind};
pub use filter::{Condition, Filter, FloatEnd, FloatRange, IntRange, TimeRange};
pub use ip::IpRange;
pub use moment::{MOMENT_FORMS, Moment};
pub use parse::{DEPTH_MAX, QUERY_BYTES_MAX, TERMS_MAX};
pub use span::Span;
pub use text::{Glob, Needle, REGEX_BYTES_MAX, TextTest, escape_like, fold};
pub use token::{Token, TokenKind};

/// A query that parsed.
#[derive(Clone, Debug)]
pub struct Query {
    text: String,
    expr: Expr,
    tokens: Vec<Token>,
}

impl Query {
    /// Parses `text`.
    ///
    /// # Errors
    /// The first mistake and its place.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let parsed = parse::parse(text);
        let expr = parsed.result.map_err(|mistake| QueryError::new(text, mistake))?;
        Ok(Self { text: text.to_owned(), expr, tokens: parsed.tokens })
    }

    /// The text as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says.
    #[must_use]
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Its pieces, for colouring.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The fields that it names, each once, in the order of the text.
    #[must_use]
    pub fn fields_used(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        self.expr.each_term(&mut |term| {
            if let Some(field) = &term.field
                && !names.contains(&field.name.as_str())
            {
                names.push(&field.name);
            }
        });
        names
    }

    /// Looks its fields up among `fields` and reads its values; `now` is what relative times start from.
    ///
    /// # Errors
    /// The first unknown field or impossible value and its place.
    pub fn resolve(&self, fields: &Fields, now: Timestamp) -> Result<Filter, QueryError> {
        resolve::resolve(&self.expr, fields, now).map_err(|mistake| QueryError::new(&self.text, mistake))
    }
}

/// The pieces of any text, right or wrong: what stands from the first mistake on is one [`TokenKind::Error`].
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    parse::parse(text).tokens
}

#[cfg(test)]
mod tests;
