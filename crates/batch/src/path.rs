//! Where records lie in a JSON document: the part of JSONPath that names one place.

use std::fmt;

use thiserror::Error;

/// Longest path, in bytes.
pub(crate) const PATH_BYTES_MAX: usize = 1024;
/// Most steps in a path.
const STEPS_MAX: usize = 64;

/// A place in a JSON document: `$`, then `.name`, `['name']` or `[0]` any number of times. A closing `[*]` is
/// understood and changes nothing: what lies in the array is meant either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath {
    text: String,
    steps: Vec<Step>,
}

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Into the member of an object.
    Name(String),
    /// Into the item of an array.
    Index(usize),
}

/// Why a text is no path.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PathError {
    /// It is longer than anyone needs.
    #[error("a path has at most {PATH_BYTES_MAX} bytes and {STEPS_MAX} steps")]
    TooLong,
    /// Something unexpected stands in it.
    #[error("character {at}: expected {expected}")]
    Unexpected {
        /// Which character, from 1.
        at: usize,
        /// What would have been right.
        expected: &'static str,
    },
}

impl JsonPath {
    /// Reads a path such as `$.result.events`. The leading `$` may be left out.
    ///
    /// # Errors
    /// [`PathError`] says where the text is no path.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.len() > PATH_BYTES_MAX {
            return Err(PathError::TooLong);
        }
        let mut steps = Vec::new();
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        if !text.is_empty() && !text.starts_with(['$', '.', '[']) {
            let (step, after) = name(text, rest)?;
            steps.push(step);
            rest = after;
        }
        while !rest.is_empty() && rest != "[*]" {
            let (step, after) = step(text, rest)?;
            steps.push(step);
            rest = after;
            if steps.len() > STEPS_MAX {
                return Err(PathError::TooLong);
            }
        }
        Ok(Self { text: text.to_owned(), steps })
    }

    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn unexpected(text: &str, rest: &str, expected: &'static str) -> PathError {
    PathError::Unexpected { at: text[..text.len() - rest.len()].chars().count() + 1, expected }
}

fn step<'t>(text: &str, rest: &'t str) -> Result<(Step, &'t str), PathError> {
    if let Some(after) = rest.strip_prefix('.') {
        return name(text, after);
    }
    let Some(inner) = rest.strip_prefix('[') else {
        return Err(unexpected(text, rest, "`.name`, `['name']` or `[0]`"));
    };
    for quote in ['\'', '"'] {
        let Some(quoted) = inner.strip_prefix(quote) else { continue };
        let Some((name, after)) = quoted.split_once(quote) else {
            return Err(unexpected(text, "", "the closing quote"));
        };
        let Some(after) = after.strip_prefix(']') else {
            return Err(unexpected(text, after, "`]`"));
        };
        return Ok((Step::Name(name.to_owned()), after));
    }
    let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
    match (inner[..digits].parse(), inner[digits..].strip_prefix(']')) {
        (Ok(index), Some(after)) => Ok((Step::Index(index), after)),
        (Err(_), _) => Err(unexpected(text, inner, "a quoted name or a number")),
        (Ok(_), None) => Err(unexpected(text, &inner[digits..], "`]`")),
    }
}

fn name<'t>(text: &str, rest: &'t str) -> Result<(Step, &'t str), PathError> {
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    if end == 0 {
        return Err(unexpected(text, rest, "a name"));
    }
    Ok((Step::Name(rest[..end].to_owned()), &rest[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Vec<Step> {
        JsonPath::parse(text).unwrap().steps
    }

    fn named(name: &str) -> Step {
        Step::Name(name.into())
    }

    #[test]
    fn paths_are_read() {
        assert_eq!(steps("$"), []);
        assert_eq!(steps(""), []);
        assert_eq!(steps("$[*]"), []);
        assert_eq!(steps("$.a.b"), [named("a"), named("b")]);
        assert_eq!(steps("a.b[*]"), [named("a"), named("b")]);
        assert_eq!(steps("$['x.y'][2][\"z\"]"), [named("x.y"), Step::Index(2), named("z")]);
    }

    #[test]
    fn mistakes_are_pointed_at() {
        let cases = [
            ("$.", 3, "a name"),
            ("$a", 2, "`.name`, `['name']` or `[0]`"),
            ("$.a[", 5, "a quoted name or a number"),
            ("$.a[1", 6, "`]`"),
            ("$.é['b'", 8, "`]`"),
            ("$['b", 5, "the closing quote"),
            ("$[99999999999999999999999]", 3, "a quoted name or a number"),
        ];
        for (text, at, expected) in cases {
            assert_eq!(JsonPath::parse(text), Err(PathError::Unexpected { at, expected }), "{text}");
        }
        assert_eq!(JsonPath::parse(&"$.a".repeat(1000)), Err(PathError::TooLong));
        assert_eq!(JsonPath::parse(&".a".repeat(100)), Err(PathError::TooLong));
    }
}
