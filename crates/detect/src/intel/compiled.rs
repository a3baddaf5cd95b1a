//! Indicators compiled for look-ups: a keyed hash table over names and addresses of any number, held as plain bytes.

mod key;
mod known;
mod table;

use std::hash::RandomState;
use std::net::IpAddr;

use tidegate_event::Timestamp;

use super::eicar::{EICAR_COLLECTION, eicar};
use super::hits::{Hits, IndicatorId};
use super::indicator::Indicator;
use super::intern::{Interned, Interner};
use super::value::{Scope, Value, masked, plain_address};
use key::{Key, Kind};
pub use known::Known;
use table::Table;

/// More indicators about one and the same value are not held.
const SAME_VALUE_MAX: u32 = super::hits::HITS_MAX as u32;
const LABELS_MAX: usize = 127;

/// Immutable; built once, shared by all workers.
#[derive(Debug)]
pub struct Indicators {
    entries: Vec<Entry>,
    bytes: Vec<u8>,
    table: Table,
    hasher: RandomState,
    interned: Interned,
    /// Bit n: some subtree indicator has n labels. Spares the look-ups of parents that cannot be there.
    subtree_labels: u128,
    prefixes_v4: u64,
    prefixes_v6: [u64; 3],
}

impl Default for Indicators {
    fn default() -> Self {
        Self::builder().build().0
    }
}

/// Collects indicators.
#[derive(Debug)]
pub struct IndicatorsBuilder {
    built: Indicators,
    interner: Interner,
    left: Left,
}

/// What a builder could not hold, all or in part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Indicators left out: too many about one value, or too many altogether.
    pub indicators: u64,
    /// Indicators held without all their tags: too many different ones.
    pub tags: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    from_micros: i64,
    until_micros: i64,
    number: u64,
    offset: u32,
    origin: u32,
    length: u8,
    kind: Kind,
    scope: Scope,
    confidence: u8,
}

/// [`Entry::confidence`] of an indicator whose source does not say.
const UNKNOWN: u8 = u8::MAX;

impl Default for IndicatorsBuilder {
    fn default() -> Self {
        let built = Indicators {
            entries: Vec::new(),
            bytes: Vec::new(),
            table: Table::default(),
            hasher: RandomState::new(),
            interned: Interned::default(),
            subtree_labels: 0,
            prefixes_v4: 0,
            prefixes_v6: [0; 3],
        };
        Self { built, interner: Interner::default(), left: Left::default() }
    }
}

impl IndicatorsBuilder {
    /// Makes room for so many indicators about names of usual length: spares growing.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        let mut builder = Self::default();
        builder.built.entries.reserve_exact(count);
        builder.built.bytes.reserve_exact(count.saturating_mul(20));
        builder.built.table = Table::with_capacity(count);
        builder
    }

    /// Puts in the indicators of the self-test, which every catalogue should have (see [`eicar`]).
    #[must_use]
    pub fn with_self_test(mut self) -> Self {
        for indicator in eicar() {
            self.add(0, EICAR_COLLECTION, "built in", &indicator);
        }
        self
    }

    /// Adds an indicator. `number` is what the caller knows it by; `collection` and `source` (the feed) are told with a
    /// hit. The same value with the same origin again widens the first: earliest begin, latest end, highest confidence.
    pub fn add(&mut self, number: u64, collection: &str, source: &str, indicator: &Indicator) {
        let (origin, whole) = self.interner.origin(collection, source, &indicator.tags);
        self.left.tags += u64::from(!whole);
        let scope = indicator.scope;
        let done = match &indicator.value {
            Value::Name(name) => Key::name(name).is_some_and(|key| self.insert(key, origin, number, scope, indicator)),
            Value::Address(address) => {
                self.insert(Key::address(plain_address(*address), None).as_key(), origin, number, scope, indicator)
            }
            Value::Network(network) => {
                let key = Key::address(network.address(), Some(network.prefix()));
                self.insert(key.as_key(), origin, number, scope, indicator)
            }
        };
        self.left.indicators += u64::from(!done);
    }

    fn insert(&mut self, key: Key<'_>, origin: u32, number: u64, scope: Scope, indicator: &Indicator) -> bool {
        let built = &mut self.built;
        let hash = key.hash(&built.hasher);
        let from_micros = indicator.valid_from.map_or(i64::MIN, Timestamp::as_micros);
        let until_micros = indicator.valid_until.map_or(i64::MAX, Timestamp::as_micros);
        let mut same = 0;
        for index in built.table.candidates(hash) {
            let Some(entry) = built.entries.get_mut(index as usize) else { continue };
            if !entry.is(&built.bytes, key) {
                continue;
            }
            if entry.origin == origin && entry.scope == scope {
                entry.from_micros = entry.from_micros.min(from_micros);
                entry.until_micros = entry.until_micros.max(until_micros);
                entry.confidence = wider(entry.confidence, indicator.confidence);
                return true;
            }
            same += 1;
        }
        let (Ok(index), Ok(offset)) = (u32::try_from(built.entries.len()), u32::try_from(built.bytes.len())) else {
            return false;
        };
        if same >= SAME_VALUE_MAX || index == u32::MAX {
            return false;
        }
        built.bytes.extend_from_slice(key.bytes);
        built.entries.push(Entry {
            from_micros,
            until_micros,
            number,
            offset,
            origin,
            length: key.length(),
            kind: key.kind,
            scope,
            confidence: indicator.confidence.map_or(UNKNOWN, |sure| sure.min(100)),
        });
        built.table.insert(hash, index);
        built.note(key, scope);
        true
    }

    /// The compiled set, and what it had to leave out.
    #[must_use]
    pub fn build(self) -> (Indicators, Left) {
        let mut built = self.built;
        built.entries.shrink_to_fit();
        built.bytes.shrink_to_fit();
        built.interned = self.interner.complete();
        (built, self.left)
    }
}

fn wider(held: u8, more: Option<u8>) -> u8 {
    match more {
        Some(more) if held == UNKNOWN || more > held => more.min(100),
        _ => held,
    }
}

impl Entry {
    fn is(&self, bytes: &[u8], key: Key<'_>) -> bool {
        self.kind == key.kind && self.bytes(bytes) == key.bytes
    }

    fn bytes<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let from = self.offset as usize;
        bytes.get(from..from + usize::from(self.length)).unwrap_or_default()
    }

    const fn holds_at(&self, at: i64) -> bool {
        self.from_micros <= at && at < self.until_micros
    }
}

impl Indicators {
    /// Collects indicators.
    #[must_use]
    pub fn builder() -> IndicatorsBuilder {
        IndicatorsBuilder::default()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How much memory it takes, about.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let tags: usize = self.interned.origins.iter().map(|origin| 48 + 4 * origin.tags.len()).sum();
        let texts: usize = self.interned.texts.iter().map(|text| 32 + text.len()).sum();
        self.entries.capacity() * size_of::<Entry>() + self.bytes.capacity() + self.table.size_bytes() + tags + texts
    }

    /// What the indicators say about a queried name at the time of the event: those about the name itself, those about
    /// its registered domain, and those about any parent that mean everything below. `name` is lower case and has no
    /// final dot; `registered_domain` may be empty.
    #[must_use]
    pub fn match_name(&self, name: &str, registered_domain: &str, at: Timestamp) -> Hits {
        let mut hits = Hits::none();
        if self.entries.is_empty() {
            return hits;
        }
        self.look(name, at, &mut hits, |_| true);
        if registered_domain.len() < name.len() && is_parent(name, registered_domain) {
            self.look(registered_domain, at, &mut hits, |scope| scope != Scope::Exact);
        }
        if self.subtree_labels != 0 {
            self.look_at_parents(name, registered_domain, at, &mut hits);
        }
        hits
    }

    fn look_at_parents(&self, name: &str, registered_domain: &str, at: Timestamp, hits: &mut Hits) {
        let mut labels = name.bytes().filter(|byte| *byte == b'.').count() + 1;
        let mut rest = name;
        while let Some((_, parent)) = rest.split_once('.') {
            labels -= 1;
            rest = parent;
            if labels <= LABELS_MAX && self.subtree_labels & (1 << labels) != 0 && parent != registered_domain {
                self.look(parent, at, hits, |scope| scope == Scope::Subtree);
            }
        }
    }

    fn look(&self, name: &str, at: Timestamp, hits: &mut Hits, wanted: impl Fn(Scope) -> bool) {
        if let Some(key) = Key::name(name) {
            self.look_up(key, at, hits, wanted);
        }
    }

    fn look_up(&self, key: Key<'_>, at: Timestamp, hits: &mut Hits, wanted: impl Fn(Scope) -> bool) {
        for index in self.table.candidates(key.hash(&self.hasher)) {
            let Some(entry) = self.entries.get(index as usize) else { continue };
            if entry.is(&self.bytes, key) && wanted(entry.scope) && entry.holds_at(at.as_micros()) {
                hits.push(IndicatorId(index));
            }
        }
    }

    /// What the indicators say about an address at the time of the event: who asked, or what was answered.
    #[must_use]
    pub fn match_ip(&self, address: IpAddr, at: Timestamp) -> Hits {
        let mut hits = Hits::none();
        if self.entries.is_empty() {
            return hits;
        }
        let address = plain_address(address);
        self.look_up(Key::address(address, None).as_key(), at, &mut hits, |_| true);
        for prefix in self.prefixes(address) {
            let key = Key::address(masked(address, prefix), Some(prefix));
            self.look_up(key.as_key(), at, &mut hits, |_| true);
        }
        hits
    }

    /// The lengths of prefixes that some network has, the longest first.
    fn prefixes(&self, address: IpAddr) -> impl Iterator<Item = u8> {
        let mut words = if address.is_ipv4() { [self.prefixes_v4, 0, 0] } else { self.prefixes_v6 };
        // Every address comes by here, and most sets hold few networks: the bits that are set, not all there are.
        std::iter::from_fn(move || {
            let at = words.iter().rposition(|word| *word != 0)?;
            let bit = words[at].ilog2();
            words[at] &= !(1 << bit);
            u8::try_from(at as u32 * u64::BITS + bit).ok()
        })
    }

    fn note(&mut self, key: Key<'_>, scope: Scope) {
        match key.kind {
            Kind::Name if scope == Scope::Subtree => {
                let labels = key.bytes.iter().filter(|byte| **byte == b'.').count() + 1;
                self.subtree_labels |= 1 << labels.min(LABELS_MAX);
            }
            Kind::Network if key.bytes.len() == 5 => self.prefixes_v4 |= 1 << (key.bytes[4] % 64),
            Kind::Network => {
                let prefix = key.bytes.last().copied().unwrap_or_default();
                self.prefixes_v6[usize::from(prefix / 64).min(2)] |= 1 << (prefix % 64);
            }
            _ => {}
        }
    }

    /// What is known of an indicator that this set hit.
    #[must_use]
    pub fn get(&self, id: IndicatorId) -> Option<Known<'_>> {
        self.entries.get(id.0 as usize).map(|entry| Known::new(self, entry))
    }

    /// All of them, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = Known<'_>> {
        self.entries.iter().map(|entry| Known::new(self, entry))
    }

    fn text(&self, number: u32) -> &str {
        self.interned.texts.get(number as usize).map_or("", |text| text)
    }
}

fn is_parent(name: &str, parent: &str) -> bool {
    !parent.is_empty() && name.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}
