//! `/batch` and `/`: one object that carries the intake key and the records.

use super::sink::{LineNumbers, Piece, Sink};
use super::{Stop, array};
use crate::json::Cursor;
use crate::record::Envelope;

/// `{"intake_key":"…","jsons":["…"]}`.
pub(super) fn batch<'a>(text: &'a [u8], sink: &mut impl Sink<'a>) -> Result<(), Stop> {
    let mut lines = LineNumbers::new(text);
    object(text, "jsons", "the member `jsons`", sink, |cursor, sink| array::elements(cursor, &mut lines, sink))
}

/// `{"intake_key":"…","json":"…"}`.
pub(super) fn single<'a>(text: &'a [u8], sink: &mut impl Sink<'a>) -> Result<(), Stop> {
    let mut lines = LineNumbers::new(text);
    object(text, "json", "the member `json`", sink, |cursor, sink| {
        cursor.peek();
        let line = lines.at(cursor.at());
        Ok(sink.piece(Piece::of_value(cursor.value()?, line))?)
    })
}

/// Walks the object; `payload` takes the value of the member that holds the records, which must be there once.
fn object<'a, S: Sink<'a>>(
    text: &'a [u8],
    payload_name: &str,
    payload_expected: &'static str,
    sink: &mut S,
    mut payload: impl FnMut(&mut Cursor<'a>, &mut S) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut cursor = Cursor::new(text);
    cursor.take(b'{', "`{`")?;
    let (mut first, mut seen, mut envelope) = (true, false, Envelope::default());
    while let Some(name) = cursor.next_member(&mut first)? {
        match name.as_ref() {
            name if name == payload_name.as_bytes() => {
                if std::mem::replace(&mut seen, true) {
                    return Err(cursor.mistake("that member only once").into());
                }
                payload(&mut cursor, sink)?;
            }
            b"intake_key" => envelope.intake_key = cursor.optional_string()?,
            b"@timestamp" | b"timestamp" => envelope.timestamp = cursor.optional_string()?,
            _ => {
                cursor.value()?;
            }
        }
    }
    if !seen {
        cursor.jump(cursor.at() - 1);
        return Err(cursor.mistake(payload_expected).into());
    }
    cursor.end()?;
    sink.body(envelope);
    Ok(())
}
