//! What a look-up gives: a handful of indicators, without an allocation.

use std::ops::Deref;

/// More indicators are not told of one value; several collections may hold it.
pub const HITS_MAX: usize = 8;

/// An indicator in one [`super::Indicators`]; ask it what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IndicatorId(pub(super) u32);

/// The indicators that a look-up found.
#[derive(Clone, Copy, Debug)]
pub struct Hits {
    count: usize,
    ids: [IndicatorId; HITS_MAX],
}

impl Hits {
    pub(super) const fn none() -> Self {
        Self { count: 0, ids: [IndicatorId(0); HITS_MAX] }
    }

    pub(super) fn push(&mut self, id: IndicatorId) {
        if self.count < HITS_MAX && !self.contains(&id) {
            self.ids[self.count] = id;
            self.count += 1;
        }
    }
}

impl Deref for Hits {
    type Target = [IndicatorId];

    fn deref(&self) -> &[IndicatorId] {
        &self.ids[..self.count]
    }
}
