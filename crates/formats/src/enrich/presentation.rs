//! Writing DNS data as people read it: the presentation format of RFC 1035 section 5.1, without trailing dots on names.

use std::fmt::Write as _;

use bumpalo::collections::String as BumpString;

/// Appends a label; bytes that cannot stand in a name are written as `\046` or `\.`.
pub(super) fn push_label(label: &[u8], out: &mut BumpString<'_>) {
    if label.iter().all(|byte| is_plain(*byte)) {
        // Plain bytes are ASCII, so this never takes the other branch.
        out.push_str(std::str::from_utf8(label).unwrap_or_default());
        return;
    }
    for &byte in label {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            push_escaped(byte, out);
        }
    }
}

/// Appends bytes as text in quotes.
pub(super) fn push_quoted(bytes: &[u8], out: &mut BumpString<'_>) {
    out.push('"');
    let mut rest = bytes;
    while !rest.is_empty() {
        let plain = rest.iter().take_while(|byte| is_plain_in_quotes(**byte)).count();
        let (head, tail) = rest.split_at(plain);
        // Plain bytes are ASCII, so this never takes the other branch.
        out.push_str(std::str::from_utf8(head).unwrap_or_default());
        rest = match tail.split_first() {
            Some((&byte, tail)) => {
                push_escaped(byte, out);
                tail
            }
            None => tail,
        };
    }
    out.push('"');
}

/// Appends bytes as hexadecimal digits.
pub(super) fn push_hex(bytes: &[u8], out: &mut BumpString<'_>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(HEX[usize::from(byte >> 4)]));
        out.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

/// Appends bytes as base64.
pub(super) fn push_base64(bytes: &[u8], out: &mut BumpString<'_>) {
    let _ = write!(out, "{}", data_encoding::BASE64.encode_display(bytes));
}

/// Appends bytes in the form of a type that nobody knows (RFC 3597 section 5).
pub(super) fn push_unknown(bytes: &[u8], out: &mut BumpString<'_>) {
    let _ = write!(out, "\\# {}", bytes.len());
    if !bytes.is_empty() {
        out.push(' ');
        push_hex(bytes, out);
    }
}

/// Appends a number.
pub(super) fn push_number(number: impl Into<u64>, out: &mut BumpString<'_>) {
    let mut number = number.into();
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    // Digits are ASCII, so this never takes the other branch.
    out.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

fn push_escaped(byte: u8, out: &mut BumpString<'_>) {
    out.push('\\');
    if byte.is_ascii_graphic() {
        out.push(char::from(byte));
    } else {
        for digit in [byte / 100, byte / 10 % 10, byte % 10] {
            out.push(char::from(b'0' + digit));
        }
    }
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$')
}

const fn is_plain_in_quotes(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use bumpalo::Bump;

    fn written(write: impl FnOnce(&mut BumpString<'_>)) -> String {
        let arena = Bump::new();
        let mut out = BumpString::new_in(&arena);
        write(&mut out);
        out.as_str().to_owned()
    }

    #[test]
    fn labels_keep_what_is_readable() {
        assert_eq!(written(|out| push_label(b"_dns-sd", out)), "_dns-sd");
        assert_eq!(written(|out| push_label(b"a.b\\c d\0\xff", out)), r"a\.b\\c\032d\000\255");
    }

    #[test]
    fn text_is_quoted_and_escaped() {
        assert_eq!(written(|out| push_quoted(b"", out)), r#""""#);
        assert_eq!(written(|out| push_quoted(b"v=1; \"x\"\\\n\xc3\xa9", out)), r#""v=1; \"x\"\\\010\195\169""#);
    }

    #[test]
    fn bytes_and_numbers() {
        assert_eq!(written(|out| push_hex(&[0, 0xab], out)), "00ab");
        assert_eq!(written(|out| push_base64(b"ech", out)), "ZWNo");
        assert_eq!(written(|out| push_unknown(&[10, 0], out)), r"\# 2 0a00");
        assert_eq!(written(|out| push_unknown(&[], out)), r"\# 0");
        assert_eq!(written(|out| push_number(0_u8, out)), "0");
        assert_eq!(written(|out| push_number(u64::MAX, out)), u64::MAX.to_string());
    }
}
