//! `/plain` and `/plain/batch`: the whole text, or its lines.

use memchr::memchr_iter;

use super::sink::{Piece, Sink};
use super::whole::{Whole, whole};
use super::{Stop, array};

/// The whole text is one record, its last line end aside.
pub(super) fn plain<'a>(text: &'a [u8], sink: &mut impl Sink<'a>) -> Result<(), Stop> {
    let record = without_line_end(text);
    if !record.is_empty() {
        sink.piece(Piece::verbatim(record, 1))?;
    }
    Ok(())
}

/// One record a line, blank lines aside, unless the whole text is one JSON document.
pub(super) fn lines<'a>(text: &'a [u8], sink: &mut impl Sink<'a>) -> Result<(), Stop> {
    match whole(text) {
        Whole::Lines => {}
        Whole::Array { at } => return array::elements_at(text, at, sink),
        Whole::Object { at, end } => {
            let line = memchr_iter(b'\n', &text[..at]).count() + 1;
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            return Ok(sink.piece(Piece::verbatim(&text[at..end], line))?);
        }
    }
    let mut start = 0;
    let mut line = 0_u32;
    for end in memchr_iter(b'\n', text).chain([text.len()]) {
        line = line.saturating_add(1);
        let record = without_carriage_return(&text[start..end]);
        start = end + 1;
        if !is_blank_line(record) {
            sink.piece(Piece::verbatim(record, line))?;
        }
    }
    Ok(())
}

/// Judged by its ends first: nearly every line is told not to be blank by one byte.
pub(crate) fn is_blank_line(line: &[u8]) -> bool {
    match line.first() {
        Some(first) if !first.is_ascii_whitespace() => false,
        _ => line.trim_ascii().is_empty(),
    }
}

pub(crate) fn without_carriage_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn without_line_end(text: &[u8]) -> &[u8] {
    match text.strip_suffix(b"\n") {
        Some(text) => without_carriage_return(text),
        None => text,
    }
}
