//! What is remembered: bounded, saved, taken up again, and the same for the same stream.

use proptest::prelude::*;

use super::families::FAMILIES;
use super::stream::{Dice, Stream};
use super::wire::{dnscat2, iodine};
use crate::names::HashKey;
use crate::native::{NativeSettings, Natives, Raised, SnapshotError};

/// A mixed stream of everything; `stop` is called before each query with its number.
fn mixed(stream: &mut Stream, seed: u64, queries: u32, mut stop: impl FnMut(&mut Stream, u32)) {
    let mut dice = Dice(seed);
    for number in 0..queries {
        stop(stream, number);
        let device = format!("laptop-{}", dice.below(3));
        match dice.below(7) {
            0 => stream.ask("laptop-1", &iodine(&mut dice, number, 20, "t.relay-1234.net"), "NULL"),
            1 => stream.ask(&device, &dnscat2(&mut dice, 3, "updates-1234.org"), "TXT"),
            2 | 6 => stream.miss("laptop-0", &FAMILIES[3].1(&mut dice)),
            3 => stream.ask("laptop-9", "c.feed-1234.xyz", "A"),
            4 => stream.ask(
                &device,
                &format!(
                    "{:032x}.docs-1234.com",
                    0xfad5bd9cb469fa16570867728950e_u128 | u128::from(dice.next()) << 100
                ),
                "A",
            ),
            _ => stream.ask(&device, &format!("www.harb{}urline.com", dice.below(10)), "A"),
        }
        stream.wait(300 + dice.below(200) as i64);
    }
}

fn settings() -> NativeSettings {
    let mut settings = NativeSettings::default();
    settings.lookalike.protected = vec!["harbourline.com".to_owned()];
    settings.first_seen.learning_days = 0;
    settings.first_seen.domains_per_week = 10_000;
    settings.reraise_seconds = 300;
    settings
}

fn snapshot(natives: &Natives) -> Vec<u8> {
    let mut bytes = Vec::new();
    natives.snapshot(&mut bytes);
    bytes
}

fn without_stop(seed: u64, queries: u32) -> (Vec<Raised>, Vec<u8>) {
    let mut stream = Stream::with(&settings());
    mixed(&mut stream, seed, queries, |_, _| ());
    (stream.raised, snapshot(&stream.natives))
}

#[test]
fn a_stop_anywhere_changes_nothing() {
    let (expected, end) = without_stop(1, 900);
    assert!(expected.len() > 10);
    for detector in ["tunnel", "nxdomain-burst", "evilproxy", "lookalike", "first-seen"] {
        assert!(expected.iter().any(|raised| raised.detector == detector), "{detector}");
    }
    for every in [1, 37, 450] {
        let mut stream = Stream::with(&settings());
        mixed(&mut stream, 1, 900, |stream, number| {
            if number % every == 0 {
                let bytes = snapshot(&stream.natives);
                stream.natives = Natives::new(&settings());
                stream.natives.restore(&bytes).unwrap();
                assert_eq!(snapshot(&stream.natives), bytes, "{number}");
            }
        });
        assert_eq!(stream.raised, expected, "every {every}");
        assert_eq!(snapshot(&stream.natives), end);
    }
}

#[test]
fn damaged_and_foreign_snapshots_are_refused_and_change_nothing() {
    let mut stream = Stream::with(&settings());
    mixed(&mut stream, 2, 300, |_, _| ());
    let bytes = snapshot(&stream.natives);
    let mut other = Natives::new(&settings());
    let fresh = snapshot(&other);
    for cut in (0..bytes.len()).step_by(97) {
        assert!(other.restore(&bytes[..cut]).is_err());
        let mut changed = bytes.clone();
        changed[cut] ^= 0x41;
        assert!(other.restore(&changed).is_err(), "byte {cut}");
    }
    assert_eq!(other.restore(b"not a snapshot"), Err(SnapshotError::Foreign));
    let mut version = bytes.clone();
    version[8] = 99;
    assert_eq!(other.restore(&version), Err(SnapshotError::Version(99)));
    assert_eq!(snapshot(&other), fresh);
}

#[test]
fn a_snapshot_brings_its_key() {
    let keyed = |key| Natives::with_lists(&settings(), std::sync::Arc::new(crate::lists::Lists::embedded()), key);
    let mut stream = Stream::with(&settings());
    stream.natives = keyed(HashKey::drawn());
    mixed(&mut stream, 1, 450, |_, _| ());
    let bytes = snapshot(&stream.natives);
    assert_ne!(bytes, snapshot(&Natives::new(&settings())));
    stream.natives = keyed(HashKey::drawn());
    stream.natives.restore(&bytes).unwrap();
    assert_eq!(snapshot(&stream.natives), bytes);
    let (mut before, mut dice) = (stream.raised.len(), Dice(9));
    for number in 450..900 {
        stream.ask("laptop-1", &iodine(&mut dice, number, 20, "t.relay-1234.net"), "NULL");
        stream.wait(300);
    }
    let again: Vec<_> = stream.raised.drain(before..).filter(|raised| raised.detector == "tunnel").collect();
    before = again.iter().filter(|raised| raised.count > 450).count();
    assert_eq!((again.len(), before), (again.len(), again.len()), "what was counted before counts on: {again:?}");
}

#[test]
fn floods_are_bounded_and_counted() {
    let mut settings = settings();
    settings.tunnel.candidates = 1024;
    settings.tunnel.pairs = 64;
    settings.tunnel.slow_pairs = 64;
    settings.nxdomain.devices = 64;
    settings.beacon.pairs = 256;
    settings.session.sessions = 64;
    settings.prevalence_domains = 512;
    settings.lookalike.domains = 128;
    let (mut stream, mut dice) = (Stream::with(&settings), Dice(3));
    for number in 0..30_000_u32 {
        let device = format!("device-{}", number / 20);
        stream.ask(&device, &dnscat2(&mut dice, 8, &format!("flood-{}.org", number / 20)), "TXT");
        stream.miss(&device, &format!("www.{}.net", dice.text("abcdefghijklm", 14)));
        stream.ask(&device, &format!("api.{:09x}.flood-{}.org", number, number / 20), "TXT");
        stream.wait(1);
    }
    let counters = stream.natives.counters();
    for (table, most) in [
        (counters.tunnel_candidates, 1024),
        (counters.tunnel, 64),
        (counters.tunnel_days, 64),
        (counters.nxdomain, 64),
        (counters.beacon, 256),
        (counters.session, 64),
        (counters.prevalence, 512),
        (counters.lookalike, 128),
    ] {
        assert!(table.entries <= most && table.evicted > 0, "{counters:?}");
    }
    let bytes = snapshot(&stream.natives);
    assert!(bytes.len() < 2_000_000, "{}", bytes.len());
    let mut again = Natives::new(&settings);
    again.restore(&bytes).unwrap();
    assert_eq!(snapshot(&again), bytes);
}

#[test]
fn a_snapshot_fits_smaller_tables_by_forgetting() {
    let mut stream = Stream::with(&settings());
    mixed(&mut stream, 4, 600, |_, _| ());
    let mut small = settings();
    small.prevalence_domains = 8;
    small.nxdomain.devices = 8;
    small.first_seen.domains_per_week = 500;
    let mut natives = Natives::new(&small);
    natives.restore(&snapshot(&stream.natives)).unwrap();
    assert_eq!(natives.counters().prevalence.entries, 8);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_names_and_times_are_taken(
        queries in proptest::collection::vec(("\\PC{0,40}|[a-f0-9.]{0,260}", any::<i64>(), any::<bool>()), 1..200),
        cut in 0_usize..200,
    ) {
        let mut stream = Stream::with(&settings());
        for (number, (name, at, nxdomain)) in queries.iter().enumerate() {
            if number == cut {
                let bytes = snapshot(&stream.natives);
                stream.natives.restore(&bytes).unwrap();
            }
            stream.at = at.wrapping_sub(super::stream::START);
            if *nxdomain { stream.miss("d", name) } else { stream.ask("d", name, "TXT") }
        }
        prop_assert_eq!(stream.natives.counters().observed, queries.len() as u64);
    }
}
