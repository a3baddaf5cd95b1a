//! Python literals: text that spells a list or a dictionary in, the value out. JSON spellings (`true`, `null`) are no
//! Python and stay text.

use bumpalo::Bump;
use bumpalo::collections::{String as BumpString, Vec as BumpVec};
use tidegate_event::Value;

use super::lex::{Token, number};

/// Deepest nesting of a literal; Python itself stops at about 90.
const LITERAL_DEPTH_MAX: usize = 64;

/// The list or dictionary that `text` spells from its first to its last character. `None` for anything else.
pub(crate) fn parse<'a>(text: &str, arena: &'a Bump) -> Option<Value<'a>> {
    if !text.starts_with(['[', '{']) {
        return None;
    }
    let mut reader = Reader { text, at: 0, arena };
    let value = reader.value(0)?;
    reader.space();
    (reader.at == text.len()).then_some(value)
}

struct Reader<'t, 'a> {
    text: &'t str,
    at: usize,
    arena: &'a Bump,
}

impl<'t, 'a> Reader<'t, 'a> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, c: u8) -> bool {
        self.space();
        let hit = self.text.as_bytes().get(self.at) == Some(&c);
        self.at += usize::from(hit);
        hit
    }

    fn peek(&mut self) -> Option<u8> {
        self.space();
        self.text.as_bytes().get(self.at).copied()
    }

    fn value(&mut self, depth: usize) -> Option<Value<'a>> {
        if depth > LITERAL_DEPTH_MAX {
            return None;
        }
        match self.peek()? {
            b'[' => self.sequence(b']', depth),
            b'(' => self.sequence(b')', depth),
            b'{' => self.dictionary(depth),
            b'\'' | b'"' => self.text_value(),
            b'r' | b'R' | b'u' | b'U' if self.rest()[1..].starts_with(['\'', '"']) => self.text_value(),
            b'-' | b'+' | b'0'..=b'9' | b'.' => self.number(),
            _ => self.word(),
        }
    }

    fn sequence(&mut self, close: u8, depth: usize) -> Option<Value<'a>> {
        self.at += 1;
        let mut items = BumpVec::new_in(self.arena);
        let mut comma = false;
        loop {
            if self.eat(close) {
                break;
            }
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(self.value(depth + 1)?);
            comma = self.eat(b',');
        }
        // `(1)` is no tuple but the number itself
        if close == b')' && items.len() == 1 && !comma {
            return Some(items[0]);
        }
        Some(Value::List(items.into_bump_slice()))
    }

    fn dictionary(&mut self, depth: usize) -> Option<Value<'a>> {
        self.at += 1;
        let mut entries: BumpVec<'a, (&'a str, Value<'a>)> = BumpVec::new_in(self.arena);
        let mut comma = true;
        loop {
            if self.eat(b'}') {
                break;
            }
            if !comma {
                return None;
            }
            let key = match self.value(depth + 1)? {
                Value::Str(text) => text,
                Value::List(_) | Value::Dict(_) => return None,
                other => self.arena.alloc_str(&super::python::to_text(other)),
            };
            if !self.eat(b':') {
                return None;
            }
            entries.push((key, self.value(depth + 1)?));
            comma = self.eat(b',');
        }
        Some(Value::Dict(entries.into_bump_slice()))
    }

    /// One text, or several in a row, which Python joins.
    fn text_value(&mut self) -> Option<Value<'a>> {
        let mut out = BumpString::new_in(self.arena);
        loop {
            let raw = self.rest().starts_with(['r', 'R']);
            if raw || self.rest().starts_with(['u', 'U']) {
                self.at += 1;
            }
            let quote = self.rest().chars().next()?;
            let triple = if quote == '\'' { "'''" } else { "\"\"\"" };
            let (open, close) = if self.rest().starts_with(triple) { (3, triple) } else { (1, &triple[..1]) };
            self.at += open;
            let body = self.text_body(close)?;
            if raw {
                out.push_str(body);
            } else {
                out.push_str(&unescape(body));
            }
            match self.peek() {
                Some(b'\'' | b'"') => {}
                Some(b'r' | b'R' | b'u' | b'U') if self.rest()[1..].starts_with(['\'', '"']) => {}
                _ => return Some(Value::Str(out.into_bump_str())),
            }
        }
    }

    fn text_body(&mut self, close: &str) -> Option<&'t str> {
        let start = self.at;
        let mut escaped = false;
        for (index, c) in self.rest().char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '\n' if close.len() == 1 => return None,
                _ if self.rest()[index..].starts_with(close) => {
                    self.at += index + close.len();
                    return Some(&self.text[start..start + index]);
                }
                _ => {}
            }
        }
        None
    }

    fn number(&mut self) -> Option<Value<'a>> {
        let sign = self.text.as_bytes()[self.at];
        let signed = matches!(sign, b'-' | b'+');
        self.at += usize::from(signed);
        self.space();
        let rest = self.rest();
        let (token, length) = if let Some(tail) = rest.strip_prefix('.') {
            // `.5`
            let length = 1 + tail.bytes().take_while(u8::is_ascii_digit).count();
            (Token::Float(rest[..length].parse().ok()?), length)
        } else if rest.starts_with(|c: char| c.is_ascii_digit()) {
            number(rest, false)?
        } else {
            return None;
        };
        self.at += length;
        // `1.` is a float too
        let token = match token {
            Token::Int(number) if self.rest().starts_with('.') => {
                self.at += 1;
                Token::Float(number as f64)
            }
            token => token,
        };
        Some(match (token, sign == b'-') {
            (Token::Int(number), false) => Value::Int(number),
            (Token::Int(number), true) => Value::Int(-number),
            (Token::Float(number), false) => Value::Float(number),
            (Token::Float(number), true) => Value::Float(-number),
            _ => return None,
        })
    }

    fn word(&mut self) -> Option<Value<'a>> {
        let rest = self.rest();
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let value = match &rest[..length] {
            "None" => Value::Null,
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            _ => return None,
        };
        self.at += length;
        Some(value)
    }
}

/// Undoes Python's escapes. What is no escape stays, backslash included.
pub(crate) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else {
            out.push('\\');
            return out;
        };
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' => {}
            '\\' | '\'' | '"' => out.push(c),
            'a' => out.push('\x07'),
            'b' => out.push('\x08'),
            'f' => out.push('\x0c'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\x0b'),
            '0'..='7' => {
                let more = rest.bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                let digits = format!("{c}{}", &rest[..more]);
                rest = &rest[more..];
                push_code(&mut out, u32::from_str_radix(&digits, 8).ok());
            }
            'x' | 'u' | 'U' => {
                let count = match c {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                match rest.get(..count).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())) {
                    Some(digits) => {
                        push_code(&mut out, u32::from_str_radix(digits, 16).ok());
                        rest = &rest[count..];
                    }
                    None => {
                        out.push('\\');
                        out.push(c);
                    }
                }
            }
            other => {
                out.push('\\');
                out.push(other);
            }
        }
    }
    out.push_str(rest);
    out
}

fn push_code(out: &mut String, code: Option<u32>) {
    out.push(code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER));
}
