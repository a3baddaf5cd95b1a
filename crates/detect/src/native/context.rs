//! What all detectors need to know of a query, worked out once.

use std::sync::Arc;

use super::Look;
use super::trigram::Trigrams;
use crate::lists::{Lists, TagSet};
use crate::names::{HashKey, last_two_labels};

/// Types that browsers, systems and name servers ask for by themselves; tunnels like the others.
const COMMON_TYPES: [&str; 9] = ["A", "AAAA", "HTTPS", "SVCB", "PTR", "SOA", "NS", "DS", "DNSKEY"];

/// A query with its hashes.
pub(super) struct Seen<'a> {
    pub(super) look: &'a Look<'a>,
    /// Second it counts at.
    pub(super) at: i64,
    /// The present.
    pub(super) now: i64,
    pub(super) device: u64,
    /// The registered domain, or the last two labels when the event has none.
    pub(super) domain: &'a str,
    pub(super) domain_hash: u64,
    /// Device and domain.
    pub(super) pair: u64,
    pub(super) name_hash: u64,
    /// The name's part left of the domain, without the dot between.
    pub(super) below: &'a str,
    /// A query type that people's programs rarely use.
    pub(super) odd: bool,
}

impl Seen<'_> {
    /// The group of what concerns a device and a domain.
    pub(super) fn pair_group(&self) -> Vec<(&'static str, String)> {
        let mut group = self.device_group();
        group.push(("dns.question.registered_domain", self.domain.to_owned()));
        group
    }

    /// The group of what concerns a device.
    pub(super) fn device_group(&self) -> Vec<(&'static str, String)> {
        let mut group = vec![("source.ip", self.look.source_ip.to_owned())];
        if self.look.device != self.look.source_ip {
            group.push((
                if self.look.device.contains('@') { "user.email" } else { "device.id" },
                self.look.device.to_owned(),
            ));
        }
        group
    }
}

/// Lists and models the detectors share.
#[derive(Debug)]
pub(super) struct Context {
    lists: Arc<Lists>,
    benign: TagSet,
    probe: TagSet,
    dynamic: TagSet,
    pub(super) trigrams: Trigrams,
}

impl Context {
    pub(super) fn new(lists: Arc<Lists>) -> Self {
        Self {
            benign: lists.tag_set(&["benign", "benign-long-name"]),
            probe: lists.tag_set(&["benign", "browser-probe"]),
            dynamic: lists.tag_set(&["dynamic-dns"]),
            trigrams: Trigrams::embedded(),
            lists,
        }
    }

    /// Hashes of a query; `None` for names of one label, which are no business of a resolver on the Internet.
    pub(super) fn see<'a>(&self, key: HashKey, look: &'a Look<'a>, at: i64, now: i64) -> Option<Seen<'a>> {
        let domain = match look.registered_domain {
            "" if look.name.contains('.') => last_two_labels(look.name),
            "" => return None,
            domain => domain,
        };
        let below = look.name.strip_suffix(domain).unwrap_or_default();
        let (device, domain_hash) = (key.of(look.device), key.of(domain));
        Some(Seen {
            look,
            at,
            now,
            device,
            domain,
            domain_hash,
            pair: key.pair(device, domain_hash),
            name_hash: key.of(look.name),
            below: below.strip_suffix('.').unwrap_or(below),
            odd: !COMMON_TYPES.contains(&look.query_type),
        })
    }

    fn has(&self, name: &str, tags: TagSet) -> bool {
        let mut found = TagSet::default();
        self.lists.tags_of(name, &mut found);
        found.meets(tags)
    }

    /// A zone of many or long names by design, or one nobody can have a part of.
    pub(super) fn is_benign(&self, name: &str) -> bool {
        self.has(name, self.benign)
    }

    /// A well-known domain or a probe: that it does not resolve means nothing.
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.has(name, self.probe)
    }

    /// A zone in which each name belongs to somebody else.
    pub(super) fn is_dynamic(&self, name: &str) -> bool {
        self.has(name, self.dynamic)
    }
}
