//! What an indicator is about: a name, an address or a network.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

use super::defang::refang;
use super::name::{NameError, normalise_name};

/// Longer texts are not looked at.
const VALUE_BYTES_MAX: usize = 8 << 10;
/// Wider networks would call a good part of the internet evil.
const PREFIX_V4_MIN: u8 = 8;
const PREFIX_V6_MIN: u8 = 19;

/// What an indicator is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// A domain name, as [`normalise_name`] gives it.
    Name(String),
    /// One address. IPv4 inside IPv6 is IPv4.
    Address(IpAddr),
    /// All addresses with one prefix.
    Network(Network),
}

/// Which queries a name is found by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The name itself: from URLs, whose host is often shared with the innocent.
    Exact,
    /// The name itself, and everything below it when it is a registered domain.
    #[default]
    Domain,
    /// The name itself and everything below it: `*.name`, `||name^`.
    Subtree,
}

/// All addresses that share the first `prefix` bits of `address`; the other bits are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no value.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ValueError {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// Longer than any name or URL.
    #[error("is too long")]
    TooLong,
    /// The hash of a file: DNS logs hold none.
    #[error("is a file hash, which DNS logs do not hold")]
    Hash,
    /// An e-mail address: DNS logs hold none.
    #[error("is an e-mail address, which DNS logs do not hold")]
    Email,
    /// The number of an autonomous system: DNS logs hold none.
    #[error("is the number of an autonomous system, which DNS logs do not hold")]
    AsNumber,
    /// A network so wide that it would match the innocent.
    #[error("is too wide a network (at least /8, or /19 for IPv6)")]
    TooWide,
    /// A network with a prefix that cannot be.
    #[error("is not a network")]
    Network,
    /// No name either.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Network {
    /// The network of `address`; bits behind the prefix are cleared.
    ///
    /// # Errors
    /// [`ValueError::Network`] for a prefix longer than the address, [`ValueError::TooWide`] for one too short.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, ValueError> {
        let (min, max) = if address.is_ipv4() { (PREFIX_V4_MIN, 32) } else { (PREFIX_V6_MIN, 128) };
        if prefix > max {
            return Err(ValueError::Network);
        }
        if prefix < min {
            return Err(ValueError::TooWide);
        }
        Ok(Self { address: masked(address, prefix), prefix })
    }

    /// The first address.
    #[must_use]
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// How many bits are shared.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// The last address.
    #[must_use]
    pub fn last(self) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => {
                let host = u32::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() | host))
            }
            IpAddr::V6(address) => {
                let host = u128::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() | host))
            }
        }
    }
}

/// `address` with the bits behind `prefix` cleared.
pub(super) fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let host = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & !host))
        }
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !host))
        }
    }
}

/// IPv4 inside IPv6 (`::ffff:192.0.2.1`) as IPv4.
pub(super) fn plain_address(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

impl Value {
    /// What it is: `name`, `ip` or `network`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::Address(_) => "ip",
            Self::Network(_) => "network",
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
            Self::Network(network) => network.fmt(f),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Scope {
    /// Its name: `exact`, `domain` or `subtree`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Domain => "domain",
            Self::Subtree => "subtree",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        [Self::Exact, Self::Domain, Self::Subtree].into_iter().find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

/// Neither `exact` nor `domain` nor `subtree`.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a scope is `exact`, `domain` or `subtree`")]
pub struct UnknownScope;

/// Reads a name, an address, a network or the host of a URL, as people and programs write them, also defanged.
///
/// # Errors
/// [`ValueError`] that says what it is instead.
pub fn parse_value(text: &str) -> Result<(Value, Scope), ValueError> {
    let text = text.trim().trim_matches(['"', '\'', '`', '<', '>']).trim();
    if text.is_empty() {
        return Err(ValueError::Empty);
    }
    if text.len() > VALUE_BYTES_MAX {
        return Err(ValueError::TooLong);
    }
    let text = refang(text);
    if let Some((scheme, rest)) = text.split_once("://") {
        // `tcp://`, `dns://` and the like name hosts just as well.
        let good =
            !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        return if good { url_host(rest) } else { Err(NameError::Malformed.into()) };
    }
    if let Some((address, prefix)) = text.split_once('/') {
        if let Ok(address) = address.parse::<IpAddr>() {
            return network(address, prefix);
        }
        return url_host(&text);
    }
    if text.contains('@') {
        return Err(ValueError::Email);
    }
    if let Some(name) = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')) {
        return Ok((Value::Name(normalise_name(name)?), Scope::Subtree));
    }
    if matches!(text.len(), 32 | 40 | 64 | 96 | 128) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(ValueError::Hash);
    }
    if is_as_number(&text) {
        return Err(ValueError::AsNumber);
    }
    host(&text, Scope::Domain)
}

/// `AS64500`.
fn is_as_number(text: &str) -> bool {
    let digits = text.strip_prefix("AS").or_else(|| text.strip_prefix("as"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn network(address: IpAddr, prefix: &str) -> Result<(Value, Scope), ValueError> {
    let short = prefix.len() <= 3 && prefix.bytes().all(|byte| byte.is_ascii_digit());
    let Some(bits) = short.then(|| prefix.parse::<u8>().ok()).flatten() else {
        // An address with a path: a URL without its scheme.
        let path = prefix.is_empty() || prefix.starts_with(|c: char| !c.is_ascii_digit());
        return if path {
            Ok((Value::Address(plain_address(address)), Scope::Exact))
        } else {
            Err(ValueError::Network)
        };
    };
    let whole = if address.is_ipv4() { 32 } else { 128 };
    if bits == whole {
        return Ok((Value::Address(plain_address(address)), Scope::Exact));
    }
    Ok((Value::Network(Network::new(address, bits)?), Scope::Exact))
}

/// The host of `[user@]host[:port][/path]`.
fn url_host(rest: &str) -> Result<(Value, Scope), ValueError> {
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host(authority, Scope::Exact)
}

/// A name or an address, with or without a port.
fn host(text: &str, scope: Scope) -> Result<(Value, Scope), ValueError> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok((Value::Address(plain_address(address)), Scope::Exact));
    }
    if let Some(rest) = text.strip_prefix('[')
        && let Some((address, _port)) = rest.split_once(']')
    {
        let address = address.parse::<Ipv6Addr>().map_err(|_| NameError::Malformed)?;
        return Ok((Value::Address(plain_address(address.into())), Scope::Exact));
    }
    let bare = match text.rsplit_once(':') {
        Some((bare, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => bare,
        _ => text,
    };
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok((Value::Address(plain_address(address)), Scope::Exact));
    }
    Ok((Value::Name(normalise_name(bare)?), scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_people_write_them() {
        for (text, value, scope) in [
            ("Evil.Example", "evil.example", Scope::Domain),
            ("*.evil.example", "evil.example", Scope::Subtree),
            (".evil.example", "evil.example", Scope::Subtree),
            ("hxxps://user:pw@cdn.evil[.]example:8443/a?b#c", "cdn.evil.example", Scope::Exact),
            ("evil.example/path", "evil.example", Scope::Exact),
            ("evil.example:443", "evil.example", Scope::Domain),
            ("\"192.0.2.7\"", "192.0.2.7", Scope::Exact),
            ("192.0.2.7:8080", "192.0.2.7", Scope::Exact),
            ("192.0.2.7/32", "192.0.2.7", Scope::Exact),
            ("192.0.2.7/24", "192.0.2.0/24", Scope::Exact),
            ("http://192.0.2.7/24", "192.0.2.7", Scope::Exact),
            ("::ffff:192.0.2.7", "192.0.2.7", Scope::Exact),
            ("2001:DB8::1", "2001:db8::1", Scope::Exact),
            ("http://[2001:db8::1]:80/x", "2001:db8::1", Scope::Exact),
            ("2001:db8:1::/48", "2001:db8:1::/48", Scope::Exact),
        ] {
            let (found, found_scope) = parse_value(text).unwrap();
            assert_eq!((found.to_string().as_str(), found_scope), (value, scope), "{text}");
        }
    }

    #[test]
    fn what_is_no_value_says_what_it_is() {
        for (text, why) in [
            ("  ", ValueError::Empty),
            ("d41d8cd98f00b204e9800998ecf8427e", ValueError::Hash),
            ("someone@evil.example", ValueError::Email),
            ("AS64500", ValueError::AsNumber),
            ("0.0.0.0/0", ValueError::TooWide),
            ("10.0.0.0/33", ValueError::Network),
            ("2001::/8", ValueError::TooWide),
            ("not a name", NameError::Malformed.into()),
            ("http://", NameError::Malformed.into()),
            (&"x".repeat(9000), ValueError::TooLong),
        ] {
            assert_eq!(parse_value(text), Err(why), "{text}");
        }
    }

    #[test]
    fn networks_know_their_ends() {
        let network = Network::new("10.1.2.3".parse().unwrap(), 20).unwrap();
        assert_eq!((network.to_string().as_str(), network.last().to_string().as_str()), ("10.1.0.0/20", "10.1.15.255"));
        let network = Network::new("2001:db8::5".parse().unwrap(), 127).unwrap();
        assert_eq!(network.last().to_string(), "2001:db8::5");
    }
}
