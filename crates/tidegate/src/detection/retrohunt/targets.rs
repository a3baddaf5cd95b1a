//! Which indicators a hunt looks for.

use serde::Deserialize;
use tidegate_detect::intel::Target;
use tidegate_state::{CollectionId, IndicatorFilter, IndicatorRow, Retrohunt, StateError};

use super::{HuntError, Hunts};
use crate::detection::intelligence::of_row;

/// More indicators are not looked for in one hunt.
const TARGETS_MAX: usize = 500_000;
/// Indicators read from the database at a time.
const PAGE_ROWS: usize = 10_000;

/// Which indicators, as whoever made the hunt says it: all that are switched on, a collection, a feed's, or these.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Selection {
    collection: Option<CollectionId>,
    feed: Option<String>,
    indicators: Option<Vec<i64>>,
}

impl Hunts {
    /// The indicators of a hunt, in the order of their numbers.
    pub(super) fn targets(&self, hunt: &Retrohunt) -> Result<Vec<Target>, HuntError> {
        let selection = match hunt.selection.is_null() {
            true => Selection::default(),
            false => Selection::deserialize(&hunt.selection)
                .map_err(|error| HuntError::Impossible(format!("what to look for cannot be read: {error}")))?,
        };
        if let Some(numbers) = &selection.indicators {
            return self.these(numbers, hunt);
        }
        let filter = IndicatorFilter {
            enabled_only: selection.collection.is_none(),
            collection: selection.collection,
            feed: selection.feed,
            ..IndicatorFilter::default()
        };
        let (mut targets, mut after) = (Vec::new(), hunt.first_id);
        loop {
            let page = self.state.indicators(&filter, PAGE_ROWS, Some(after))?;
            targets.extend(page.iter().filter(|row| row.id <= hunt.last_id).filter_map(target));
            if targets.len() > TARGETS_MAX {
                let why = format!("these are more than {TARGETS_MAX} indicators; hunt for one collection at a time");
                return Err(HuntError::Impossible(why));
            }
            match page.last() {
                Some(last) if page.len() == PAGE_ROWS && last.id < hunt.last_id => after = last.id,
                _ => return Ok(targets),
            }
        }
    }

    fn these(&self, numbers: &[i64], hunt: &Retrohunt) -> Result<Vec<Target>, HuntError> {
        let mut numbers: Vec<i64> = numbers.iter().copied().filter(|number| *number <= hunt.last_id).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut targets = Vec::with_capacity(numbers.len().min(TARGETS_MAX));
        for number in numbers.into_iter().take(TARGETS_MAX) {
            match self.state.indicator(number) {
                Ok(row) => targets.extend(target(&row)),
                Err(StateError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(targets)
    }
}

fn target(row: &IndicatorRow) -> Option<Target> {
    Some(Target { number: u64::try_from(row.id).ok()?, indicator: of_row(row)? })
}
