//! Stand-in for the indicators; replaced at the merge.

use std::net::IpAddr;

use tidegate_event::Timestamp;

/// An indicator in one set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndicatorId(pub u32);

/// What is known of an indicator.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a>(pub &'a Indicators);

impl<'a> Known<'a> {
    /// Its tags.
    pub fn tags(self) -> impl Iterator<Item = &'a str> {
        std::iter::empty()
    }
}

/// All indicators.
#[derive(Debug, Default)]
pub struct Indicators;

impl Indicators {
    /// Those that name a queried name or its registered domain.
    #[must_use]
    pub fn match_name(&self, _name: &str, _registered: &str, _at: Timestamp) -> Vec<IndicatorId> {
        Vec::new()
    }

    /// Those that name an address.
    #[must_use]
    pub fn match_ip(&self, _address: IpAddr, _at: Timestamp) -> Vec<IndicatorId> {
        Vec::new()
    }

    /// What is known of an indicator.
    #[must_use]
    pub fn get(&self, _id: IndicatorId) -> Option<Known<'_>> {
        None
    }
}
