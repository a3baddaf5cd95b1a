//! One resource record as on the wire (RFC 1035 section 3.2.1): owner, type, class, time to live, data.

use bumpalo::Bump;
use bumpalo::collections::String as BumpString;

use super::damage::Damage;
use super::presentation::push_label;
use super::rdata;

/// Longest name, its length bytes counted (RFC 1035 section 2.3.4).
const NAME_BYTES_MAX: usize = 255;
/// Where the question begins in a DNS message: after the header.
const QUESTION_OFFSET: usize = 12;
/// Type, class, time to live and length of the data.
const FIXED_BYTES: usize = 10;

/// What one record says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Record<'a> {
    /// Owner, class and time to live; bare data has none.
    pub(super) head: Option<Head<'a>>,
    /// The type by number.
    pub(super) kind: u16,
    /// The data, readable.
    pub(super) data: &'a str,
}

/// What stands before the data of a full record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Head<'a> {
    pub(super) owner: &'a str,
    pub(super) class: u16,
    pub(super) ttl: u32,
}

/// Reads `bytes` as a full record or, when they are none, as bare data of the type that was sent beside them.
///
/// `question` is the queried name: a record cut out of its message may point there for its own name.
pub(super) fn read<'a>(
    bytes: &[u8],
    declared: Option<u16>,
    question: Option<&str>,
    arena: &'a Bump,
) -> Result<Record<'a>, Damage> {
    let in_message = bytes.first().is_none_or(|byte| *byte >= 0xc0);
    let full = read_full(&Reader { bytes, question, in_message }, declared, arena);
    match (full, declared) {
        (Ok(record), _) => Ok(record),
        (Err(FullError::Damaged(damage)), _) => Err(damage),
        (Err(FullError::NotOne(_)), None) => Err(Damage::NoType),
        (Err(FullError::NotOne(damage)), Some(kind)) => match read_bare(bytes, kind, question, arena) {
            Ok(data) => Ok(Record { head: None, kind, data }),
            // What is too short for a full record was meant as bare data.
            Err(bare) => Err(if bytes.len() <= FIXED_BYTES { bare } else { damage }),
        },
    }
}

/// Reads data of a known type that stands alone.
pub(super) fn read_bare<'a>(
    bytes: &[u8],
    kind: u16,
    question: Option<&str>,
    arena: &'a Bump,
) -> Result<&'a str, Damage> {
    let mut data = BumpString::with_capacity_in(bytes.len().max(16), arena);
    rdata::write(kind, 0, &Reader { bytes, question, in_message: true }, &mut data)?;
    Ok(data.into_bump_str())
}

enum FullError {
    /// A full record, but a damaged one.
    Damaged(Damage),
    /// Probably no full record at all.
    NotOne(Damage),
}

fn read_full<'a>(reader: &Reader<'_>, declared: Option<u16>, arena: &'a Bump) -> Result<Record<'a>, FullError> {
    let mut owner = BumpString::with_capacity_in(reader.bytes.len().saturating_sub(FIXED_BYTES), arena);
    let at = reader.name(0, &mut owner).map_err(FullError::NotOne)?;
    let Some(&[k0, k1, c0, c1, t0, t1, t2, t3, l0, l1]) = reader.bytes.get(at..).and_then(|rest| rest.first_chunk())
    else {
        return Err(FullError::NotOne(Damage::Truncated("the record")));
    };
    let kind = u16::from_be_bytes([k0, k1]);
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let start = at + FIXED_BYTES;
    let found = reader.bytes.len() - start;
    if found != length {
        let damage = match found.checked_sub(length) {
            Some(more) => Damage::LeftOver(more),
            None => Damage::Truncated("the data"),
        };
        // Bare data that begins with a zero looks as if the root owned it: there the type may agree by chance.
        let meant = declared == Some(kind) && at > 1;
        return Err(if meant { FullError::Damaged(damage) } else { FullError::NotOne(damage) });
    }
    let mut data = BumpString::with_capacity_in(length.max(16), arena);
    rdata::write(kind, start, reader, &mut data).map_err(FullError::Damaged)?;
    let head = Head {
        owner: owner.into_bump_str(),
        class: u16::from_be_bytes([c0, c1]),
        ttl: u32::from_be_bytes([t0, t1, t2, t3]),
    };
    Ok(Record { head: Some(head), kind, data: data.into_bump_str() })
}

/// The bytes of a record and what its names may point to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'r> {
    pub(super) bytes: &'r [u8],
    question: Option<&'r str>,
    /// Pointers count from the start of a message that we do not have, not from the start of the record.
    in_message: bool,
}

impl Reader<'_> {
    /// Appends the name at `at` without its trailing dot (the root is `.`); returns where it ends.
    pub(super) fn name(&self, mut at: usize, out: &mut BumpString<'_>) -> Result<usize, Damage> {
        let written = out.len();
        let mut end = None;
        let mut length = 1;
        // A pointer must lead below everything read so far: so it cannot loop.
        let mut floor = at;
        loop {
            let first = *self.bytes.get(at).ok_or(Damage::Truncated("a name"))?;
            match first {
                0 => break,
                1..=63 => {
                    let label = at + 1..at + 1 + usize::from(first);
                    at = label.end;
                    length += label.len() + 1;
                    if length > NAME_BYTES_MAX {
                        return Err(Damage::NameTooLong);
                    }
                    if out.len() > written {
                        out.push('.');
                    }
                    push_label(self.bytes.get(label).ok_or(Damage::Truncated("a name"))?, out);
                }
                0xc0..=0xff => {
                    let second = *self.bytes.get(at + 1).ok_or(Damage::Truncated("a name"))?;
                    end.get_or_insert(at + 2);
                    let pointer = usize::from(first & 0x3f) << 8 | usize::from(second);
                    if self.in_message {
                        self.push_question(pointer, out, written)?;
                        break;
                    }
                    if pointer >= floor {
                        return Err(Damage::PointerForward);
                    }
                    floor = pointer;
                    at = pointer;
                }
                kind => return Err(Damage::LabelKind(kind)),
            }
        }
        if out.len() == written {
            out.push('.');
        }
        Ok(end.unwrap_or(at + 1))
    }

    /// Appends what stands at `pointer` of the message, when that lies in the question: in the text of the queried name
    /// every label and its dot take as many bytes as the label and its length take in the message.
    fn push_question(&self, pointer: usize, out: &mut BumpString<'_>, written: usize) -> Result<(), Damage> {
        let question = self.question.filter(|name| name.is_ascii()).ok_or(Damage::PointerOutside)?;
        let question = question.strip_suffix('.').unwrap_or(question);
        let offset = pointer.checked_sub(QUESTION_OFFSET).ok_or(Damage::PointerOutside)?;
        let begins_label = offset == 0 || question.as_bytes().get(offset - 1) == Some(&b'.');
        let rest = question.get(offset..).filter(|rest| begins_label && !rest.is_empty());
        let rest = rest.ok_or(Damage::PointerOutside)?;
        if rest.len() > NAME_BYTES_MAX {
            return Err(Damage::NameTooLong);
        }
        if out.len() > written {
            out.push('.');
        }
        out.push_str(rest);
        Ok(())
    }
}
