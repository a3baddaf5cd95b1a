//! What a look-up asks for, as bytes.

use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Of which kind the bytes are; one table holds them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Kind {
    Name,
    Address,
    Network,
}

/// Kind and bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a> {
    pub(super) kind: Kind,
    pub(super) bytes: &'a [u8],
}

/// The bytes of an address, and of the length of its prefix when it is a network.
#[derive(Clone, Copy, Debug)]
pub(super) struct AddressKey {
    kind: Kind,
    bytes: [u8; 17],
    length: usize,
}

impl<'a> Key<'a> {
    /// `None` for what is longer than any name.
    pub(super) fn name(name: &'a str) -> Option<Self> {
        (name.len() <= usize::from(u8::MAX)).then_some(Self { kind: Kind::Name, bytes: name.as_bytes() })
    }

    pub(super) fn address(address: IpAddr, prefix: Option<u8>) -> AddressKey {
        let mut bytes = [0; 17];
        let mut length = match address {
            IpAddr::V4(address) => {
                bytes[..4].copy_from_slice(&address.octets());
                4
            }
            IpAddr::V6(address) => {
                bytes[..16].copy_from_slice(&address.octets());
                16
            }
        };
        if let Some(prefix) = prefix {
            bytes[length] = prefix;
            length += 1;
        }
        AddressKey { kind: if prefix.is_some() { Kind::Network } else { Kind::Address }, bytes, length }
    }

    /// Names come from whoever writes feeds and whoever asks: the hash is keyed, so that nobody can fill one slot.
    pub(super) fn hash(self, hasher: &impl BuildHasher) -> u64 {
        hasher.hash_one((self.kind as u8, self.bytes))
    }

    pub(super) fn length(self) -> u8 {
        u8::try_from(self.bytes.len()).unwrap_or(u8::MAX)
    }
}

impl AddressKey {
    pub(super) fn as_key(&self) -> Key<'_> {
        Key { kind: self.kind, bytes: &self.bytes[..self.length] }
    }
}

/// The address of these bytes.
pub(super) fn address_of(bytes: &[u8]) -> IpAddr {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Ipv4Addr::from(octets).into();
    }
    <[u8; 16]>::try_from(bytes).map_or(Ipv4Addr::UNSPECIFIED.into(), |octets| Ipv6Addr::from(octets).into())
}
