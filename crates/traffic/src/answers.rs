//! The records behind names: address chains, mail, zones, reverse names and long honest names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::network::{Chain, NETWORKS, Network, Place};
use crate::reply::Reply;
use crate::resolve::{AGES, no_such_name};
use crate::rng::{Rng, mix};
use crate::rtype;
use crate::wire::{Data, Record};

const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// The lifetime an answer has left at an age.
const fn left(ttl: u32, age: u8) -> u32 {
    let left = ttl - ttl * age as u32 / (AGES as u32 + 1);
    if left == 0 { 1 } else { left }
}

/// Addresses of the two name servers of a zone.
pub(crate) fn name_servers(hash: u64) -> [IpAddr; 2] {
    let network = &NETWORKS[(hash % 8) as usize];
    [network.v4(mix(hash ^ 53), 1), network.v4(mix(hash ^ 54), 2)]
}

fn push(reply: &mut Reply, owner: String, rtype: u16, ttl: u32, data: Data) {
    reply.records.push(Record { owner, rtype, ttl, data });
}

/// Adds an address at the name itself.
pub(crate) fn address(reply: &mut Reply, address: IpAddr, place: Place, ttl: u32) {
    let rtype = if address.is_ipv4() { rtype::A } else { rtype::AAAA };
    push(reply, reply.name.clone(), rtype, ttl, Data::Address(address, place));
}

/// Adds an alias at the end of the chain so far.
pub(crate) fn alias(reply: &mut Reply, target: &str, ttl: u32) {
    let owner = reply.records.last().and_then(Record::alias).unwrap_or(&reply.name).to_owned();
    push(reply, owner, rtype::CNAME, ttl, Data::Name(target.to_owned()));
}

/// The whole answer to A, AAAA and HTTPS for a name on a network; nothing but the chain for other types.
pub(crate) fn resolved(reply: &mut Reply, network: &Network, hash: u64, age: u8) {
    reply.servers.extend(name_servers(mix(hash ^ 2)));
    let apex = reply.name.matches('.').count() < 2;
    if !apex {
        chain(reply, network, hash, age);
    }
    let owner = reply.records.last().and_then(Record::alias).unwrap_or(&reply.name).to_owned();
    addresses(reply, &owner, network, hash, age);
}

/// The records of the question's type at the end of a chain.
pub(crate) fn addresses(reply: &mut Reply, owner: &str, network: &Network, hash: u64, age: u8) {
    let ttl = left(network.ttl, age);
    let count = network.answers(hash);
    match reply.qtype {
        rtype::A => {
            for index in 0..count {
                let data = Data::Address(network.v4(hash, index), network.place);
                push(reply, owner.to_owned(), rtype::A, ttl, data);
            }
        }
        rtype::AAAA => {
            for index in 0..count {
                if let Some(v6) = network.v6(hash, index) {
                    push(reply, owner.to_owned(), rtype::AAAA, ttl, Data::Address(v6, network.place));
                }
            }
        }
        rtype::HTTPS | rtype::SVCB if !network.alpn.is_empty() => {
            let v4 = match network.v4(hash, 0) {
                IpAddr::V4(v4) if network.chain == Chain::Direct => vec![v4],
                _ => Vec::new(),
            };
            let v6: Vec<Ipv6Addr> = match network.v6(hash, 0) {
                Some(IpAddr::V6(v6)) if !v4.is_empty() => vec![v6],
                _ => Vec::new(),
            };
            push(reply, owner.to_owned(), reply.qtype, ttl, Data::Service { alpn: network.alpn, v4, v6 });
        }
        _ => {}
    }
}

/// The aliases a network's customers have.
fn chain(reply: &mut Reply, network: &Network, hash: u64, age: u8) {
    let mut rng = Rng::new(hash ^ 0x6368);
    let short: String = reply.name.split('.').take(2).collect::<Vec<_>>().join("-");
    let ttl = left(300, age);
    match network.chain {
        Chain::Direct => return,
        Chain::Akamai => {
            let edge = format!("{}.edgekey.net", reply.name);
            if edge.len() <= 200 {
                alias(reply, &edge, ttl * 6);
            }
            let letter = char::from(b"abdgrx"[rng.index(6)]);
            alias(reply, &format!("e{}.dsc{letter}.akamaiedge.net", rng.between(100, 29_999)), ttl);
        }
        Chain::CloudFront => {
            let mut label = "d".to_owned();
            rng.text(LOWER, 13, &mut label);
            alias(reply, &format!("{label}.cloudfront.net"), ttl);
        }
        Chain::Fastly => alias(reply, &format!("{}.map.fastly.net", &short[..short.len().min(40)]), ttl),
        Chain::LoadBalancer => {
            if !rng.per_mille(600) {
                return;
            }
            let region = rng.pick(&["eu-west-1", "eu-west-3", "us-east-1", "eu-central-1", "us-west-2"]);
            let number = rng.between(100_000_000, 1_999_999_999);
            alias(reply, &format!("{}-{number}.{region}.elb.amazonaws.com", &short[..short.len().min(24)]), ttl);
        }
        Chain::TrafficManager => {
            let region = rng.pick(&["westeurope", "northeurope", "francecentral", "eastus2", "southeastasia"]);
            let label = &short[..short.len().min(40)];
            alias(reply, &format!("{label}-prod.trafficmanager.net"), ttl);
            alias(reply, &format!("{label}-01.{region}.cloudapp.azure.com"), 60);
        }
    }
    // The content network has a category of its own, which the union of categories takes up.
    reply.alias_categories.extend([81, 155]);
}

/// Everything one asks of a zone's apex besides addresses.
pub(crate) fn zone_records(reply: &mut Reply, hash: u64, age: u8) {
    let name = reply.name.clone();
    let mut rng = Rng::new(hash ^ 0x7a6f);
    let ttl = left(rng.pick(&[300, 3600, 3600, 86_400]), age);
    reply.servers.extend(name_servers(hash));
    let style = rng.below(4);
    let own = name.clone();
    let hosts = move |label: &str| match style {
        0 => format!("{label}.ns.cloudflare.com"),
        1 => format!("{label}-412.awsdns-51.com"),
        2 => format!("{label}.akam.net"),
        _ => format!("{label}.{own}"),
    };
    zone_type(reply, &name, ttl, &mut rng, hosts);
}

fn zone_type(reply: &mut Reply, name: &str, ttl: u32, rng: &mut Rng, hosts: impl Fn(&str) -> String) {
    let qtype = reply.qtype;
    let mut add = |rtype: u16, data: Data| push(reply, name.to_owned(), rtype, ttl, data);
    if matches!(qtype, rtype::MX | rtype::ANY) {
        for (preference, host) in mail_hosts(name, rng) {
            add(rtype::MX, Data::Mx(preference, host));
        }
    }
    if matches!(qtype, rtype::TXT | rtype::ANY) {
        let include = rng.pick(&["spf.protection.outlook.com", "_spf.google.com", "sendgrid.net", "_spf.mailjet.com"]);
        add(rtype::TXT, Data::Txt(format!("v=spf1 include:{include} ip4:192.0.2.0/24 -all").into_bytes()));
        let mut token = "google-site-verification=".to_owned();
        rng.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 43, &mut token);
        add(rtype::TXT, Data::Txt(token.into_bytes()));
    }
    if matches!(qtype, rtype::NS | rtype::ANY) {
        for label in ["ns1", "ns2"] {
            add(rtype::NS, Data::Name(hosts(label)));
        }
    }
    if matches!(qtype, rtype::SOA | rtype::ANY) {
        let serial = 2_026_000_000 + rng.below(123_199) as u32;
        add(rtype::SOA, Data::Soa(hosts("ns1"), format!("hostmaster.{name}"), serial));
    }
    match qtype {
        rtype::CAA => {
            for authority in ["letsencrypt.org", "digicert.com"] {
                add(rtype::CAA, Data::Caa("issue", authority.to_owned()));
            }
        }
        rtype::NAPTR => add(rtype::NAPTR, Data::Naptr("SIP+D2T", format!("_sip._tcp.{name}"))),
        rtype::DS => {
            let digest: Vec<u8> = (0..32).map(|_| rng.below(256) as u8).collect();
            let tag = rng.below(65_536) as u16;
            let mut bytes = tag.to_be_bytes().to_vec();
            bytes.extend([13, 2]);
            bytes.extend(&digest);
            let shown = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            add(rtype::DS, Data::Opaque(bytes, format!("{tag} 13 2 {shown}")));
        }
        rtype::DNSKEY => {
            let key: Vec<u8> = (0..64).map(|_| rng.below(256) as u8).collect();
            let mut shown = Vec::new();
            crate::json::base64(&mut shown, &key);
            let bytes = [&[1, 1, 3, 13], key.as_slice()].concat();
            add(rtype::DNSKEY, Data::Opaque(bytes, format!("257 3 13 {}", String::from_utf8_lossy(&shown))));
        }
        _ => {}
    }
}

fn mail_hosts(name: &str, rng: &mut Rng) -> Vec<(u16, String)> {
    let dashed = name.replace('.', "-");
    match rng.below(4) {
        0 | 1 => vec![(0, format!("{dashed}.mail.protection.outlook.com"))],
        2 => vec![(1, "aspmx.l.google.com".to_owned()), (5, "alt1.aspmx.l.google.com".to_owned())],
        _ => vec![(10, format!("mx1.{name}")), (20, format!("mx2.{name}"))],
    }
}

/// DMARC, DKIM, MTA-STS and BIMI policies of a domain.
pub(crate) fn mail_policy(reply: &mut Reply, domain: &str, kind: u8, hash: u64) {
    let (label, text) = match kind % 5 {
        0 => ("_dmarc", format!("v=DMARC1; p=reject; rua=mailto:dmarc@{domain}; pct=100")),
        1 => {
            let key: Vec<u8> = (0..=160_u64).map(|at| mix(hash ^ at) as u8).collect();
            let mut coded = Vec::new();
            crate::json::base64(&mut coded, &key);
            ("selector1._domainkey", format!("v=DKIM1; k=rsa; p={}", String::from_utf8_lossy(&coded)))
        }
        2 => ("_mta-sts", format!("v=STSv1; id=2026{:06}", hash % 1_000_000)),
        3 => ("_smtp._tls", format!("v=TLSRPTv1; rua=mailto:tls@{domain}")),
        _ => ("default._bimi", format!("v=BIMI1; l=https://{domain}/bimi.svg")),
    };
    reply.name = format!("{label}.{domain}");
    reply.servers.extend(name_servers(hash));
    // Not every domain has every policy.
    if mix(hash ^ u64::from(kind)).is_multiple_of(5) {
        return no_such_name(reply, domain);
    }
    push(reply, reply.name.clone(), rtype::TXT, 3600, Data::Txt(text.into_bytes()));
}

/// The reverse name of an IPv4 address; four in ten have one.
pub(crate) fn reverse4(reply: &mut Reply, address: u32, seed: u64) {
    let [a, b, c, d] = address.to_be_bytes();
    reply.name = format!("{d}.{c}.{b}.{a}.in-addr.arpa");
    let hash = mix(seed ^ u64::from(address));
    let host = match hash % 10 {
        0 | 1 => format!("ec2-{a}-{b}-{c}-{d}.eu-west-3.compute.amazonaws.com"),
        2 => format!("server-{a}-{b}-{c}-{d}.cdg52.r.cloudfront.net"),
        3 => format!("a{a}-{b}-{c}-{d}.deploy.static.akamaitechnologies.com"),
        _ => return no_such_name(reply, "in-addr.arpa"),
    };
    reply.servers.extend(name_servers(hash));
    push(reply, reply.name.clone(), rtype::PTR, 3600, Data::Name(host));
}

/// The reverse name of an IPv6 address.
pub(crate) fn reverse6(reply: &mut Reply, number: u32, seed: u64) {
    let hash = mix(seed ^ u64::from(number) << 7);
    let address = Ipv6Addr::from((0x2001_0db8_u128 << 96) | u128::from(hash));
    let mut name = String::with_capacity(72);
    for byte in address.octets().into_iter().rev() {
        name.push_str(&format!("{:x}.{:x}.", byte & 15, byte >> 4));
    }
    name.push_str("ip6.arpa");
    reply.name = name;
    if !hash.is_multiple_of(4) {
        return no_such_name(reply, "ip6.arpa");
    }
    push(reply, reply.name.clone(), rtype::PTR, 3600, Data::Name(format!("host-{:x}.v6.example.net", hash >> 40)));
}

/// A priming query.
pub(crate) fn root(reply: &mut Reply) {
    for letter in 'a'..='m' {
        push(reply, ".".to_owned(), rtype::NS, 518_400, Data::Name(format!("{letter}.root-servers.net")));
    }
}

/// Long names of honest services: what rules on length must live with.
pub(crate) fn long(reply: &mut Reply, kind: u8, number: u32, seed: u64, age: u8) {
    let hash = mix(seed ^ u64::from(number) << 8 ^ u64::from(kind));
    let mut rng = Rng::new(hash);
    let mut hex = |length| {
        let mut text = String::new();
        rng.hex(length, &mut text);
        text
    };
    let (name, network, category) = match kind % 8 {
        0 => {
            let (a, b) = (hex(10), hex(16));
            (format!("internal-k8s-prod-ingressn-{a}-{b}.eu-west-3.elb.amazonaws.com"), "awseu", 155)
        }
        1 => (format!("{}.safeframe.googlesyndication.com", hex(32)), "google", 66),
        2 => (format!("{}-{}.prod.device-events.eu.a2z.com", hex(16), hex(20)), "aws", 155),
        3 => (format!("settingsfd-prod-weu1-endpoint-{}.westeurope.trafficmanager.net", hex(8)), "azure", 155),
        4 => (format!("{}.{}.lookup.avqs.mcafee.com", hex(30), hex(28)), "akamai", 108),
        5 => (format!("{}.{}.p.04.s.sophosxl.net", hex(24), hex(30)), "awseu", 108),
        6 => (format!("substrate-sdf-{}.ring5.cosmic.office.net.{}.msedge.net", hex(12), hex(6)), "microsoft", 155),
        _ => (format!("prod-streaming-video-{}.cdn-{}.images.akamaized.net", hex(20), hex(12)), "akamai", 164),
    };
    reply.name = name;
    reply.categories.push(category);
    // Reputation services answer in the address itself and for a minute only.
    if matches!(kind % 8, 4 | 5) {
        reply.qtype = if kind % 8 == 5 { rtype::TXT } else { rtype::A };
        if kind % 8 == 5 {
            return push(reply, reply.name.clone(), rtype::TXT, 60, Data::Txt(format!("w {}", hex(8)).into_bytes()));
        }
        let verdict = IpAddr::V4(Ipv4Addr::new(127, 0, 0, (hash % 250) as u8 + 1));
        return address(reply, verdict, Place { country: "", continent: "" }, 60);
    }
    let network = crate::network::by_key(network).map_or(&NETWORKS[0], |at| &NETWORKS[usize::from(at)]);
    reply.servers.extend(name_servers(hash));
    let owner = reply.name.clone();
    addresses(reply, &owner, network, hash, age);
}
