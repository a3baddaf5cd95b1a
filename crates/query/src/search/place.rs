//! Where a page starts and ends: in which order, behind which row, and in which stretch of time.

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::logical_expr::{Expr, SortExpr};
use datafusion::prelude::{ident, lit};
use serde_json::Value;
use tidegate_event::{Timestamp, names};

use super::rows::identities;
use super::{Cursor, Order};
use crate::error::Error;
use crate::language::{Fields, Kind, TimeRange};
use crate::predicate::{text, time};
use crate::run::{Job, Reading, gather};
use crate::scope::{conjunction, within};

/// The rows behind a cursor.
pub(super) fn beyond(after: &Cursor, order: &Order, fields: &Fields) -> Result<Expr, Error> {
    let older = |descending: bool| {
        let (moment, id) = (time(after.timestamp), text(&after.id));
        let (by_time, by_id) = if descending {
            (ident(names::TIMESTAMP).lt(moment.clone()), ident(names::EVENT_ID).lt(id))
        } else {
            (ident(names::TIMESTAMP).gt(moment.clone()), ident(names::EVENT_ID).gt(id))
        };
        // Said twice, so that the bare comparison prunes.
        let bound = if descending {
            ident(names::TIMESTAMP).lt_eq(moment.clone())
        } else {
            ident(names::TIMESTAMP).gt_eq(moment.clone())
        };
        bound.and(by_time.or(ident(names::TIMESTAMP).eq(moment).and(by_id)))
    };
    match order {
        Order::Newest => Ok(older(true)),
        Order::Oldest => Ok(older(false)),
        Order::Field { name, descending } => {
            let kind = fields.get(name).map_or(Kind::Text, |field| field.kind);
            let Some(value) = after.value.as_ref().filter(|value| !value.is_null()) else {
                return Ok(ident(name).is_null().and(older(true)));
            };
            let value = literal(value, kind).ok_or_else(|| {
                Error::Request(format!("the cursor's value does not fit `{name}`, which holds {}", kind.holds()))
            })?;
            let past = if *descending { ident(name).lt(value.clone()) } else { ident(name).gt(value.clone()) };
            Ok(past.or(ident(name).eq(value).and(older(true))).or(ident(name).is_null()))
        }
    }
}

/// A JSON value as a literal of a column's type.
fn literal(value: &Value, kind: Kind) -> Option<Expr> {
    match (value, kind) {
        (Value::String(value), Kind::Time) => Timestamp::parse_rfc3339(value).ok().map(time),
        (Value::String(value), _) => Some(text(value)),
        (Value::Number(value), Kind::Int) => value.as_i64().map(lit),
        (Value::Number(value), Kind::Float) => value.as_f64().map(lit),
        (Value::Bool(value), Kind::Bool) => Some(lit(*value)),
        _ => None,
    }
}

/// The order as sort keys.
pub(super) fn sort_keys(order: &Order) -> Vec<SortExpr> {
    let by = |name: &str, ascending| ident(name).sort(ascending, false);
    match order {
        Order::Newest => vec![by(names::TIMESTAMP, false), by(names::EVENT_ID, false)],
        Order::Oldest => vec![by(names::TIMESTAMP, true), by(names::EVENT_ID, true)],
        Order::Field { name, descending } => {
            vec![by(name, !descending), by(names::TIMESTAMP, false), by(names::EVENT_ID, false)]
        }
    }
}

/// The stretch of time that holds the first `limit` rows: only `@timestamp` is read beside what the condition needs.
pub(super) async fn nearest_times(
    job: &Job,
    order: &Order,
    condition: Option<Expr>,
    limit: usize,
) -> Result<(Option<Expr>, u64), Error> {
    let ascending = *order == Order::Oldest;
    let frame = job.frame(Reading::Scan, condition).await?.select([ident(names::TIMESTAMP)])?;
    let sorted = frame.sort(vec![ident(names::TIMESTAMP).sort(ascending, false)])?;
    let answer = gather(sorted.limit(0, Some(limit))?).await?;
    let moments: Vec<i64> = answer
        .batches
        .iter()
        .filter_map(|batch| batch.column(0).as_primitive_opt::<TimestampMicrosecondType>())
        .flat_map(|column| column.iter().flatten())
        .collect();
    let (Some(first), Some(last)) = (moments.iter().min(), moments.iter().max()) else {
        return Ok((None, answer.bytes_read));
    };
    let range = TimeRange {
        start: Some(Timestamp::from_micros(*first)),
        end: Some(Timestamp::from_micros(last.saturating_add(1))),
    };
    Ok((within(&range), answer.bytes_read))
}

/// The first `limit` rows by id and time.
pub(super) async fn chosen_ids(
    job: &Job,
    order: &Order,
    condition: Option<Expr>,
    limit: usize,
) -> Result<(Option<Expr>, u64), Error> {
    let mut columns = vec![names::TIMESTAMP, names::EVENT_ID];
    if let Order::Field { name, .. } = order
        && !columns.contains(&name.as_str())
    {
        columns.push(name);
    }
    let frame = job.frame(Reading::Scan, condition).await?.select(columns.into_iter().map(ident))?;
    let answer = gather(frame.sort(sort_keys(order))?.limit(0, Some(limit))?).await?;
    let (mut ids, mut first, mut last) = (Vec::new(), i64::MAX, i64::MIN);
    for batch in &answer.batches {
        for (id, moment) in identities(batch) {
            ids.push(text(id));
            (first, last) = (first.min(moment), last.max(moment));
        }
    }
    if ids.is_empty() {
        return Ok((None, answer.bytes_read));
    }
    let range = TimeRange {
        start: Some(Timestamp::from_micros(first)),
        end: Some(Timestamp::from_micros(last.saturating_add(1))),
    };
    let place = conjunction([within(&range), Some(ident(names::EVENT_ID).in_list(ids, false))]);
    Ok((place, answer.bytes_read))
}
