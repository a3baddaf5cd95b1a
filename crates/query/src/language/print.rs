//! From [`Expr`] back to query text: `parse(print(x)) = x`.

use std::fmt;

use super::ast::{Expr, Literal, Part, Range, Term, Test};

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::And(parts) => joined(f, parts, " AND ", |part| matches!(part, Self::And(_) | Self::Or(_))),
            Self::Or(parts) => joined(f, parts, " OR ", |part| matches!(part, Self::Or(_))),
            Self::Not(inner) => {
                f.write_str("NOT ")?;
                part(f, inner, matches!(**inner, Self::And(_) | Self::Or(_)))
            }
            Self::Term(term) => term.fmt(f),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Expr], word: &str, nests: impl Fn(&Expr) -> bool) -> fmt::Result {
    for (index, expr) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        part(f, expr, nests(expr))?;
    }
    Ok(())
}

fn part(f: &mut fmt::Formatter<'_>, expr: &Expr, nests: bool) -> fmt::Result {
    if nests { write!(f, "({expr})") } else { write!(f, "{expr}") }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "{}:", field.name)?;
        }
        match &self.test {
            Test::Exists => f.write_str("*"),
            Test::Text(text) => f.write_str(&text_of(text, self.field.is_some())),
            Test::Wildcard(wildcard) => wildcard.parts.iter().enumerate().try_for_each(|(index, part)| match part {
                Part::Any => f.write_str("*"),
                Part::One => f.write_str("?"),
                Part::Literal(text) => f.write_str(&escaped(text, index == 0, self.field.is_some())),
            }),
            Test::Regex(source) => write_regex(f, source),
            Test::Compare(comparison, literal) => {
                write!(f, "{}{}", comparison.symbol(), text_of(&literal.text, true))
            }
            Test::Range(range) => range.fmt(f),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |literal: &Option<Literal>| match literal {
            Some(literal) => text_of(&literal.text, true),
            None => "*".to_owned(),
        };
        f.write_str(if self.low_included { "[" } else { "{" })?;
        write!(f, "{} TO {}", end(&self.low), end(&self.high))?;
        f.write_str(if self.high_included { "]" } else { "}" })
    }
}

/// Slashes get their backslash back.
fn write_regex(f: &mut fmt::Formatter<'_>, source: &str) -> fmt::Result {
    f.write_str("/")?;
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        match c {
            '/' => f.write_str("\\/")?,
            '\\' => {
                f.write_str("\\")?;
                chars.next().map_or(Ok(()), |next| write!(f, "{next}"))?;
            }
            _ => write!(f, "{c}")?,
        }
    }
    f.write_str("/")
}

/// The text as a word when it can be one, else in quotes.
pub(super) fn text_of(text: &str, fielded: bool) -> String {
    let plain = !text.is_empty()
        && !matches!(text, "AND" | "OR" | "NOT" | "TO" | "to")
        && text.chars().enumerate().all(|(index, c)| is_plain(c, index == 0, fielded));
    if plain {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Whether a character stands for itself in a word.
fn is_plain(c: char, first: bool, fielded: bool) -> bool {
    match c {
        '.' | '_' | '@' | '%' | '#' | '$' => true,
        '-' => fielded || !first,
        '/' | '+' | '=' | '~' | ',' | ';' => !first,
        ':' => fielded && !first,
        _ => c.is_alphanumeric(),
    }
}

/// A piece of a wildcard word with a backslash before whatever is not plain.
fn escaped(text: &str, first: bool, fielded: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, c) in text.chars().enumerate() {
        if !is_plain(c, first && index == 0, fielded) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
