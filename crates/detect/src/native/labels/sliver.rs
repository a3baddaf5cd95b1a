//! Messages of Sliver's DNS implant: a protobuf message in an own base32 alphabet, cut into labels of 63 characters.
//!
//! Facts (field numbers, types, alphabet) from the public protocol definition `dnspb/dns.proto` and the description of
//! the encoder; the code is ours. Implants before 1.6 may use base58, which needs letter case and cannot be read here.

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliverKind {
    /// No operation: the resolver's fingerprint.
    Nop,
    /// A session begins.
    Init,
    /// The implant asks for work.
    Poll,
    /// A session ends.
    Close,
    /// What is to be fetched.
    Manifest,
    /// Data to the implant.
    DataToImplant,
    /// Data from the implant.
    DataFromImplant,
    /// A transfer is done.
    Clear,
}

/// A message read from a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliverMessage {
    /// What it is for.
    pub kind: SliverKind,
    /// Session and message number.
    pub id: u32,
    /// Bytes of data it carries.
    pub data_bytes: usize,
}

const ALPHABET: &[u8; 32] = b"ab1c2d3e4f5g6h7j8k9m0npqrtuvwxyz";
const LABEL_BYTES_MAX: usize = 63;
/// A message cannot be larger than a name.
const MESSAGE_BYTES_MAX: usize = 160;
/// A type, an id and no data.
const MESSAGE_BYTES_MIN: usize = 5;

const VALUES: [u8; 256] = {
    let mut values = [255; 256];
    let mut at = 0;
    while at < 32 {
        values[ALPHABET[at] as usize] = at as u8;
        at += 1;
    }
    values
};

/// Reads the message that a name's first labels hold.
#[must_use]
pub fn sliver(name: &str) -> Option<SliverMessage> {
    // Every message begins with field 1 or 2, so with one of these letters.
    if !matches!(name.as_bytes(), [b'b', b'a', ..] | [b'1', ..]) {
        return None;
    }
    let mut end = 0;
    loop {
        let label = name[end..].find('.')?;
        end += label;
        // A domain of at least two labels follows.
        if !name[end + 1..].contains('.') {
            return None;
        }
        if let Some(message) = decode(&name.as_bytes()[..end]) {
            return Some(message);
        }
        if label != LABEL_BYTES_MAX {
            return None;
        }
        end += 1;
    }
}

fn decode(text: &[u8]) -> Option<SliverMessage> {
    let mut bytes = [0; MESSAGE_BYTES_MAX];
    let (mut length, mut bits, mut count) = (0, 0_u32, 0);
    for letter in text.iter().filter(|letter| **letter != b'.') {
        let value = VALUES[*letter as usize];
        if value == 255 {
            return None;
        }
        bits = bits << 5 | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            *bytes.get_mut(length)? = (bits >> count) as u8;
            length += 1;
        }
    }
    // What is left over pads the last letter: fewer than five bits, all zero.
    (count < 5 && bits & ((1 << count) - 1) == 0 && length >= MESSAGE_BYTES_MIN)
        .then(|| message(&bytes[..length]))
        .flatten()
}

/// Reads the protobuf message: fields in order, each at most once, nothing left over.
fn message(mut bytes: &[u8]) -> Option<SliverMessage> {
    let (mut numbers, mut before, mut data_bytes) = ([0_u32; 6], 0, 0);
    while let Some((tag, rest)) = bytes.split_first() {
        let field = tag >> 3;
        if field <= before || field > 6 || tag & 7 != if field == 6 { 2 } else { 0 } {
            return None;
        }
        let (value, rest) = varint(rest)?;
        before = field;
        bytes = rest;
        if field == 6 {
            data_bytes = value as usize;
            bytes = rest.get(data_bytes..)?;
        } else {
            numbers[usize::from(field)] = value;
        }
    }
    let kind = kind(numbers[1])?;
    // Without a type only a fingerprint makes sense, and it carries data.
    (numbers[2] != 0 && (kind != SliverKind::Nop || data_bytes > 0)).then_some(SliverMessage {
        kind,
        id: numbers[2],
        data_bytes,
    })
}

/// A number of at most 32 bits, written as short as can be.
fn varint(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        value |= u64::from(byte & 127) << (7 * at);
        if byte & 128 == 0 {
            let shortest = at == 0 || *byte != 0;
            return shortest.then_some((u32::try_from(value).ok()?, &bytes[at + 1..]));
        }
    }
    None
}

const fn kind(number: u32) -> Option<SliverKind> {
    Some(match number {
        0 => SliverKind::Nop,
        2 => SliverKind::Init,
        3 => SliverKind::Poll,
        4 => SliverKind::Close,
        6 => SliverKind::Manifest,
        7 => SliverKind::DataToImplant,
        8 => SliverKind::DataFromImplant,
        9 => SliverKind::Clear,
        _ => return None,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn base32(bytes: &[u8]) -> String {
        let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
        bits.chunks(5)
            .map(|chunk| {
                let value = (0..5).fold(0, |value, at| value << 1 | chunk.get(at).copied().unwrap_or(0));
                char::from(ALPHABET[usize::from(value)])
            })
            .collect()
    }

    fn number(out: &mut Vec<u8>, field: u8, mut value: u32) {
        if value == 0 {
            return;
        }
        out.push(field << 3);
        while value > 127 {
            out.push(value as u8 | 128);
            value >>= 7;
        }
        out.push(value as u8);
    }

    /// A name as the implant makes it.
    pub(crate) fn encode(kind: u32, id: u32, size: u32, data: &[u8], domain: &str) -> String {
        let mut bytes = Vec::new();
        number(&mut bytes, 1, kind);
        number(&mut bytes, 2, id);
        number(&mut bytes, 5, size);
        if !data.is_empty() {
            bytes.extend([6 << 3 | 2, data.len() as u8]);
            bytes.extend(data);
        }
        let text = base32(&bytes);
        let labels: Vec<&str> = text.as_bytes().chunks(63).map(|chunk| std::str::from_utf8(chunk).unwrap()).collect();
        format!("{}.{domain}", labels.join("."))
    }

    #[test]
    fn known_beginnings_and_kinds() {
        for (kind, letters, expected) in [
            (2, "babb", SliverKind::Init),
            (3, "babk", SliverKind::Poll),
            (4, "ba1b", SliverKind::Close),
            (6, "bacb", SliverKind::Manifest),
            (7, "back", SliverKind::DataToImplant),
            (8, "ba2b", SliverKind::DataFromImplant),
            (9, "ba2k", SliverKind::Clear),
        ] {
            let name = encode(kind, 0x00ab_cdef, 0, &[], "c2.example.com");
            assert!(name.starts_with(letters), "{name}");
            assert_eq!(sliver(&name), Some(SliverMessage { kind: expected, id: 0x00ab_cdef, data_bytes: 0 }));
        }
        let fingerprint = encode(0, 0x0112_3456, 0, &[7; 8], "example.com");
        assert_eq!(sliver(&fingerprint).unwrap().kind, SliverKind::Nop);
    }

    #[test]
    fn ordinary_names_are_no_messages() {
        for name in [
            "babbel.com",
            "www.babbel.com",
            "back.example.com",
            "backup01.storage.example.com",
            "1drv.ms",
            "1c2d3e4f.cdn.example.com",
            "ba2b8k9m0npqrtuvwxyzba2b8k9m0npqrtuvwxyz.cdn.example.com",
            "1a79a4d60de6718e8e5b326e338ae533.cdn.example.com",
            "babb",
            "1",
            "",
        ] {
            assert_eq!(sliver(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_message_is_read_back(
            kind in prop_oneof![Just(2_u32), Just(3), Just(6), Just(7), Just(8), Just(9)],
            id in 0x1000_u32..,
            size in 0_u32..100_000,
            data in proptest::collection::vec(any::<u8>(), 0..110),
        ) {
            let name = encode(kind, id, size, &data, "evil.example");
            let message = sliver(&name).unwrap();
            prop_assert_eq!((message.id, message.data_bytes), (id, data.len()));
        }

        #[test]
        fn no_name_panics(name in "[ab1][a-z0-9.]{0,250}|\\PC{0,80}") {
            let _ = sliver(&name);
            let _ = super::super::cobalt_strike(&name);
            let _ = super::super::bazar(&name);
            let _ = super::super::evilproxy(&name, "example.com");
        }
    }
}
