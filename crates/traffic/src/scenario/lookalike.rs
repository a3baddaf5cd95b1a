//! Harmless traffic that resembles each attack in the property a careless rule would look at. Each function plays
//! it and says why it is harmless.

use std::net::{IpAddr, Ipv4Addr};

use super::sliver;
use super::stage::{Stage, Told, hex};
use crate::device::Kind;
use crate::org::COMPANIES;
use crate::rtype;

fn repeat(stage: &mut Stage<'_>, name: &str, times: u32, milliseconds: u64) {
    for _ in 0..times {
        stage.visit(name);
        stage.wait(milliseconds);
    }
}

pub(super) fn cobalt_strike(stage: &mut Stage<'_>) -> &'static str {
    let domain = stage.register("cdn", "io");
    stage.categories = vec![155];
    for _ in 0..70 {
        let mut label = String::new();
        stage.rng.hex(8, &mut label);
        let prefix = stage.rng.pick(&["cdn", "api", "www", "post"]);
        stage.ask(&format!("{prefix}.{label}.{domain}"), rtype::A, Told::Address);
        stage.wait(3_000);
    }
    "a content network with the same prefixes, but eight hexadecimal digits where the beacon has at least nine"
}

pub(super) fn sliver(stage: &mut Stage<'_>) -> &'static str {
    let domain = stage.register("assets", "com");
    stage.categories = vec![81];
    for _ in 0..20 {
        // The right alphabet and length, but no message: the first byte is never a field tag.
        let mut bytes: Vec<u8> = (0..18).map(|_| stage.rng.below(256) as u8).collect();
        bytes[0] |= 0xf8;
        stage.ask(&format!("{}.{domain}", sliver::base32(&bytes)), rtype::A, Told::Address);
        stage.wait(8_000);
    }
    "hashes in the same alphabet and length that do not decode to a message"
}

pub(super) fn long_names(stage: &mut Stage<'_>) -> &'static str {
    stage.categories = vec![155];
    "elb.amazonaws.com".clone_into(&mut stage.domain);
    let mut tail = String::new();
    stage.rng.hex(16, &mut tail);
    let name = format!("internal-k8s-payments-ingress-{tail}-1203957712.eu-west-3.elb.amazonaws.com");
    repeat(stage, &name, 60, 4_000);
    "one long load balancer name, asked for again and again: long, but always the same"
}

pub(super) fn lookups(stage: &mut Stage<'_>) -> &'static str {
    stage.on(Kind::Server);
    stage.categories = vec![108];
    "sophosxl.net".clone_into(&mut stage.domain);
    for _ in 0..60 {
        let bytes: Vec<u8> = (0..15).map(|_| stage.rng.below(256) as u8).collect();
        let name = format!("{}.p.04.s.sophosxl.net", hex(&bytes));
        stage.ask(&name, rtype::TXT, Told::Text(b"w 0".to_vec()));
        stage.wait(5_000);
    }
    "a virus scanner's reputation lookups: hexadecimal labels and TXT, at a well-known vendor"
}

pub(super) fn mail_keys(stage: &mut Stage<'_>) -> &'static str {
    stage.on(Kind::Server);
    stage.categories = vec![168];
    for number in 0..30 {
        let name = format!("s{number}._domainkey.{}", COMPANIES[0].domain);
        let key = vec![b'A' + (number % 26) as u8; 392];
        stage.ask(&name, rtype::TXT, Told::Text([b"v=DKIM1; k=rsa; p=", key.as_slice()].concat()));
        stage.wait(7_000);
    }
    COMPANIES[0].domain.clone_into(&mut stage.domain);
    "mail keys: large TXT answers, but few short names"
}

pub(super) fn bazar(stage: &mut Stage<'_>) -> &'static str {
    stage.categories = vec![148];
    for name in ["www.bazaroflights4410.com", "bazar.kovofair2231.cz", "grandbazar.harbourline.example"] {
        repeat(stage, name, 3, 9_000);
    }
    "the word bazar in names below ordinary top-level domains"
}

pub(super) fn search_suffix(stage: &mut Stage<'_>) -> &'static str {
    let suffix = COMPANIES[1].directory;
    suffix.clone_into(&mut stage.domain);
    for number in 0..60 {
        let name = format!("host{number:02}.example-printer.{suffix}");
        stage.ask(&name, rtype::A, Told::NoSuchName);
        stage.wait(1_500);
    }
    "names that do not exist, all below the organisation's own search suffix"
}

pub(super) fn single_uuid(stage: &mut Stage<'_>) -> &'static str {
    let domain = stage.register("devices", "io");
    stage.categories = vec![155];
    let label = stage.rng.uuid().replace('-', "");
    repeat(stage, &format!("{label}.{domain}"), 10, 30_000);
    "one device's own UUID label, always the same one, and no login host beside it"
}

pub(super) fn own_brand(stage: &mut Stage<'_>) -> &'static str {
    COMPANIES[0].domain.clone_into(&mut stage.domain);
    for host in ["login", "sso", "www", "static"] {
        stage.visit(&format!("{host}.{}", COMPANIES[0].domain));
        stage.wait(8_000);
    }
    "the organisation's real domain"
}

pub(super) fn onion_words(stage: &mut Stage<'_>) -> &'static str {
    stage.categories = vec![97];
    for name in ["www.onion-soup-recipes8812.com", "onion.to.kitchen5521.example", "thegreenonion4477.com"] {
        repeat(stage, name, 2, 9_000);
    }
    "onions of the other kind"
}

pub(super) fn coins(stage: &mut Stage<'_>) -> &'static str {
    stage.categories = vec![183];
    for name in ["www.coinbase.com", "api.kraken.com", "www.coingecko.com"] {
        repeat(stage, name, 4, 9_000);
    }
    "coin prices and exchanges, no pool"
}

pub(super) fn anydesk_website(stage: &mut Stage<'_>) -> &'static str {
    stage.categories = vec![155];
    "anydesk.com".clone_into(&mut stage.domain);
    repeat(stage, "anydesk.com", 2, 9_000);
    "the product's web page, not its client: for the client rule only"
}

pub(super) fn pubsub(stage: &mut Stage<'_>) -> &'static str {
    stage.on(Kind::Server);
    stage.categories = vec![155];
    for name in ["ps.pndsn.com", "harbourline-orders.servicebus.windows.net", "harbourlinestore.blob.core.windows.net"]
    {
        repeat(stage, name, 5, 12_000);
    }
    "the shared platforms the agent also uses, with other tenants' names"
}

pub(super) fn telegram_user(stage: &mut Stage<'_>) -> &'static str {
    stage.on(Kind::Phone);
    stage.categories = vec![110];
    "telegram.org".clone_into(&mut stage.domain);
    for name in ["t.me", "telegram.org", "web.telegram.org", "core.telegram.org"] {
        repeat(stage, name, 3, 9_000);
    }
    "somebody chatting: links and the web client, not the bot API"
}

pub(super) fn eicar_words(stage: &mut Stage<'_>) -> &'static str {
    stage.categories = vec![155];
    repeat(stage, "docs.eicarsson-boats3391.example", 3, 9_000);
    "a name that merely contains the letters"
}

pub(super) fn parked(stage: &mut Stage<'_>) -> &'static str {
    stage.register("forsale", "com");
    stage.categories = vec![crate::category::PARKED, crate::category::NEW];
    let name = stage.domain.clone();
    repeat(stage, &name, 5, 12_000);
    "a parked new domain: a security risk category, but not a malicious one"
}

pub(super) fn cloud_storage(stage: &mut Stage<'_>) -> &'static str {
    stage.categories = vec![95];
    for name in ["www.dropbox.com", "harbourline.sharepoint.com", "drive.google.com"] {
        repeat(stage, name, 5, 9_000);
    }
    "the organisation's own cloud storage"
}

pub(super) fn dynamic_words(stage: &mut Stage<'_>) -> &'static str {
    stage.categories = vec![155];
    repeat(stage, "www.duckdnsguide7718.com", 4, 9_000);
    "a web page about dynamic DNS"
}

pub(super) fn clock(stage: &mut Stage<'_>) -> &'static str {
    stage.on(Kind::Server);
    "pool.ntp.org".clone_into(&mut stage.domain);
    for _ in 0..300 {
        stage.ask("2.pool.ntp.org", rtype::A, Told::Address);
        stage.wait_within(64_000, 200);
        if stage.now >= stage.ends {
            break;
        }
    }
    "a clock that asks for the time exactly every 64 seconds, as half the organisation's machines do"
}

pub(super) fn heartbeat(stage: &mut Stage<'_>) -> &'static str {
    stage.categories = vec![77];
    "slack.com".clone_into(&mut stage.domain);
    for _ in 0..90 {
        stage.ask("wss-primary.slack.com", rtype::A, Told::Address);
        stage.wait_within(10_000, 300);
    }
    "a chat client that reconnects every ten seconds to a service everybody uses"
}

pub(super) fn content_network(stage: &mut Stage<'_>) -> &'static str {
    stage.categories = vec![81];
    let domain = stage.register("video", "tv");
    stage.ttl = 20;
    for at in 0..40 {
        let address = Ipv4Addr::new(198, 51, 100, 1 + at * 6);
        stage.ask(&format!("edge.{domain}"), rtype::A, Told::Exactly(IpAddr::V4(address)));
        stage.wait(20_000);
    }
    "a content network with short lifetimes and many addresses, all in one network"
}
