//! JSON text in; only the paths that a format reads come out, borrowed from the text. Everything else is checked and
//! skipped. One pass.

use std::fmt;

use bumpalo::Bump;
use bumpalo::collections::String as BumpString;
use tidegate_event::Value;

use crate::paths::{NO_SLOT, Paths, Slot};

#[cfg(test)]
mod tests;

/// Deepest nesting of a record.
pub(crate) const DEPTH_MAX: usize = 128;

/// Why a text is not JSON, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid JSON at byte {}: {}", self.at, self.what)
    }
}

/// The order in which keys came last time: records of one source repeat it, so the next key is known before it is read.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    first: Vec<Slot>,
    next: Vec<Slot>,
}

impl Hints {
    pub(crate) fn new(paths: &Paths) -> Self {
        Self { first: vec![NO_SLOT; paths.nodes.len()], next: vec![NO_SLOT; paths.nodes.len()] }
    }
}

/// Reads the value that `text` is.
pub(crate) fn read_value<'a>(text: &'a str, arena: &'a Bump) -> Result<Value<'a>, JsonError> {
    let mut items = Vec::new();
    let mut entries = Vec::new();
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, arena, items: &mut items, entries: &mut entries };
    let value = reader.value(0)?;
    reader.end()?;
    Ok(value)
}

/// Where values of one parse go.
pub(crate) struct Sink<'r, 'a> {
    pub(crate) paths: &'r Paths,
    pub(crate) slots: &'r mut [Option<Value<'a>>],
    pub(crate) hints: &'r mut Hints,
    pub(crate) items: &'r mut Vec<Value<'a>>,
    pub(crate) entries: &'r mut Vec<(&'a str, Value<'a>)>,
}

/// Reads the paths below `root` from `text` into their slots.
pub(crate) fn read_paths<'a>(
    text: &'a str,
    root: Slot,
    sink: &mut Sink<'_, 'a>,
    arena: &'a Bump,
) -> Result<(), JsonError> {
    sink.items.clear();
    sink.entries.clear();
    let mut reader =
        Reader { text, bytes: text.as_bytes(), at: 0, arena, items: &mut *sink.items, entries: &mut *sink.entries };
    let mut walk = Walk { paths: sink.paths, slots: &mut *sink.slots, hints: &mut *sink.hints };
    reader.space();
    walk.node(&mut reader, root, sink.paths.nodes[root as usize].whole, 0)?;
    reader.end()
}

/// Spreads a value that is already read over the slots of its paths.
pub(crate) fn spread<'a>(value: Value<'a>, root: Slot, paths: &Paths, slots: &mut [Option<Value<'a>>]) {
    slots[root as usize] = Some(value);
    if let Value::Dict(_) = value {
        for child in &paths.nodes[root as usize].children {
            if let Some(inner) = value.get(&paths.nodes[*child as usize].key) {
                spread(inner, *child, paths, slots);
            }
        }
    }
}

/// The slots while a text is walked.
struct Walk<'r, 'a> {
    paths: &'r Paths,
    slots: &'r mut [Option<Value<'a>>],
    hints: &'r mut Hints,
}

impl<'a> Walk<'_, 'a> {
    /// Reads the value of a path into its slot. `whole`: the value itself is wanted, here or further up.
    ///
    /// Texts and small numbers are written to the slot piece by piece: handed on as a [`Value`], they would be read again
    /// before the processor has finished writing them, and stall it.
    #[inline]
    fn node(&mut self, reader: &mut Reader<'_, 'a>, slot: Slot, whole: bool, depth: usize) -> Result<(), JsonError> {
        if self.slots[slot as usize].is_some() {
            self.forget(slot);
        }
        match reader.peek() {
            Some(b'"') => {
                let text = reader.string()?;
                self.slots[slot as usize] = Some(Value::Str(text));
                return Ok(());
            }
            Some(b'0'..=b'9') => {
                if let Some(number) = reader.small_number() {
                    self.slots[slot as usize] = Some(Value::Int(number));
                    return Ok(());
                }
            }
            Some(b'{') if !self.paths.nodes[slot as usize].children.is_empty() => {
                // before its members, which must not be forgotten
                self.slots[slot as usize] = Some(Value::Dict(&[]));
                let value = self.object(reader, slot, whole, depth + 1)?;
                self.slots[slot as usize] = Some(value);
                return Ok(());
            }
            _ => {}
        }
        self.slots[slot as usize] = Some(reader.value(depth)?);
        Ok(())
    }

    /// A key came twice: what stood below its first value no longer counts.
    fn forget(&mut self, slot: Slot) {
        self.slots[slot as usize] = None;
        for child in &self.paths.nodes[slot as usize].children {
            self.forget(*child);
        }
    }

    /// Reads an object, the members that are paths into their slots.
    fn object(
        &mut self,
        reader: &mut Reader<'_, 'a>,
        slot: Slot,
        whole: bool,
        depth: usize,
    ) -> Result<Value<'a>, JsonError> {
        if depth > DEPTH_MAX {
            return Err(reader.error(TOO_DEEP));
        }
        let base = reader.entries.len();
        reader.at += 1;
        reader.space();
        if reader.peek() == Some(b'}') {
            reader.at += 1;
            return Ok(Value::Dict(&[]));
        }
        let mut expected = self.hints.first[slot as usize];
        let mut last = NO_SLOT;
        loop {
            let child = self.key(reader, slot, expected)?;
            reader.space();
            reader.expect(b':', "expected `:` after a key")?;
            match child {
                Key::Path(child) => {
                    if child != expected {
                        self.learn(slot, last, child);
                    }
                    let wanted = whole || self.paths.nodes[child as usize].whole;
                    reader.space();
                    self.node(reader, child, wanted, depth)?;
                    if let (true, Some(value)) = (whole, self.slots[child as usize]) {
                        // the key outlives the format only in the arena
                        let key = reader.arena.alloc_str(&self.paths.nodes[child as usize].key);
                        reader.entries.push((key, value));
                    }
                    last = child;
                    expected = self.hints.next[child as usize];
                }
                Key::Other(key) if whole => {
                    let value = reader.value(depth)?;
                    reader.entries.push((key, value));
                }
                Key::Other(_) => {
                    reader.space();
                    reader.skip(depth)?;
                }
            }
            if reader.member_end()? {
                break;
            }
        }
        Ok(reader.take_entries(base))
    }

    /// The key at the reader: the expected one by comparison, any other by its text.
    fn key(&self, reader: &mut Reader<'_, 'a>, slot: Slot, expected: Slot) -> Result<Key<'a>, JsonError> {
        if expected != NO_SLOT {
            let quoted = &self.paths.nodes[expected as usize].quoted;
            if begins(&reader.bytes[reader.at..], quoted) {
                reader.at += quoted.len();
                return Ok(Key::Path(expected));
            }
        }
        let key = reader.key()?;
        Ok(self.paths.find(slot, key).map_or(Key::Other(key), Key::Path))
    }

    fn learn(&mut self, slot: Slot, last: Slot, child: Slot) {
        if last == NO_SLOT {
            self.hints.first[slot as usize] = child;
        } else {
            self.hints.next[last as usize] = child;
        }
    }
}

enum Key<'a> {
    Path(Slot),
    Other(&'a str),
}

const TOO_DEEP: &str = "nested deeper than 128 levels";

struct Reader<'r, 'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    arena: &'a Bump,
    /// Items of the lists that are open, innermost last.
    items: &'r mut Vec<Value<'a>>,
    /// Members of the objects that are open, innermost last.
    entries: &'r mut Vec<(&'a str, Value<'a>)>,
}

impl<'a> Reader<'_, 'a> {
    fn error(&self, what: &'static str) -> JsonError {
        let what = if self.at >= self.bytes.len() { "the text ends too early" } else { what };
        JsonError { at: self.at, what }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), JsonError> {
        if self.peek() != Some(byte) {
            return Err(self.error(what));
        }
        self.at += 1;
        Ok(())
    }

    fn end(&mut self) -> Result<(), JsonError> {
        self.space();
        if self.at < self.bytes.len() {
            return Err(self.error("unexpected text after the value"));
        }
        Ok(())
    }

    /// Behind a member: `true` at the end of the object; behind the comma otherwise.
    #[inline]
    fn member_end(&mut self) -> Result<bool, JsonError> {
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
    fn item_end(&mut self) -> Result<bool, JsonError> {
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

    fn key(&mut self) -> Result<&'a str, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.error("expected a key in quotes"));
        }
        self.string()
    }

    /// A value, whole.
    fn value(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
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

    fn word(&mut self, word: &'static str, value: Value<'a>) -> Result<Value<'a>, JsonError> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(JsonError { at: self.at, what: "expected `true`, `false` or `null`" });
        }
        self.at += word.len();
        Ok(value)
    }

    fn list(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
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

    fn dict(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
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

    fn take_entries(&mut self, base: usize) -> Value<'a> {
        if self.entries.len() == base {
            return Value::Dict(&[]);
        }
        let dict = self.arena.alloc_slice_copy(&self.entries[base..]);
        self.entries.truncate(base);
        Value::Dict(dict)
    }

    /// Checks a value and goes past it.
    fn skip(&mut self, depth: usize) -> Result<(), JsonError> {
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

    fn skip_string(&mut self) -> Result<(), JsonError> {
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
    fn string(&mut self) -> Result<&'a str, JsonError> {
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
    fn escaped_string(&mut self, start: usize) -> Result<&'a str, JsonError> {
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
    fn escape(&mut self, out: Option<&mut BumpString<'a>>) -> Result<(), JsonError> {
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
    fn unicode(&mut self, out: Option<&mut BumpString<'a>>) -> Result<(), JsonError> {
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

    fn hex4(&self, at: usize) -> Option<u32> {
        let digits = self.bytes.get(at..at + 4)?;
        digits.iter().try_fold(0, |sum, byte| Some(sum << 4 | char::from(*byte).to_digit(16)?))
    }

    /// A whole number of few digits; `None`, and nothing read, for any other.
    #[inline]
    fn small_number(&mut self) -> Option<i64> {
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
    fn number(&mut self) -> Result<Value<'a>, JsonError> {
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

    fn float(&mut self, start: usize) -> Result<Value<'a>, JsonError> {
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

    fn digits(&mut self) -> Result<(), JsonError> {
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

/// Whether `text` begins with a key in its quotes. Keys are short: a call to compare them costs more than the comparison.
#[inline]
fn begins(text: &[u8], key: &[u8]) -> bool {
    let Some(text) = text.get(..key.len()) else {
        return false;
    };
    match (text.last_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(a), Some(b)) => {
            u64::from_le_bytes(*a) == u64::from_le_bytes(*b)
                && text
                    .chunks_exact(8)
                    .zip(key.chunks_exact(8))
                    .all(|(a, b)| a.first_chunk::<8>() == b.first_chunk::<8>())
        }
        _ => text.iter().zip(key).all(|(a, b)| a == b),
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
