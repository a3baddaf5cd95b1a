//! What a JSON string holds.

use std::borrow::Cow;

use memchr::memchr;

/// Undoes the escapes of a string's inner bytes. An escape that JSON does not know stays as it stands, half a surrogate
/// pair becomes U+FFFD: a record is kept, whatever its sender did to it.
pub(crate) fn unescape(inner: &[u8]) -> Cow<'_, [u8]> {
    let Some(mut escape) = memchr(b'\\', inner) else {
        return Cow::Borrowed(inner);
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    loop {
        out.extend_from_slice(&rest[..escape]);
        rest = one_escape(&rest[escape..], &mut out);
        let Some(next) = memchr(b'\\', rest) else { break };
        escape = next;
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// Writes what the escape at the head of `text` stands for, and returns what follows it.
fn one_escape<'t>(text: &'t [u8], out: &mut Vec<u8>) -> &'t [u8] {
    let plain = match text.get(1) {
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(b'r') => b'\r',
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(quoted @ (b'"' | b'\\' | b'/')) => *quoted,
        Some(b'u') => return unicode(text, out),
        _ => {
            out.push(b'\\');
            return &text[1..];
        }
    };
    out.push(plain);
    &text[2..]
}

fn unicode<'t>(text: &'t [u8], out: &mut Vec<u8>) -> &'t [u8] {
    let Some(first) = unit(text) else {
        out.push(b'\\');
        return &text[1..];
    };
    let mut taken = 6;
    let character = match first {
        0xd800..=0xdbff => match unit(&text[6..]) {
            Some(second @ 0xdc00..=0xdfff) => {
                taken = 12;
                char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))
            }
            _ => None,
        },
        other => char::from_u32(other),
    };
    let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    &text[taken..]
}

/// The code unit of a `\uXXXX` at the head of `text`.
fn unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(inner: &str) -> String {
        String::from_utf8(unescape(inner.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(text(r#"a\"b\\c\/d\n\t\r\b\f"#), "a\"b\\c/d\n\t\r\u{8}\u{c}");
        assert_eq!(text(r"\u00e9\ud83d\ude00x"), "é😀x");
        assert!(matches!(unescape(b"plain"), Cow::Borrowed(b"plain")));
    }

    #[test]
    fn damage_is_kept_not_lost() {
        assert_eq!(text(r"\x\u12"), r"\x\u12");
        assert_eq!(text(r"\ud83dx"), "\u{fffd}x");
        assert_eq!(text(r"\ude00"), "\u{fffd}");
        assert_eq!(text("end\\"), "end\\");
    }

    proptest::proptest! {
        #[test]
        fn any_string_survives(content: String) {
            let json = serde_json::to_string(&content).unwrap();
            assert_eq!(text(&json[1..json.len() - 1]), content);
        }

        #[test]
        fn any_bytes_are_harmless(bytes: Vec<u8>) {
            unescape(&bytes);
        }
    }
}
