//! DNS resource records: in wire format, and as the text beside it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::network::Place;
use crate::{json, rtype};

/// A whole resource record of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub owner: String,
    pub rtype: u16,
    pub ttl: u32,
    pub data: Data,
}

/// The data of a record.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    Address(IpAddr, Place),
    /// CNAME, NS and PTR.
    Name(String),
    Mx(u16, String),
    Txt(Vec<u8>),
    Srv(u16, String),
    Soa(String, String, u32),
    Caa(&'static str, String),
    /// SVCB and HTTPS: hints for both families.
    Service {
        alpn: &'static [&'static str],
        v4: Vec<Ipv4Addr>,
        v6: Vec<Ipv6Addr>,
    },
    Naptr(&'static str, String),
    /// NULL, DS and DNSKEY: bytes as they are, with the text shown for them.
    Opaque(Vec<u8>, String),
}

/// Appends a name as labels. Names are at most 253 characters with labels of at most 63: callers make them so.
fn name(out: &mut Vec<u8>, name: &str) {
    debug_assert!(name.len() <= 253, "{name}");
    for label in name.split('.').filter(|label| !label.is_empty()) {
        debug_assert!(label.len() <= 63, "{name}");
        out.push(label.len() as u8);
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
}

/// Appends a text as character strings of at most 255 bytes.
fn character_strings(out: &mut Vec<u8>, text: &[u8]) {
    if text.is_empty() {
        out.push(0);
    }
    for chunk in text.chunks(255) {
        out.push(chunk.len() as u8);
        out.extend_from_slice(chunk);
    }
}

impl Record {
    /// Appends the record as `ResourceRecords` holds it: owner, type, class, TTL and data, uncompressed.
    pub(crate) fn wire(&self, out: &mut Vec<u8>) {
        name(out, &self.owner);
        out.extend_from_slice(&self.rtype.to_be_bytes());
        out.extend_from_slice(&1_u16.to_be_bytes());
        out.extend_from_slice(&self.ttl.to_be_bytes());
        let length_at = out.len();
        out.extend_from_slice(&[0, 0]);
        self.data.wire(out);
        let length = (out.len() - length_at - 2) as u16;
        out[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
    }

    /// Appends the record as an object of `ResourceRecordsJSON` (not yet escaped for the string it stands in).
    pub(crate) fn text(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"name\":");
        json::string(out, &self.owner);
        out.extend_from_slice(b",\"type\":\"");
        out.extend_from_slice(rtype::name(self.rtype).as_bytes());
        out.extend_from_slice(b"\",\"class\":\"IN\",\"ttl\":");
        json::number(out, u64::from(self.ttl));
        out.extend_from_slice(b",\"rdata\":\"");
        self.data.text(out);
        out.extend_from_slice(b"\"}");
    }

    /// Where an address record points to.
    pub(crate) const fn address(&self) -> Option<(IpAddr, Place)> {
        match &self.data {
            Data::Address(address, place) => Some((*address, *place)),
            _ => None,
        }
    }

    /// The target of a CNAME.
    pub(crate) fn alias(&self) -> Option<&str> {
        match &self.data {
            Data::Name(target) if self.rtype == rtype::CNAME => Some(target),
            _ => None,
        }
    }
}

impl Data {
    fn wire(&self, out: &mut Vec<u8>) {
        match self {
            Self::Address(IpAddr::V4(v4), _) => out.extend_from_slice(&v4.octets()),
            Self::Address(IpAddr::V6(v6), _) => out.extend_from_slice(&v6.octets()),
            Self::Name(target) => name(out, target),
            Self::Mx(preference, host) => {
                out.extend_from_slice(&preference.to_be_bytes());
                name(out, host);
            }
            Self::Txt(text) => character_strings(out, text),
            Self::Srv(port, host) => {
                for value in [0, 100, *port] {
                    out.extend_from_slice(&value.to_be_bytes());
                }
                name(out, host);
            }
            Self::Soa(primary, contact, serial) => {
                name(out, primary);
                name(out, contact);
                for value in [*serial, 10_000, 2_400, 604_800, 1_800] {
                    out.extend_from_slice(&value.to_be_bytes());
                }
            }
            Self::Caa(tag, value) => {
                out.extend_from_slice(&[0, tag.len() as u8]);
                out.extend_from_slice(tag.as_bytes());
                out.extend_from_slice(value.as_bytes());
            }
            Self::Service { alpn, v4, v6 } => service(out, alpn, v4, v6),
            Self::Naptr(service, replacement) => {
                out.extend_from_slice(&[0, 10, 0, 100]);
                for part in ["S", service, ""] {
                    character_strings(out, part.as_bytes());
                }
                name(out, replacement);
            }
            Self::Opaque(bytes, _) => out.extend_from_slice(bytes),
        }
    }

    /// The data as zone files show it, as the inside of a JSON string.
    fn text(&self, out: &mut Vec<u8>) {
        let mut dotted = |before: &str, host: &str| {
            out.extend_from_slice(before.as_bytes());
            json::escaped(out, host.as_bytes());
            out.push(b'.');
        };
        match self {
            Self::Address(address, _) => json::address(out, *address),
            Self::Name(target) => dotted("", target),
            Self::Mx(preference, host) => dotted(&format!("{preference} "), host),
            Self::Srv(port, host) => dotted(&format!("0 100 {port} "), host),
            Self::Naptr(service, replacement) => {
                dotted(&format!("10 100 \\\"S\\\" \\\"{service}\\\" \\\"\\\" "), replacement);
            }
            Self::Soa(primary, contact, serial) => {
                let text = format!("{primary}. {contact}. {serial} 10000 2400 604800 1800");
                out.extend_from_slice(text.as_bytes());
            }
            Self::Caa(tag, value) => {
                out.extend_from_slice(format!("0 {tag} \\\"{value}\\\"").as_bytes());
            }
            Self::Txt(text) => {
                for (at, chunk) in text.chunks(255).enumerate() {
                    out.extend_from_slice(if at == 0 { b"\\\"".as_slice() } else { b" \\\"".as_slice() });
                    json::escaped(out, String::from_utf8_lossy(chunk).as_bytes());
                    out.extend_from_slice(b"\\\"");
                }
            }
            Self::Service { alpn, v4, v6 } => service_text(out, alpn, v4, v6),
            Self::Opaque(_, shown) => json::escaped(out, shown.as_bytes()),
        }
    }
}

/// Appends service-mode data: priority 1, target `.`, then alpn (1), ipv4hint (4) and ipv6hint (6) as RFC 9460 has them.
fn service(out: &mut Vec<u8>, alpn: &[&str], v4: &[Ipv4Addr], v6: &[Ipv6Addr]) {
    out.extend_from_slice(&[0, 1, 0]);
    let mut parameter = |key: u16, value: &[u8]| {
        out.extend_from_slice(&key.to_be_bytes());
        out.extend_from_slice(&(value.len() as u16).to_be_bytes());
        out.extend_from_slice(value);
    };
    let mut value = Vec::new();
    for protocol in alpn {
        value.push(protocol.len() as u8);
        value.extend_from_slice(protocol.as_bytes());
    }
    if !value.is_empty() {
        parameter(1, &value);
    }
    if !v4.is_empty() {
        parameter(4, &v4.iter().flat_map(Ipv4Addr::octets).collect::<Vec<_>>());
    }
    if !v6.is_empty() {
        parameter(6, &v6.iter().flat_map(Ipv6Addr::octets).collect::<Vec<_>>());
    }
}

fn service_text(out: &mut Vec<u8>, alpn: &[&str], v4: &[Ipv4Addr], v6: &[Ipv6Addr]) {
    out.extend_from_slice(b"1 .");
    if !alpn.is_empty() {
        out.extend_from_slice(format!(" alpn=\\\"{}\\\"", alpn.join(",")).as_bytes());
    }
    let join = |addresses: Vec<String>| addresses.join(",");
    if !v4.is_empty() {
        out.extend_from_slice(format!(" ipv4hint={}", join(v4.iter().map(ToString::to_string).collect())).as_bytes());
    }
    if !v6.is_empty() {
        out.extend_from_slice(format!(" ipv6hint={}", join(v6.iter().map(ToString::to_string).collect())).as_bytes());
    }
}
