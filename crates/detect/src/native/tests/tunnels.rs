use super::stream::{Dice, Stream};
use super::wire::{dns2tcp, dnscat2, iodine, ozymandns};

/// Plays 150 queries of a tool within a minute and wants it found by then.
fn caught(what: &str, types: &[&str], mut name: impl FnMut(&mut Dice, u32) -> String) {
    for seed in 0..8 {
        let (mut stream, mut dice) = (Stream::new(), Dice(seed));
        for number in 0..150 {
            let name = name(&mut dice, number);
            stream.ask("laptop-1", &name, types[number as usize % types.len()]);
            stream.wait(390);
        }
        let raised = stream.raised.iter().find(|raised| raised.detector == "tunnel");
        let raised = raised.unwrap_or_else(|| panic!("{what} with types {types:?} was not found"));
        assert_eq!(raised.group[0], ("source.ip", "192.0.2.7".to_owned()));
        assert_eq!(raised.group[1], ("device.id", "laptop-1".to_owned()));
        assert_eq!(raised.group[2].0, "dns.question.registered_domain");
        assert!((1..=10).contains(&raised.events.len()) && raised.count >= 20, "{raised:?}");
    }
}

#[test]
fn iodine_in_every_type_and_length() {
    for types in [&["NULL"][..], &["TXT"], &["A"], &["CNAME", "MX", "SRV"], &["TYPE65399"]] {
        for payload in [3, 8, 20, 60, 130] {
            caught("iodine", types, |dice, number| iodine(dice, number, payload, "t.relay-1234.net"));
        }
        // Data now and then, pings otherwise.
        caught("iodine", types, |dice, number| {
            iodine(dice, number, usize::from(number % 10 == 0) * 60, "t.relay-1234.net")
        });
        // Nothing but pings: the shortest names there are.
        caught("iodine pings", types, |dice, number| iodine(dice, number, 0, "t.relay-1234.net"));
        caught("iodine pings", types, |dice, number| iodine(dice, number, 0, "t1.eu"));
    }
}

#[test]
fn dnscat2_idle_and_busy() {
    for payload in [0, 4, 40, 90] {
        for types in [&["TXT", "CNAME", "MX"][..], &["TXT"], &["A"], &["AAAA"]] {
            caught("dnscat2", types, |dice, _| dnscat2(dice, payload, "updates-1234.org"));
        }
    }
}

#[test]
fn dns2tcp_and_ozymandns() {
    for payload in [2, 10, 60, 120] {
        caught("dns2tcp", &["TXT"], |dice, _| dns2tcp(dice, payload, "d.dns-1234.info"));
        caught("dns2tcp", &["KEY"], |dice, _| dns2tcp(dice, payload, "d.dns-1234.info"));
    }
    caught("ozymandns", &["TXT"], |dice, number| ozymandns(dice, true, number, "oz-1234.com"));
    caught("ozymandns", &["TXT"], |dice, number| ozymandns(dice, false, number, "oz-1234.com"));
    caught("ozymandns", &["A", "TXT"], |dice, number| ozymandns(dice, number % 2 == 0, number, "oz-1234.com"));
}

#[test]
fn a_tunnel_that_polls_every_second_is_found_within_a_minute() {
    for kind in 0..4 {
        let (mut stream, mut dice) = (Stream::new(), Dice(3));
        for number in 0..60 {
            let (name, query_type) = match kind {
                0 => (iodine(&mut dice, number, 0, "t.relay-1234.net"), "NULL"),
                1 => (dnscat2(&mut dice, 0, "updates-1234.org"), "CNAME"),
                2 => (dns2tcp(&mut dice, 4, "d.dns-1234.info"), "TXT"),
                _ => (dnscat2(&mut dice, 0, "updates-1234.org"), "A"),
            };
            stream.ask("laptop-1", &name, query_type);
            stream.wait(1000);
        }
        assert_eq!(stream.count("tunnel"), 1, "{kind}");
    }
}

#[test]
fn the_same_tunnel_is_told_once_an_hour_with_a_growing_count() {
    let (mut stream, mut dice) = (Stream::new(), Dice(1));
    for number in 0..3 * 3600 {
        stream.ask("laptop-1", &iodine(&mut dice, number, 30, "t.relay-1234.net"), "NULL");
        stream.wait(1000);
    }
    let tunnels: Vec<u64> =
        stream.raised.iter().filter(|raised| raised.detector == "tunnel").map(|raised| raised.count).collect();
    assert_eq!(tunnels.len(), 3, "{tunnels:?}");
    assert!(tunnels.is_sorted() && tunnels[2] > 7000, "{tunnels:?}");
}

#[test]
fn many_names_that_are_no_tunnel() {
    let mut stream = Stream::new();
    let words =
        ["shop", "mail", "news", "garden", "login", "static", "music", "photo", "north", "south", "blue", "media"];
    for number in 0..3000_usize {
        let (one, two) = (words[number % 12], words[number / 12 % 12]);
        // Hosts of a big site, addresses in a blocklist and an unknown one, reverse names, one name again and again.
        stream.ask("laptop-1", &format!("{one}-{two}.big-site.example"), "A");
        let address = format!("{}.{}.2.10", number % 251, number / 251);
        stream.ask("mail-1", &format!("{address}.zen.spamhaus.org"), "A");
        stream.ask("mail-1", &format!("{address}.dnsbl.unknown-list.example"), "TXT");
        stream.ask("mail-1", &format!("{address}.in-addr.arpa"), "PTR");
        stream.ask("laptop-2", "7f3a9c01e8d2b645a1b2c3d4e5f60718.static.example", "TXT");
        stream.wait(200);
    }
    assert_eq!(stream.count("tunnel"), 0, "{:?}", stream.raised);
}
