//! The data of a record, readable, by type.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

use bumpalo::collections::String as BumpString;

use super::damage::Damage;
use super::presentation::{push_base64, push_hex, push_number, push_quoted, push_unknown};
use super::svcb;
use super::wire::Reader;

/// Appends the data that begins at `start` of the record; it reaches to the end of the record.
pub(super) fn write(kind: u16, start: usize, reader: &Reader<'_>, out: &mut BumpString<'_>) -> Result<(), Damage> {
    let data = reader.bytes.get(start..).unwrap_or_default();
    let mut cursor = Cursor { reader, at: start };
    match kind {
        1 => return write_ipv4(data, out),
        28 => return write_ipv6(data, out),
        // NS, CNAME, PTR, DNAME
        2 | 5 | 12 | 39 => cursor.name(out)?,
        6 => write_soa(&mut cursor, out)?,
        // MX, AFSDB, RT, KX, LP
        15 | 18 | 21 | 36 | 107 => {
            push_number(cursor.u16()?, out);
            out.push(' ');
            cursor.name(out)?;
        }
        // HINFO, TXT, SPF
        13 | 16 | 99 => return write_strings(&mut cursor, out),
        33 => {
            for _ in 0..3 {
                push_number(cursor.u16()?, out);
                out.push(' ');
            }
            cursor.name(out)?;
        }
        35 => write_naptr(&mut cursor, out)?,
        // DS, CDS, DLV
        43 | 59 | 32769 => return write_digest(&mut cursor, Head::KeyTag, out),
        44 => return write_digest(&mut cursor, Head::TwoBytes, out),
        // DNSKEY, CDNSKEY, KEY
        25 | 48 | 60 => return write_key(&mut cursor, out),
        // TLSA, SMIMEA
        52 | 53 => return write_digest(&mut cursor, Head::ThreeBytes, out),
        64 | 65 => return svcb::write(kind, data, out),
        256 => return write_uri(&mut cursor, out),
        257 => return write_caa(&mut cursor, out),
        _ => {
            push_unknown(data, out);
            return Ok(());
        }
    }
    cursor.end()
}

fn write_ipv4(data: &[u8], out: &mut BumpString<'_>) -> Result<(), Damage> {
    let &[a, b, c, d] = data else { return Err(Damage::AddressSize { found: data.len(), expected: 4 }) };
    push_number(a, out);
    for byte in [b, c, d] {
        out.push('.');
        push_number(byte, out);
    }
    Ok(())
}

fn write_ipv6(data: &[u8], out: &mut BumpString<'_>) -> Result<(), Damage> {
    let octets: [u8; 16] = data.try_into().map_err(|_| Damage::AddressSize { found: data.len(), expected: 16 })?;
    let _ = write!(out, "{}", Ipv6Addr::from(octets));
    Ok(())
}

fn write_soa(cursor: &mut Cursor<'_>, out: &mut BumpString<'_>) -> Result<(), Damage> {
    cursor.name(out)?;
    out.push(' ');
    cursor.name(out)?;
    for _ in 0..5 {
        out.push(' ');
        push_number(cursor.u32()?, out);
    }
    Ok(())
}

fn write_strings(cursor: &mut Cursor<'_>, out: &mut BumpString<'_>) -> Result<(), Damage> {
    let mut first = true;
    while !cursor.rest().is_empty() {
        if !first {
            out.push(' ');
        }
        first = false;
        push_quoted(cursor.string()?, out);
    }
    if first { Err(Damage::Truncated("the text")) } else { Ok(()) }
}

fn write_naptr(cursor: &mut Cursor<'_>, out: &mut BumpString<'_>) -> Result<(), Damage> {
    for _ in 0..2 {
        push_number(cursor.u16()?, out);
        out.push(' ');
    }
    for _ in 0..3 {
        push_quoted(cursor.string()?, out);
        out.push(' ');
    }
    cursor.name(out)
}

/// What stands before the digest.
enum Head {
    TwoBytes,
    ThreeBytes,
    KeyTag,
}

fn write_digest(cursor: &mut Cursor<'_>, head: Head, out: &mut BumpString<'_>) -> Result<(), Damage> {
    let bytes = match head {
        Head::TwoBytes => 2,
        Head::ThreeBytes => 3,
        Head::KeyTag => {
            push_number(cursor.u16()?, out);
            out.push(' ');
            2
        }
    };
    for _ in 0..bytes {
        push_number(cursor.u8()?, out);
        out.push(' ');
    }
    push_hex(cursor.rest(), out);
    Ok(())
}

fn write_key(cursor: &mut Cursor<'_>, out: &mut BumpString<'_>) -> Result<(), Damage> {
    push_number(cursor.u16()?, out);
    out.push(' ');
    for _ in 0..2 {
        push_number(cursor.u8()?, out);
        out.push(' ');
    }
    push_base64(cursor.rest(), out);
    Ok(())
}

fn write_uri(cursor: &mut Cursor<'_>, out: &mut BumpString<'_>) -> Result<(), Damage> {
    for _ in 0..2 {
        push_number(cursor.u16()?, out);
        out.push(' ');
    }
    push_quoted(cursor.rest(), out);
    Ok(())
}

fn write_caa(cursor: &mut Cursor<'_>, out: &mut BumpString<'_>) -> Result<(), Damage> {
    push_number(cursor.u8()?, out);
    out.push(' ');
    let tag = std::str::from_utf8(cursor.string()?).ok().filter(|tag| tag.bytes().all(|b| b.is_ascii_alphanumeric()));
    out.push_str(tag.ok_or(Damage::Rules("CAA"))?);
    out.push(' ');
    push_quoted(cursor.rest(), out);
    Ok(())
}

/// Steps through the data of one record.
struct Cursor<'r> {
    reader: &'r Reader<'r>,
    at: usize,
}

impl<'r> Cursor<'r> {
    fn rest(&self) -> &'r [u8] {
        self.reader.bytes.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, count: usize, what: &'static str) -> Result<&'r [u8], Damage> {
        let taken = self.rest().get(..count).ok_or(Damage::Truncated(what))?;
        self.at += count;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, Damage> {
        Ok(self.take(1, "a number")?[0])
    }

    fn u16(&mut self) -> Result<u16, Damage> {
        let bytes = self.take(2, "a number")?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn u32(&mut self) -> Result<u32, Damage> {
        let bytes = self.take(4, "a number")?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn name(&mut self, out: &mut BumpString<'_>) -> Result<(), Damage> {
        self.at = self.reader.name(self.at, out)?;
        Ok(())
    }

    /// A character-string: a length byte and that many bytes.
    fn string(&mut self) -> Result<&'r [u8], Damage> {
        let length = self.u8()?;
        self.take(usize::from(length), "the text")
    }

    fn end(&self) -> Result<(), Damage> {
        match self.rest().len() {
            0 => Ok(()),
            more => Err(Damage::LeftOver(more)),
        }
    }
}
