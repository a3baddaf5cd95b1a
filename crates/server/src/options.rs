//! The `[server]` section of the configuration, with its defaults.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tidegate_batch::Limits;

/// How the HTTP edge listens and what it bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Address and port to listen on; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The address under which people and Cloudflare reach the server, such as `https://tidegate.example.com`.
    /// Decides the cookie's `Secure` and which `Origin` is ours.
    pub public_url: Option<String>,
    /// PEM file with the certificate chain; together with `tls_key` it turns TLS on.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file with the private key of `tls_certificate`.
    pub tls_key: Option<PathBuf>,
    /// Proxies whose `X-Forwarded-For` tells the address of a client; nobody else's is believed.
    pub trusted_proxies: Vec<Network>,
    /// Connections open at the same time; one more is closed at once.
    pub connections_max: usize,
    /// Seconds a client may take to send a request's headers, and to keep an idle connection.
    pub header_seconds_max: u64,
    /// Seconds a body may pause before the request is given up.
    pub body_pause_seconds_max: u64,
    /// Seconds a body may take in all.
    pub body_seconds_max: u64,
    /// Bytes of request bodies held at the same time, over all connections.
    pub bodies_bytes_max: usize,
    /// Bytes of one batch as sent.
    pub compressed_bytes_max: usize,
    /// Bytes of one batch after its compression is undone.
    pub decompressed_bytes_max: usize,
    /// Bytes of one record; a longer one is kept but not parsed.
    pub record_bytes_max: usize,
    /// Batches checked at the same time; 0 means one a processor core.
    pub checks_max: usize,
    /// Seconds after which a login ends, however much it is used.
    pub session_seconds_max: u64,
    /// Searches, exports and SQL statements that run at the same time; one more waits for its turn.
    pub queries_max: usize,
    /// Seconds that requests in flight get to finish when the server stops.
    pub stop_seconds_max: u64,
}

/// An IP address, or all that begin like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The address.
    pub address: IpAddr,
    /// How many of its first bits count.
    pub prefix: u8,
}

impl Network {
    /// Whether an address belongs to it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (bits, differing) = match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => (32, u128::from(ours.to_bits() ^ theirs.to_bits())),
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => (128, ours.to_bits() ^ theirs.to_bits()),
            _ => return false,
        };
        let ignored = u32::saturating_sub(bits, self.prefix.into());
        differing.checked_shr(ignored).unwrap_or(0) == 0
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            tls_certificate: None,
            tls_key: None,
            trusted_proxies: Vec::new(),
            connections_max: 4096,
            header_seconds_max: 10,
            // Logpush gives up after ten seconds without progress, so a longer pause is nobody we know.
            body_pause_seconds_max: 10,
            body_seconds_max: 120,
            bodies_bytes_max: 256 << 20,
            compressed_bytes_max: 64 << 20,
            decompressed_bytes_max: 512 << 20,
            record_bytes_max: Limits::default().record_bytes_max,
            checks_max: 0,
            session_seconds_max: 7 * 24 * 3600,
            queries_max: 16,
            stop_seconds_max: 20,
        }
    }
}

impl Options {
    /// Whether clients see `https`: by our own certificate or by a proxy in front.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.tls_certificate.is_some() || self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    /// The scheme, host and port of `public_url`, as a browser writes it in `Origin`.
    #[must_use]
    pub fn public_origin(&self) -> Option<&str> {
        let url = self.public_url.as_deref()?;
        let (scheme, rest) = url.split_once("://")?;
        let host = rest.split(['/', '?', '#']).next()?;
        Some(&url[..scheme.len() + 3 + host.len()])
    }

    /// The bounds on a batch. Whoever splits a journaled batch again must use the same ones.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            compressed_bytes_max: self.compressed_bytes_max,
            decompressed_bytes_max: self.decompressed_bytes_max,
            record_bytes_max: self.record_bytes_max,
            ..Limits::default()
        }
    }

    /// Batches checked at the same time.
    #[must_use]
    pub fn checks(&self) -> usize {
        match self.checks_max {
            0 => std::thread::available_parallelism().map_or(2, usize::from),
            some => some,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_what_begins_like_them() {
        let network = |address: &str, prefix| Network { address: address.parse().unwrap(), prefix };
        for (network, address, holds) in [
            (network("10.0.0.0", 8), "10.255.0.1", true),
            (network("10.0.0.0", 8), "11.0.0.1", false),
            (network("10.0.0.1", 32), "10.0.0.1", true),
            (network("10.0.0.1", 32), "10.0.0.2", false),
            (network("0.0.0.0", 0), "203.0.113.9", true),
            (network("::", 0), "2001:db8::1", true),
            (network("2001:db8::", 32), "2001:db8:ffff::1", true),
            (network("2001:db8::", 32), "2001:db9::1", false),
            (network("10.0.0.0", 8), "::ffff:10.1.2.3", true),
            (network("10.0.0.0", 8), "2001:db8::1", false),
        ] {
            assert_eq!(network.contains(address.parse().unwrap()), holds, "{network:?} {address}");
        }
    }

    #[test]
    fn the_public_origin_is_what_a_browser_sends() {
        let with = |url: &str| Options { public_url: Some(url.to_owned()), ..Options::default() };
        assert_eq!(with("https://a.example:8443/x/?y").public_origin(), Some("https://a.example:8443"));
        assert_eq!(with("https://a.example").public_origin(), Some("https://a.example"));
        assert_eq!(with("a.example").public_origin(), None);
        assert!(with("https://a.example").is_secure());
        assert!(!with("http://a.example").is_secure());
    }
}
