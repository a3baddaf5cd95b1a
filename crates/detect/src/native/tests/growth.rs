//! What was raised grows with what goes on.

use std::collections::BTreeMap;

use tidegate_event::Timestamp;

use super::families::FAMILIES;
use super::stream::{Dice, START, Stream};
use super::wire::iodine;
use crate::native::{Natives, Raised};

fn at(microseconds: i64) -> Timestamp {
    Timestamp::from_micros(START + microseconds)
}

fn grown(stream: &mut Stream) -> Vec<Raised> {
    let mut out = Vec::new();
    stream.natives.grown(&mut out);
    out
}

#[test]
fn a_tunnel_begins_with_its_first_query_and_ends_with_its_last() {
    let (mut stream, mut dice) = (Stream::new(), Dice(1));
    let mut last = 0;
    for number in 0..180 {
        last = stream.at;
        stream.ask("laptop-1", &iodine(&mut dice, number, 30, "t.relay-1234.net"), "NULL");
        stream.wait(300);
        if let [raised] = &stream.raised[..]
            && raised.count == u64::from(number) + 1
        {
            assert_eq!((raised.first, raised.last), (at(0), at(last)), "when it fires");
        }
    }
    let fired = stream.raised[0].clone();
    assert!(fired.count < 60, "{fired:?}");
    stream.ask("laptop-1", "www.relay-1234.net", "A");
    let all = grown(&mut stream);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].first, all[0].last, all[0].count), (at(0), at(last), 180), "a visit is no part of it");
    assert_eq!((&all[0].group, &all[0].note, &all[0].events[0]), (&fired.group, &fired.note, &fired.events[0]));
    assert_eq!(all[0].events.len(), 10);
    assert!(grown(&mut stream).is_empty(), "told once");
}

#[test]
fn sessions_bursts_and_beacons_grow() {
    let (mut stream, mut dice) = (Stream::new(), Dice(2));
    for number in 0..60_u64 {
        stream.ask("laptop-1", &format!("post.1{number:08x}.5f7a9c01.metrics-1234.com"), "A");
        stream.miss("laptop-2", &FAMILIES[3].1(&mut dice));
        stream.wait(1_000);
    }
    let mut beat = 0;
    while beat < 24 * 60 {
        stream.ask("laptop-3", "c.feed-1234.xyz", "A");
        stream.wait(60_000);
        beat += 1;
    }
    let all = grown(&mut stream);
    let of = |detector: &str| all.iter().rfind(|raised| raised.detector == detector).map(|raised| raised.count);
    assert_eq!((of("cobalt-strike"), of("nxdomain-burst")), (Some(60), Some(60)), "{all:?}");
    let beacon = of("beacon").unwrap_or_default();
    assert!(beacon > 24 * 60 - 13, "{beacon}");
}

#[test]
fn a_changed_address_is_the_same_finding_that_grows() {
    let (mut stream, mut dice) = (Stream::new(), Dice(3));
    for number in 0..2 * 3600 {
        if number == 1800 {
            stream.source_ip = "198.51.100.9";
        }
        stream.ask("laptop-1", &iodine(&mut dice, number, 30, "t.relay-1234.net"), "NULL");
        stream.wait(1_000);
    }
    let mut all = stream.raised.clone();
    all.extend(grown(&mut stream));
    assert_eq!(all.len(), 3, "{all:?}");
    assert!(all.iter().all(|raised| raised.group == all[0].group), "{all:?}");
    assert_eq!(all[2].count, 2 * 3600);
}

#[test]
fn a_stop_neither_loses_nor_doubles_growth() {
    type Key = (&'static str, Vec<(&'static str, String)>, Timestamp);
    let run = |every: u32| {
        let (mut stream, mut dice) = (Stream::new(), Dice(4));
        let mut found: BTreeMap<Key, (u64, Timestamp, usize)> = BTreeMap::new();
        for number in 0..2_000_u32 {
            stream.ask("laptop-1", &iodine(&mut dice, number, 30, "t.relay-1234.net"), "NULL");
            stream.miss("laptop-2", &FAMILIES[3].1(&mut dice));
            stream.ask("laptop-3", &format!("post.1{number:08x}.5f7a9c01.metrics-1234.com"), "A");
            stream.wait(700);
            if number % every == 0 || number == 1_999 {
                let mut all = std::mem::take(&mut stream.raised);
                stream.natives.grown(&mut all);
                for raised in all {
                    let key = (raised.detector, raised.group, raised.first);
                    let new = (raised.count, raised.last, raised.events.len());
                    let old = found.insert(key, new);
                    assert!(old.is_none_or(|old| old <= new), "{old:?} {new:?}");
                }
                let mut bytes = Vec::new();
                stream.natives.snapshot(&mut bytes);
                stream.natives = Natives::new(&crate::native::NativeSettings::default());
                stream.natives.restore(&bytes).unwrap();
            }
        }
        found
    };
    let whole = run(u32::MAX);
    assert_eq!(whole.len(), 4, "the session is a tunnel too: {whole:?}");
    assert!(whole.values().all(|(count, ..)| *count == 2_000), "{whole:?}");
    for every in [1, 7, 400] {
        assert_eq!(run(every), whole, "{every}");
    }
}
