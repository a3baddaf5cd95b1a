//! A data file as the table's log describes it: what a query needs to know before it opens the file.

use deltalake::kernel::LogicalFileView;
use serde::Deserialize;
use serde_json::{Map, Value};
use tidegate_event::{Timestamp, names};

use crate::datafile::STATISTICS;
use crate::table::day;

/// The statistics that hold moments; the others hold text.
const TIMES: [&str; 2] = [names::TIMESTAMP, names::EVENT_INGESTED];
/// Statistics of other writers are cut to milliseconds: a largest value may be this much larger than it says.
const CUT_MICROS: i64 = 999;

/// A data file of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Where it lies, from the table's folder on.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The rows in it.
    pub rows: u64,
    /// The value of [`DAY`](crate::DAY) of all its rows, in days since 1970.
    pub day: i32,
    /// Another program marked rows of it as deleted without rewriting it.
    pub has_deletions: bool,
    ranges: Vec<(&'static str, Range)>,
}

/// No value of a column of a file lies outside of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Range {
    /// Microseconds since 1970 in UTC.
    Time(i64, i64),
    /// Text, by bytes.
    Text(Box<str>, Box<str>),
}

impl DataFile {
    /// The range of a column; `None` when nothing is known of it or it holds only nulls.
    #[must_use]
    pub fn range(&self, column: &str) -> Option<&Range> {
        self.ranges.iter().find(|(name, _)| *name == column).map(|(_, range)| range)
    }

    /// What the log says of a file. Statistics that cannot be read are as good as none: they only save work.
    pub(crate) fn of(view: &LogicalFileView) -> Self {
        let statistics = view.stats().and_then(|text| serde_json::from_str::<Statistics>(&text).ok());
        let ranges = statistics.map(|statistics| statistics.ranges()).unwrap_or_default();
        Self {
            path: view.path().into_owned(),
            bytes: u64::try_from(view.size()).unwrap_or_default(),
            rows: view.num_records().unwrap_or_default() as u64,
            day: day(view),
            has_deletions: has_deletions(view),
            ranges,
        }
    }
}

/// Whether rows of a file are marked as deleted. We never do that; a program beside us may.
pub(crate) fn has_deletions(view: &LogicalFileView) -> bool {
    view.deletion_vector_descriptor().is_some()
}

/// Statistics of a file, as the log spells them.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Statistics {
    min_values: Map<String, Value>,
    max_values: Map<String, Value>,
}

impl Statistics {
    fn ranges(&self) -> Vec<(&'static str, Range)> {
        STATISTICS.into_iter().filter_map(|name| Some((name, self.range(name)?))).collect()
    }

    fn range(&self, name: &str) -> Option<Range> {
        let (low, high) = (self.min_values.get(name)?.as_str()?, self.max_values.get(name)?.as_str()?);
        if !TIMES.contains(&name) {
            return Some(Range::Text(low.into(), high.into()));
        }
        let micros = |text: &str| Timestamp::parse_rfc3339(text).ok().map(Timestamp::as_micros);
        let high = micros(high)?;
        Some(Range::Time(micros(low)?, if high % 1_000 == 0 { high.saturating_add(CUT_MICROS) } else { high }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(text: &str) -> Vec<(&'static str, Range)> {
        serde_json::from_str::<Statistics>(text).expect("statistics").ranges()
    }

    #[test]
    fn ranges_hold_what_the_statistics_say() {
        let text = r#"{"numRecords":2,"minValues":{"@timestamp":"2026-05-06T10:00:00.000001Z","source.ip":"10.0.0.1"},
            "maxValues":{"@timestamp":"2026-05-06T11:00:00.5Z","source.ip":"10.0.0.9"},"nullCount":{}}"#;
        let at = |text: &str| Timestamp::parse_rfc3339(text).expect("a time").as_micros();
        let time = Range::Time(at("2026-05-06T10:00:00.000001Z"), at("2026-05-06T11:00:00.500999Z"));
        assert_eq!(
            ranges(text),
            [("@timestamp", time), ("source.ip", Range::Text("10.0.0.1".into(), "10.0.0.9".into()))]
        );
    }

    #[test]
    fn half_a_range_or_a_strange_one_is_none() {
        for text in [
            "{}",
            r#"{"minValues":{"source.ip":"10.0.0.1"}}"#,
            r#"{"minValues":{"source.ip":1},"maxValues":{"source.ip":2}}"#,
            r#"{"minValues":{"@timestamp":"soon"},"maxValues":{"@timestamp":"2026-05-06T11:00:00Z"}}"#,
        ] {
            assert!(ranges(text).is_empty(), "{text}");
        }
    }
}
