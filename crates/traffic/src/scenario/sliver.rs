//! Sliver's DNS implant: a protobuf message (type, id, start, stop, size, data) in its base32 alphabet, cut into
//! labels of 63 characters.

use super::stage::{Stage, Told, labelled};
use crate::category;
use crate::rtype;

/// No `s`, `i`, `l`, `o`; digits and letters mixed.
pub(super) const ALPHABET: &[u8; 32] = b"ab1c2d3e4f5g6h7j8k9m0npqrtuvwxyz";

/// Message types.
const INIT: u64 = 2;
const POLL: u64 = 3;
const CLOSE: u64 = 4;
const MANIFEST: u64 = 6;
const DATA_TO_IMPLANT: u64 = 7;
const DATA_FROM_IMPLANT: u64 = 8;
const CLEAR: u64 = 9;

const POLLS: u32 = 60;
/// Bytes of data a name has room for beside the message's other fields and the domain.
const DATA_BYTES_MAX: usize = 100;

/// A message, written in field order as protobuf libraries do; zero fields are left out.
#[derive(Default)]
struct Message {
    kind: u64,
    id: u64,
    start: u64,
    stop: u64,
    size: u64,
    data: Vec<u8>,
}

impl Message {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (field, value) in [(1, self.kind), (2, self.id), (3, self.start), (4, self.stop), (5, self.size)] {
            if value != 0 {
                out.push(field << 3);
                varint(&mut out, value);
            }
        }
        if !self.data.is_empty() {
            out.push(6 << 3 | 2);
            varint(&mut out, self.data.len() as u64);
            out.extend_from_slice(&self.data);
        }
        out
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 127 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Base32 without padding over the implant's alphabet.
pub(super) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(char::from(ALPHABET[(bits >> count & 31) as usize]));
        }
    }
    if count > 0 {
        text.push(char::from(ALPHABET[(bits << (5 - count) & 31) as usize]));
    }
    text
}

pub(super) fn attack(stage: &mut Stage<'_>) {
    let domain = stage.register("cdn", "net");
    stage.categories = vec![category::NEW, category::NEWLY_SEEN];
    stage.ttl = 1;
    let session = stage.rng.between(0x0010_0000, 0x00ff_ffff);
    // The resolver's fingerprint: does it keep case, does it cache.
    for number in 0..3 {
        let data = random(stage, 8);
        send(stage, &domain, rtype::A, &Message { id: session | number << 24, data, ..Message::default() });
    }
    upload(stage, &domain, INIT, session, 220);
    for poll in 0..POLLS {
        stage.wait(6_000);
        let data = random(stage, 8);
        send(stage, &domain, rtype::TXT, &Message { kind: POLL, id: session, data, ..Message::default() });
        if poll % 12 == 5 {
            conversation(stage, &domain, session);
        }
    }
    send(stage, &domain, rtype::TXT, &Message { kind: CLOSE, id: session, ..Message::default() });
}

/// A task: its manifest, the data down, the answer up, and done.
fn conversation(stage: &mut Stage<'_>, domain: &str, session: u64) {
    send(stage, domain, rtype::TXT, &Message { kind: MANIFEST, id: session, size: 900, ..Message::default() });
    for part in 0..5 {
        let (start, stop) = (part * 180, (part + 1) * 180);
        let message = Message { kind: DATA_TO_IMPLANT, id: session, start, stop, ..Message::default() };
        send(stage, domain, rtype::TXT, &message);
    }
    upload(stage, domain, DATA_FROM_IMPLANT, session, 800);
    let data = random(stage, 8);
    send(stage, domain, rtype::TXT, &Message { kind: CLEAR, id: session, data, ..Message::default() });
}

/// Sends `size` bytes upwards in parts.
fn upload(stage: &mut Stage<'_>, domain: &str, kind: u64, id: u64, size: u64) {
    let mut start = 0;
    while start < size {
        let length = (size - start).min(DATA_BYTES_MAX as u64);
        let data = random(stage, length as usize);
        send(stage, domain, rtype::TXT, &Message { kind, id, start, size, data, ..Message::default() });
        start += length;
    }
}

fn random(stage: &mut Stage<'_>, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|_| stage.rng.below(256) as u8).collect()
}

fn send(stage: &mut Stage<'_>, domain: &str, qtype: u16, message: &Message) {
    let name = labelled(&base32(&message.encode()), 63, domain);
    let told = if qtype == rtype::TXT {
        let mut text = String::new();
        stage.rng.text(ALPHABET, 96, &mut text);
        Told::Text(text.into_bytes())
    } else {
        Told::Address
    };
    stage.ask(&name, qtype, told);
    stage.wait(350);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_letters_tell_the_type() {
        for (kind, letters) in [
            (INIT, "babb"),
            (POLL, "babk"),
            (CLOSE, "ba1b"),
            (MANIFEST, "bacb"),
            (DATA_TO_IMPLANT, "back"),
            (DATA_FROM_IMPLANT, "ba2b"),
            (CLEAR, "ba2k"),
        ] {
            let text = base32(&Message { kind, id: 0x00ab_cdef, ..Message::default() }.encode());
            assert_eq!(&text[..4], letters);
        }
        let poll = Message { kind: POLL, id: 0x00ab_cdef, data: vec![7; 8], ..Message::default() };
        assert!(matches!(base32(&poll.encode()).len(), 28 | 29));
        let fingerprint = base32(&Message { id: 0x00ab_cdef, ..Message::default() }.encode());
        assert!(fingerprint.starts_with("11") || fingerprint.starts_with("1c"));
    }
}
