//! Addresses, networks and ranges of addresses. IPv4 and IPv6 never compare with each other.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses from `low` to `high` of one family, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRange {
    v6: bool,
    low: u128,
    high: u128,
}

impl IpRange {
    /// Reads an address (a range of one) or a network such as `10.0.0.0/8`; host bits of a network are ignored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some((address, length)) = text.split_once('/') else {
            let (v6, number) = number_of(text)?;
            return Some(Self { v6, low: number, high: number });
        };
        let (v6, number) = number_of(address)?;
        let bits = if v6 { 128 } else { 32 };
        if length.is_empty() || length.len() > 3 || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let host_bits = bits - length.parse::<u32>().ok().filter(|length| *length <= bits)?;
        let host = if host_bits == 128 { u128::MAX } else { (1 << host_bits) - 1 };
        Some(Self { v6, low: number & !host, high: number | host })
    }

    /// The range between two single addresses; an open end reaches to the end of the family.
    /// `None` when both ends are open or the families differ.
    pub(super) fn between(low: Option<(Self, bool)>, high: Option<(Self, bool)>) -> Option<Self> {
        let v6 = low.or(high)?.0.v6;
        if low.is_some_and(|(end, _)| end.v6 != v6) || high.is_some_and(|(end, _)| end.v6 != v6) {
            return None;
        }
        let last = if v6 { u128::MAX } else { u128::from(u32::MAX) };
        // An empty range has its ends crossed: nothing lies above the last address or below the first.
        let empty = Self { v6, low: 1, high: 0 };
        let low = match low {
            None => 0,
            Some((end, true)) => end.low,
            Some((end, false)) if end.high == last => return Some(empty),
            Some((end, false)) => end.high + 1,
        };
        let high = match high {
            None => last,
            Some((end, true)) => end.high,
            Some((end, false)) if end.low == 0 => return Some(empty),
            Some((end, false)) => end.low - 1,
        };
        Some(Self { v6, low, high })
    }

    /// The address when it is just one.
    #[must_use]
    pub fn single(&self) -> Option<IpAddr> {
        (self.low == self.high).then(|| self.address(self.low))
    }

    /// Whether the text is an address in the range. Text that is no address is not.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        number_of(text).is_some_and(|(v6, number)| v6 == self.v6 && (self.low..=self.high).contains(&number))
    }

    /// A text that every address of the range starts with, when the range is an IPv4 network that ends at a dot.
    #[must_use]
    pub fn text_prefix(&self) -> Option<String> {
        if self.v6 {
            return None;
        }
        let (low, high) = (u32::try_from(self.low).ok()?, u32::try_from(self.high).ok()?);
        let octets = (1..=3).find(|count| {
            let host = u32::MAX >> (8 * count);
            low & host == 0 && low | host == high
        })?;
        let bytes = low.to_be_bytes();
        Some(bytes[..octets].iter().map(|byte| format!("{byte}.")).collect())
    }

    fn address(&self, number: u128) -> IpAddr {
        if self.v6 { Ipv6Addr::from_bits(number).into() } else { Ipv4Addr::from_bits(number as u32).into() }
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.address(self.low), self.address(self.high))
    }
}

/// Whether an address is IPv6, and the address as a number.
fn number_of(text: &str) -> Option<(bool, u128)> {
    match text.parse().ok()? {
        IpAddr::V4(address) => Some((false, u128::from(address.to_bits()))),
        IpAddr::V6(address) => Some((true, address.to_bits())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn networks() {
        let contains = |network: &str, address: &str| IpRange::parse(network).unwrap().contains(address);
        assert!(contains("10.0.0.0/8", "10.255.1.2"));
        assert!(contains("10.3.2.1/8", "10.255.1.2"), "host bits are ignored");
        assert!(!contains("10.0.0.0/8", "11.0.0.0"));
        assert!(contains("0.0.0.0/0", "255.255.255.255"));
        assert!(!contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "ffff::1"));
        assert!(!contains("::/0", "10.0.0.1"));
        assert!(contains("2001:db8::/32", "2001:db8:ffff::"));
        assert!(!contains("2001:db8::/32", "2001:db9::"));
        assert!(!contains("10.0.0.0/8", "10.example.com"));
        for text in ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8", "10.0.0.0/+8", "a/8", "10.0.0.0/0008"] {
            assert_eq!(IpRange::parse(text), None, "{text}");
        }
    }

    #[test]
    fn text_prefixes() {
        let prefix = |network: &str| IpRange::parse(network).unwrap().text_prefix();
        assert_eq!(prefix("10.0.0.0/8").as_deref(), Some("10."));
        assert_eq!(prefix("192.168.0.0/16").as_deref(), Some("192.168."));
        assert_eq!(prefix("192.168.1.0/24").as_deref(), Some("192.168.1."));
        for network in ["10.0.0.0/7", "10.0.0.0/9", "0.0.0.0/0", "10.0.0.1", "2001:db8::/32"] {
            assert_eq!(prefix(network), None, "{network}");
        }
    }

    proptest! {
        #[test]
        fn the_prefix_agrees_with_the_range(address: u32, length in 1_u32..=32, other: u32, near: u8) {
            let range = IpRange::parse(&format!("{}/{length}", Ipv4Addr::from_bits(address))).unwrap();
            for other in [other, address ^ u32::from(near)] {
                let text = Ipv4Addr::from_bits(other).to_string();
                if let Some(prefix) = range.text_prefix() {
                    prop_assert_eq!(range.contains(&text), text.starts_with(&prefix));
                }
            }
        }
    }
}
