//! Steps over one JSON value of any size and depth, also when it arrives in pieces. No recursion: one bit a level.

use memchr::memchr3;

/// Deepest nesting that is followed; what goes deeper is no log record, and the bits for it stay small (128 KiB).
const DEPTH_MAX: usize = 1 << 20;

/// Steps over one value.
#[derive(Debug, Default)]
pub(crate) struct Skip {
    state: State,
    /// One bit a level: set for an object.
    levels: Vec<u64>,
    depth: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Value,
    ValueOrClose,
    KeyOrClose,
    Key,
    Colon,
    CommaOrClose,
    /// Inside a string; of a member name?
    Text(bool),
    /// After a backslash.
    Escape(bool),
    Scalar,
    Done,
}

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Skipped {
    /// The value ends before this index.
    Done(usize),
    /// All was taken; the value goes on.
    More,
    /// No JSON.
    Bad {
        /// The index of the byte that should not be there.
        at: usize,
        /// What should be.
        expected: &'static str,
    },
}

impl Skip {
    /// Ready for another value, with its memory kept.
    pub(crate) fn reset(&mut self) {
        self.state = State::Value;
        self.depth = 0;
    }

    /// To be asked at the end of the input: is what was seen a whole value? Only a bare scalar can end there.
    pub(crate) fn is_whole(&self) -> bool {
        self.state == State::Done || self.state == State::Scalar && self.depth == 0
    }

    /// What would have been right at the end of the input.
    pub(crate) fn expected(&self) -> &'static str {
        match self.state {
            State::Value => "a value",
            State::ValueOrClose => "a value or `]`",
            State::KeyOrClose => "a member name or `}`",
            State::Key => "a member name",
            State::Colon => "`:`",
            State::Text(_) | State::Escape(_) => "the closing quote",
            State::CommaOrClose | State::Scalar if self.in_object() => "`,` or `}`",
            State::CommaOrClose | State::Scalar | State::Done => "`,` or `]`",
        }
    }

    /// Takes the next piece.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Skipped {
        let mut at = 0;
        while at < bytes.len() {
            at = match self.state {
                State::Done => return Skipped::Done(at),
                State::Text(key) => match text_stop(&bytes[at..]) {
                    None => return Skipped::More,
                    Some(found) => match bytes[at + found] {
                        b'"' => self.end_text(key, at + found),
                        b'\\' => {
                            self.state = State::Escape(key);
                            at + found + 1
                        }
                        // JSON forbids a bare line feed here, and it is what separates one damaged line from the next.
                        _ => return self.bad(at + found),
                    },
                },
                State::Escape(_) if bytes[at] == b'\n' => return self.bad(at),
                State::Escape(key) => {
                    self.state = State::Text(key);
                    at + 1
                }
                State::Scalar => {
                    at += bytes[at..].iter().take_while(|byte| is_scalar(**byte)).count();
                    if at == bytes.len() {
                        return Skipped::More;
                    }
                    self.after_value();
                    at
                }
                _ if is_blank(bytes[at]) => at + 1,
                _ => match self.structure(bytes[at]) {
                    true => at + 1,
                    false => return self.bad(at),
                },
            };
        }
        if self.state == State::Done { Skipped::Done(at) } else { Skipped::More }
    }

    fn bad(&self, at: usize) -> Skipped {
        Skipped::Bad { at, expected: self.expected() }
    }

    fn end_text(&mut self, key: bool, quote: usize) -> usize {
        match key {
            true => self.state = State::Colon,
            false => self.after_value(),
        }
        quote + 1
    }

    /// One byte between values; false if it may not stand there.
    fn structure(&mut self, byte: u8) -> bool {
        match (self.state, byte) {
            (State::Value | State::ValueOrClose, b'{') => return self.open(true),
            (State::Value | State::ValueOrClose, b'[') => return self.open(false),
            (State::Value | State::ValueOrClose, b'"') => self.state = State::Text(false),
            (State::Value | State::ValueOrClose, b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => self.state = State::Scalar,
            (State::Key | State::KeyOrClose, b'"') => self.state = State::Text(true),
            (State::Colon, b':') => self.state = State::Value,
            (State::CommaOrClose, b',') => self.state = if self.in_object() { State::Key } else { State::Value },
            (State::CommaOrClose | State::KeyOrClose, b'}') if self.in_object() => self.close(),
            (State::CommaOrClose | State::ValueOrClose, b']') if !self.in_object() => self.close(),
            _ => return false,
        }
        true
    }

    fn open(&mut self, object: bool) -> bool {
        if self.depth == DEPTH_MAX {
            return false;
        }
        let (word, bit) = (self.depth / 64, self.depth % 64);
        if word == self.levels.len() {
            self.levels.push(0);
        }
        self.levels[word] = self.levels[word] & !(1 << bit) | u64::from(object) << bit;
        self.depth += 1;
        self.state = if object { State::KeyOrClose } else { State::ValueOrClose };
        true
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.after_value();
    }

    fn after_value(&mut self) {
        self.state = if self.depth == 0 { State::Done } else { State::CommaOrClose };
    }

    fn in_object(&self) -> bool {
        self.depth > 0 && self.levels[(self.depth - 1) / 64] >> ((self.depth - 1) % 64) & 1 == 1
    }
}

/// The next byte that means something in a string. Most strings of a log are short: a plain loop finds their end before
/// a vectorised search has begun.
fn text_stop(bytes: &[u8]) -> Option<usize> {
    const NEAR_BYTES: usize = 24;
    let near = bytes.len().min(NEAR_BYTES);
    let stop = bytes[..near].iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n'));
    stop.or_else(|| memchr3(b'"', b'\\', b'\n', &bytes[near..]).map(|found| near + found))
}

pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(text: &str) -> Skipped {
        Skip::default().feed(text.as_bytes())
    }

    #[test]
    fn values_end_where_they_end() {
        for value in [r#"{"a":[1,{"b":"]}\"\\"}],"c":{}}"#, "[]", r#""x""#, "[[[[]]]]", "[true,null,-1.5e+3]"] {
            assert_eq!(skip(value), Skipped::Done(value.len()), "{value}");
            assert_eq!(skip(&format!(" {value},")), Skipped::Done(value.len() + 1), "{value}");
        }
        assert_eq!(skip("12,"), Skipped::Done(2));
        let mut bare = Skip::default();
        assert_eq!(bare.feed(b"12"), Skipped::More);
        assert!(bare.is_whole());
    }

    #[test]
    fn pieces_give_the_same_as_the_whole() {
        let value = r#" {"a": [1, {"b" : "x\"\\y"}], "c": -12.5 , "d":{}} ,"#.as_bytes();
        let whole = Skip::default().feed(value);
        for cut in 0..value.len() {
            let mut skip = Skip::default();
            let end = match skip.feed(&value[..cut]) {
                Skipped::More => match skip.feed(&value[cut..]) {
                    Skipped::Done(end) => Skipped::Done(end + cut),
                    other => other,
                },
                other => other,
            };
            assert_eq!(end, whole, "cut at {cut}");
        }
    }

    #[test]
    fn mistakes_are_placed() {
        let cases = [
            ("{1", 1, "a member name or `}`"),
            ("[1 2", 3, "`,` or `]`"),
            ("{\"a\" 1", 5, "`:`"),
            ("{\"a\":1]", 6, "`,` or `}`"),
            ("[1,]", 3, "a value"),
            ("\"a\nb\"", 2, "the closing quote"),
            ("x", 0, "a value"),
        ];
        for (text, at, expected) in cases {
            assert_eq!(skip(text), Skipped::Bad { at, expected }, "{text}");
        }
    }

    #[test]
    fn depth_is_bounded_and_harmless() {
        let deep = "[".repeat(DEPTH_MAX + 1);
        assert_eq!(skip(&deep), Skipped::Bad { at: DEPTH_MAX, expected: "a value or `]`" });
        let closed = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(skip(&closed), Skipped::Done(closed.len()));
    }
}
