//! Tunnels: iodine, dnscat2 and dns2tcp, by the names each puts on the wire.

use super::stage::{Stage, Told, hex, labelled};
use crate::category;
use crate::rtype;

const BASE32: &[u8] = b"abcdefghijklmnopqrstuvwxyz012345";
const BASE64_URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// iodine: version and login, the codec tests, then pings and data with the user's number in front.
pub(super) fn iodine(stage: &mut Stage<'_>) {
    let parent = stage.register("relay", "net");
    let domain = format!("t.{parent}");
    stage.categories = vec![category::NEWLY_SEEN];
    stage.ttl = 0;
    for (letter, length) in [('v', 10), ('l', 30), ('i', 5), ('z', 52), ('s', 6), ('o', 6), ('r', 40), ('n', 8)] {
        let mut text = letter.to_string();
        stage.rng.text(BASE32, length, &mut text);
        packet(stage, &labelled(&text, 57, &domain), rtype::NULL);
        stage.wait(120);
    }
    for number in 0..420_u32 {
        let qtype = [rtype::NULL, rtype::NULL, rtype::TXT, rtype::CNAME][number as usize / 105];
        let name = if number % 9 == 0 {
            let mut text = "p".to_owned();
            stage.rng.text(BASE32, 11, &mut text);
            labelled(&text, 57, &domain)
        } else {
            // The user's number, a header of four letters, the data; up to the name's limit.
            let mut text = "0".to_owned();
            let room = 240 - domain.len();
            let length = room - room / 58 - 2 - stage.rng.index(60);
            stage.rng.text(BASE32, length, &mut text);
            labelled(&text, 57, &domain)
        };
        packet(stage, &name, qtype);
        stage.wait(900);
    }
}

fn packet(stage: &mut Stage<'_>, name: &str, qtype: u16) {
    let mut text = String::new();
    let told = match qtype {
        rtype::NULL => Told::Bytes((0..stage.rng.between(8, 90)).map(|_| stage.rng.below(256) as u8).collect()),
        rtype::TXT => {
            stage.rng.text(BASE32, 100, &mut text);
            Told::Text(text.into_bytes())
        }
        _ => {
            stage.rng.text(BASE32, 50, &mut text);
            Told::Alias(format!("h{text}.{}", stage.domain))
        }
    };
    stage.ask(name, qtype, told);
}

/// dnscat2: packet number, type, session and data as hexadecimal labels; TXT, CNAME and MX in turn.
pub(super) fn dnscat2(stage: &mut Stage<'_>) {
    let domain = stage.register("updates", "org");
    stage.ttl = 60;
    let session = stage.rng.below(65_536) as u16;
    let (mut sequence, mut acknowledged) = (stage.rng.below(65_536) as u16, stage.rng.below(65_536) as u16);
    for number in 0..360_u32 {
        let id = stage.rng.below(65_536) as u16;
        let mut bytes = id.to_be_bytes().to_vec();
        // SYN first, FIN last, MSG between.
        bytes.push(if number == 0 { 0 } else { u8::from(number < 359) + u8::from(number == 359) * 2 });
        for value in [session, sequence, acknowledged] {
            bytes.extend_from_slice(&value.to_be_bytes());
        }
        let data = if number % 4 == 0 { 0 } else { stage.rng.between(20, 80) };
        bytes.extend((0..data).map(|_| stage.rng.below(256) as u8));
        sequence = sequence.wrapping_add(data as u16);
        acknowledged = acknowledged.wrapping_add(stage.rng.below(60) as u16);
        let mut reply = bytes[..9].to_vec();
        reply.extend((0..stage.rng.below(20)).map(|_| number as u8));
        let told = match number % 3 {
            0 => Told::Text(hex(&reply).into_bytes()),
            1 => Told::Alias(format!("{}.{domain}", hex(&reply))),
            _ => Told::Mail(format!("{}.{domain}", hex(&reply))),
        };
        let qtype = [rtype::TXT, rtype::CNAME, rtype::MX][number as usize % 3];
        stage.ask(&labelled(&hex(&bytes), 60, &domain), qtype, told);
        stage.wait(1_000);
    }
}

/// dns2tcp: base64 data before `=auth` and `=connect`, then before the domain; TXT only.
pub(super) fn dns2tcp(stage: &mut Stage<'_>) {
    let parent = stage.register("dns", "info");
    let domain = format!("d.{parent}");
    stage.block(&[category::DNS_TUNNELING]);
    for number in 0..180 {
        let mut text = String::new();
        let (length, tail) = match number {
            0..3 => (11, "=auth."),
            3..6 => (15, "=connect."),
            _ => (stage.rng.between(60, 150) as usize, ""),
        };
        stage.rng.text(BASE64_URL, length, &mut text);
        stage.ask(&labelled(&text, 63, &format!("{tail}{domain}")), rtype::TXT, Told::Nothing);
        stage.wait(700);
    }
}
