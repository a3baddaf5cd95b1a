//! A value: what JSON can say, borrowed from the batch or from its arena.

use crate::json;

/// One value of an event. Text, lists and dictionaries borrow from the batch buffer or from the arena of the batch,
/// so a value is two words and copying it costs nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// JSON `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number that fits `i64`.
    Int(i64),
    /// A whole number above `i64::MAX` that fits `u64`.
    UInt(u64),
    /// Any other number; `6.0` stays distinct from `6`.
    Float(f64),
    /// Text.
    Str(&'a str),
    /// A list.
    List(&'a [Value<'a>]),
    /// A dictionary in source order. When a key stands twice, the last one counts.
    Dict(&'a [(&'a str, Value<'a>)]),
}

impl<'a> Value<'a> {
    /// The text, when it is text.
    #[must_use]
    pub const fn as_str(self) -> Option<&'a str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, when it is one that fits `i64`.
    #[must_use]
    pub const fn as_i64(self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(number),
            _ => None,
        }
    }

    /// The items, when it is a list.
    #[must_use]
    pub const fn as_list(self) -> Option<&'a [Value<'a>]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The value under `key`, when it is a dictionary that holds the key.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Value<'a>> {
        match self {
            Self::Dict(entries) => entries.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| *value),
            _ => None,
        }
    }

    /// Appends the value as JSON.
    pub fn write_json(self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(number) => json::write_i64(number, out),
            Self::UInt(number) => json::write_u64(number, out),
            Self::Float(number) => json::write_f64(number, out),
            Self::Str(text) => json::write_str(text, out),
            Self::List(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write_json(out);
                }
                out.push(b']');
            }
            Self::Dict(entries) => {
                out.push(b'{');
                write_entries(entries, false, out);
                out.push(b'}');
            }
        }
    }

    /// The value as JSON text.
    #[must_use]
    pub fn to_json(self) -> String {
        let mut out = Vec::new();
        self.write_json(&mut out);
        String::from_utf8(out).expect("JSON of UTF-8 text is UTF-8")
    }
}

/// Writes `"key":value` pairs without the braces; a key that is repeated later is left out. Returns whether any was written.
pub(crate) fn write_entries(entries: &[(&str, Value<'_>)], mut written: bool, out: &mut Vec<u8>) -> bool {
    for (index, (key, value)) in entries.iter().enumerate() {
        if entries[index + 1..].iter().any(|(later, _)| later == key) {
            continue;
        }
        if written {
            out.push(b',');
        }
        written = true;
        json::write_str(key, out);
        out.push(b':');
        value.write_json(out);
    }
    written
}
