//! Encoders of the tunnel tools, written from the descriptions of their protocols.

use super::stream::Dice;

const IODINE: &str = "abcdefghijklmnopqrstuvwxyz012345";
const RFC4648: &str = "abcdefghijklmnopqrstuvwxyz234567";
const URL64: &str = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789-_";

fn base32(alphabet: &str, bytes: &[u8]) -> String {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    bits.chunks(5)
        .map(|chunk| {
            let value = (0..5).fold(0, |value, at| value << 1 | chunk.get(at).copied().unwrap_or(0));
            char::from(alphabet.as_bytes()[usize::from(value)])
        })
        .collect()
}

fn labelled(text: &str, label: usize, domain: &str) -> String {
    let labels: Vec<&str> = text.as_bytes().chunks(label).map(|part| std::str::from_utf8(part).unwrap()).collect();
    format!("{}.{domain}", labels.join("."))
}

/// iodine: a ping every so often ('p', user, counters and a number that goes up by one), data with the user's number,
/// header and payload in base32 otherwise.
pub(super) fn iodine(dice: &mut Dice, number: u32, payload: usize, domain: &str) -> String {
    let seed = (40_000 + number) as u16;
    if payload == 0 {
        let ping = [0, (number % 8) as u8 * 16, (seed >> 8) as u8, seed as u8];
        return format!("p{}.{domain}", base32(IODINE, &ping));
    }
    let header = dice.text(IODINE, 4);
    labelled(&format!("0{header}{}", base32(IODINE, &dice.bytes(payload))), 57, domain)
}

/// dnscat2: packet id, type, session, sequence, acknowledgement and data in hexadecimal.
pub(super) fn dnscat2(dice: &mut Dice, payload: usize, domain: &str) -> String {
    let mut bytes = dice.bytes(2);
    bytes.extend([1, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc]);
    bytes.extend(dice.bytes(payload));
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    labelled(&hex, 60, domain)
}

/// dns2tcp: session, acknowledgement, a number that goes up, type and data in base64, which the log has in lower case.
pub(super) fn dns2tcp(dice: &mut Dice, payload: usize, domain: &str) -> String {
    let text = dice.text(URL64, (7 + payload) * 4 / 3);
    labelled(&text, 63, domain)
}

/// OzymanDNS: base32 data, a nonce, and labels that say direction and part.
pub(super) fn ozymandns(dice: &mut Dice, up: bool, number: u32, domain: &str) -> String {
    let nonce = dice.below(100_000);
    if up {
        let data = base32(RFC4648, &dice.bytes(66));
        format!("{}-{nonce}.id-{}.up.sshdns.{domain}", labelled(&data, 50, ".").trim_end_matches('.'), 31_337 + number)
    } else {
        format!("{nonce}.id-{}.down.sshdns.{domain}", 31_337 + number)
    }
}
