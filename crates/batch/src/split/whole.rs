//! Tells a text that is one JSON document from a text of lines. Logpush can be set up to send such documents
//! (`batch_prefix`, `record_delimiter`), and pretty-printed files are common.

use crate::json::{Cursor, Mistake};

/// Members that hold records whatever stands beside them.
pub(crate) const WRAPPER_NAMES: [&str; 3] = ["events", "records", "logs"];

/// What a text is as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// Not one document: lines.
    Lines,
    /// The records are the elements of the array that begins at this index.
    Array { at: usize },
    /// One object, which is a record.
    Object { at: usize, end: usize },
}

/// Looks at the whole only as long as it can still be one document: for NDJSON that is the first line.
pub(super) fn whole(text: &[u8]) -> Whole {
    let mut cursor = Cursor::new(text);
    match cursor.peek() {
        Some(b'[') if is_records(text, cursor.at()) => Whole::Array { at: cursor.at() },
        Some(b'{') => {
            let at = cursor.at();
            match cursor.value() {
                Ok(_) if cursor.peek().is_none() => match wrapped(&text[at..]) {
                    Some(inside) => Whole::Array { at: at + inside },
                    None => Whole::Object { at, end: at + text[at..].trim_ascii_end().len() },
                },
                _ => Whole::Lines,
            }
        }
        _ => Whole::Lines,
    }
}

/// Whether an array of objects and strings begins at `at` and ends with the text.
fn is_records(text: &[u8], at: usize) -> bool {
    let mut cursor = Cursor::new(text);
    cursor.jump(at);
    matches!(elements(&mut cursor), Ok(Some(_))) && cursor.peek().is_none()
}

/// What an array holds; `None` for anything but objects and strings.
fn elements(cursor: &mut Cursor<'_>) -> Result<Option<Elements>, Mistake> {
    let mut seen = Elements { any: false, strings: false };
    cursor.take(b'[', "`[`")?;
    let mut first = true;
    while cursor.next_element(&mut first)? {
        match cursor.peek() {
            Some(b'{') => seen.any = true,
            Some(b'"') => seen = Elements { any: true, strings: true },
            _ => return Ok(None),
        }
        cursor.value()?;
    }
    Ok(Some(seen))
}

#[derive(Clone, Copy, Debug)]
struct Elements {
    any: bool,
    strings: bool,
}

/// Where the records' array begins in an object that only wraps one. That is an object
/// - with a single member, an array of objects (an event with nothing but a list of objects in it is not known), or
/// - with a member named `events`, `records` or `logs`, in any case, that is an array of objects or strings, and
///   beside it only plain values: counters, versions.
pub(super) fn wrapped(object: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(object);
    cursor.take(b'{', "`{`").ok()?;
    let (mut first, mut members, mut found) = (true, 0, None);
    while let Some(name) = cursor.next_member(&mut first).ok()? {
        members += 1;
        let start = cursor.peek()?;
        let at = cursor.at();
        match start {
            b'[' if found.is_none() => {
                let named = WRAPPER_NAMES.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
                found = Some((at, named, elements(&mut cursor).ok()??));
            }
            b'[' | b'{' => return None,
            _ => {
                cursor.value().ok()?;
            }
        }
    }
    let (at, named, elements) = found?;
    (named || members == 1 && elements.any && !elements.strings).then_some(at)
}
