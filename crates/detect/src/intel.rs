//! Stand-in for the indicators; replaced at the merge.

use std::net::IpAddr;

use tidegate_event::Timestamp;

/// What is known of a bad name or address.
#[derive(Clone, Debug)]
pub struct Indicator {
    /// The name or address.
    pub value: String,
    /// The collection it belongs to.
    pub collection: String,
    /// Its tags.
    pub tags: Vec<String>,
}

/// All indicators.
#[derive(Clone, Debug, Default)]
pub struct Indicators;

impl Indicators {
    /// Those that name a queried name or its registered domain.
    pub fn match_name(&self, _name: &str, _registered: &str, _at: Timestamp) -> impl Iterator<Item = usize> + '_ {
        std::iter::empty()
    }

    /// Those that name an address.
    pub fn match_ip(&self, _ip: IpAddr, _at: Timestamp) -> impl Iterator<Item = usize> + '_ {
        std::iter::empty()
    }

    /// An indicator.
    #[must_use]
    pub fn get(&self, _index: usize) -> Option<&Indicator> {
        None
    }
}
