//! Keeps the prepared text of replies that are asked for again and again.

use crate::plan::Pieces;
use crate::question::Name;
use crate::rng::mix;

/// Slots; with all 82 fields an entry is about 2 KB.
const SLOTS: usize = 1 << 15;
/// Tail domains beyond this rank come back too seldom to be kept.
const TAIL_KEPT: u32 = 3_000;

/// A reply that is ready to be copied.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    key: Option<Key>,
    pub pieces: Pieces,
    /// Bytes of the name in a query, length bytes included.
    pub name_bytes: u16,
    pub rcode: u8,
    pub cached: bool,
    pub blocked: bool,
    /// Blocked as a security threat.
    pub threat: bool,
}

/// What a prepared reply is the answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub name: Name,
    pub qtype: u16,
    pub age: u8,
    pub group: u8,
}

impl Prepared {
    pub(crate) fn is(&self, key: Key) -> bool {
        self.key == Some(key)
    }

    pub(crate) const fn becomes(&mut self, key: Key) {
        self.key = Some(key);
    }
}

#[derive(Debug)]
pub(crate) struct Cache {
    slots: Vec<Prepared>,
    /// For what is not worth keeping.
    scratch: Prepared,
}

impl Cache {
    pub(crate) fn new() -> Self {
        let mut slots = Vec::new();
        slots.resize_with(SLOTS, Prepared::default);
        Self { slots, scratch: Prepared::default() }
    }

    /// The place of a key: it holds the key's reply or must be prepared anew.
    pub(crate) fn slot(&mut self, key: Key) -> &mut Prepared {
        let number = match key.name {
            Name::Host(host) => u64::from(host) << 8 | 1,
            Name::Domain(site) => u64::from(site) << 8 | 2,
            Name::Tail { domain, host } if domain < TAIL_KEPT => u64::from(domain) << 16 | u64::from(host) << 8 | 3,
            Name::Internal { company, host } => u64::from(company) << 16 | u64::from(host) << 8 | 4,
            Name::Hosted(host) => u64::from(host) << 8 | 5,
            Name::Service { company, service } => u64::from(company) << 16 | u64::from(service) << 8 | 6,
            Name::Noise(kind) => u64::from(kind) << 8 | 7,
            _ => return &mut self.scratch,
        };
        let variant = u64::from(key.qtype) << 48 | u64::from(key.age) << 44 | u64::from(key.group) << 40;
        &mut self.slots[(mix(number ^ variant) % SLOTS as u64) as usize]
    }
}
