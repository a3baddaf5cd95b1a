//! The most frequent values of a field.

mod items;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{ident, lit};
use futures::StreamExt;
use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Handle;

use self::items::Items;
use crate::cell::cell;
use crate::engine::Engine;
use crate::error::Error;
use crate::language::Field;
use crate::run::{Job, Prepared, Reading, Task, prepare};
use crate::scope::Scope;

/// Most values of one answer.
pub const SIZE_MAX: usize = 1_000;

/// Which values to count.
#[derive(Clone, Debug, Default)]
pub struct TopValues {
    /// The events.
    pub scope: Scope,
    /// The field. A value counts once an event, however often a list holds it.
    pub field: String,
    /// How many values to return, 1 to [`SIZE_MAX`].
    pub size: usize,
}

/// The most frequent values of a field.
#[derive(Clone, Debug, Serialize)]
pub struct TopValuesResult {
    /// The values, the most frequent first; equal counts in the order of the values.
    pub values: Vec<ValueCount>,
    /// Sum of the counts of all other values.
    pub other: u64,
    /// Events without a value.
    pub missing: u64,
    /// How many different values there are, exactly.
    pub distinct: u64,
    /// How many events match.
    pub total: u64,
    /// How long it took.
    pub took_ms: u64,
    /// Bytes read from files.
    pub bytes_read: u64,
}

/// A value and how many events have it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValueCount {
    /// The value.
    pub value: Value,
    /// Events that have it.
    pub count: u64,
}

impl Engine {
    /// The most frequent values of a field.
    ///
    /// # Errors
    /// When the query, the field or the size is wrong, or it took too long.
    pub async fn top_values(&self, top: TopValues) -> Result<TopValuesResult, Error> {
        let job = self.job();
        if !(1..=SIZE_MAX).contains(&top.size) {
            return Err(Error::Request(format!("1 to {SIZE_MAX} top values can be asked for, not {}", top.size)));
        }
        let field = job.fields.get(&top.field).ok_or_else(|| Error::Request(job.fields.explain_missing(&top.field)))?;
        let field = field.as_ref().clone();
        let condition = top.scope.condition(&job.fields)?;
        self.run(async move { top_of(&job, condition, &field, top.size).await }).await
    }
}

/// Groups by the field and keeps the largest groups. Grouping in one pass gives everything else that is asked too.
pub(crate) async fn top_of(
    job: &Job,
    condition: Option<Expr>,
    field: &Field,
    size: usize,
) -> Result<TopValuesResult, Error> {
    let frame = job.frame(Reading::Scan, condition)?.select([ident(&field.name).alias("value")])?;
    let mut groups = Groups::new(size);
    let mut result = if field.kind.is_list() {
        let prepared = prepare(frame).await?;
        let items = count_items(&prepared).await?;
        for (values, counts) in items.groups() {
            groups.add(&values, &counts);
        }
        let mut result = groups.finish();
        (result.total, result.missing) = (items.rows, items.rows - items.having);
        result.bytes_read = prepared.bytes_read();
        result
    } else {
        let prepared = prepare(frame.aggregate(vec![ident("value")], vec![count(lit(1_i64)).alias("count")])?).await?;
        let mut stream = prepared.stream()?;
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            if let Some(counts) = batch.column(1).as_primitive_opt::<Int64Type>() {
                groups.add(batch.column(0), counts);
            }
        }
        let mut result = groups.finish();
        result.bytes_read = prepared.bytes_read();
        result
    };
    result.took_ms = job.took_ms();
    Ok(result)
}

/// Counts the items of the only column, each part of the plan on a thread of its own.
async fn count_items(prepared: &Prepared) -> Result<Items, Error> {
    let part = |mut stream: SendableRecordBatchStream, mut items: Items| async move {
        while let Some(batch) = stream.next().await {
            items.add(batch?.column(0))?;
        }
        Ok::<_, Error>(items)
    };
    let mut all = Items::new(prepared.memory("top items"));
    let streams = prepared.streams()?;
    let parts: Vec<_> = streams
        .into_iter()
        .map(|stream| Task::spawn(&Handle::current(), part(stream, Items::new(prepared.memory("items of a part")))))
        .collect();
    for part in parts {
        all.join(part.join().await??)?;
    }
    Ok(all)
}

/// The largest groups seen so far, the smallest of them on top; among equals the value that sorts last.
struct Groups {
    size: usize,
    largest: BinaryHeap<Reverse<(u64, Reverse<Ordered>)>>,
    counted: u64,
    distinct: u64,
    missing: u64,
}

/// A JSON value with an order: numbers by size, everything else by its text.
#[derive(Debug, PartialEq)]
struct Ordered(Value);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (&self.0, &other.0) {
            (Value::String(a), Value::String(b)) => a.cmp(b),
            (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => a.as_f64().unwrap_or_default().total_cmp(&b.as_f64().unwrap_or_default()),
            },
            (a, b) => a.to_string().cmp(&b.to_string()),
        }
    }
}

impl Groups {
    fn new(size: usize) -> Self {
        Self { size, largest: BinaryHeap::with_capacity(size + 1), counted: 0, distinct: 0, missing: 0 }
    }

    fn add(&mut self, values: &ArrayRef, counts: &PrimitiveArray<Int64Type>) {
        for row in 0..values.len() {
            let count = counts.value(row).unsigned_abs();
            if values.is_null(row) {
                self.missing += count;
                continue;
            }
            self.counted += count;
            self.distinct += 1;
            // Most groups are small: they go without becoming a value of their own.
            let full = self.largest.len() == self.size;
            if full && self.largest.peek().is_some_and(|Reverse((smallest, _))| count < *smallest) {
                continue;
            }
            self.largest.push(Reverse((count, Reverse(Ordered(cell(values, row))))));
            if self.largest.len() > self.size {
                self.largest.pop();
            }
        }
    }

    fn finish(self) -> TopValuesResult {
        let values: Vec<ValueCount> = self
            .largest
            .into_sorted_vec()
            .into_iter()
            .map(|Reverse((count, Reverse(Ordered(value))))| ValueCount { value, count })
            .collect();
        let shown: u64 = values.iter().map(|value| value.count).sum();
        TopValuesResult {
            values,
            other: self.counted - shown,
            missing: self.missing,
            distinct: self.distinct,
            total: self.counted + self.missing,
            took_ms: 0,
            bytes_read: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Int64Array, StringViewArray};

    use super::*;

    #[test]
    fn the_largest_groups_are_kept_in_a_fixed_order() {
        let mut groups = Groups::new(2);
        let values: ArrayRef = Arc::new(StringViewArray::from(vec![Some("c"), Some("a"), None, Some("b"), Some("d")]));
        groups.add(&values, &Int64Array::from(vec![3, 3, 7, 3, 1]));
        let result = groups.finish();
        let shown: Vec<_> = result.values.iter().map(|value| (value.value.as_str().unwrap(), value.count)).collect();
        assert_eq!(shown, [("a", 3), ("b", 3)]);
        assert_eq!((result.other, result.missing, result.distinct, result.total), (4, 7, 4, 17));
    }
}
