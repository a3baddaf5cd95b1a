//! Networks of IP addresses: those that Cloudflare publishes, and a user's own.
//!
//! What Cloudflare publishes are the addresses by which its proxies reach servers. Of Logpush it says only that it comes
//! from its networks AS 13335, 132892 and 202623, which other customers' traffic leaves by, too. So a list of networks is
//! a second fence: it may keep a delivery out that comes from an address beside the list, and it never stands for the key.

mod cloudflare;
mod refresh;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::error::LogpushError;

pub use cloudflare::{CLOUDFLARE, CLOUDFLARE_PUBLISHED};
pub use refresh::REFRESH_PAUSE;

/// Networks that one set takes.
const NETWORKS_MAX: usize = 10_000;

/// An IP address, or all that begin like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// The network of the first `prefix` bits of `address`; nothing when it has fewer bits. What follows them is dropped.
    /// An IPv4 address that is written as an IPv6 one is an IPv4 address.
    #[must_use]
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        const MAPPED_BITS: u8 = 96;
        let (address, prefix) = match (address, address.to_canonical()) {
            (IpAddr::V6(_), plain @ IpAddr::V4(_)) => (plain, prefix.checked_sub(MAPPED_BITS)?),
            (address, _) => (address, prefix),
        };
        let (first, _) = span(address, prefix)?;
        let address = match address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(first).ok()?)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(first)),
        };
        Some(Self { address, prefix })
    }

    /// How many bits all its addresses share.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Its first address.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }
}

impl FromStr for Network {
    type Err = LogpushError;

    /// Reads `203.0.113.0/24`, `2001:db8::/32`, or a single address.
    fn from_str(text: &str) -> Result<Self, LogpushError> {
        let read = || {
            let (address, prefix) = text.split_once('/').map_or((text, None), |(left, right)| (left, Some(right)));
            let address: IpAddr = address.parse().ok()?;
            let bits = if address.is_ipv4() { 32 } else { 128 };
            let plain = |prefix: &str| prefix.bytes().all(|byte| byte.is_ascii_digit()).then(|| prefix.parse().ok())?;
            Self::new(address, prefix.map_or(Some(bits), plain)?)
        };
        let shown = || text.chars().filter(|letter| !letter.is_control()).take(64).collect::<String>();
        read().ok_or_else(|| LogpushError::Wrong(format!("`{}` is no network such as `203.0.113.0/24`", shown())))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// A set of networks that answers fast whether an address belongs to one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks {
    listed: Vec<Network>,
    // First and last addresses, sorted, without overlaps.
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl Networks {
    /// A set of these.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when there are absurdly many.
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Result<Self, LogpushError> {
        let mut listed: Vec<Network> = networks.into_iter().take(NETWORKS_MAX + 1).collect();
        if listed.len() > NETWORKS_MAX {
            return Err(LogpushError::Wrong(format!("there are more than {NETWORKS_MAX} networks")));
        }
        listed.sort_unstable();
        listed.dedup();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in &listed {
            let Some((first, last)) = span(network.address, network.prefix) else { continue };
            match (network.address, u32::try_from(first), u32::try_from(last)) {
                (IpAddr::V4(_), Ok(first), Ok(last)) => v4.push((first, last)),
                _ => v6.push((first, last)),
            }
        }
        Ok(Self { listed, v4: joined(v4), v6: joined(v6) })
    }

    /// The networks of Cloudflare as this version was shipped with them.
    #[must_use]
    pub fn cloudflare() -> Self {
        let listed = CLOUDFLARE.iter().filter_map(|text| text.parse().ok());
        Self::new(listed).unwrap_or_default()
    }

    /// These and those.
    ///
    /// # Errors
    /// As [`Networks::new`].
    pub fn with(&self, others: impl IntoIterator<Item = Network>) -> Result<Self, LogpushError> {
        Self::new(self.listed.iter().copied().chain(others))
    }

    /// Whether an address belongs to one of them. An IPv4 address is the same when it is written as an IPv6 one.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => holds(&self.v4, address.to_bits()),
            IpAddr::V6(address) => holds(&self.v6, address.to_bits()),
        }
    }

    /// The networks, sorted.
    #[must_use]
    pub fn listed(&self) -> &[Network] {
        &self.listed
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }
}

/// The first and the last address.
fn span(address: IpAddr, prefix: u8) -> Option<(u128, u128)> {
    let (bits, address) = match address {
        IpAddr::V4(address) => (32, u128::from(address.to_bits())),
        IpAddr::V6(address) => (128, address.to_bits()),
    };
    let free = u32::checked_sub(bits, u32::from(prefix))?;
    let rest = u128::MAX.checked_shr(128 - free).unwrap_or(0);
    Some((address & !rest, address | rest))
}

/// Overlaps joined, so that a search finds the one range that can hold an address.
fn joined<T: Ord + Copy>(mut ranges: Vec<(T, T)>) -> Vec<(T, T)> {
    ranges.sort_unstable();
    let mut joined: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match joined.last_mut() {
            Some(before) if first <= before.1 => before.1 = before.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

fn holds<T: Ord + Copy>(ranges: &[(T, T)], address: T) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= address);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, last)| address <= *last)
}

#[cfg(test)]
mod tests;
