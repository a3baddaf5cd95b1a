//! Tells a file that is one JSON array from a file of lines, by its first few bytes.

use crate::split::WRAPPER_NAMES;

/// How the records lie in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One a line.
    Lines,
    /// The elements of the array that begins at this index, perhaps as the only member of an object.
    Array { at: usize, wrapped: bool },
}

/// The shape of a file that begins with `text`; `None` when more of it must be seen.
pub(super) fn shape(text: &[u8]) -> Option<Shape> {
    const BOM: &[u8] = b"\xef\xbb\xbf";
    if text.len() < BOM.len() && BOM.starts_with(text) {
        return None;
    }
    let bare = text.strip_prefix(BOM).unwrap_or(text);
    let start = bare.trim_ascii_start();
    match start.first()? {
        b'[' => array(text.len() - start.len(), start, false),
        b'{' => wrapper(text.len(), start),
        _ => Some(Shape::Lines),
    }
}

/// Elements are objects or strings: `[2026-05-04] …` and `[1] …` are lines.
fn array(at: usize, text: &[u8], wrapped: bool) -> Option<Shape> {
    match text[1..].trim_ascii_start().first()? {
        b'{' | b'"' | b']' => Some(Shape::Array { at, wrapped }),
        _ => Some(Shape::Lines),
    }
}

/// `{"events":[` and the like.
fn wrapper(text_len: usize, object: &[u8]) -> Option<Shape> {
    let inner = object[1..].trim_ascii_start();
    let Some(quoted) = inner.strip_prefix(b"\"") else {
        return (!inner.is_empty()).then_some(Shape::Lines);
    };
    for name in WRAPPER_NAMES.map(str::as_bytes) {
        let seen = quoted.len().min(name.len());
        if !quoted[..seen].eq_ignore_ascii_case(&name[..seen]) {
            continue;
        }
        let mut rest = &quoted[seen..];
        for byte in [b'"', b':'] {
            match rest.trim_ascii_start().split_first() {
                None => return None,
                Some((first, after)) if *first == byte => rest = after,
                Some(_) => return Some(Shape::Lines),
            }
        }
        rest = rest.trim_ascii_start();
        return match rest.first()? {
            b'[' => array(text_len - rest.len(), rest, true),
            _ => Some(Shape::Lines),
        };
    }
    Some(Shape::Lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let cases: [(&str, Option<Shape>); 14] = [
            ("", None),
            (" \n", None),
            ("[", None),
            ("\u{feff} [ {", Some(Shape::Array { at: 4, wrapped: false })),
            ("[\"a", Some(Shape::Array { at: 0, wrapped: false })),
            ("[]", Some(Shape::Array { at: 0, wrapped: false })),
            ("[12] info", Some(Shape::Lines)),
            ("text", Some(Shape::Lines)),
            ("{\"id\":1}", Some(Shape::Lines)),
            ("{\"eve", None),
            ("{\"Records\" :", None),
            ("{\"Records\" : [ {", Some(Shape::Array { at: 13, wrapped: true })),
            ("{\"events\":[1", Some(Shape::Lines)),
            ("{}", Some(Shape::Lines)),
        ];
        for (text, expected) in cases {
            assert_eq!(shape(text.as_bytes()), expected, "{text}");
        }
    }
}
