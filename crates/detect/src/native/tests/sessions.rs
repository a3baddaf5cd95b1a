use super::super::labels::sliver;
use super::stream::{Dice, Stream};
use crate::native::NativeSettings;

#[test]
fn three_sliver_messages_below_one_domain_are_a_session() {
    let (mut stream, mut dice) = (Stream::new(), Dice(1));
    for number in 0..3 {
        assert_eq!(stream.count("sliver"), 0);
        let data = dice.bytes(60);
        let name = message(3, 0x0100_0000 + number, &data, "cdn-1234.net");
        assert!(sliver(&name).is_some(), "{name}");
        stream.ask("laptop-1", &name, "TXT");
        stream.wait(60_000);
    }
    assert_eq!(stream.count("sliver"), 1);
    // Too slow for the window, on another device.
    for number in 0..5 {
        stream.ask("laptop-2", &message(3, 0x0200_0000 + number, &[1, 2, 3], "cdn-1234.net"), "TXT");
        stream.wait(601_000);
    }
    assert_eq!(stream.count("sliver"), 1);
}

fn message(kind: u32, id: u32, data: &[u8], domain: &str) -> String {
    crate::native::labels::sliver_name(kind, id, data, domain)
}

#[test]
fn evilproxy_needs_two_labels_or_its_login_host() {
    let label = |number: u32| format!("{number:08x}d9cb469fa16570867728950e");
    let mut stream = Stream::new();
    stream.ask("laptop-1", &format!("{}.docs-1234.com", label(1)), "A");
    stream.ask("laptop-1", &format!("{}.docs-1234.com", label(1)), "HTTPS");
    assert_eq!(stream.count("evilproxy"), 0);
    stream.ask("laptop-1", &format!("{}.docs-1234.com", label(2)), "A");
    assert_eq!(stream.count("evilproxy"), 1);
    stream.ask("laptop-2", "login.docs-1234.com", "A");
    assert_eq!(stream.count("evilproxy"), 1);
    stream.ask("laptop-2", &format!("{}.docs-1234.com", label(3)), "A");
    assert_eq!(stream.count("evilproxy"), 2);
    stream.ask("laptop-3", "login.docs-1234.com", "A");
    stream.ask("laptop-3", "login.other-1234.com", "A");
    assert_eq!(stream.count("evilproxy"), 2);
}

#[test]
fn cobalt_strike_by_strict_shapes_or_by_many() {
    let mut stream = Stream::new();
    for number in 0..50 {
        stream.ask("laptop-1", &format!("api.{:09x}.metrics-1234.com", 0x1_0000_0000_u64 + number), "TXT");
        stream.wait(5_000);
    }
    assert_eq!(stream.count("cobalt-strike"), 0);
    stream.ask("laptop-1", "api.17a9c01d2.metrics-1234.com", "TXT");
    assert_eq!(stream.count("cobalt-strike"), 1);
    for number in 0..3 {
        stream.ask("laptop-2", &format!("post.1{:08x}.5f7a9c01.metrics-1234.com", number), "A");
    }
    assert_eq!(stream.count("cobalt-strike"), 2);
}

#[test]
fn imitations_of_protected_domains_and_nothing_else() {
    let mut settings = NativeSettings::default();
    settings.lookalike.protected = vec!["Harbourline.com".to_owned(), "b\u{fc}cherei.de".to_owned()];
    settings.lookalike.known = vec!["harbourline.fr".to_owned()];
    let mut stream = Stream::with(&settings);
    for name in
        ["www.harbourline.com", "harbourline.fr", "harbor.com", "line.com", "harbour.org", "outerharbourlines-club.com"]
    {
        stream.ask("laptop-1", name, "A");
    }
    assert_eq!(stream.count("lookalike"), 0, "{:?}", stream.raised);
    for (number, name) in [
        "login.harb0urline.com",
        "harbour1ine.net",
        "harbourline.co",
        "harbuorline.com",
        "harbourlines.com",
        "harbourline-sso.online",
        "loginharbourline.com",
        "www.harbourline.com.evil-1234.net",
        "xn--hrbourline-q5a.com",
        "bucherei.de",
    ]
    .into_iter()
    .enumerate()
    {
        stream.ask("laptop-1", name, "A");
        stream.ask("laptop-1", name, "AAAA");
        assert_eq!(stream.count("lookalike"), number + 1, "{name}");
    }
    assert!(stream.raised[0].note.contains("harb0urline.com imitates harbourline.com"), "{}", stream.raised[0].note);
}
