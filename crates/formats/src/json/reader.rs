//! The reader itself: values, strings, numbers, and what is skipped.

use bumpalo::Bump;
use bumpalo::collections::String as BumpString;
use tidegate_event::Value;

use super::{DEPTH_MAX, JsonError};

pub(super) const TOO_DEEP: &str = "nested deeper than 128 levels";

/// Reads values off a text.
pub(super) struct Reader<'r, 'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) arena: &'a Bump,
    /// Items of the lists that are open, innermost last.
    pub(super) items: &'r mut Vec<Value<'a>>,
    /// Members of the objects that are open, innermost last.
    pub(super) entries: &'r mut Vec<(&'a str, Value<'a>)>,
}

impl<'a> Reader<'_, 'a> {
    pub(super) fn error(&self, what: &'static str) -> JsonError {
        let what = if self.at >= self.bytes.len() { "the text ends too early" } else { what };
        JsonError { at: self.at, what }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub(super) fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    pub(super) fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), JsonError> {
        if self.peek() != Some(byte) {
            return Err(self.error(what));
        }
        self.at += 1;
        Ok(())
    }

    pub(super) fn end(&mut self) -> Result<(), JsonError> {
        self.space();
        if self.at < self.bytes.len() {
            return Err(self.error("unexpected text after the value"));
        }
        Ok(())
    }

    /// Behind a member: `true` at the end of the object; behind the comma otherwise.
    #[inline]
    pub(super) fn member_end(&mut self) -> Result<bool, JsonError> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(false)
            }
            Some(b'}') => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.error("expected `,` or `}` in an object")),
        }
    }

    #[inline]
    pub(super) fn item_end(&mut self) -> Result<bool, JsonError> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(false)
            }
            Some(b']') => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.error("expected `,` or `]` in a list")),
        }
    }

    pub(super) fn key(&mut self) -> Result<&'a str, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.error("expected a key in quotes"));
        }
        self.string()
    }

    /// A value, whole.
    pub(super) fn value(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        self.space();
        match self.peek() {
            Some(b'"') => self.string().map(Value::Str),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'[') => self.list(depth + 1),
            Some(b'{') => self.dict(depth + 1),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.error("expected a value")),
        }
    }

    pub(super) fn word(&mut self, word: &'static str, value: Value<'a>) -> Result<Value<'a>, JsonError> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(JsonError { at: self.at, what: "expected `true`, `false` or `null`" });
        }
        self.at += word.len();
        Ok(value)
    }

    pub(super) fn list(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        if depth > DEPTH_MAX {
            return Err(self.error(TOO_DEEP));
        }
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::List(&[]));
        }
        let base = self.items.len();
        loop {
            let value = self.value(depth)?;
            self.items.push(value);
            if self.item_end()? {
                break;
            }
        }
        let list = self.arena.alloc_slice_copy(&self.items[base..]);
        self.items.truncate(base);
        Ok(Value::List(list))
    }

    pub(super) fn dict(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        if depth > DEPTH_MAX {
            return Err(self.error(TOO_DEEP));
        }
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Dict(&[]));
        }
        let base = self.entries.len();
        loop {
            let key = self.key()?;
            self.space();
            self.expect(b':', "expected `:` after a key")?;
            let value = self.value(depth)?;
            self.entries.push((key, value));
            if self.member_end()? {
                break;
            }
        }
        Ok(self.take_entries(base))
    }

    pub(super) fn take_entries(&mut self, base: usize) -> Value<'a> {
        if self.entries.len() == base {
            return Value::Dict(&[]);
        }
        let dict = self.arena.alloc_slice_copy(&self.entries[base..]);
        self.entries.truncate(base);
        Value::Dict(dict)
    }

    /// Checks a value and goes past it.
    pub(super) fn skip(&mut self, depth: usize) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'"') => self.skip_string(),
            Some(b'-' | b'0'..=b'9') => self.number().map(drop),
            Some(open @ (b'[' | b'{')) => {
                if depth >= DEPTH_MAX {
                    return Err(self.error(TOO_DEEP));
                }
                self.at += 1;
                self.space();
                if self.peek() == Some(open + 2) {
                    self.at += 1;
                    return Ok(());
                }
                loop {
                    if open == b'{' {
                        if self.peek() != Some(b'"') {
                            return Err(self.error("expected a key in quotes"));
                        }
                        self.skip_string()?;
                        self.space();
                        self.expect(b':', "expected `:` after a key")?;
                        self.space();
                    }
                    self.skip(depth + 1)?;
                    if if open == b'{' { self.member_end()? } else { self.item_end()? } {
                        return Ok(());
                    }
                }
            }
            _ => self.value(depth).map(drop),
        }
    }

    pub(super) fn skip_string(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        loop {
            self.at = find_quote(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => self.escape(None)?,
                None => return Err(self.error("text is never closed")),
            }
        }
    }

    /// A string: borrowed when it has no escapes, otherwise decoded into the arena.
    #[inline]
    pub(super) fn string(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at + 1;
        let end = find_quote(self.bytes, start);
        if self.bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(&self.text[start..end]);
        }
        self.at = end;
        self.escaped_string(start)
    }

    #[cold]
    pub(super) fn escaped_string(&mut self, start: usize) -> Result<&'a str, JsonError> {
        let mut out = BumpString::with_capacity_in((self.at - start) * 2 + 16, self.arena);
        out.push_str(&self.text[start..self.at]);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out.into_bump_str());
                }
                Some(_) => self.escape(Some(&mut out))?,
                None => return Err(self.error("text is never closed")),
            }
            let end = find_quote(self.bytes, self.at);
            out.push_str(&self.text[self.at..end]);
            self.at = end;
        }
    }

    /// One escape, decoded when somebody wants it.
    pub(super) fn escape(&mut self, out: Option<&mut BumpString<'a>>) -> Result<(), JsonError> {
        const BAD: &str = "unknown escape";
        let c = match self.bytes.get(self.at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\x08',
            Some(b'f') => '\x0c',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(out),
            _ => return Err(self.error(BAD)),
        };
        self.at += 2;
        if let Some(out) = out {
            out.push(c);
        }
        Ok(())
    }

    /// `\u1234`, or two of them; half a pair becomes the replacement character.
    pub(super) fn unicode(&mut self, out: Option<&mut BumpString<'a>>) -> Result<(), JsonError> {
        let unit = self.hex4(self.at + 2).ok_or_else(|| self.error("expected four hexadecimal digits after `\\u`"))?;
        self.at += 6;
        let mut c = char::from_u32(unit);
        if (0xd800..0xdc00).contains(&unit)
            && self.bytes[self.at..].starts_with(b"\\u")
            && let Some(low) = self.hex4(self.at + 2).filter(|low| (0xdc00..0xe000).contains(low))
        {
            self.at += 6;
            c = char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
        }
        if let Some(out) = out {
            out.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(())
    }

    pub(super) fn hex4(&self, at: usize) -> Option<u32> {
        let digits = self.bytes.get(at..at + 4)?;
        digits.iter().try_fold(0, |sum, byte| Some(sum << 4 | char::from(*byte).to_digit(16)?))
    }

    /// A whole number of few digits; `None`, and nothing read, for any other.
    #[inline]
    pub(super) fn small_number(&mut self) -> Option<i64> {
        const DIGITS_MAX: usize = 18;
        let mut sum = 0_i64;
        let mut at = self.at;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(at) {
            sum = sum.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
            at += 1;
        }
        let digits = at - self.at;
        let leading_zero = digits > 1 && self.bytes[self.at] == b'0';
        if digits > DIGITS_MAX || leading_zero || matches!(self.bytes.get(at), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        self.at = at;
        Some(sum)
    }

    /// A number: whole ones exact as far as 64 bits go, all others as floats.
    pub(super) fn number(&mut self) -> Result<Value<'a>, JsonError> {
        let start = self.at;
        let negative = self.bytes[start] == b'-';
        let mut at = start + usize::from(negative);
        let first = at;
        let mut sum: u64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(at) {
            // wraps only beyond 19 digits, which are read again below
            sum = sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            at += 1;
        }
        let digits = at - first;
        self.at = at;
        if digits == 0 {
            return Err(self.error("expected a digit"));
        }
        if digits > 1 && self.bytes[first] == b'0' {
            self.at = first;
            return Err(self.error("number with a leading zero"));
        }
        if matches!(self.bytes.get(at), Some(b'.' | b'e' | b'E')) {
            return self.float(start);
        }
        if digits <= 18 {
            let number = sum as i64;
            return Ok(Value::Int(if negative { -number } else { number }));
        }
        let text = &self.text[start..at];
        Ok(text
            .parse()
            .map(Value::Int)
            .or_else(|_| text.parse().map(Value::UInt))
            .unwrap_or_else(|_| Value::Float(text.parse().unwrap_or(f64::MAX))))
    }

    pub(super) fn float(&mut self, start: usize) -> Result<Value<'a>, JsonError> {
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let number =
            self.text[start..self.at].parse().map_err(|_| JsonError { at: start, what: "expected a number" })?;
        Ok(Value::Float(number))
    }

    pub(super) fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.error("expected a digit"));
        }
        Ok(())
    }
}

/// Where the next `"` or `\` is, or the end of the text.
#[inline]
fn find_quote(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    /// Words looked at one by one before the vector search is worth its start.
    const WORDS: usize = 4;
    let mut at = from;
    for _ in 0..WORDS {
        let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) else {
            break;
        };
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * b'"' as u64);
        let slash = word ^ (ONES * b'\\' as u64);
        let hits = (quote.wrapping_sub(ONES) & !quote | slash.wrapping_sub(ONES) & !slash) & HIGHS;
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    match bytes.get(at..) {
        Some(rest) => memchr::memchr2(b'"', b'\\', rest).map_or(bytes.len(), |found| at + found),
        None => bytes.len(),
    }
}
