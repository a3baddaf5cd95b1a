//! Detection rules: which there are, what they find, and how the house wants them.

pub(crate) mod check;
pub(crate) mod edit;
pub(crate) mod list;
pub(crate) mod matrix;
pub(crate) mod show;
mod techniques;

use std::collections::{BTreeMap, HashMap};

use tidegate_state::{RuleHits, State, StateError};
use uuid::Uuid;

use crate::error::ApiError;
use crate::parts::Shared;

/// Days of hits that a list tells.
const HITS_DAYS: u32 = 7;
/// Days of hits that a rule's own page tells, and for which the last hit is known.
const HISTORY_DAYS: u32 = 30;

/// What alerts say about rules.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    week: BTreeMap<Uuid, RuleHits>,
    month: BTreeMap<Uuid, RuleHits>,
    open: BTreeMap<Uuid, u64>,
    exclusions: HashMap<Uuid, u64>,
}

impl Findings {
    async fn read(shared: &Shared) -> Result<Self, ApiError> {
        shared.ask(Self::of).await
    }

    fn of(state: &State) -> Result<Self, StateError> {
        let mut exclusions = HashMap::new();
        for rule in state.alert_filters()?.into_iter().filter_map(|filter| filter.rule) {
            *exclusions.entry(rule).or_default() += 1;
        }
        Ok(Self {
            week: state.rule_hits(HITS_DAYS)?,
            month: state.rule_hits(HISTORY_DAYS)?,
            open: state.open_alerts_by_rule()?,
            exclusions,
        })
    }

    fn hits_7d(&self, rule: Uuid) -> u64 {
        self.week.get(&rule).map_or(0, |hits| hits.hits)
    }

    fn alerts_open(&self, rule: Uuid) -> u64 {
        self.open.get(&rule).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
