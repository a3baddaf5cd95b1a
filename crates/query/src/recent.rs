//! The values that a field had lately: what the write path must know again after a restart.

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::prelude::ident;
use futures::StreamExt;
use tidegate_event::{Timestamp, names};

use crate::engine::Engine;
use crate::error::Error;
use crate::predicate::time;
use crate::run::{Reading, prepare};

impl Engine {
    /// Hands `each` the intake id, the value and the receipt time of every event received since `since` that has the
    /// field, at most `rows_max` of them, in no order. Waits for it: call it off the async threads.
    ///
    /// # Errors
    /// When the events cannot be read. A field without a column has no values.
    pub fn recent_values(
        &self,
        field: &str,
        since: Timestamp,
        rows_max: usize,
        mut each: impl FnMut(&str, &str, Timestamp),
    ) -> Result<(), Error> {
        let job = self.job();
        if job.fields.get(field).is_none() {
            return Ok(());
        }
        self.handle().block_on(async {
            let condition = ident(names::EVENT_INGESTED).gt_eq(time(since)).and(ident(field).is_not_null());
            let columns = [names::INTAKE_ID, field, names::EVENT_INGESTED].map(ident);
            let frame = job.frame(Reading::Scan, Some(condition))?.select(columns)?.limit(0, Some(rows_max))?;
            let prepared = prepare(frame).await?;
            let mut batches = prepared.stream()?;
            while let Some(batch) = batches.next().await {
                hand_on(&batch?, &mut each)?;
            }
            Ok(())
        })
    }
}

fn hand_on(batch: &RecordBatch, each: &mut impl FnMut(&str, &str, Timestamp)) -> Result<(), Error> {
    let text =
        |column: usize| cast(batch.column(column), &DataType::Utf8).map_err(|error| Error::Execution(error.into()));
    let (intakes, values) = (text(0)?, text(1)?);
    let (intakes, values) = (intakes.as_string::<i32>(), values.as_string::<i32>());
    let received = batch.column(2).as_primitive::<TimestampMicrosecondType>();
    for row in 0..batch.num_rows() {
        if !values.is_null(row) && !intakes.is_null(row) {
            each(intakes.value(row), values.value(row), Timestamp::from_micros(received.value(row)));
        }
    }
    Ok(())
}
