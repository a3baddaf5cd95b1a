//! `/array`: an array whose elements are records, bare or in an envelope that names intake and time.

use memchr::memmem;

use super::Stop;
use super::sink::{LineNumbers, Piece, Sink};
use crate::json::{Cursor, Mistake};
use crate::record::Envelope;

/// The members an envelope may have.
const ENVELOPE_NAMES: [&[u8]; 4] = [b"intake_key", b"json", b"timestamp", b"@timestamp"];

/// Every element of the array at `at`, bare.
pub(super) fn elements_at<'a>(text: &'a [u8], at: usize, sink: &mut impl Sink<'a>) -> Result<(), Stop> {
    let mut cursor = Cursor::new(text);
    cursor.jump(at);
    elements(&mut cursor, &mut LineNumbers::new(text), sink)
}

/// Every element of the array that comes next.
pub(super) fn elements<'a>(
    cursor: &mut Cursor<'a>,
    lines: &mut LineNumbers<'_>,
    sink: &mut impl Sink<'a>,
) -> Result<(), Stop> {
    cursor.take(b'[', "`[`")?;
    let mut first = true;
    while cursor.next_element(&mut first)? {
        cursor.peek();
        let line = lines.at(cursor.at());
        sink.piece(Piece::of_value(cursor.value()?, line))?;
    }
    Ok(())
}

/// The body of `/array`; with a key, only the records sent with that key.
pub(super) fn array<'a>(intake_key: Option<&str>, text: &'a [u8], sink: &mut impl Sink<'a>) -> Result<(), Stop> {
    let mut cursor = Cursor::new(text);
    if cursor.peek().is_none() {
        return Ok(());
    }
    let mut lines = LineNumbers::new(text);
    cursor.take(b'[', "`[`")?;
    let mut first = true;
    while cursor.next_element(&mut first)? {
        let is_object = cursor.peek() == Some(b'{');
        let at = cursor.at();
        let value = cursor.value()?;
        // Most elements are no envelopes, and need no second walk to be told.
        let opened =
            if is_object && memmem::find(value, b"\"json\"").is_some() { open(value, text, at)? } else { None };
        let (record, envelope) = opened.unwrap_or((value, Envelope::default()));
        if intake_key.is_none() || envelope.intake_key.as_deref() == intake_key {
            sink.piece(Piece::of_value(record, lines.at(at)))?;
            sink.envelope(envelope);
        }
    }
    Ok(cursor.end()?)
}

/// The record in an envelope: an object with `json`, and either `intake_key` too or no member but those an envelope has.
/// Any other object is itself the record.
fn open<'a>(object: &[u8], text: &'a [u8], at: usize) -> Result<Option<(&'a [u8], Envelope<'a>)>, Mistake> {
    // The same bytes again, walked in place so that a mistake is placed in the body.
    let mut cursor = Cursor::new(&text[..at + object.len()]);
    cursor.jump(at);
    cursor.take(b'{', "`{`")?;
    let (mut record, mut envelope, mut foreign) = (None, Envelope::default(), false);
    let mut first = true;
    while let Some(name) = cursor.next_member(&mut first)? {
        foreign |= !ENVELOPE_NAMES.contains(&name.as_ref());
        let is_text = matches!(cursor.peek(), Some(b'"'));
        match name.as_ref() {
            b"json" => record = Some(cursor.value()?),
            b"intake_key" if is_text => envelope.intake_key = Some(cursor.string()?),
            b"timestamp" | b"@timestamp" if is_text => envelope.timestamp = Some(cursor.string()?),
            _ => {
                cursor.value()?;
            }
        }
    }
    Ok(record.filter(|_| !foreign || envelope.intake_key.is_some()).map(|record| (record, envelope)))
}
