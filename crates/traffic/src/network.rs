//! The networks that serve names: address ranges, countries, the CNAME chains and TTLs typical of each.
//!
//! Ranges and habits are written down from general knowledge so that enrichment sees plausible data; which address
//! a name gets is made up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::rng::mix;

/// Country and continent of an address, as two-letter codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub country: &'static str,
    pub continent: &'static str,
}

/// How a network's customers point at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chain {
    /// Addresses at the name itself.
    Direct,
    /// `name.edgekey.net` then `e123.dsca.akamaiedge.net`.
    Akamai,
    /// `d111111abcdef8.cloudfront.net`.
    CloudFront,
    /// `harbour.map.fastly.net`.
    Fastly,
    /// A load balancer: `name-0123456789.eu-west-1.elb.amazonaws.com`.
    LoadBalancer,
    /// `name.trafficmanager.net` then `name-weu.westeurope.cloudapp.azure.com`.
    TrafficManager,
}

/// One network.
#[derive(Debug)]
pub(crate) struct Network {
    pub key: &'static str,
    v4: &'static [(u32, u32)],
    v6: Option<[u16; 3]>,
    pub place: Place,
    pub chain: Chain,
    pub ttl: u32,
    /// Answers of a service binding query, when the network gives one.
    pub alpn: &'static [&'static str],
    /// Addresses an answer holds at most.
    pub spread: u64,
    /// Its share among the names that say nothing, per mille.
    share: u64,
}

/// Index into [`NETWORKS`].
pub(crate) type NetworkId = u8;

const fn ip(a: u32, b: u32, c: u32) -> u32 {
    a << 24 | b << 16 | c << 8
}

const US: Place = Place { country: "US", continent: "NA" };
const FR: Place = Place { country: "FR", continent: "EU" };
const DE: Place = Place { country: "DE", continent: "EU" };
const NL: Place = Place { country: "NL", continent: "EU" };
const GB: Place = Place { country: "GB", continent: "EU" };
const IE: Place = Place { country: "IE", continent: "EU" };
const CN: Place = Place { country: "CN", continent: "AS" };
const RU: Place = Place { country: "RU", continent: "EU" };
const JP: Place = Place { country: "JP", continent: "AS" };
const BR: Place = Place { country: "BR", continent: "SA" };
const AU: Place = Place { country: "AU", continent: "OC" };
const ZA: Place = Place { country: "ZA", continent: "AF" };
const IN: Place = Place { country: "IN", continent: "AS" };

const H23: &[&str] = &["h3", "h2"];
const H2: &[&str] = &["h2"];

macro_rules! networks {
    ($($key:literal $v4:expr, $v6:expr, $place:ident $chain:ident $ttl:literal $alpn:expr, $spread:literal $share:literal;)*) => {
        pub(crate) const NETWORKS: &[Network] = &[$(Network {
            key: $key, v4: &$v4, v6: $v6, place: $place, chain: Chain::$chain,
            ttl: $ttl, alpn: $alpn, spread: $spread, share: $share,
        }),*];
    };
}

networks! {
    "cloudflare" [(ip(104, 16, 0), 13), (ip(172, 67, 0), 16), (ip(188, 114, 96), 20)], Some([0x2606, 0x4700, 0x0]), US Direct 300 H23, 2 270;
    "google" [(ip(142, 250, 0), 15), (ip(172, 217, 0), 16), (ip(216, 58, 192), 19)], Some([0x2a00, 0x1450, 0x4007]), US Direct 300 H23, 1 0;
    "gcp" [(ip(34, 64, 0), 10), (ip(35, 184, 0), 13)], Some([0x2600, 0x1901, 0x0]), US Direct 300 &[], 1 60;
    "cloudfront" [(ip(13, 32, 0), 15), (ip(18, 64, 0), 14), (ip(99, 84, 0), 16), (ip(143, 204, 0), 16)], Some([0x2600, 0x9000, 0x2156]), US CloudFront 60 H23, 4 90;
    "aws" [(ip(52, 0, 0), 11), (ip(3, 208, 0), 12), (ip(54, 144, 0), 12), (ip(18, 192, 0), 15)], None, US LoadBalancer 60 &[], 3 130;
    "awseu" [(ip(34, 240, 0), 13), (ip(52, 208, 0), 13), (ip(15, 188, 0), 16)], None, IE LoadBalancer 60 &[], 3 50;
    "akamai" [(ip(23, 32, 0), 11), (ip(2, 16, 0), 13), (ip(104, 64, 0), 10)], Some([0x2a02, 0x26f0, 0x2b00]), US Akamai 20 H2, 2 80;
    "fastly" [(ip(151, 101, 0), 16), (ip(199, 232, 0), 16), (ip(146, 75, 0), 17)], Some([0x2a04, 0x4e42, 0x0]), US Fastly 30 H2, 4 60;
    "azure" [(ip(20, 32, 0), 11), (ip(40, 64, 0), 10), (ip(51, 104, 0), 15)], None, NL TrafficManager 60 &[], 1 60;
    "microsoft" [(ip(13, 107, 0), 16), (ip(204, 79, 197), 24), (ip(52, 96, 0), 14)], Some([0x2603, 0x1026, 0x3000]), US TrafficManager 60 &[], 2 0;
    "meta" [(ip(157, 240, 0), 16), (ip(31, 13, 64), 18), (ip(179, 60, 192), 22)], Some([0x2a03, 0x2880, 0xf142]), US Direct 60 H23, 1 0;
    "apple" [(ip(17, 248, 0), 14), (ip(17, 57, 0), 16)], Some([0x2620, 0x149, 0xa44]), US Direct 900 &[], 4 0;
    "automattic" [(ip(192, 0, 72), 21), (ip(192, 0, 64), 21)], None, US Direct 300 H23, 2 0;
    "wikimedia" [(ip(185, 15, 56), 22), (ip(208, 80, 152), 22)], Some([0x2a02, 0xec80, 0x600]), NL Direct 600 H2, 1 0;
    "canonical" [(ip(185, 125, 188), 22), (ip(91, 189, 88), 21)], Some([0x2620, 0x2d, 0x4000]), GB Direct 60 &[], 4 0;
    "dropbox" [(ip(162, 125, 0), 16)], Some([0x2620, 0x100, 0x6022]), US Direct 60 &[], 1 0;
    "servicenow" [(ip(149, 96, 0), 16)], None, US Direct 120 &[], 1 0;
    "workday" [(ip(209, 177, 160), 20)], None, US Direct 120 &[], 1 0;
    "adnxs" [(ip(185, 33, 220), 22), (ip(37, 252, 160), 20)], None, DE Direct 300 &[], 3 0;
    "criteo" [(ip(178, 250, 0), 21), (ip(185, 235, 84), 22)], None, FR Direct 300 &[], 1 0;
    "ntp" [(ip(162, 159, 200), 24), (ip(51, 15, 0), 16), (ip(94, 130, 0), 16), (ip(178, 62, 0), 16)], None, DE Direct 130 &[], 4 0;
    "ovh" [(ip(51, 68, 0), 16), (ip(54, 36, 0), 14), (ip(91, 121, 0), 16)], Some([0x2001, 0x41d0, 0x301]), FR Direct 3600 &[], 1 50;
    "scaleway" [(ip(51, 158, 0), 15), (ip(62, 210, 0), 16)], Some([0x2001, 0xbc8, 0x1200]), FR Direct 3600 &[], 1 15;
    "hetzner" [(ip(88, 198, 0), 16), (ip(95, 216, 0), 15), (ip(116, 202, 0), 15)], Some([0x2a01, 0x4f8, 0xc0c]), DE Direct 3600 &[], 1 35;
    "ionos" [(ip(217, 160, 0), 16), (ip(82, 165, 0), 16)], Some([0x2001, 0x8d8, 0x100f]), DE Direct 3600 &[], 1 20;
    "do" [(ip(159, 65, 0), 16), (ip(167, 99, 0), 16), (ip(206, 189, 0), 16)], None, US Direct 1800 &[], 1 25;
    "leaseweb" [(ip(85, 17, 0), 16), (ip(95, 211, 0), 16)], None, NL Direct 3600 &[], 1 10;
    "uk2" [(ip(83, 170, 64), 18), (ip(77, 92, 64), 19)], None, GB Direct 3600 &[], 1 10;
    "alibaba" [(ip(47, 88, 0), 14), (ip(47, 246, 0), 16), (ip(59, 110, 0), 16)], Some([0x2408, 0x4001, 0xf00]), CN Direct 60 &[], 2 5;
    "yandex" [(ip(77, 88, 0), 18), (ip(87, 250, 224), 19), (ip(5, 255, 192), 18)], Some([0x2a02, 0x6b8, 0x0]), RU Direct 300 &[], 2 3;
    "sakura" [(ip(163, 43, 0), 16), (ip(153, 126, 128), 17)], None, JP Direct 3600 &[], 1 8;
    "locaweb" [(ip(177, 153, 0), 18), (ip(191, 252, 0), 16)], None, BR Direct 3600 &[], 1 6;
    "melbourne" [(ip(103, 4, 16), 22), (ip(139, 180, 160), 20)], None, AU Direct 3600 &[], 1 5;
    "capetown" [(ip(196, 22, 128), 18), (ip(41, 185, 0), 16)], None, ZA Direct 3600 &[], 1 3;
    "mumbai" [(ip(103, 21, 58), 24), (ip(164, 52, 192), 19)], None, IN Direct 3600 &[], 1 5;
}

/// The network of a key.
pub(crate) fn by_key(key: &str) -> Option<NetworkId> {
    NETWORKS.iter().position(|network| network.key == key).map(|at| at as NetworkId)
}

/// A network for a name that says nothing, by its hash and top-level domain.
pub(crate) fn by_chance(name: &str, hash: u64) -> NetworkId {
    let home = match name.rsplit('.').next() {
        Some("fr") => "ovh",
        Some("de" | "at" | "ch") => "hetzner",
        Some("uk") => "uk2",
        Some("nl" | "be") => "leaseweb",
        Some("jp") => "sakura",
        Some("br" | "ar") => "locaweb",
        Some("ru") => "yandex",
        Some("cn") => "alibaba",
        Some("au" | "nz") => "melbourne",
        Some("in") => "mumbai",
        Some("za") => "capetown",
        _ => "",
    };
    if hash % 10 < 4
        && let Some(network) = by_key(home)
    {
        return network;
    }
    let total: u64 = NETWORKS.iter().map(|network| network.share).sum();
    let mut left = mix(hash) % total;
    for (at, network) in NETWORKS.iter().enumerate() {
        if left < network.share {
            return at as NetworkId;
        }
        left -= network.share;
    }
    0
}

impl Network {
    /// The `index`th IPv4 address behind a name's hash.
    pub(crate) fn v4(&self, hash: u64, index: u64) -> IpAddr {
        let (base, bits) = self.v4[(hash % self.v4.len() as u64) as usize];
        let host = mix(hash ^ 4) & (u64::from(u32::MAX) >> bits);
        // Neighbours, as load balancers hand them out; never .0 or .255.
        let last = (host as u32).wrapping_add(index as u32) & 0xff;
        let address = base | (host as u32 & !0xff) | last.clamp(1, 254);
        IpAddr::V4(Ipv4Addr::from_bits(address))
    }

    /// The `index`th IPv6 address behind a name's hash, if the network has IPv6.
    pub(crate) fn v6(&self, hash: u64, index: u64) -> Option<IpAddr> {
        let [a, b, c] = self.v6?;
        let hash = mix(hash ^ 6);
        let site = (hash & 0x0fff) as u16;
        let segments =
            [a, b, c, site, 0, 0, (hash >> 16) as u16 & 0xff, (hash >> 32) as u16 & 0xff0 | (index as u16 + 1)];
        Some(IpAddr::V6(Ipv6Addr::from(segments)))
    }

    /// How many addresses an answer for this hash holds.
    pub(crate) const fn answers(&self, hash: u64) -> u64 {
        match self.spread {
            0 | 1 => 1,
            spread => 1 + (hash >> 7) % spread,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stay_in_their_range() {
        for network in NETWORKS {
            for hash in 0..200 {
                let IpAddr::V4(address) = network.v4(mix(hash), hash % 4) else { panic!("not IPv4") };
                let inside = network.v4.iter().any(|(base, bits)| (address.to_bits() ^ base) >> (32 - bits) == 0);
                assert!(inside, "{}: {address}", network.key);
            }
        }
    }

    #[test]
    fn every_share_is_reachable() {
        let mut seen = vec![0; NETWORKS.len()];
        for hash in 0..20_000 {
            seen[usize::from(by_chance("name.com", mix(hash)))] += 1;
        }
        for (network, seen) in NETWORKS.iter().zip(seen) {
            assert_eq!(network.share > 0, seen > 0, "{}", network.key);
        }
    }
}
