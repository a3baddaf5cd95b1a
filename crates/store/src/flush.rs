//! The flush thread: the oldest part of the tail becomes files, and one commit brings them into the table.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use deltalake::DeltaTable;
use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::array::cast::AsArray;
use deltalake::arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use deltalake::kernel::{Action, Add};
use deltalake::protocol::{DeltaOperation, SaveMode};
use tidegate_event::{Position, Timestamp, names};

use crate::commit::Change;
use crate::datafile::DataFileWriter;
use crate::error::StoreError;
use crate::schema::{DAY, Schema};
use crate::store::{Shared, State};
use crate::tail::Part;

/// Pause after the first failure; it doubles with each further one.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
/// Longest pause between two attempts.
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// Flushes until the store is closed.
pub(crate) fn run(shared: &Shared) {
    let mut backoff = BACKOFF_MIN;
    while let Some(parts) = next(shared) {
        let started = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| write(shared, &parts)));
        let result =
            result.map_err(|panic| panic_text(&*panic)).and_then(|done| done.map_err(|error| error.to_string()));
        match result {
            Ok(position) => {
                backoff = BACKOFF_MIN;
                landed(shared, &parts, started.elapsed());
                shared.tell_committed(position);
            }
            Err(cause) => {
                failed(shared, cause, backoff);
                backoff = (backoff * 2).min(BACKOFF_MAX);
            }
        }
    }
}

/// Waits for work and gives it; nothing when the store closes.
fn next(shared: &Shared) -> Option<Vec<Part>> {
    let options = &shared.options;
    let mut state = shared.lock();
    loop {
        if state.stop {
            return None;
        }
        let due = state.tail.since().map(|since| since + options.flush_age);
        let now = Instant::now();
        if !state.tail.is_empty()
            && (state.tail.rows() >= options.flush_rows
                || state.tail.bytes() >= options.flush_bytes.min(options.tail_bytes_max)
                || state.wanted > state.stats.committed
                || due.is_some_and(|due| due <= now))
        {
            return Some(state.tail.begin_flush(options.flush_rows, options.flush_bytes));
        }
        let time = due.map_or(options.flush_age, |due| due - now).max(Duration::from_millis(1));
        state = shared.sleep(&shared.work, state, time);
    }
}

/// Writes the files of the parts and commits them with the position of the last.
fn write(shared: &Shared, parts: &[Part]) -> Result<Position, StoreError> {
    let (Some(node), Some(last)) = (shared.node, parts.last()) else { return Err(StoreError::Closed) };
    // Table and tail change under one lock: no snapshot misses these rows or has them twice.
    let publish = |table: &DeltaTable| {
        let mut state = shared.lock();
        state.show(table);
        state.tail.landed();
        state.stats.committed = last.position;
        state.commits += 1;
    };
    if shared.committer.resume(&shared.runtime, node, last.position, publish)? {
        return Ok(last.position);
    }
    let adds = write_files(shared, parts)?;
    let change = Change {
        actions: adds.iter().cloned().map(Action::Add).collect(),
        operation: DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(vec![DAY.to_owned()]),
            predicate: None,
        },
        position: Some((node, last.position)),
    };
    shared.commit(change, publish)?;
    Ok(last.position)
}

/// Writes one file a day. When one fails, none stays.
pub(crate) fn write_files(shared: &Shared, parts: &[Part]) -> Result<Vec<Add>, StoreError> {
    let batches: Vec<RecordBatch> = parts.iter().flat_map(|part| part.batches.iter().cloned()).collect();
    let mut adds: Vec<Add> = Vec::new();
    for (day, order) in order_by_day(&batches, &shared.schema, shared.options.flush_days_max) {
        match write_day(shared, day, &batches, &order) {
            Ok(add) => adds.push(add),
            Err(error) => {
                shared.discard(adds.into_iter().map(|add| add.path), true);
                return Err(error);
            }
        }
    }
    Ok(adds)
}

fn write_day(shared: &Shared, day: i32, batches: &[RecordBatch], order: &[(usize, usize)]) -> Result<Add, StoreError> {
    let rows = shared.options.row_group_rows.max(1);
    let mut file = DataFileWriter::create(&shared.dir, day, &shared.schema, &present(batches, &shared.schema), rows)?;
    // A last row group of a few rows would cost as much to read as a full one.
    let groups = (order.len() + rows / 2).div_euclid(rows).max(1);
    for chunk in order.chunks(order.len().div_ceil(groups).max(1)) {
        file.write(batches, chunk)?;
    }
    file.finish(true)
}

/// Which columns hold anything at all; files leave the others out.
pub(crate) fn present(batches: &[RecordBatch], schema: &Schema) -> Vec<bool> {
    (0..schema.columns().len())
        .map(|index| batches.iter().any(|batch| batch.column(index).null_count() < batch.num_rows()))
        .collect()
}

/// The rows of each day, by time.
pub(crate) fn order_by_day(
    batches: &[RecordBatch],
    schema: &Schema,
    days_max: usize,
) -> BTreeMap<i32, Vec<(usize, usize)>> {
    let (Some(time), Some(day)) = (schema.index(names::TIMESTAMP), schema.index(DAY)) else { return BTreeMap::new() };
    let days = |batch: &RecordBatch| batch.column(day).as_primitive::<Date32Type>().values().clone();
    let kept = busiest_days(batches.iter().map(days), days_max);
    let received = received_day(batches, schema);
    let mut rows: Vec<(i32, i64, u32, u32)> = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for (index, batch) in batches.iter().enumerate() {
        let times = batch.column(time).as_primitive::<TimestampMicrosecondType>().values();
        for (row, (time, day)) in times.iter().zip(days(batch).iter()).enumerate() {
            let day = if kept.as_ref().is_none_or(|kept| kept.contains(day)) { *day } else { received };
            rows.push((day, *time, index as u32, row as u32));
        }
    }
    // Batch and row make the order total, and with it the files the same on every replay.
    rows.sort_unstable();
    let mut ordered: BTreeMap<i32, Vec<(usize, usize)>> = BTreeMap::new();
    for (day, _, batch, row) in rows {
        ordered.entry(day).or_default().push((batch as usize, row as usize));
    }
    ordered
}

/// The days with the most rows, when there are more of them than a flush may write.
fn busiest_days(
    days: impl Iterator<Item = impl std::ops::Deref<Target = [i32]>>,
    days_max: usize,
) -> Option<BTreeSet<i32>> {
    let mut counts: BTreeMap<i32, usize> = BTreeMap::new();
    for part in days {
        for run in part.chunk_by(|a, b| a == b) {
            *counts.entry(run[0]).or_default() += run.len();
        }
    }
    if counts.len() <= days_max {
        return None;
    }
    let mut days: Vec<(usize, i32)> = counts.into_iter().map(|(day, count)| (count, day)).collect();
    days.sort_unstable_by(|a, b| b.cmp(a));
    Some(days.into_iter().take(days_max.saturating_sub(1)).map(|(_, day)| day).collect())
}

/// The day that the last of the rows was received on.
fn received_day(batches: &[RecordBatch], schema: &Schema) -> i32 {
    let times = schema.index(names::EVENT_INGESTED).zip(batches.last());
    let times = times.and_then(|(index, batch)| batch.column(index).as_primitive_opt::<TimestampMicrosecondType>());
    times.and_then(|times| times.values().last()).map_or(0, |micros| Timestamp::from_micros(*micros).day())
}

fn landed(shared: &Shared, parts: &[Part], took: Duration) {
    let mut state = shared.lock();
    let stats = &mut state.stats;
    stats.flushes += 1;
    stats.flushed_rows += parts.iter().map(|part| part.rows as u64).sum::<u64>();
    stats.last_commit = Some(Timestamp::now());
    stats.last_commit_took = took;
    if stats.flush_failure.take().is_some() {
        tracing::info!("events reach the table again");
    }
    shared.progress.notify_all();
    shared.chores.notify_one();
}

/// Notes the failure, says so when it is a new one, and waits before the next attempt.
fn failed(shared: &Shared, cause: String, backoff: Duration) {
    let mut state = shared.lock();
    state.failures += 1;
    if state.stats.flush_failure.as_ref() != Some(&cause) {
        tracing::error!(%cause, "cannot write events to the table, trying again: {cause}");
    }
    state.stats.flush_failure = Some(cause);
    shared.progress.notify_all();
    pause(shared, state, backoff);
}

/// Sleeps for `time`, or until the store closes.
fn pause(shared: &Shared, mut state: MutexGuard<'_, State>, time: Duration) {
    let until = Instant::now() + time;
    while !state.stop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        state = shared.sleep(&shared.work, state, left);
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("no message"))
}
