//! One pass over all matching events: how many there are, and at which moments those of the page happened.

use std::collections::BinaryHeap;
use std::time::Duration;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::logical_expr::Expr;
use datafusion::prelude::ident;
use futures::StreamExt;
use tidegate_event::{Timestamp, names};
use tokio::runtime::Handle;

use super::place::sort_keys;
use super::{Order, Plan, total};
use crate::error::Error;
use crate::language::TimeRange;
use crate::predicate::time;
use crate::run::{Job, Reading, Task, gather, prepare};
use crate::scope::{conjunction, within};

/// What the pass found.
#[derive(Default)]
pub(super) struct Survey {
    pub(super) total: u64,
    /// It ended before its end.
    pub(super) partial: bool,
    pub(super) bytes_read: u64,
    /// The moments of the rows of the page and the next one, in microseconds; some perhaps more than once.
    moments: Vec<i64>,
}

impl Survey {
    /// Where to look for the rows: at these moments, and nowhere outside of them. `None` when there is none.
    pub(super) fn place(&self) -> Option<Expr> {
        let mut moments = self.moments.clone();
        moments.sort_unstable();
        moments.dedup();
        let (first, last) = (*moments.first()?, *moments.last()?);
        let at = Timestamp::from_micros;
        let range = TimeRange { start: Some(at(first)), end: Some(at(last.saturating_add(1))) };
        let listed = moments.into_iter().map(|moment| time(at(moment))).collect();
        conjunction([within(&range), Some(ident(names::TIMESTAMP).in_list(listed, false))])
    }
}

/// Looks at all events that meet the condition, for at most `bound`.
pub(super) async fn survey(
    job: &Job,
    plan: &Plan,
    condition: Option<Expr>,
    bound: Duration,
    handle: &Handle,
) -> Result<Survey, Error> {
    match plan.order {
        // Nothing to test: the count is known, and the first rows are found without looking at the others.
        Order::Newest | Order::Oldest if condition.is_none() => leading(job, plan, None, handle).await,
        Order::Newest | Order::Oldest => walk(job, plan, condition, bound).await,
        Order::Field { .. } => leading(job, plan, condition, handle).await,
    }
}

/// Counts, and lets the engine keep the first rows while the rest goes by.
async fn leading(job: &Job, plan: &Plan, condition: Option<Expr>, handle: &Handle) -> Result<Survey, Error> {
    let counting = Task::spawn(handle, total(job.clone(), condition.clone()));
    let mut survey = Survey::default();
    if plan.limit > 0 {
        let mut columns = vec![ident(names::TIMESTAMP)];
        let mut keys = sort_keys(&plan.order, &job.fields);
        // Ids take long to read, and one moment has few of them: all its rows are looked at anyway.
        keys.pop();
        if let Order::Field { name, .. } = &plan.order
            && name != names::TIMESTAMP
        {
            columns.push(ident(name));
        }
        let frame = job.frame(Reading::Scan, conjunction([condition, plan.after.clone()]))?;
        let answer = gather(frame.select(columns)?.sort(keys)?.limit(0, Some(plan.limit + 1))?).await?;
        survey.moments = answer.batches.iter().flat_map(moments_of).copied().collect();
        survey.bytes_read = answer.bytes_read;
    }
    let (total, count_read) = counting.join().await??;
    survey.total = total;
    survey.bytes_read += count_read;
    Ok(survey)
}

/// Counts and keeps the first rows in one go.
async fn walk(job: &Job, plan: &Plan, condition: Option<Expr>, bound: Duration) -> Result<Survey, Error> {
    let frame = job.frame(Reading::Scan, condition)?.select([ident(names::TIMESTAMP)])?;
    let prepared = prepare(frame).await?;
    let mut batches = prepared.stream()?;
    let mut survey = Survey::default();
    let oldest_first = plan.order == Order::Oldest;
    let mut first = First::new(plan, oldest_first);
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        survey.total += batch.num_rows() as u64;
        for &moment in moments_of(&batch) {
            first.offer(turned(moment, oldest_first));
        }
        if job.started.elapsed() > bound {
            survey.partial = true;
            break;
        }
    }
    survey.moments = first.finish().map(|rank| turned(rank, oldest_first)).collect();
    survey.bytes_read = prepared.bytes_read();
    Ok(survey)
}

/// A number that is small for what comes first; its own inverse.
const fn turned(moment: i64, oldest_first: bool) -> i64 {
    if oldest_first { moment } else { !moment }
}

/// The smallest of the numbers that it was offered, of those behind the cursor.
struct First {
    size: usize,
    /// The largest on top.
    kept: BinaryHeap<i64>,
    cursor: Option<i64>,
    /// The cursor's own moment occurs: which of its rows come after the cursor, only their ids tell.
    at_cursor: bool,
}

impl First {
    fn new(plan: &Plan, oldest_first: bool) -> Self {
        let cursor = plan.cursor.as_ref().map(|cursor| turned(cursor.timestamp.as_micros(), oldest_first));
        let size = if plan.limit == 0 { 0 } else { plan.limit + 1 };
        Self { size, kept: BinaryHeap::with_capacity(size + 1), cursor, at_cursor: false }
    }

    fn offer(&mut self, rank: i64) {
        if let Some(cursor) = self.cursor
            && rank <= cursor
        {
            self.at_cursor |= rank == cursor;
        } else if self.kept.len() < self.size {
            self.kept.push(rank);
        } else if let Some(mut last) = self.kept.peek_mut()
            && rank < *last
        {
            *last = rank;
        }
    }

    fn finish(self) -> impl Iterator<Item = i64> {
        let cursor = self.cursor.filter(|_| self.at_cursor && self.size > 0);
        self.kept.into_iter().chain(cursor)
    }
}

fn moments_of(batch: &RecordBatch) -> &[i64] {
    let column = batch.column_by_name(names::TIMESTAMP);
    column
        .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
        .map_or(&[], |moments| moments.values())
}
