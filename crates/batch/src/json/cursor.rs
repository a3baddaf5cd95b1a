//! Walks the JSON around records, strictly; what it steps over as a whole value is only delimited.

use std::borrow::Cow;

use super::skip::{Skip, Skipped, is_blank};
use super::text::unescape;
use crate::error::BatchError;

/// Longest piece of the body that an error repeats.
const FOUND_CHARS_MAX: usize = 24;

/// A place in a text, moving forward.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    skip: Skip,
}

/// What should have stood where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) at: usize,
    pub(crate) expected: &'static str,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, skip: Skip::default() }
    }

    /// The index of the next byte.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Goes on at `at`.
    pub(crate) fn jump(&mut self, at: usize) {
        self.at = at;
    }

    /// The next byte that is no blank.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while is_blank(*self.text.get(self.at)?) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// The error that something else was expected here.
    pub(crate) fn mistake(&self, expected: &'static str) -> Mistake {
        Mistake { at: self.at, expected }
    }

    /// Takes `byte`, which `expected` names.
    pub(crate) fn take(&mut self, byte: u8, expected: &'static str) -> Result<(), Mistake> {
        if self.peek() != Some(byte) {
            return Err(self.mistake(expected));
        }
        self.at += 1;
        Ok(())
    }

    /// Nothing but blanks may follow.
    pub(crate) fn end(&mut self) -> Result<(), Mistake> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.mistake("the end of the body")),
        }
    }

    /// The next value, whatever it is, verbatim.
    pub(crate) fn value(&mut self) -> Result<&'a [u8], Mistake> {
        self.value_before(self.text.len())
    }

    /// The next value, which must end before `bound`.
    pub(crate) fn value_before(&mut self, bound: usize) -> Result<&'a [u8], Mistake> {
        self.peek();
        self.skip.reset();
        let rest = &self.text[self.at..bound.max(self.at)];
        let length = match self.skip.feed(rest) {
            Skipped::Done(length) => length,
            Skipped::More if self.skip.is_whole() => rest.len(),
            Skipped::More => return Err(Mistake { at: bound, expected: self.skip.expected() }),
            Skipped::Bad { at, expected } => return Err(Mistake { at: self.at + at, expected }),
        };
        self.at += length;
        Ok(&rest[..length])
    }

    /// The content of the next value, which must be a string.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Mistake> {
        let wrong = Mistake {
            at: {
                self.peek();
                self.at
            },
            expected: "a string",
        };
        let inner = string_inner(self.value()?).ok_or(wrong)?;
        match unescape(inner) {
            Cow::Borrowed(content) => std::str::from_utf8(content).map(Cow::Borrowed).map_err(|_| wrong),
            Cow::Owned(content) => String::from_utf8(content).map(Cow::Owned).map_err(|_| wrong),
        }
    }

    /// As [`Cursor::string`], but `null` is nothing.
    pub(crate) fn optional_string(&mut self) -> Result<Option<Cow<'a, str>>, Mistake> {
        if self.peek() == Some(b'n') {
            self.value()?;
            return Ok(None);
        }
        self.string().map(Some)
    }

    /// Within an object after `{` or a member: the name of the next member, its `:` taken; `None` at `}`, taken too.
    pub(crate) fn next_member(&mut self, first: &mut bool) -> Result<Option<Cow<'a, [u8]>>, Mistake> {
        let expected = match *first {
            true => "a member name or `}`",
            false => "`,` or `}`",
        };
        match (self.peek(), std::mem::take(first)) {
            (Some(b'}'), _) => {
                self.at += 1;
                return Ok(None);
            }
            (Some(b','), false) => self.at += 1,
            (Some(b'"'), true) => {}
            _ => return Err(self.mistake(expected)),
        }
        if self.peek() != Some(b'"') {
            return Err(self.mistake("a member name"));
        }
        let name = self.value()?;
        self.take(b':', "`:`")?;
        Ok(string_inner(name).map(unescape))
    }

    /// Within an array after `[` or an element: whether another element follows; at `]`, which is taken, none does.
    pub(crate) fn next_element(&mut self, first: &mut bool) -> Result<bool, Mistake> {
        match (self.peek(), std::mem::take(first)) {
            (Some(b']'), _) => {
                self.at += 1;
                Ok(false)
            }
            (Some(b','), false) => {
                self.at += 1;
                Ok(true)
            }
            (Some(_), true) => Ok(true),
            (None, true) => Err(self.mistake("a value or `]`")),
            (_, false) => Err(self.mistake("`,` or `]`")),
        }
    }
}

/// What stands between the quotes of a string value; `None` for a value of another kind.
pub(crate) fn string_inner(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

impl Mistake {
    /// The same mistake in a text that has `bytes` more before it.
    pub(crate) fn moved(self, bytes: usize) -> Self {
        Self { at: self.at + bytes, ..self }
    }

    /// The error for the sender. Lines and columns are counted only now, when they are needed.
    pub(crate) fn in_text(self, text: &[u8]) -> BatchError {
        let at = self.at.min(text.len());
        let before = &text[..at];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        BatchError::Json {
            offset: at,
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(at - line_start + 1).unwrap_or(u32::MAX),
            expected: self.expected,
            found: found(&text[at..]),
        }
    }
}

fn found(rest: &[u8]) -> String {
    if rest.is_empty() {
        return "the end of the body".into();
    }
    // Four bytes a character at most.
    let piece = String::from_utf8_lossy(&rest[..rest.len().min(FOUND_CHARS_MAX * 4)]);
    let shown: String = piece.chars().take(FOUND_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("`{}`", shown.trim_end())
}
