//! How Python writes values as text: `str()` and `repr()`.

use std::fmt::Write;

use tidegate_event::Value;

use super::value::{OUTPUT_BYTES_MAX, VALUE_DEPTH_MAX, Val};

/// `str(value)`.
pub(crate) fn str_of(value: Val<'_>) -> String {
    let mut out = String::new();
    write_str(value, &mut out);
    out
}

/// `str(value)` of data.
pub(crate) fn to_text(value: Value<'_>) -> String {
    str_of(Val::Data(value))
}

/// Appends `str(value)`: text as it is, undefined as nothing.
pub(crate) fn write_str(value: Val<'_>, out: &mut impl Write) {
    // Writing into memory does not fail.
    let _ = match value {
        Val::Undefined => Ok(()),
        Val::Data(Value::Str(text)) => out.write_str(text),
        other => {
            let mut text = String::new();
            repr(other, &mut text, 0);
            out.write_str(&text)
        }
    };
}

/// `repr(value)`.
pub(crate) fn repr_of(value: Val<'_>) -> String {
    let mut out = String::new();
    repr(value, &mut out, 0);
    out
}

fn repr(value: Val<'_>, out: &mut String, depth: usize) {
    if depth > VALUE_DEPTH_MAX || out.len() > OUTPUT_BYTES_MAX {
        out.push_str("...");
        return;
    }
    match value {
        Val::Undefined => out.push_str("Undefined"),
        Val::Loop(_) => out.push_str("<LoopContext>"),
        Val::Data(value) => data(value, out, depth),
        Val::List(items) => sequence(items.borrow().iter().copied(), ('[', ']'), out, depth),
        Val::Tuple(items) => {
            sequence(items.iter().copied(), ('(', ')'), out, depth);
            if items.len() == 1 {
                out.pop();
                out.push_str(",)");
            }
        }
        Val::Dict(pairs) => {
            out.push('{');
            for (index, (key, value)) in pairs.borrow().iter().enumerate() {
                entry(index, *key, *value, out, depth);
            }
            out.push('}');
        }
    }
}

fn data(value: Value<'_>, out: &mut String, depth: usize) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::UInt(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&float(number)),
        Value::Str(text) => quote(text, out),
        Value::List(items) => sequence(items.iter().map(|item| Val::Data(*item)), ('[', ']'), out, depth),
        Value::Dict(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                entry(index, Val::str(key), Val::Data(*value), out, depth);
            }
            out.push('}');
        }
    }
}

fn sequence<'a>(items: impl Iterator<Item = Val<'a>>, ends: (char, char), out: &mut String, depth: usize) {
    out.push(ends.0);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        repr(item, out, depth + 1);
    }
    out.push(ends.1);
}

fn entry(index: usize, key: Val<'_>, value: Val<'_>, out: &mut String, depth: usize) {
    if index > 0 {
        out.push_str(", ");
    }
    repr(key, out, depth + 1);
    out.push_str(": ");
    repr(value, out, depth + 1);
}

/// A float as Python prints it: `1.0`, `1e+16`, `1e-05`, `inf`.
pub(crate) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{number}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn quote(text: &str, out: &mut String) {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(mark);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c == mark => {
                out.push('\\');
                out.push(c);
            }
            _ if (c as u32) < 0x20 || (0x7f..=0xa0).contains(&(c as u32)) || c == '\u{ad}' => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            _ => out.push(c),
        }
    }
    out.push(mark);
}
