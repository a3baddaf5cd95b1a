//! One number about events, over all of them or by time or field.

use datafusion::functions_aggregate::expr_fn::{approx_distinct, avg, count, max, min, sum};
use datafusion::logical_expr::Expr;
use datafusion::prelude::{ident, lit};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cell::cell;
use crate::engine::Engine;
use crate::error::Error;
use crate::histogram::{BUCKETS_MAX, extent};
use crate::interval::Interval;
use crate::kernel::{bucket, passes};
use crate::language::{Condition, Field, Fields, Kind};
use crate::run::{Job, Reading, gather};
use crate::scope::{Scope, conjunction};
use crate::top::SIZE_MAX;
use tidegate_event::{Timestamp, names};

/// What to work out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// How many events (that have the field, when one is given).
    Count,
    /// How many different values the field has, within two percent.
    Cardinality,
    /// The mean of a field with numbers.
    Avg,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// The sum of a field with numbers.
    Sum,
}

/// By what to tell events apart.
#[derive(Clone, Debug, Default)]
pub enum Group {
    /// Not at all.
    #[default]
    None,
    /// By time; width of a stretch in milliseconds, `None` for a readable one.
    Time(Option<u64>),
    /// By a field; so many of its values with the largest result.
    Field {
        /// Its name.
        name: String,
        /// How many of its values, 1 to 1,000.
        size: usize,
    },
}

/// A question for one number a group.
#[derive(Clone, Debug)]
pub struct Aggregation {
    /// The events.
    pub scope: Scope,
    /// What to work out.
    pub function: Function,
    /// Of which field; only [`Function::Count`] goes without.
    pub field: Option<String>,
    /// By what to tell events apart.
    pub group: Group,
}

/// The number of each group.
#[derive(Clone, Debug, Serialize)]
pub struct AggregationResult {
    /// By time in its order and without empty stretches; by field the largest result first.
    pub groups: Vec<GroupValue>,
    /// The numbers are estimates.
    pub approximate: bool,
    /// How long it took.
    pub took_ms: u64,
    /// Bytes read from files.
    pub bytes_read: u64,
}

/// The number of one group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupValue {
    /// The start of the stretch of time, or the value of the field; `null` without grouping and for events without it.
    pub key: Value,
    /// The number; `null` when no event of the group has a value.
    pub value: Value,
}

impl Engine {
    /// Works out one number about events.
    ///
    /// # Errors
    /// When the query or the request is wrong, or it took too long.
    pub async fn aggregate(&self, aggregation: Aggregation) -> Result<AggregationResult, Error> {
        let job = self.job();
        let mut condition = aggregation.scope.condition(&job.fields)?;
        let number = number(&aggregation, &job.fields)?;
        if let (Function::Count, Some(name)) = (aggregation.function, &aggregation.field)
            && let Some(field) = job.fields.get(name)
        {
            condition = conjunction([condition, Some(exists(field))]);
        }
        if let Group::Field { name, size } = &aggregation.group {
            check_group(name, *size, &job.fields)?;
        }
        self.run(async move {
            let (groups, bytes_read) = match &aggregation.group {
                Group::None => {
                    let frame = job.frame(Reading::Scan, condition)?;
                    let frame = frame.aggregate(vec![], vec![number.alias("value")])?;
                    read(gather(frame).await?, |_| Value::Null)
                }
                Group::Field { name, size } => {
                    let frame = job.frame(Reading::Scan, condition)?;
                    let frame = frame.aggregate(vec![ident(name).alias("key")], vec![number.alias("value")])?;
                    let order = vec![ident("value").sort(false, false), ident("key").sort(true, false)];
                    read(gather(frame.sort(order)?.limit(0, Some(*size))?).await?, std::convert::identity)
                }
                Group::Time(millis) => by_time(&job, condition, number, *millis, &aggregation.scope).await?,
            };
            let approximate = aggregation.function == Function::Cardinality;
            Ok(AggregationResult { groups, approximate, took_ms: job.took_ms(), bytes_read })
        })
        .await
    }
}

async fn by_time(
    job: &Job,
    condition: Option<Expr>,
    number: Expr,
    millis: Option<u64>,
    scope: &Scope,
) -> Result<(Vec<GroupValue>, u64), Error> {
    let (start, end, extent_read) = match (scope.range.start, scope.range.end) {
        (Some(start), Some(end)) => (start, end, 0),
        (start, end) => match extent(job, condition.clone()).await? {
            Some((first, after, read)) => (start.unwrap_or(first), end.unwrap_or(after), read),
            None => return Ok((Vec::new(), 0)),
        },
    };
    let interval = match millis {
        Some(millis) => Interval::chosen(millis)?,
        None => Interval::auto(start, end),
    };
    let buckets = interval.index(end.as_micros()).saturating_sub(interval.index(start.as_micros()));
    if buckets > BUCKETS_MAX as i64 {
        return Err(Error::Request(format!(
            "the range has {buckets} stretches of that width, more than {BUCKETS_MAX}"
        )));
    }
    let frame = job.frame(Reading::Scan, condition)?;
    let key = bucket(interval, ident(names::TIMESTAMP)).alias("key");
    let frame = frame.aggregate(vec![key], vec![number.alias("value")])?;
    let (groups, bytes_read) = read(gather(frame.sort(vec![ident("key").sort(true, false)])?).await?, |key| {
        key.as_i64().map_or(Value::Null, |index| Timestamp::to_rfc3339(interval.start(index)).into())
    });
    Ok((groups, extent_read + bytes_read))
}

/// Keys and numbers of the groups, and the bytes read.
fn read(answer: crate::run::Answer, key: impl Fn(Value) -> Value) -> (Vec<GroupValue>, u64) {
    let groups = answer.batches.iter().flat_map(|batch| {
        let keys = batch.column_by_name("key");
        let values = batch.column_by_name("value");
        let key = &key;
        (0..batch.num_rows()).map(move |row| {
            let at = |column: Option<&datafusion::arrow::array::ArrayRef>| {
                column.map_or(Value::Null, |column| cell(column, row))
            };
            GroupValue { key: key(at(keys)), value: at(values) }
        })
    });
    (groups.collect(), answer.bytes_read)
}

/// The aggregate expression, checked against the field's type.
fn number(aggregation: &Aggregation, fields: &Fields) -> Result<Expr, Error> {
    let function = aggregation.function;
    let Some(name) = &aggregation.field else {
        return match function {
            Function::Count => Ok(count(lit(1_i64))),
            _ => Err(Error::Request("only a count goes without a field".to_owned())),
        };
    };
    let field = fields.get(name).ok_or_else(|| Error::Request(fields.explain_missing(name)))?;
    let fits = match function {
        Function::Count => true,
        Function::Cardinality => !field.kind.is_list(),
        Function::Avg | Function::Sum => matches!(field.kind, Kind::Int | Kind::Float),
        Function::Min | Function::Max => !field.kind.is_list() && !matches!(field.kind, Kind::Json | Kind::Bool),
    };
    if !fits {
        let holds = field.kind.holds();
        return Err(Error::Request(format!("this function does not apply to `{name}`, which holds {holds}")));
    }
    let column = ident(name);
    Ok(match function {
        Function::Count => count(lit(1_i64)),
        Function::Cardinality => approx_distinct(column),
        Function::Avg => avg(column),
        Function::Min => min(column),
        Function::Max => max(column),
        Function::Sum => sum(column),
    })
}

/// Whether a row has the field.
fn exists(field: &Field) -> Expr {
    if field.kind.is_list() { passes(field, &Condition::Exists) } else { ident(&field.name).is_not_null() }
}

fn check_group(name: &str, size: usize, fields: &Fields) -> Result<(), Error> {
    let field = fields.get(name).ok_or_else(|| Error::Request(fields.explain_missing(name)))?;
    if field.kind.is_list() {
        return Err(Error::Request(format!(
            "events cannot be grouped by `{name}`, which holds {}",
            field.kind.holds()
        )));
    }
    if !(1..=SIZE_MAX).contains(&size) {
        return Err(Error::Request(format!("1 to {SIZE_MAX} groups can be asked for, not {size}")));
    }
    Ok(())
}
