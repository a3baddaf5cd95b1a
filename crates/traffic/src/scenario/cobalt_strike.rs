//! Cobalt Strike's DNS beacon with its default prefixes (4.3 and later): `aaa.stage.`, `www.`, `api.`, `cdn.`,
//! `www6.` and `post.`; see the public Malleable C2 reference and SigmaHQ's `net_dns_mal_cobaltstrike`.

use std::net::{IpAddr, Ipv4Addr};

use super::stage::{Stage, Told};
use crate::category;
use crate::rtype;

/// Parts of the stager's payload, three letters each from `aaa`.
const STAGES: u32 = 40;
const CHECK_INS: u32 = 150;

pub(super) fn attack(stage: &mut Stage<'_>) {
    let domain = stage.register("metrics", "com");
    stage.categories = vec![category::NEWLY_SEEN];
    stage.ttl = 1;
    stager(stage, &domain);
    let beacon = format!("{:x}", stage.rng.between(0x1000_0000, 0x7fff_ffff));
    for check in 0..CHECK_INS {
        stage.wait(4_000);
        match check % 10 {
            // The sleep cycle: the beacon's id alone, answered with what is waiting.
            0..7 => {
                let waiting = [0, 0, 0, 0, 0, 241, 243][stage.rng.index(7)];
                stage.ask(&format!("{beacon}.{domain}"), rtype::A, Told::Exactly(address(waiting)));
            }
            7 => metadata(stage, &beacon, &domain),
            8 => task(stage, &beacon, &domain),
            _ => output(stage, &beacon, &domain),
        }
    }
}

const fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(0, 0, 0, last))
}

fn stager(stage: &mut Stage<'_>, domain: &str) {
    for part in 0..STAGES {
        let letters: String =
            [part / 676, part / 26 % 26, part % 26].iter().map(|at| char::from(b'a' + *at as u8)).collect();
        let mut text = String::new();
        stage.rng.text(b"abcdefghijklmnopABCDEFGHIJKLMNOP", 255, &mut text);
        stage.ask(&format!("{letters}.stage.123456.{domain}"), rtype::TXT, Told::Text(text.into_bytes()));
        stage.wait(250);
    }
}

/// A transaction's labels: its number as hexadecimal digits with the beacon's id behind.
fn transaction(stage: &mut Stage<'_>, beacon: &str) -> String {
    format!("{:x}{beacon}", stage.rng.between(0x10, 0xfff_ffff))
}

fn metadata(stage: &mut Stage<'_>, beacon: &str, domain: &str) {
    send(stage, "www", 3, beacon, domain);
}

fn output(stage: &mut Stage<'_>, beacon: &str, domain: &str) {
    for _ in 0..3 {
        send(stage, "post", 4, beacon, domain);
    }
}

/// Sends data upwards: the number of labels, the first label's data behind it, and the others.
fn send(stage: &mut Stage<'_>, prefix: &str, labels: u64, beacon: &str, domain: &str) {
    let transaction = transaction(stage, beacon);
    for part in 0..3 {
        let count = stage.rng.between(1, labels);
        let mut name = format!("{prefix}.{count}");
        for label in 0..count {
            if label > 0 {
                name.push('.');
            }
            // More labels leave each less room below the limit of a name.
            let words = if part == 0 { 1 } else { stage.rng.between(3, (22 / count).min(7)) };
            stage.rng.hex(8 * words as usize, &mut name);
        }
        let short: String = transaction.chars().take(16).collect();
        stage.ask(&format!("{name}.{short}.{domain}"), rtype::A, Told::Exactly(address(0)));
        stage.wait(120);
    }
}

/// Fetches a task: by TXT, by AAAA or by A.
fn task(stage: &mut Stage<'_>, beacon: &str, domain: &str) {
    let (prefix, qtype) =
        stage.rng.pick(&[("api", rtype::TXT), ("api", rtype::TXT), ("www6", rtype::AAAA), ("cdn", rtype::A)]);
    let transaction = transaction(stage, beacon);
    for _ in 0..6 {
        let told = if qtype == rtype::TXT {
            let mut text = String::new();
            stage.rng.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 120, &mut text);
            Told::Text(text.into_bytes())
        } else {
            Told::Address
        };
        stage.ask(&format!("{prefix}.{transaction}.{domain}"), qtype, told);
        stage.wait(90);
    }
}
