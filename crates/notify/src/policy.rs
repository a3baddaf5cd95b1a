//! Where we may connect to. Whoever configures a target must not thereby reach what only this machine can reach.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::error::Failure;

/// Addresses looked at of one name.
const ADDRESSES_MAX: usize = 16;

/// What targets may reach. The default lets them reach the internet and private networks, not this machine, not
/// link-local addresses (where clouds keep their metadata), and no files.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Whether targets on this machine are allowed: `127.0.0.1`, `::1`.
    pub loopback: bool,
    /// The folder for files; without it there are no file targets.
    pub files: Option<PathBuf>,
}

impl Policy {
    /// Whether a target may be at this address.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = unmapped(address);
        if address.is_loopback() {
            return self.loopback;
        }
        match address {
            IpAddr::V4(v4) => !(v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast()),
            IpAddr::V6(v6) => {
                // fd00:ec2::254 is a metadata service within the private range.
                let metadata = v6 == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
                !(v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast() || metadata)
            }
        }
    }

    /// Refuses a host that is an address at which no setting allows a target.
    pub(crate) fn check(host: &str) -> Result<(), Failure> {
        let widest = Self { loopback: true, files: None };
        match bare(host).parse::<IpAddr>() {
            Ok(address) if !widest.allows(address) => Err(not_allowed(bare(host))),
            _ => Ok(()),
        }
    }

    /// The addresses of a host that a target may be at.
    pub(crate) async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
        let bare = bare(host);
        let found: Vec<SocketAddr> = match bare.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => tokio::net::lookup_host((bare, port))
                .await
                .map_err(|error| Failure::passing(format!("cannot resolve `{bare}`: {error}")))?
                .take(ADDRESSES_MAX)
                .collect(),
        };
        let known = !found.is_empty();
        let allowed: Vec<_> = found.into_iter().filter(|address| self.allows(address.ip())).collect();
        match (allowed.is_empty(), known) {
            (false, _) => Ok(allowed),
            (true, true) => Err(not_allowed(bare)),
            (true, false) => Err(Failure::passing(format!("`{bare}` has no address"))),
        }
    }
}

/// An IPv6 address without its brackets.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

fn not_allowed(host: &str) -> Failure {
    Failure::lasting(format!("`{host}` is at an address that targets may not be at"))
}

/// The IPv4 address within an IPv6 one, by any of the ways that lead to the same host.
fn unmapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return v4.into();
    }
    let segments = v6.segments();
    // NAT64 (RFC 6052) and the compatible form, which leaves `::` and `::1` alone.
    let nat64 = segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    let compatible = segments[..6] == [0; 6] && (segments[6] != 0 || segments[7] > 1);
    if nat64 || compatible {
        return Ipv4Addr::from((u32::from(segments[6]) << 16) | u32::from(segments[7])).into();
    }
    address
}

/// Resolves for the HTTP client, so that a name cannot lead it to another address than was checked.
#[derive(Debug)]
pub(crate) struct Guard(pub(crate) Policy);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            // Port 0 means the port of the URL.
            let found = policy.resolve(name.as_str(), 0).await.map_err(|failure| io::Error::other(failure.text))?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
