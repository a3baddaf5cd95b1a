//! `/jsons`: JSON documents, one a line or one after the other or in an array, with the records in them or below a path.

use memchr::memchr;

use super::sink::{LineNumbers, Piece, Sink};
use super::whole::wrapped;
use super::{Stop, array, lines};
use crate::error::BatchError;
use crate::json::{Cursor, Mistake};
use crate::path::{JsonPath, Step};

/// Every document is a record. An array that opens the text is a wrapper and must be whole; a damaged document that
/// stands by itself costs its line only.
pub(super) fn documents<'a>(text: &'a [u8], sink: &mut impl Sink<'a>) -> Result<(), Stop> {
    let mut cursor = Cursor::new(text);
    let mut lines = LineNumbers::new(text);
    if cursor.peek() == Some(b'[') {
        array::elements(&mut cursor, &mut lines, sink)?;
    } else if let Some(at) = wrapped_whole(text) {
        return array::elements_at(text, at, sink);
    }
    // After the first document that is still open at the end of its line, documents may not cross lines any more:
    // otherwise a body of open brackets would be scanned once for each of its lines.
    let mut may_cross_lines = true;
    while cursor.peek().is_some() {
        let at = cursor.at();
        let line_end = memchr(b'\n', &text[at..]).map_or(text.len(), |newline| at + newline);
        let bound = if may_cross_lines { text.len() } else { line_end };
        // A bare word or number is no log record: such a line is text.
        let document = match text[at] {
            b'{' | b'[' | b'"' => cursor.value_before(bound),
            _ => Err(cursor.mistake("`{`, `[` or a string")),
        };
        let record = document.unwrap_or_else(|mistake| {
            may_cross_lines &= mistake.at <= line_end;
            cursor.jump(line_end);
            lines::without_carriage_return(&text[at..line_end])
        });
        sink.piece(Piece::of_value(record, lines.at(at)))?;
    }
    Ok(())
}

/// Where the array begins if the text is one object that wraps one.
fn wrapped_whole(text: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(text);
    if cursor.peek() != Some(b'{') {
        return None;
    }
    let at = cursor.at();
    cursor.value().ok()?;
    if cursor.peek().is_some() {
        return None;
    }
    wrapped(&text[at..]).map(|inside| at + inside)
}

/// In every document, what lies at `path`: an array's elements, or the one value. `null` is no record.
pub(super) fn documents_at<'a>(path: &JsonPath, text: &'a [u8], sink: &mut impl Sink<'a>) -> Result<(), Stop> {
    let mut cursor = Cursor::new(text);
    let mut lines = LineNumbers::new(text);
    while cursor.peek().is_some() {
        let at = cursor.at();
        let end = at + cursor.value()?.len();
        let Some(place) = locate(path.steps(), &text[..end], at)? else {
            return Err(BatchError::Path { line: lines.at(at), path: path.clone() }.into());
        };
        let mut inner = Cursor::new(&text[..end]);
        inner.jump(place);
        match inner.peek() {
            Some(b'[') => array::elements(&mut inner, &mut lines, sink)?,
            Some(b'n') => {}
            _ => sink.piece(Piece::of_value(inner.value()?, lines.at(place)))?,
        }
    }
    Ok(())
}

/// The index at which the value lies that `steps` lead to from the document at `at`. A name given twice means the last,
/// as JSON parsers have it.
fn locate(steps: &[Step], text: &[u8], at: usize) -> Result<Option<usize>, Mistake> {
    let mut cursor = Cursor::new(text);
    cursor.jump(at);
    for step in steps {
        let mut found = None;
        let mut first = true;
        match (step, cursor.peek()) {
            (Step::Name(wanted), Some(b'{')) => {
                cursor.take(b'{', "`{`")?;
                while let Some(name) = cursor.next_member(&mut first)? {
                    cursor.peek();
                    if name.as_ref() == wanted.as_bytes() {
                        found = Some(cursor.at());
                    }
                    cursor.value()?;
                }
            }
            (Step::Index(wanted), Some(b'[')) => {
                cursor.take(b'[', "`[`")?;
                let mut index = 0;
                while found.is_none() && cursor.next_element(&mut first)? {
                    cursor.peek();
                    if index == *wanted {
                        found = Some(cursor.at());
                    }
                    index += 1;
                    cursor.value()?;
                }
            }
            _ => {}
        }
        match found {
            Some(at) => cursor.jump(at),
            None => return Ok(None),
        }
    }
    cursor.peek();
    Ok(Some(cursor.at()))
}
