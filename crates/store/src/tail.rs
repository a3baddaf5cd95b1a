//! The rows that are published but not in the table yet, a part a journal position.

use std::sync::Arc;
use std::time::Instant;

use deltalake::arrow::array::cast::AsArray;
use deltalake::arrow::array::{Array, ArrayRef, RecordBatch, StringViewArray};
use deltalake::arrow::compute::concat;
use tidegate_event::Position;

use crate::encode::EncodedBatch;
use crate::nulls::Nulls;

/// Parts up to this many rows are merged, so that a sender of many small batches does not fill the tail with their
/// overhead. Larger ones are not worth copying.
const SMALL_ROWS: usize = 256;

/// Rows of one or more consecutive journal positions.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The last of those positions.
    pub(crate) position: Position,
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
    /// When the first of the rows was published.
    pub(crate) since: Instant,
}

/// The parts in order of their positions.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    parts: Vec<Part>,
    /// The first parts, which a flush is writing at the moment and nobody may change.
    in_flight: usize,
    rows: usize,
    bytes: usize,
    nulls: Nulls,
}

impl Tail {
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// When the oldest row was published.
    pub(crate) fn since(&self) -> Option<Instant> {
        self.parts.first().map(|part| part.since)
    }

    /// All rows.
    pub(crate) fn batches(&self) -> Vec<RecordBatch> {
        self.parts.iter().flat_map(|part| part.batches.iter().cloned()).collect()
    }

    /// Adds the rows of the next position.
    pub(crate) fn push(&mut self, batch: EncodedBatch, position: Position, now: Instant) {
        let (rows, bytes) = (batch.rows(), batch.bytes());
        self.rows += rows;
        self.bytes += bytes;
        self.parts.push(Part { position, batches: batch.into_batches(), rows, bytes, since: now });
        self.merge_small();
    }

    /// Merges the last parts while the one before is not much larger, so each row moves only a few times.
    fn merge_small(&mut self) {
        while let [.., before, last] = &self.parts[self.in_flight..] {
            if before.rows > SMALL_ROWS || last.rows > SMALL_ROWS || before.rows > 2 * last.rows.max(1) {
                return;
            }
            let batches: Vec<RecordBatch> = before.batches.iter().chain(&last.batches).cloned().collect();
            let merged = match batches.first() {
                Some(_) => merge(&batches, &mut self.nulls).map_or(batches, |batch| vec![batch]),
                None => Vec::new(),
            };
            let bytes = merged.iter().map(touched_bytes).sum::<usize>();
            let part = Part {
                position: last.position,
                batches: merged,
                rows: before.rows + last.rows,
                bytes,
                since: before.since,
            };
            self.bytes = self.bytes + bytes - before.bytes - last.bytes;
            self.parts.truncate(self.parts.len() - 2);
            self.parts.push(part);
        }
    }

    /// The first parts that make up `rows` rows or `bytes` bytes, or all. They stay in the tail until
    /// [`landed`](Self::landed); until then these very parts are given again, since a flush that failed may yet turn out
    /// to be in the table.
    pub(crate) fn begin_flush(&mut self, rows_wanted: usize, bytes_wanted: usize) -> Vec<Part> {
        if self.in_flight > 0 {
            return self.parts[..self.in_flight].to_vec();
        }
        let (mut rows, mut bytes, mut count) = (0, 0, 0);
        for part in &self.parts {
            rows += part.rows;
            bytes += part.bytes;
            count += 1;
            if rows >= rows_wanted || bytes >= bytes_wanted {
                break;
            }
        }
        self.in_flight = count;
        self.parts[..count].to_vec()
    }

    /// The parts of the flush are in the table now.
    pub(crate) fn landed(&mut self) {
        for part in self.parts.drain(..self.in_flight) {
            self.rows -= part.rows;
            self.bytes -= part.bytes;
        }
        self.in_flight = 0;
    }
}

/// One batch of the rows of several; nothing when their columns do not fit together.
fn merge(batches: &[RecordBatch], nulls: &mut Nulls) -> Option<RecordBatch> {
    let schema = batches.first()?.schema();
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let columns = (0..schema.fields().len())
        .map(|index| {
            let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(index).as_ref()).collect();
            if parts.iter().all(|part| part.null_count() == part.len()) {
                return Some(nulls.of(schema.field(index).data_type(), rows));
            }
            let column = concat(&parts).ok()?;
            // Views keep the blocks of all that was merged; copy what they show into one of the right size.
            let views = column.as_string_view_opt().map(StringViewArray::gc);
            Some(views.map_or(column, |views| Arc::new(views) as ArrayRef))
        })
        .collect::<Option<Vec<_>>>()?;
    RecordBatch::try_new(schema, columns).ok()
}

/// Bytes of the columns that hold anything.
fn touched_bytes(batch: &RecordBatch) -> usize {
    batch
        .columns()
        .iter()
        .filter(|column| column.null_count() < column.len())
        .map(|column| column.get_array_memory_size())
        .sum()
}

#[cfg(test)]
mod tests;
