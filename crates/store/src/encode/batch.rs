//! What an encoder hands over: record batches, and how much memory they take.

use deltalake::arrow::array::{Array, BooleanArray, RecordBatch};
use deltalake::arrow::compute::filter;
use deltalake::arrow::error::ArrowError;

/// The rows of one journal batch, ready to publish.
#[derive(Clone, Debug, Default)]
pub struct EncodedBatch {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl EncodedBatch {
    pub(crate) fn of(batch: RecordBatch, bytes: usize) -> Self {
        Self { rows: batch.num_rows(), batches: vec![batch], bytes }
    }

    /// Adds the rows of another part of the same journal batch, in order.
    pub fn append(&mut self, mut other: Self) {
        self.batches.append(&mut other.batches);
        self.rows += other.rows;
        self.bytes += other.bytes;
    }

    /// Keeps the rows whose place in `keep` is true; `keep` has a place for each row, in order.
    ///
    /// # Panics
    /// When `keep` has another length than the batch.
    pub fn retain(&mut self, keep: &[bool]) {
        assert_eq!(keep.len(), self.rows, "a place for each row");
        let mut start = 0;
        for batch in &mut self.batches {
            let end = start + batch.num_rows();
            let mask = BooleanArray::from(keep[start..end].to_vec());
            start = end;
            if mask.true_count() < batch.num_rows() {
                *batch = kept_rows(batch, &mask).expect("the mask is as long as the batch");
            }
        }
        self.batches.retain(|batch| batch.num_rows() > 0);
        self.rows = keep.iter().filter(|kept| **kept).count();
    }

    /// Number of rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of memory that the rows take.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows.
    #[must_use]
    pub fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    pub(crate) fn into_batches(self) -> Vec<RecordBatch> {
        self.batches
    }
}

/// The rows of a batch that `mask` marks. Columns of nothing but nulls stay slices of the one that all batches share.
fn kept_rows(batch: &RecordBatch, mask: &BooleanArray) -> Result<RecordBatch, ArrowError> {
    let rows = mask.true_count();
    let columns = batch.columns().iter().map(|column| match column.null_count() == column.len() {
        true => Ok(column.slice(0, rows)),
        false => filter(column, mask),
    });
    RecordBatch::try_new(batch.schema(), columns.collect::<Result<_, _>>()?)
}
