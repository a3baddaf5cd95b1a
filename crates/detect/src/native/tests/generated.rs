use super::families::FAMILIES;
use super::stream::{Dice, Stream};
use crate::lists::Lists;

#[test]
fn forty_generated_names_in_four_minutes_are_found_for_every_family() {
    for (family, generate) in FAMILIES {
        for seed in 0..5 {
            let (mut stream, mut dice) = (Stream::new(), Dice(seed));
            for _ in 0..40 {
                stream.miss("laptop-1", &generate(&mut dice));
                stream.wait(6_000);
            }
            assert!(stream.count("nxdomain-burst") == 1, "{family}: {:?}", stream.raised);
        }
    }
}

#[test]
fn generated_names_are_found_among_much_else() {
    let (mut found, mut tried) = (0, 0);
    for (_, generate) in FAMILIES {
        let (mut stream, mut dice) = (Stream::new(), Dice(9));
        for number in 0..40 {
            stream.miss("laptop-1", &generate(&mut dice));
            for other in 0..9 {
                stream.ask("laptop-1", &format!("www.site{}.example", (number * 9 + other) % 50), "A");
                stream.wait(600);
            }
        }
        tried += 1;
        found += stream.count("nxdomain-burst").min(1);
    }
    // Families of words look like words: only the share of failures gives them away.
    assert!(found * 10 >= tried * 6, "{found} of {tried}");
}

/// Well-known domains of our list that people visit.
fn popular() -> Vec<String> {
    let text = include_str!("../../../../../lists/benign.txt");
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.trim_start_matches('=').to_owned())
        .collect()
}

#[test]
fn forty_popular_names_are_not_found_even_when_they_fail() {
    let names = popular();
    for chunk in names.chunks(40).take(40) {
        let mut stream = Stream::new();
        for name in chunk {
            stream.ask("laptop-1", name, "A");
            stream.miss("laptop-2", &format!("www.{name}"));
            stream.wait(6_000);
        }
        assert_eq!(stream.count("nxdomain-burst"), 0, "{chunk:?}");
    }
    assert!(Lists::embedded().len() > 4000);
}

#[test]
fn failures_that_mean_nothing_are_not_found() {
    let mut stream = Stream::new();
    for number in 0..400 {
        // A search suffix, a blocklist, reverse names, a browser's probes, a few mistyped names again and again.
        stream.miss("laptop-1", &format!("www.site{number}.example.corp-domain.example"));
        stream.miss("laptop-1", &format!("{number}.2.0.192.zen.spamhaus.org"));
        stream.miss("laptop-1", &format!("{number}.2.0.192.in-addr.arpa"));
        stream.miss("laptop-1", "qkvjzwhx");
        stream.miss("laptop-1", &format!("mistyped{}.example", number % 15));
        stream.wait(500);
    }
    assert_eq!(stream.count("nxdomain-burst"), 0, "{:?}", stream.raised);
}

#[test]
fn slow_failures_leave_the_window() {
    let (mut stream, mut dice) = (Stream::new(), Dice(2));
    for _ in 0..200 {
        stream.miss("laptop-1", &format!("{}.com", dice.text("abcdefghijklmnopqrstuvwxyz", 12)));
        stream.wait(20_000);
    }
    assert_eq!(stream.count("nxdomain-burst"), 0);
}

#[test]
fn short_words_that_fail_together_are_not_generated() {
    let mut stream = Stream::new();
    for word in super::families::FIRST.iter().chain(&super::families::SECOND) {
        stream.miss("laptop-1", &format!("{word}.example"));
        stream.wait(5_000);
    }
    assert_eq!(stream.count("nxdomain-burst"), 0, "{:?}", stream.raised);
}
