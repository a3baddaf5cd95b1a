use super::stream::{Dice, Stream};
use crate::native::NativeSettings;

#[test]
fn regular_queries_for_a_rare_domain_are_a_beacon() {
    for (seconds, jitter) in [(10, 400), (60, 3_000), (300, 20_000), (900, 0)] {
        let (mut stream, mut dice) = (Stream::new(), Dice(4));
        for _ in 0..90 {
            stream.ask("laptop-1", "c.feed-1234.xyz", "A");
            stream.wait(seconds * 1000 + dice.below(jitter as usize * 2 + 1) as i64 - jitter);
        }
        assert_eq!(stream.count("beacon").min(1), 1, "{seconds} s");
    }
}

#[test]
fn irregular_or_common_queries_are_none() {
    let (mut stream, mut dice) = (Stream::new(), Dice(5));
    for _ in 0..400 {
        // People; what everybody asks for; a well-known service.
        stream.ask("laptop-1", "www.small-shop.example", "A");
        for device in 0..40 {
            stream.ask(&format!("device-{device}"), "status.monitor-1234.com", "A");
        }
        stream.ask("laptop-2", "time.windows.com", "A");
        let pause = (dice.next() % 1000) as f64 / 1000.0;
        stream.wait(2_000 + (-(1.0 - pause).ln() * 60_000.0) as i64);
    }
    assert_eq!(stream.count("beacon"), 0, "{:?}", stream.raised);
}

#[test]
fn a_domain_is_remarked_once_after_the_learning_days() {
    let mut stream = Stream::new();
    stream.ask("laptop-1", "www.known-1234.com", "A");
    stream.wait(8 * 86_400_000);
    // The clock believes in the jump when some records in a row say so.
    for _ in 0..5 {
        stream.ask("laptop-1", "www.known-1234.com", "A");
        stream.wait(1000);
    }
    stream.ask("laptop-1", "www.fresh-1234.com", "A");
    stream.ask("laptop-2", "cdn.fresh-1234.com", "A");
    stream.miss("laptop-2", "absent-1234.com");
    let remarks: Vec<_> = stream.raised.iter().filter(|raised| raised.detector == "first-seen").collect();
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(remarks[0].informational);
    assert_eq!(remarks[0].group, [("dns.question.registered_domain", "fresh-1234.com".to_owned())]);
}

#[test]
fn one_time_from_the_future_blinds_nothing_and_late_ones_count() {
    let (mut stream, mut dice) = (Stream::new(), Dice(6));
    stream.ask("laptop-1", "www.example.com", "A");
    stream.at += 400 * 86_400_000_000;
    stream.ask("laptop-1", "www.example.com", "A");
    stream.at -= 400 * 86_400_000_000;
    for number in 0..60_i64 {
        // Two streams, one of them ten minutes late.
        let name = super::wire::dnscat2(&mut dice, 20, "updates-1234.org");
        stream.ask("laptop-1", &name, "TXT");
        stream.at -= 600_000_000;
        stream.ask("laptop-2", &name, "TXT");
        stream.at += 600_000_000;
        stream.wait(500 + number % 3);
    }
    let counters = stream.natives.counters();
    assert_eq!((counters.clamped, counters.late), (1, 0));
    assert_eq!(stream.count("tunnel"), 2);
}

#[test]
fn settings_refuse_what_they_do_not_know() {
    assert_eq!(serde_json::from_str::<NativeSettings>("{}").unwrap(), NativeSettings::default());
    let error = serde_json::from_str::<NativeSettings>("{\"tunnel\":{\"names_per_minut\":3}}").unwrap_err();
    assert!(error.to_string().contains("names_per_minute"), "{error}");
    let text = serde_json::to_string(&NativeSettings::default()).unwrap();
    assert_eq!(serde_json::from_str::<NativeSettings>(&text).unwrap(), NativeSettings::default());
}
