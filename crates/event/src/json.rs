//! Writing JSON text: strings, whole numbers, floats.

/// Appends `text` as a JSON string with its quotes. Only what JSON demands is escaped.
#[inline]
pub fn write_str(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let clean = clean_prefix(bytes);
    out.extend_from_slice(&bytes[..clean]);
    if clean < bytes.len() {
        write_escaped(&bytes[clean..], out);
    }
    out.push(b'"');
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The high bits of the bytes that are quotes or backslashes. Exact for each byte: nothing is carried between them.
#[inline]
const fn quotes_and_slashes(word: u64) -> u64 {
    const fn zeros(word: u64) -> u64 {
        !((word & !HIGHS).wrapping_add(!HIGHS) | word | !HIGHS)
    }
    zeros(word ^ (ONES * b'"' as u64)) | zeros(word ^ (ONES * b'\\' as u64))
}

/// The high bits of the bytes below 0x20.
#[inline]
const fn controls(word: u64) -> u64 {
    // adding 0x60 to the low seven bits sets the high bit from 0x20 on
    !((word & !HIGHS).wrapping_add(ONES * 0x60) | word) & HIGHS
}

/// Length of the beginning that needs no escape, found eight bytes at a time.
#[inline]
fn clean_prefix(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let hits = quotes_and_slashes(word) | controls(word);
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    // the end again with what stands before it: one look instead of seven
    if let Some(chunk) = bytes.last_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        if quotes_and_slashes(word) | controls(word) == 0 {
            return bytes.len();
        }
    }
    at + bytes[at..].iter().take_while(|byte| !NEEDS_ESCAPE[**byte as usize]).count()
}

/// Bytes that are looked at in one go: a bit each in one word.
const BLOCK: usize = 64;
/// Bytes that are copied in one go; what is copied too far is overwritten.
const COPY: usize = 16;
/// A block and as much behind it as a copy may read.
type Window = [u8; BLOCK + COPY];

/// Escapes what is left of a text. JSON inside JSON has a quote every few bytes, too irregular for the processor to guess
/// byte by byte: the places of a whole block are found first, then the pieces between them are copied.
fn write_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    let mut end = out.len();
    out.resize(end + 2 * bytes.len() + BLOCK + COPY, 0);
    while !rest.is_empty() {
        let mut padded: Window;
        let (window, length) = match rest.first_chunk() {
            Some(window) => (window, BLOCK),
            None => {
                let length = rest.len().min(BLOCK);
                padded = [b' '; BLOCK + COPY];
                padded[..length].copy_from_slice(&rest[..length]);
                (&padded, length)
            }
        };
        match places(window) {
            Some(mask) => end += expand(window, mask, length, &mut out[end..]),
            None => {
                // Control characters are rare, and where one is there are more: room is made block by block from here.
                out.truncate(end);
                write_bytewise(&window[..length], out);
                end = out.len();
                out.resize(end + 2 * BLOCK + COPY, 0);
            }
        }
        if out.len() < end + 2 * BLOCK + COPY {
            out.resize(end + 2 * BLOCK + COPY, 0);
        }
        rest = &rest[length..];
    }
    out.truncate(end);
}

/// A bit for every byte of a block that needs a backslash; `None` when a control character needs more than that.
#[inline]
fn places(window: &Window) -> Option<u64> {
    let mut mask = 0;
    let mut control = 0;
    for (index, chunk) in window[..BLOCK].chunks_exact(8).enumerate() {
        let word = chunk.first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk));
        // gathers the eight high bits in the top byte
        mask |= (quotes_and_slashes(word) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56 << (8 * index);
        control |= controls(word);
    }
    (control == 0).then_some(mask)
}

/// Writes the first `length` bytes with a backslash before every byte whose bit is set; returns how many bytes that took.
#[inline]
fn expand(window: &Window, mut mask: u64, length: usize, target: &mut [u8]) -> usize {
    let (mut from, mut to) = (0, 0);
    loop {
        let next = (mask.trailing_zeros() as usize).min(length);
        let mut done = from;
        // at most COPY bytes too far, on both sides
        while done < next {
            let (Some(source), Some(place)) =
                (window[done..].first_chunk::<COPY>(), target[to + done - from..].first_chunk_mut::<COPY>())
            else {
                break;
            };
            *place = *source;
            done += COPY;
        }
        to += next - from;
        from = next;
        if mask == 0 {
            return to;
        }
        target[to] = b'\\';
        to += 1;
        mask &= mask - 1;
    }
}

fn write_bytewise(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for &byte in bytes {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[(byte >> 4) as usize]);
                out.push(HEX[(byte & 15) as usize]);
            }
            _ => out.push(byte),
        }
    }
}

const NEEDS_ESCAPE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

/// Appends a whole number.
pub fn write_i64(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends an unsigned whole number.
pub fn write_u64(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a float in the shortest form that reads back the same, always recognisable as a float (`6.0`).
/// JSON knows no infinities: they and NaN become `null`.
pub fn write_f64(number: f64, out: &mut Vec<u8>) {
    if number.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(number).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_reads_back(text in ".*") {
            let mut out = Vec::new();
            write_str(&text, &mut out);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn long_text_full_of_escapes_reads_back(text in "[a\"\\\\é]{0,400}", tail in "[\\x00-\\x7f]{0,200}", spaced in "[a-z\"]{0,300}") {
            let text = format!("{text}{tail}{spaced}{text}");
            let mut out = b"before".to_vec();
            write_str(&text, &mut out);
            prop_assert_eq!(serde_json::from_slice::<String>(&out[6..]).unwrap(), text);
        }

        #[test]
        fn any_float_reads_back(number in proptest::num::f64::NORMAL) {
            let mut out = Vec::new();
            write_f64(number, &mut out);
            let text = std::str::from_utf8(&out).unwrap();
            prop_assert!(serde_json::from_str::<serde_json::Value>(text).unwrap().is_f64());
            prop_assert_eq!(text.parse::<f64>().unwrap(), number);
        }
    }
}
