//! How many events there are in each stretch of time.

use std::collections::HashMap;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::logical_expr::{Expr, when};
use datafusion::prelude::{ident, lit};
use serde::Serialize;
use serde_json::Value;
use tidegate_event::{Timestamp, names};

use crate::cell::cell;
use crate::engine::Engine;
use crate::error::Error;
use crate::interval::Interval;
use crate::kernel::bucket;
use crate::language::{Field, Kind};
use crate::run::{Job, Reading, gather};
use crate::scope::Scope;
use crate::top::top_of;

/// Most buckets of one histogram.
pub const BUCKETS_MAX: usize = 2_000;
/// Most series that a histogram can be split into, the rest beside.
const SERIES_MAX: usize = 50;

/// What to count over time.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// The events. An end of its range that is open is taken from the events themselves.
    pub scope: Scope,
    /// Width of a bucket in milliseconds, aligned to 1970 in UTC (weeks to Monday); `None` for a readable one.
    pub interval_ms: Option<u64>,
    /// Counts the most frequent values of a field apart.
    pub split: Option<Split>,
}

/// The field that a histogram is split by.
#[derive(Clone, Debug)]
pub struct Split {
    /// Its name.
    pub field: String,
    /// How many of its values get a series of their own, at most 50.
    pub size: usize,
}

/// Counts over time.
#[derive(Clone, Debug, Serialize)]
pub struct HistogramResult {
    /// Width of a bucket.
    pub interval_ms: u64,
    /// Every bucket of the range in order, also the empty ones.
    pub buckets: Vec<Bucket>,
    /// The values that were counted apart, the most frequent first. What is left in a bucket has other values or none.
    pub series: Vec<Value>,
    /// How long it took.
    pub took_ms: u64,
    /// Bytes read from files.
    pub bytes_read: u64,
}

/// One stretch of time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bucket {
    /// Its first moment.
    pub start: Timestamp,
    /// Events in it.
    pub count: u64,
    /// Events in it by series, in their order; empty without a split.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<u64>,
}

impl Engine {
    /// Counts events over time.
    ///
    /// # Errors
    /// When the query or the request is wrong, or it took too long.
    pub async fn histogram(&self, histogram: Histogram) -> Result<HistogramResult, Error> {
        let job = self.job();
        let condition = histogram.scope.condition(&job.fields)?;
        let chosen = histogram.interval_ms.map(Interval::chosen).transpose()?;
        let split = histogram.split.as_ref().map(|split| split_field(&job, split)).transpose()?;
        let range = histogram.scope.range;
        self.run(async move {
            let (start, end, mut bytes_read) = match (range.start, range.end) {
                (Some(start), Some(end)) => (start, end, 0),
                (start, end) => match extent(&job, condition.clone()).await? {
                    Some((first, after, bytes)) => (start.unwrap_or(first), end.unwrap_or(after), bytes),
                    None => (Timestamp::default(), Timestamp::default(), 0),
                },
            };
            let interval = chosen.unwrap_or_else(|| Interval::auto(start, end));
            let mut frame = Buckets::new(interval, start, end)?;
            if !frame.buckets.is_empty() {
                if let Some((field, size)) = &split {
                    let top = top_of(&job, condition.clone(), field, *size).await?;
                    bytes_read += top.bytes_read;
                    frame.split(field, top.values.into_iter().map(|counted| counted.value).collect());
                }
                bytes_read += frame.fill(&job, condition).await?;
            }
            Ok(HistogramResult {
                interval_ms: interval.micros().unsigned_abs() / 1_000,
                buckets: frame.buckets,
                series: frame.series,
                took_ms: job.took_ms(),
                bytes_read,
            })
        })
        .await
    }
}

/// Checks the field of a split.
fn split_field(job: &Job, split: &Split) -> Result<(Field, usize), Error> {
    let name = &split.field;
    let field = job.fields.get(name).ok_or_else(|| Error::Request(job.fields.explain_missing(name)))?;
    if field.kind.is_list() || matches!(field.kind, Kind::Time | Kind::Float | Kind::Json) {
        let holds = field.kind.holds();
        return Err(Error::Request(format!("a histogram cannot be split by `{name}`, which holds {holds}")));
    }
    if !(1..=SERIES_MAX).contains(&split.size) {
        return Err(Error::Request(format!("a histogram is split into 1 to {SERIES_MAX} series, not {}", split.size)));
    }
    Ok((field.as_ref().clone(), split.size))
}

/// The moments of the first event and right after the last.
pub(crate) async fn extent(job: &Job, condition: Option<Expr>) -> Result<Option<(Timestamp, Timestamp, u64)>, Error> {
    let frame = job.frame(Reading::Scan, condition)?;
    let moment = || ident(names::TIMESTAMP);
    let answer = gather(frame.aggregate(vec![], vec![min(moment()), max(moment())])?).await?;
    let value = |column: usize| {
        let batch = answer.batches.iter().find(|batch| batch.num_rows() > 0)?;
        let moments = batch.column(column).as_primitive_opt::<TimestampMicrosecondType>()?;
        moments.is_valid(0).then(|| moments.value(0))
    };
    Ok(value(0).zip(value(1)).map(|(first, last)| {
        let after = Timestamp::from_micros(last.saturating_add(1));
        (Timestamp::from_micros(first), after, answer.bytes_read)
    }))
}

/// The buckets while they are filled.
struct Buckets {
    interval: Interval,
    first: i64,
    buckets: Vec<Bucket>,
    series: Vec<Value>,
    split: Option<Expr>,
}

impl Buckets {
    fn new(interval: Interval, start: Timestamp, end: Timestamp) -> Result<Self, Error> {
        let first = interval.index(start.as_micros());
        let last = interval.index(end.as_micros().saturating_sub(1));
        let count = if end > start { last - first + 1 } else { 0 };
        match usize::try_from(count) {
            Ok(count) if count <= BUCKETS_MAX => {}
            _ => {
                let message = format!("the range has {count} buckets of that width, more than {BUCKETS_MAX}");
                return Err(Error::Request(message));
            }
        }
        let buckets = (first..first + count)
            .map(|index| Bucket { start: interval.start(index), count: 0, series: Vec::new() })
            .collect();
        Ok(Self { interval, first, buckets, series: Vec::new(), split: None })
    }

    fn split(&mut self, field: &Field, series: Vec<Value>) {
        let column = || ident(&field.name);
        let values: Vec<Expr> = series
            .iter()
            .filter_map(|value| match value {
                Value::String(value) => Some(crate::predicate::text(value)),
                Value::Number(value) => value.as_i64().map(lit),
                Value::Bool(value) => Some(lit(*value)),
                _ => None,
            })
            .collect();
        if !values.is_empty() {
            // Other values become null here, so that they make one group and not a million.
            self.split = when(column().in_list(values, false), column()).end().ok();
        }
        for bucket in &mut self.buckets {
            bucket.series = vec![0; series.len()];
        }
        self.series = series;
    }

    /// Counts; the bytes that were read.
    async fn fill(&mut self, job: &Job, condition: Option<Expr>) -> Result<u64, Error> {
        let frame = job.frame(Reading::Scan, condition)?;
        let mut groups = vec![bucket(self.interval, ident(names::TIMESTAMP)).alias("bucket")];
        groups.extend(self.split.clone().map(|split| split.alias("series")));
        let answer = gather(frame.aggregate(groups, vec![count(lit(1_i64)).alias("count")])?).await?;
        let positions: HashMap<String, usize> =
            self.series.iter().enumerate().map(|(position, value)| (value.to_string(), position)).collect();
        for batch in &answer.batches {
            self.add(batch, &positions);
        }
        Ok(answer.bytes_read)
    }

    fn add(&mut self, batch: &RecordBatch, positions: &HashMap<String, usize>) {
        let column = |name: &str| batch.column_by_name(name);
        let numbers = |name: &str| column(name).and_then(|column| column.as_primitive_opt::<Int64Type>());
        let (Some(indexes), Some(counts)) = (numbers("bucket"), numbers("count")) else { return };
        let values = column("series");
        for row in 0..batch.num_rows() {
            let place = usize::try_from(indexes.value(row) - self.first).ok();
            let Some(bucket) = place.and_then(|place| self.buckets.get_mut(place)) else { continue };
            let count = counts.value(row).unsigned_abs();
            bucket.count += count;
            let position = values.and_then(|values| positions.get(&cell(values, row).to_string()));
            if let Some(series) = position.and_then(|position| bucket.series.get_mut(*position)) {
                *series += count;
            }
        }
    }
}
