//! The statistics that the table's log keeps of a file, gathered from the file's own.

use deltalake::parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use deltalake::parquet::file::statistics::Statistics;
use serde_json::{Map, Value, json};
use tidegate_event::Timestamp;

use super::STATISTICS;

/// Smallest and largest value of a column.
enum Range {
    Time(i64, i64),
    Text(Vec<u8>, Vec<u8>),
}

impl Range {
    fn of(statistics: &Statistics) -> Option<Self> {
        match statistics {
            Statistics::Int64(values) => Some(Self::Time(*values.min_opt()?, *values.max_opt()?)),
            Statistics::ByteArray(values) => {
                Some(Self::Text(values.min_opt()?.data().to_vec(), values.max_opt()?.data().to_vec()))
            }
            _ => None,
        }
    }

    fn with(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Time(a, b), Self::Time(c, d)) => Some(Self::Time(a.min(c), b.max(d))),
            (Self::Text(a, b), Self::Text(c, d)) => Some(Self::Text(a.min(c), b.max(d))),
            _ => None,
        }
    }

    fn json(self) -> Option<(Value, Value)> {
        let time = |micros| Value::from(Timestamp::from_micros(micros).to_rfc3339());
        match self {
            Self::Time(low, high) => Some((time(low), time(high))),
            Self::Text(low, high) => Some((String::from_utf8(low).ok()?.into(), String::from_utf8(high).ok()?.into())),
        }
    }
}

/// The statistics of a whole file as the log wants them.
pub(super) fn of(metadata: &ParquetMetaData) -> String {
    let rows: i64 = metadata.row_groups().iter().map(RowGroupMetaData::num_rows).sum();
    let (mut low, mut high, mut nulls) = (Map::new(), Map::new(), Map::new());
    let columns = metadata.file_metadata().schema_descr();
    for name in STATISTICS {
        let found = columns.columns().iter().position(|column| column.path().parts() == [name]);
        let Some(index) = found else {
            nulls.insert(name.to_owned(), rows.into());
            continue;
        };
        let all: Option<Vec<&Statistics>> =
            metadata.row_groups().iter().map(|group| group.column(index).statistics()).collect();
        let Some(all) = all else { continue };
        if let Some(count) = all.iter().map(|one| one.null_count_opt()).sum::<Option<u64>>() {
            nulls.insert(name.to_owned(), count.into());
            // A row group of nothing but nulls has no range and narrows none.
            let groups = all.iter().zip(metadata.row_groups());
            let mut ranged = groups.filter(|(one, group)| one.null_count_opt() != u64::try_from(group.num_rows()).ok());
            let first = ranged.next().map(|(one, _)| Range::of(one));
            let range = ranged
                .fold(first, |range, (one, _)| Some(range.flatten().and_then(|range| range.with(Range::of(one)?))));
            if let Some((smallest, largest)) = range.flatten().and_then(Range::json) {
                low.insert(name.to_owned(), smallest);
                high.insert(name.to_owned(), largest);
            }
        }
    }
    json!({ "numRecords": rows, "minValues": low, "maxValues": high, "nullCount": nulls }).to_string()
}
