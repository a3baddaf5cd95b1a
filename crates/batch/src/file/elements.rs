//! Cuts a file's text into the elements of one JSON array, however large the array is.

use memchr::memchr_iter;

use super::chunk::{Chunk, Slot};
use crate::json::{Mistake, Skip, Skipped, is_blank};

/// Cuts a file's text into the elements of one JSON array.
#[derive(Debug, Default)]
pub(super) struct Elements {
    state: State,
    skip: Skip,
    /// Where in the next text to go on.
    at: usize,
    /// The array is the only member of an object.
    wrapped: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before `[`.
    #[default]
    Open,
    /// After `[`.
    First,
    /// After an element.
    Next,
    /// After a comma.
    Value,
    /// Within an element that begins at this index of the text.
    Inside(usize),
    /// Within an element that is too long and was given out already.
    Dropping,
    /// After `]`; the wrapping object is still open.
    Wrapper,
    /// After everything.
    Tail,
}

impl Elements {
    /// The array begins at `at`.
    pub(super) fn begin(&mut self, at: usize, wrapped: bool) {
        self.at = at;
        self.wrapped = wrapped;
    }

    /// Puts the whole elements of the chunk's text into its slots, and says from where on the text is to be kept.
    pub(super) fn cut(
        &mut self,
        chunk: &mut Chunk,
        line: u32,
        bytes_max: usize,
        at_end: bool,
    ) -> Result<usize, Mistake> {
        let text = std::mem::take(&mut chunk.text);
        let result = self.scan(&text, chunk, Counted { at: 0, line }, bytes_max);
        chunk.text = text;
        result?;
        let end = chunk.text.len();
        if at_end && self.state != State::Tail {
            return Err(Mistake { at: end, expected: self.expected() });
        }
        let kept = match self.state {
            State::Inside(start) => start,
            _ => end,
        };
        if matches!(self.state, State::Inside(_)) {
            self.state = State::Inside(0);
        }
        self.at = end - kept;
        Ok(kept)
    }

    fn scan(&mut self, text: &[u8], chunk: &mut Chunk, mut lines: Counted, bytes_max: usize) -> Result<(), Mistake> {
        let mut at = self.at;
        while at < text.len() {
            if let State::Inside(_) | State::Dropping = self.state {
                match self.skip.feed(&text[at..]) {
                    Skipped::Done(length) => {
                        at += length;
                        if let State::Inside(start) = self.state {
                            push(chunk, text, start, at, lines.line_at(text, start), bytes_max);
                        }
                        self.state = State::Next;
                    }
                    Skipped::More => break,
                    Skipped::Bad { at: bad, expected } => return Err(Mistake { at: at + bad, expected }),
                }
            } else if is_blank(text[at]) {
                at += 1;
            } else {
                at = self.structure(text[at], at)?;
            }
        }
        // Quotes do not count.
        if let State::Inside(start) = self.state
            && text.len() - start > bytes_max + 2
        {
            push(chunk, text, start, text.len(), lines.line_at(text, start), bytes_max);
            self.state = State::Dropping;
        }
        Ok(())
    }

    /// One byte around the elements.
    fn structure(&mut self, byte: u8, at: usize) -> Result<usize, Mistake> {
        self.state = match (self.state, byte) {
            (State::Open, b'[') => State::First,
            (State::First | State::Next, b']') => {
                if self.wrapped {
                    State::Wrapper
                } else {
                    State::Tail
                }
            }
            (State::Wrapper, b'}') => State::Tail,
            (State::Next, b',') => State::Value,
            (State::First | State::Value, _) => {
                self.skip.reset();
                self.state = State::Inside(at);
                return Ok(at);
            }
            _ => return Err(Mistake { at, expected: self.expected() }),
        };
        Ok(at + 1)
    }

    fn expected(&self) -> &'static str {
        match self.state {
            State::Open => "`[`",
            State::First => "a value or `]`",
            State::Next => "`,` or `]`",
            State::Value => "a value",
            State::Inside(_) | State::Dropping => self.skip.expected(),
            State::Wrapper => "`}`",
            State::Tail => "the end of the file",
        }
    }
}

/// A string's slot is its content.
fn push(chunk: &mut Chunk, text: &[u8], start: usize, end: usize, line: u32, bytes_max: usize) {
    let escaped = text[start] == b'"';
    let (start, end) = if escaped { (start + 1, (end - 1).max(start + 1)) } else { (start, end) };
    chunk.push(Slot { start, end, line, escaped, oversize: false }, bytes_max);
}

/// Counts lines as the scan goes forward.
struct Counted {
    at: usize,
    line: u32,
}

impl Counted {
    fn line_at(&mut self, text: &[u8], at: usize) -> u32 {
        let newlines = memchr_iter(b'\n', &text[self.at..at]).count();
        self.line = self.line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
        self.at = at;
        self.line
    }
}
