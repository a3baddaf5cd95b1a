//! What is known of an indicator that was hit.

use tidegate_event::Timestamp;

use super::key::{self, Kind};
use super::{Entry, Indicators, UNKNOWN};
use crate::intel::intern::Origin;
use crate::intel::value::{Network, Scope, Value};

/// What is known of an indicator that was hit.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    indicators: &'a Indicators,
    entry: &'a Entry,
}

impl<'a> Known<'a> {
    pub(super) const fn new(indicators: &'a Indicators, entry: &'a Entry) -> Self {
        Self { indicators, entry }
    }

    /// What the caller knows it by.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.entry.number
    }

    /// What it is about.
    #[must_use]
    pub fn value(self) -> Value {
        let bytes = self.entry.bytes(&self.indicators.bytes);
        match self.entry.kind {
            Kind::Name => Value::Name(String::from_utf8_lossy(bytes).into_owned()),
            Kind::Address => Value::Address(key::address_of(bytes)),
            Kind::Network => {
                let (prefix, address) = bytes.split_last().unwrap_or((&0, bytes));
                let address = key::address_of(address);
                Network::new(address, *prefix).map_or(Value::Address(address), Value::Network)
            }
        }
    }

    /// The name, when it is about one.
    #[must_use]
    pub fn name(self) -> Option<&'a str> {
        let bytes = self.entry.bytes(&self.indicators.bytes);
        if self.entry.kind == Kind::Name { std::str::from_utf8(bytes).ok() } else { None }
    }

    /// Which queries a name is found by.
    #[must_use]
    pub const fn scope(self) -> Scope {
        self.entry.scope
    }

    /// The collection it belongs to.
    #[must_use]
    pub fn collection(self) -> &'a str {
        self.origin().map_or("", |origin| self.indicators.text(origin.collection))
    }

    /// The feed it came from.
    #[must_use]
    pub fn source(self) -> &'a str {
        self.origin().map_or("", |origin| self.indicators.text(origin.source))
    }

    /// Its tags.
    pub fn tags(self) -> impl Iterator<Item = &'a str> {
        let numbers = self.origin().map_or(&[][..], |origin| &origin.tags);
        numbers.iter().map(move |number| self.indicators.text(*number))
    }

    /// How sure its source is, 0 to 100.
    #[must_use]
    pub fn confidence(self) -> Option<u8> {
        (self.entry.confidence != UNKNOWN).then_some(self.entry.confidence)
    }

    /// Events before this do not count.
    #[must_use]
    pub fn valid_from(self) -> Option<Timestamp> {
        (self.entry.from_micros != i64::MIN).then(|| Timestamp::from_micros(self.entry.from_micros))
    }

    /// Events at or after this do not count.
    #[must_use]
    pub fn valid_until(self) -> Option<Timestamp> {
        (self.entry.until_micros != i64::MAX).then(|| Timestamp::from_micros(self.entry.until_micros))
    }

    fn origin(self) -> Option<&'a Origin> {
        self.indicators.interned.origins.get(self.entry.origin as usize).map(|origin| &**origin)
    }
}
