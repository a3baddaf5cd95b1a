//! Templates: text with `{alert.rule.name}` in it. There is no logic, so a template can do nothing but be wrong.

use std::str::FromStr;

use serde_json::Value;
use thiserror::Error;

use crate::text::{TEXT_BYTES_MAX, bounded, clean, harmless, plain};

const TEMPLATE_BYTES_MAX: usize = 16 << 10;
const PLACEHOLDERS_MAX: usize = 200;
/// What a message can hold.
const ROOTS: [&str; 8] = ["key", "kind", "at", "title", "link", "alert", "events", "intake"];

/// A text with placeholders: `{path}` is replaced by what the message holds there, `{path|defang}` by the same made
/// harmless to click; `{{` and `}}` are braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value { path: Vec<String>, defang: bool },
}

/// What is wrong with a template.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TemplateError {
    /// It is too long.
    #[error("template is longer than {TEMPLATE_BYTES_MAX} bytes or has more than {PLACEHOLDERS_MAX} placeholders")]
    TooLong,
    /// A brace has no partner.
    #[error("template: brace without a partner at character {at}; write `{{{{` or `}}}}` for a brace itself")]
    Brace {
        /// Where, counted from one.
        at: usize,
    },
    /// A placeholder names nothing that a message can hold.
    #[error("template: `{name}` at character {at} is nothing that a message holds; begin with one of {}", ROOTS.join(", "))]
    Unknown {
        /// What it names.
        name: String,
        /// Where, counted from one.
        at: usize,
    },
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        if text.len() > TEMPLATE_BYTES_MAX {
            return Err(TemplateError::TooLong);
        }
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let place = || text[..text.len() - rest.len() + at].chars().count() + 1;
            let tail = &rest[at..];
            if tail.starts_with("{{") || tail.starts_with("}}") {
                literal.push_str(&tail[..1]);
                rest = &tail[2..];
                continue;
            }
            let close = tail.find('}').filter(|_| tail.starts_with('{'));
            let inside = close.map(|close| &tail[1..close]).filter(|inside| !inside.contains('{'));
            let inside = inside.ok_or_else(|| TemplateError::Brace { at: place() })?;
            let piece = placeholder(inside)
                .ok_or_else(|| TemplateError::Unknown { name: inside.chars().take(64).collect(), at: place() })?;
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(piece);
            if pieces.len() > 2 * PLACEHOLDERS_MAX {
                return Err(TemplateError::TooLong);
            }
            rest = &tail[inside.len() + 2..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self { pieces })
    }
}

fn placeholder(inside: &str) -> Option<Piece> {
    let (path, defang) = match inside.split_once('|') {
        Some((path, filter)) if filter.trim() == "defang" => (path, true),
        Some(_) => return None,
        None => (inside, false),
    };
    let path: Vec<_> = path.trim().split('.').map(str::to_owned).collect();
    let good = |name: &String| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    (path.iter().all(good) && ROOTS.contains(&path[0].as_str())).then_some(Piece::Value { path, defang })
}

impl Template {
    /// Fills the placeholders from `body`; what is not there leaves nothing. Values are cleaned and then escaped, the
    /// template's own text is not.
    pub(crate) fn render(&self, body: &Value, escape: fn(&str) -> String) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value { path, defang } => {
                    let write = if *defang { harmless } else { plain };
                    let text = path.iter().try_fold(body, step).map(write).unwrap_or_default();
                    out.push_str(&escape(&clean(&text)));
                }
            }
            if out.len() > TEXT_BYTES_MAX {
                break;
            }
        }
        bounded(out)
    }
}

fn step<'a>(value: &'a Value, name: &String) -> Option<&'a Value> {
    match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        other => other.get(name),
    }
}

#[cfg(test)]
mod tests;
