//! What can be asked, in a form small enough to queue by the million.

use crate::catalog::HostId;

/// A name to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    /// A host of the catalogue.
    Host(HostId),
    /// The domain of a host of the catalogue: the apex, where mail and name servers are asked for.
    Domain(u32),
    /// `_dmarc.`, a DKIM selector, `_mta-sts.` and the like below a site's domain.
    MailPolicy(u32, u8),
    /// A host of the long tail.
    Tail { domain: u32, host: u8 },
    /// A machine of the organisation's own directory.
    Internal { company: u8, host: u8 },
    /// A zone the resolver hosts itself.
    Hosted(u8),
    /// A service of the directory: `_ldap._tcp...`.
    Service { company: u8, service: u8 },
    /// A catalogue host with the directory's search suffix behind it.
    Suffixed { host: HostId, company: u8 },
    /// A single label, or what zero configuration asks of a unicast resolver.
    Noise(u8),
    /// A browser's probe for a resolver that answers everything.
    Probe(u32),
    /// The reverse name of an IPv4 address.
    Reverse4(u32),
    /// The reverse name of an IPv6 address made from a hash.
    Reverse6(u32),
    /// An address in a block list of mail senders.
    Listed { zone: HostId, address: u32 },
    /// A long name of an honest service.
    Long { kind: u8, number: u32 },
    /// The root.
    Root,
    /// A prepared question of a scenario.
    Planted(u32),
}

/// A question with the time and device it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Task {
    /// Microseconds since the start of the traffic.
    pub at: u64,
    /// Keeps questions of one moment in the order they were thought of.
    pub sequence: u32,
    /// Twice the device, plus one when it is away from its office.
    pub attachment: u32,
    pub name: Name,
    pub qtype: u16,
}
