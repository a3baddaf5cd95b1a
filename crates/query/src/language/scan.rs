//! Walks a query text character by character.

use super::ast::{Part, Test, Wildcard};
use super::error::Mistake;
use super::span::Span;

/// What combines terms.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Operator {
    And,
    Or,
    Not,
}

/// A cursor over the text.
pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) fn eat(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    /// Steps over white space; whether there was any.
    pub(super) fn skip_space(&mut self) -> bool {
        let rest = self.rest();
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed.len() < rest.len()
    }

    /// The span of the next character, or the empty one at the end.
    pub(super) fn here(&self) -> Span {
        Span::new(self.at, self.at + self.peek().map_or(0, char::len_utf8))
    }

    /// The run of characters up to white space, a parenthesis or a quote.
    pub(super) fn run(&self) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"')).unwrap_or(rest.len())]
    }

    /// A field name that stands directly before a `:`; its length.
    pub(super) fn field_name(&self) -> Option<&'a str> {
        let rest = self.rest();
        let end = rest.find(|c: char| !is_field_char(c))?;
        (end > 0 && rest[end..].starts_with(':')).then(|| &rest[..end])
    }

    /// The operator at the cursor and its length.
    pub(super) fn operator(&self) -> Option<(Operator, usize)> {
        let rest = self.rest();
        for (symbol, operator) in [("&&", Operator::And), ("||", Operator::Or)] {
            if rest.starts_with(symbol) {
                return Some((operator, symbol.len()));
            }
        }
        // `-` and `!` negate what they touch: alone they are text.
        if let Some(after) = rest.strip_prefix(['!', '-']) {
            return after.starts_with(|c: char| !c.is_whitespace() && c != ')').then_some((Operator::Not, 1));
        }
        for (word, operator) in [("AND", Operator::And), ("OR", Operator::Or), ("NOT", Operator::Not)] {
            if let Some(after) = rest.strip_prefix(word)
                && after.chars().next().is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '"'))
            {
                return Some((operator, word.len()));
            }
        }
        None
    }

    /// The text between quotes; the cursor stands on the opening one.
    pub(super) fn phrase(&mut self) -> Result<String, Mistake> {
        let open = self.here();
        self.bump();
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('"') => return Ok(text),
                Some('\\') => match self.bump() {
                    Some(escaped) => text.push(escaped),
                    None => break,
                },
                Some(c) => text.push(c),
                None => break,
            }
        }
        Err(Mistake::at(open, "this quote is never closed"))
    }

    /// The text between slashes; the cursor stands on the opening one.
    pub(super) fn regex(&mut self) -> Result<String, Mistake> {
        let open = self.here();
        self.bump();
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('/') => return Ok(text),
                Some('\\') => match self.bump() {
                    Some('/') => text.push('/'),
                    Some(escaped) => text.extend(['\\', escaped]),
                    None => break,
                },
                Some(c) => text.push(c),
                None => break,
            }
        }
        Err(Mistake::at(open, "this regular expression is never closed; put text that holds a `/` in quotes"))
    }

    /// A word with its wildcards. `in_range` ends it at a closing bracket too.
    pub(super) fn word(&mut self, in_range: bool) -> Result<Test, Mistake> {
        let mut parts: Vec<Part> = Vec::new();
        while let Some(c) = self.peek() {
            match c {
                '"' => return Err(Mistake::at(self.here(), "a quote inside a word; write `\\\"` to search for one")),
                '(' | ')' => break,
                ']' | '}' if in_range => break,
                _ if c.is_whitespace() => break,
                _ => {}
            }
            let start = self.at;
            self.bump();
            match c {
                '\\' => {
                    let message = "nothing follows this backslash; write `\\\\` to search for one";
                    let escaped = self.bump().ok_or_else(|| Mistake::at(Span::new(start, self.at), message))?;
                    push_char(&mut parts, escaped);
                }
                '*' if parts.last() == Some(&Part::Any) => {}
                '*' => parts.push(Part::Any),
                '?' => parts.push(Part::One),
                _ => push_char(&mut parts, c),
            }
        }
        Ok(test_of(parts))
    }
}

/// What the pieces of a word ask for.
fn test_of(mut parts: Vec<Part>) -> Test {
    match parts.as_mut_slice() {
        [] => Test::Text(String::new()),
        [Part::Any] => Test::Exists,
        [Part::Literal(text)] => Test::Text(std::mem::take(text)),
        _ => Test::Wildcard(Wildcard { parts }),
    }
}

fn push_char(parts: &mut Vec<Part>, c: char) {
    if let Some(Part::Literal(text)) = parts.last_mut() {
        text.push(c);
    } else {
        parts.push(Part::Literal(c.to_string()));
    }
}

/// Characters that field names are made of.
pub(super) fn is_field_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@')
}
