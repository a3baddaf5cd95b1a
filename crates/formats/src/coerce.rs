//! Values to the types of their fields.

use std::fmt::Write;
use std::net::IpAddr;

use bumpalo::Bump;
use bumpalo::collections::{String as BumpString, Vec as BumpVec};
use tidegate_event::{FieldType, Value};

use crate::fields::{Branch, Fields};
use crate::time;

#[cfg(test)]
mod tests;

/// Deepest nesting that is looked into.
const DEPTH_MAX: usize = 130;

/// What coercion needs to know.
#[derive(Clone, Copy)]
pub(crate) struct Coercer<'r, 'a> {
    pub(crate) arena: &'a Bump,
    pub(crate) fields: &'r Fields,
    /// Texts that count as empty.
    pub(crate) ignored: &'r [Box<str>],
    pub(crate) received: Option<tidegate_event::Timestamp>,
}

/// Whether a text counts as absent: white space, or Python's `None`.
pub(crate) fn is_blank(text: &str) -> bool {
    match text.as_bytes().first() {
        // nearly every text
        Some(byte) if byte.is_ascii_graphic() && *byte != b'N' => false,
        Some(_) => matches!(text.trim(), "" | "None"),
        None => true,
    }
}

impl<'a> Coercer<'_, 'a> {
    /// Whether a value is not worth storing.
    pub(crate) fn is_empty(&self, value: Value<'a>) -> bool {
        match value {
            Value::Null => true,
            Value::Str(text) => {
                is_blank(text) || (!self.ignored.is_empty() && self.ignored.iter().any(|ignored| **ignored == *text))
            }
            Value::Int(_) | Value::Float(_) | Value::Bool(_) if !self.ignored.is_empty() => {
                let text = crate::template::python::to_text(value);
                self.ignored.iter().any(|ignored| **ignored == *text)
            }
            _ => false,
        }
    }

    /// The value as a field of this type holds it; `None` when it cannot be one.
    pub(crate) fn coerce(&self, kind: FieldType, value: Value<'a>, branch: Branch) -> Option<Value<'a>> {
        self.coerce_at(kind, value, branch, 0)
    }

    fn coerce_at(&self, kind: FieldType, value: Value<'a>, branch: Branch, depth: usize) -> Option<Value<'a>> {
        match (kind, value) {
            (FieldType::Any, _) => Some(value),
            (FieldType::Object | FieldType::Nested | FieldType::GeoPoint, _) => {
                self.members(value, branch, kind != FieldType::Nested, depth)
            }
            (FieldType::Dict, _) => self.members(value, branch, false, depth),
            (FieldType::List, Value::List(_)) => Some(value),
            (FieldType::List, _) => Some(Value::List(self.arena.alloc_slice_copy(&[value]))),
            (_, Value::List(items)) => Some(self.list(kind, items)),
            _ => self.scalar(kind, value),
        }
    }

    /// A list, item by item; the list itself when no item changes.
    fn list(&self, kind: FieldType, items: &'a [Value<'a>]) -> Value<'a> {
        if kind == FieldType::String && items.iter().any(|item| matches!(item, Value::Dict(_))) {
            return Value::List(items);
        }
        let unchanged = match kind {
            FieldType::Keyword | FieldType::String => items.iter().all(|item| matches!(item, Value::Str(_))),
            FieldType::Long | FieldType::Float => {
                items.iter().all(|item| matches!(item, Value::Int(_) | Value::Float(_)))
            }
            _ => false,
        };
        if unchanged {
            return Value::List(items);
        }
        let mut out = BumpVec::with_capacity_in(items.len(), self.arena);
        for item in items {
            match item {
                Value::Null => {}
                Value::List(inner) => out.push(self.list(kind, inner)),
                item => out.extend(self.scalar(kind, *item)),
            }
        }
        Value::List(out.into_bump_slice())
    }

    fn scalar(&self, kind: FieldType, value: Value<'a>) -> Option<Value<'a>> {
        match kind {
            FieldType::Keyword | FieldType::String => Some(Value::Str(self.text(value)?)),
            FieldType::Long | FieldType::Float => number(value),
            FieldType::Boolean => boolean(value),
            FieldType::Ip => self.ip(value),
            FieldType::Date => {
                let options = time::Options { received: self.received, ..time::Options::default() };
                time::normalise(value, &options, self.arena).map(Value::Str)
            }
            _ => Some(value),
        }
    }

    /// Text: numbers and truth values as JSON has them, dictionaries as compact JSON with sorted keys.
    fn text(&self, value: Value<'a>) -> Option<&'a str> {
        Some(match value {
            Value::Str(text) => text,
            Value::Null => return None,
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Int(number) => self.digits(number),
            Value::Dict(_) | Value::List(_) => {
                let mut out = Vec::new();
                sorted(value, self.arena, 0).write_json(&mut out);
                self.arena.alloc_str(&String::from_utf8_lossy(&out))
            }
            Value::UInt(_) | Value::Float(_) => self.arena.alloc_str(&value.to_json()),
        })
    }

    fn digits(&self, number: i64) -> &'a str {
        if let Ok(small) = u8::try_from(number)
            && small < 10
        {
            return &"0123456789"[usize::from(small)..=usize::from(small)];
        }
        let mut out = BumpString::with_capacity_in(20, self.arena);
        // Writing into memory does not fail.
        let _ = write!(out, "{number}");
        out.into_bump_str()
    }

    /// The canonical text of an address; addresses with a scope (`fe80::1%eth0`) keep it.
    fn ip(&self, value: Value<'a>) -> Option<Value<'a>> {
        let Value::Str(text) = value else {
            return None;
        };
        if is_canonical_ipv4(text) {
            return Some(value);
        }
        let text = text.trim();
        let (plain, scope) = text.split_once('%').map_or((text, None), |(plain, scope)| (plain, Some(scope)));
        let address: IpAddr = plain.parse().ok()?;
        if address.is_ipv4() && scope.is_some() {
            return None;
        }
        let mut out = BumpString::with_capacity_in(text.len(), self.arena);
        let _ = write!(out, "{address}");
        if let Some(scope) = scope {
            let _ = write!(out, "%{scope}");
        }
        let out = out.into_bump_str();
        Some(Value::Str(if out == text { text } else { out }))
    }

    /// Objects, alone or in lists: declared members are coerced, others kept when `open`.
    fn members(&self, value: Value<'a>, branch: Branch, open: bool, depth: usize) -> Option<Value<'a>> {
        if depth > DEPTH_MAX {
            return None;
        }
        let node = &self.fields.branches[branch as usize];
        if node.children.is_empty() {
            return Some(value);
        }
        match value {
            Value::Dict(entries) => Some(Value::Dict(self.entries(entries, branch, open, depth))),
            Value::List(items) => {
                let mut out = BumpVec::with_capacity_in(items.len(), self.arena);
                out.extend(items.iter().filter_map(|item| self.members(*item, branch, open, depth + 1)));
                Some(Value::List(out.into_bump_slice()))
            }
            other => Some(other),
        }
    }

    fn entries(
        &self,
        entries: &'a [(&'a str, Value<'a>)],
        branch: Branch,
        open: bool,
        depth: usize,
    ) -> &'a [(&'a str, Value<'a>)] {
        let node = &self.fields.branches[branch as usize];
        let mut out = BumpVec::with_capacity_in(entries.len(), self.arena);
        for (key, value) in entries {
            let kept = match node.children.get(*key) {
                Some(child) => match self.fields.branches[*child as usize].kind {
                    Some(_) if self.is_empty(*value) => None,
                    Some(kind) => self.coerce_at(kind, *value, *child, depth + 1),
                    None => self.members(*value, *child, open, depth + 1),
                },
                None if open => Some(*value),
                None => None,
            };
            out.extend(kept.map(|value| (*key, value)));
        }
        out.into_bump_slice()
    }

    /// A list of objects at a path that is not declared: each keeps what is declared. `None` when it holds no objects.
    pub(crate) fn declared_members(&self, items: &'a [Value<'a>], branch: Branch) -> Option<Value<'a>> {
        if !items.iter().any(|item| matches!(item, Value::Dict(_))) {
            return None;
        }
        let mut out = BumpVec::with_capacity_in(items.len(), self.arena);
        for item in items {
            if let Value::Dict(entries) = item {
                out.push(Value::Dict(self.entries(entries, branch, false, 0)));
            }
        }
        Some(Value::List(out.into_bump_slice()))
    }
}

/// Whole numbers stay exact and within 64 bits, native floats stay floats, texts are parsed.
fn number(value: Value<'_>) -> Option<Value<'_>> {
    match value {
        Value::Int(_) | Value::Float(_) => Some(value),
        Value::UInt(_) => Some(Value::Int(i64::MAX)),
        Value::Str(text) => {
            let text = text.trim();
            if let Ok(number) = text.parse::<i64>() {
                return Some(Value::Int(number));
            }
            if let Ok(number) = text.parse::<i128>() {
                return Some(Value::Int(if number < 0 { i64::MIN } else { i64::MAX }));
            }
            // `inf`, `nan` and their kin are words here, not numbers
            text.bytes()
                .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
                .then(|| text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::Float))
                .flatten()
        }
        _ => None,
    }
}

fn boolean(value: Value<'_>) -> Option<Value<'_>> {
    let flag = match value {
        Value::Bool(flag) => flag,
        Value::Int(0) => false,
        Value::Int(1) => true,
        Value::Str(text) => match text.trim() {
            "1" => true,
            "0" => false,
            text if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("yes") => true,
            text if text.eq_ignore_ascii_case("false") || text.eq_ignore_ascii_case("no") => false,
            _ => return None,
        },
        _ => return None,
    };
    Some(Value::Bool(flag))
}

/// Four numbers up to 255 without leading zeros.
fn is_canonical_ipv4(text: &str) -> bool {
    if text.len() > 15 {
        return false;
    }
    let (mut parts, mut value, mut digits) = (1, 0_u32, 0);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' if digits == 0 || value > 0 => {
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return false;
                }
            }
            b'.' if digits > 0 => (parts, value, digits) = (parts + 1, 0, 0),
            _ => return false,
        }
    }
    parts == 4 && digits > 0
}

/// The value with the keys of all dictionaries in order.
fn sorted<'a>(value: Value<'a>, arena: &'a Bump, depth: usize) -> Value<'a> {
    if depth > DEPTH_MAX {
        return value;
    }
    match value {
        Value::List(items) => {
            Value::List(arena.alloc_slice_fill_iter(items.iter().map(|item| sorted(*item, arena, depth + 1))))
        }
        Value::Dict(entries) => {
            let entries = arena
                .alloc_slice_fill_iter(entries.iter().map(|(key, value)| (*key, sorted(*value, arena, depth + 1))));
            entries.sort_by_key(|(key, _)| *key);
            Value::Dict(entries)
        }
        other => other,
    }
}
