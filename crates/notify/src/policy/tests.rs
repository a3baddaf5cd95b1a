use super::*;

#[test]
fn only_the_network_is_allowed() {
    let policy = Policy::default();
    for (address, allowed) in [
        ("198.51.100.7", true),
        ("10.0.0.1", true),
        ("2001:db8::1", true),
        ("fd12::1", true),
        ("127.0.0.1", false),
        ("127.255.0.1", false),
        ("::1", false),
        ("::ffff:127.0.0.1", false),
        ("::ffff:169.254.169.254", false),
        ("64:ff9b::a9fe:a9fe", false),
        ("64:ff9b::7f00:1", false),
        ("::127.0.0.1", false),
        ("169.254.169.254", false),
        ("fe80::1", false),
        ("fd00:ec2::254", false),
        ("0.0.0.0", false),
        ("::", false),
        ("224.0.0.1", false),
        ("255.255.255.255", false),
        ("ff02::1", false),
    ] {
        assert_eq!(policy.allows(address.parse().unwrap()), allowed, "{address}");
    }
    let local = Policy { loopback: true, files: None };
    assert!(local.allows("127.0.0.1".parse().unwrap()) && local.allows("::1".parse().unwrap()));
    assert!(!local.allows("169.254.169.254".parse().unwrap()));
}

#[tokio::test]
async fn names_are_judged_by_their_addresses() {
    let refused = Policy::default().resolve("localhost", 80).await.unwrap_err();
    assert!(!refused.retry && refused.text.contains("`localhost` is at an address"), "{refused}");
    let local = Policy { loopback: true, files: None };
    assert!(local.resolve("localhost", 80).await.unwrap().iter().all(|address| address.ip().is_loopback()));
    assert_eq!(local.resolve("[::1]", 80).await.unwrap(), ["[::1]:80".parse().unwrap()]);
    assert!(Policy::default().resolve("[::1]", 80).await.is_err());
}
