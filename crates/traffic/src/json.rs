//! Writes JSON text straight into bytes: the generator's records never pass through a document model.

use std::net::IpAddr;

/// Appends a quoted, escaped string.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escaped(out, text.as_bytes());
    out.push(b'"');
}

/// Appends the inside of a string, escaped. The bytes are UTF-8.
pub(crate) fn escaped(out: &mut Vec<u8>, text: &[u8]) {
    let mut from = 0;
    for (at, byte) in text.iter().enumerate() {
        if *byte >= 0x20 && !matches!(byte, b'"' | b'\\') {
            continue;
        }
        out.extend_from_slice(&text[from..at]);
        from = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.push(b"0123456789abcdef"[usize::from(byte >> 4)]);
                out.push(b"0123456789abcdef"[usize::from(byte & 15)]);
            }
        }
    }
    out.extend_from_slice(&text[from..]);
}

/// Appends a decimal number.
pub(crate) fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends an array, each item by `write`.
pub(crate) fn array<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    let start = out.len();
    for item in items {
        if out.len() > start {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// Appends an address without quotes.
pub(crate) fn address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => {
            for (at, octet) in v4.octets().into_iter().enumerate() {
                if at > 0 {
                    out.push(b'.');
                }
                number(out, u64::from(octet));
            }
        }
        IpAddr::V6(v6) => out.extend_from_slice(v6.to_string().as_bytes()),
    }
}

/// Appends a quoted address.
pub(crate) fn quoted_address(out: &mut Vec<u8>, value: IpAddr) {
    out.push(b'"');
    address(out, value);
    out.push(b'"');
}

/// Appends standard base64 with padding.
pub(crate) fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut chunks = bytes.chunks_exact(3);
    for chunk in &mut chunks {
        let bits = u32::from(chunk[0]) << 16 | u32::from(chunk[1]) << 8 | u32::from(chunk[2]);
        out.extend_from_slice(&[18, 12, 6, 0].map(|shift| ALPHABET[(bits >> shift & 63) as usize]));
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        let bits = u32::from(rest[0]) << 16 | rest.get(1).map_or(0, |byte| u32::from(*byte) << 8);
        let mut quad = [18, 12, 6, 0].map(|shift| ALPHABET[(bits >> shift & 63) as usize]);
        quad[3] = b'=';
        if rest.len() == 1 {
            quad[2] = b'=';
        }
        out.extend_from_slice(&quad);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_come_back_as_they_were() {
        for sample in ["", "plain", "a\"b\\c", "line\nfeed\u{1}", "Zoé 東京"] {
            let written = text(|out| string(out, sample));
            assert_eq!(serde_json::from_str::<String>(&written).unwrap(), sample);
        }
    }

    #[test]
    fn base64_of_known_texts() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(text(|out| base64(out, plain.as_bytes())), coded);
        }
    }

    #[test]
    fn numbers_and_arrays() {
        assert_eq!(text(|out| array(out, [0, 7, u64::MAX], number)), "[0,7,18446744073709551615]");
        assert_eq!(text(|out| array(out, [] as [u64; 0], number)), "[]");
    }
}
