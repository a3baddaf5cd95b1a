//! Tunnels of a name every few minutes, and what else a day brings.

use super::stream::{Dice, Stream};
use super::wire::dnscat2;

const CODE: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const DAY_MILLISECONDS: i64 = 86_400_000;

/// Asks every so many seconds for a day and a bit more.
fn a_day(seconds: i64, mut ask: impl FnMut(&mut Stream, i64)) -> Stream {
    let mut stream = Stream::new();
    for number in 0..(DAY_MILLISECONDS + 3_600_000) / (seconds * 1000) {
        ask(&mut stream, number);
        stream.wait(seconds * 1000);
    }
    stream
}

#[test]
fn a_name_every_few_minutes_is_found_within_the_day() {
    for (seconds, query_type) in [(150, "A"), (150, "TXT"), (60, "AAAA"), (40, "A")] {
        let mut dice = Dice(11);
        let stream = a_day(seconds, |stream, _| {
            stream.ask("laptop-1", &dnscat2(&mut dice, 14, "updates-1234.org"), query_type);
            stream.ask("laptop-2", "www.updates-1234.org", "A");
        });
        let found: Vec<_> = stream.raised.iter().filter(|raised| raised.detector == "tunnel").collect();
        assert_eq!(found.len(), 1, "{seconds} s: {found:#?}");
        assert!(found[0].note.contains("hours of a day"), "{}", found[0].note);
        let hours = (found[0].last.as_micros() - found[0].first.as_micros()) / 3_600_000_000;
        assert!((5..24).contains(&hours), "{seconds} s: {hours} hours");
        assert_eq!(found[0].group.last().map(|(_, domain)| domain.as_str()), Some("updates-1234.org"));
    }
}

#[test]
fn what_is_asked_for_all_day_is_no_tunnel() {
    // Words; a few coded names again and again; a known network; one hour of much; an address spelt out.
    let mut dice = Dice(12);
    let few: Vec<String> = (0..60).map(|_| format!("{}.assets-1234.com", dice.text(CODE, 24))).collect();
    let stream = a_day(120, |stream, number| {
        stream.ask("laptop-1", &format!("page{}.shop-1234.com", number % 400), "A");
        stream.ask("laptop-1", &few[dice.below(60)].clone(), "A");
        stream.ask("laptop-1", &format!("{}.cloudfront.net", dice.text(CODE, 14)), "A");
        stream.ask("laptop-1", &format!("{}.{}.7.9.lists-1234.org", number % 250, number / 250), "A");
        if (60..90).contains(&number) {
            for _ in 0..12 {
                stream.ask("laptop-1", &format!("{}.burst-1234.com", dice.text(CODE, 12)), "A");
            }
        }
    });
    assert_eq!(stream.count("tunnel"), 0, "{:#?}", stream.raised);
}

#[test]
fn what_many_devices_ask_for_is_no_slow_tunnel() {
    let mut dice = Dice(13);
    let stream = a_day(150, |stream, number| {
        stream.ask("laptop-1", &dnscat2(&mut dice, 14, "metrics-1234.com"), "A");
        for device in 0..6 {
            stream.ask(&format!("device-{}", number % 40 + device), "www.metrics-1234.com", "A");
            stream.ask(&format!("device-{}", number % 40 + device), "www.example.com", "A");
        }
    });
    assert_eq!(stream.count("tunnel"), 0, "{:#?}", stream.raised);
}

#[test]
fn a_stop_in_the_day_changes_nothing() {
    let mut dice = Dice(14);
    let stream = a_day(150, |stream, number| {
        if number % 100 == 99 {
            let mut bytes = Vec::new();
            stream.natives.snapshot(&mut bytes);
            stream.natives.restore(&bytes).unwrap();
        }
        stream.ask("laptop-1", &dnscat2(&mut dice, 14, "updates-1234.org"), "A");
    });
    assert_eq!(stream.count("tunnel"), 1, "{:#?}", stream.raised);
    assert!(stream.natives.counters().tunnel_days.entries > 0);
}
