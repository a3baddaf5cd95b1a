use serde_json::{Value, json};

use super::*;

fn set(networks: &[&str]) -> Networks {
    Networks::new(networks.iter().map(|text| text.parse().unwrap())).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn the_shipped_list_is_whole() {
    let cloudflare = Networks::cloudflare();
    let v4 = cloudflare.listed().iter().filter(|network| network.address().is_ipv4()).count();
    assert_eq!((v4, cloudflare.listed().len() - v4), (15, 7));
    let written: Vec<String> = cloudflare.listed().iter().map(ToString::to_string).collect();
    assert!(CLOUDFLARE.iter().all(|text| written.contains(&(*text).to_owned())), "none has bits after its prefix");
    for (address, inside) in [
        ("103.21.244.0", true),
        ("103.21.247.255", true),
        ("103.21.248.0", false),
        ("104.27.255.255", true),
        ("104.28.0.0", false),
        ("172.71.255.255", true),
        ("172.72.0.0", false),
        ("127.0.0.1", false),
        ("8.8.8.8", false),
        ("2606:4700::1", true),
        ("2a06:98c7:ffff::", true),
        ("2a06:98c8::", false),
        ("::1", false),
        ("::ffff:104.16.0.1", true),
        ("::104.16.0.1", false),
    ] {
        assert_eq!(cloudflare.contains(ip(address)), inside, "{address}");
    }
}

#[test]
fn fast_search_and_plain_search_agree() {
    let texts = [
        "0.0.0.0/31",
        "10.0.0.0/8",
        "10.1.0.0/16",
        "10.255.255.255",
        "11.0.0.0/32",
        "203.0.113.7/24",
        "255.255.255.255",
        "::/127",
        "2001:db8::/32",
        "2001:db8:1::/48",
        "ffff::/16",
        "::ffff:192.0.2.0/120",
    ];
    let networks = set(&texts);
    assert_eq!(networks.listed().len(), texts.len());
    let mut state: u64 = 7;
    for _ in 0..20_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let near = networks.listed()[(state >> 33) as usize % texts.len()];
        let (first, last) = span(near.address(), near.prefix()).unwrap();
        let edge = [first, last, first.wrapping_sub(1), last.wrapping_add(1), first / 2 + last / 2]
            [(state >> 60) as usize % 5];
        let address = match near.address() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(edge as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(edge)),
        };
        let plain = networks.listed().iter().any(|network| {
            let (first, last) = span(network.address(), network.prefix()).unwrap();
            let (bits, is_v4) = match address.to_canonical() {
                IpAddr::V4(address) => (u128::from(address.to_bits()), true),
                IpAddr::V6(address) => (address.to_bits(), false),
            };
            network.address().is_ipv4() == is_v4 && (first..=last).contains(&bits)
        });
        assert_eq!(networks.contains(address), plain, "{address}");
    }
}

#[test]
fn texts_are_networks_or_a_sentence() {
    for (text, shown) in [
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("203.0.113.9/24", "203.0.113.0/24"),
        ("203.0.113.9", "203.0.113.9/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8::1/32", "2001:db8::/32"),
        ("::1", "::1/128"),
        ("::/0", "::/0"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
    ] {
        assert_eq!(text.parse::<Network>().unwrap().to_string(), shown);
    }
    for text in [
        "",
        "x",
        "1.2.3",
        "1.2.3.4/33",
        "::/129",
        "1.2.3.4/",
        "1.2.3.4/+8",
        "1.2.3.4/-1",
        "::ffff:1.2.3.4/32",
        "1.2.3.4/8/8",
    ] {
        let error = text.parse::<Network>().unwrap_err().to_string();
        assert!(error.contains("is no network such as"), "{text}: {error}");
    }
    assert!(set(&["0.0.0.0/0"]).contains(ip("255.255.255.255")));
    assert!(!set(&["0.0.0.0/0"]).contains(ip("::1")));
    assert!(set(&["::/0"]).contains(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
    assert!(!Networks::default().contains(ip("127.0.0.1")) && Networks::default().is_empty());
    let one: Network = "203.0.113.0/24".parse().unwrap();
    assert!(Networks::cloudflare().with([one]).unwrap().contains(ip("203.0.113.9")));
}

#[test]
fn a_list_that_cannot_be_cloudflares_is_not_believed() {
    let answer = |v4: Value, v6: Value| Networks::published(&json!({"ipv4_cidrs": v4, "ipv6_cidrs": v6, "etag": "x"}));
    let (v4, v6): (Vec<&str>, Vec<&str>) = CLOUDFLARE.iter().partition(|text| !text.contains(':'));
    assert_eq!(answer(json!(v4), json!(v6)).unwrap(), Networks::cloudflare());
    for (v4, v6, why) in [
        (json!([]), json!(v6), "`ipv4_cidrs` holds 0 networks"),
        (json!(v4), json!([]), "`ipv6_cidrs` holds 0 networks"),
        (json!(null), json!(v6), "`ipv4_cidrs` is missing"),
        (json!(["0.0.0.0/0"]), json!(v6), "`0.0.0.0/0`, which cannot be Cloudflare's"),
        (json!(["104.0.0.0/9"]), json!(v6), "which cannot be"),
        (json!(["192.168.0.0/16"]), json!(v6), "which cannot be"),
        (json!(["127.0.0.0/16"]), json!(v6), "which cannot be"),
        (json!(v4), json!(["2000::/3"]), "which cannot be"),
        (json!(v4), json!(["fd00::/32"]), "which cannot be"),
        (json!(v6), json!(v4), "which cannot be"),
        (json!(["x"]), json!(v6), "no network"),
        (json!([1]), json!(v6), "no network"),
        (json!(vec!["104.16.0.0/13"; 501]), json!(v6), "holds 501 networks"),
    ] {
        let error = answer(v4, v6).unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
    assert!(Networks::published(&json!("html")).is_err());
}
