//! Every value that some text fields have in a stretch of time: what a hunt for very many values asks first.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::prelude::ident;
use futures::StreamExt;

use crate::engine::Engine;
use crate::error::Error;
use crate::language::TimeRange;
use crate::run::{Reading, prepare};
use crate::scope::within;

impl Engine {
    /// Hands `each` the values of these text or address fields in every event of the range, item by item of lists, in no
    /// order and as often as they stand there. Gives `state` back. Fields without a column have no values.
    ///
    /// # Errors
    /// When the events cannot be read, or it took too long.
    pub async fn each_value<S: Send + 'static>(
        &self,
        fields: &[&str],
        range: TimeRange,
        mut state: S,
        each: fn(&mut S, &str),
    ) -> Result<S, Error> {
        let job = self.job();
        let columns: Vec<_> =
            fields.iter().filter(|field| job.fields.get(field).is_some()).map(|field| ident(*field)).collect();
        if columns.is_empty() {
            return Ok(state);
        }
        self.run(async move {
            let frame = job.frame(Reading::Scan, within(&range))?.select(columns)?;
            let prepared = prepare(frame).await?;
            let mut batches = prepared.stream()?;
            while let Some(batch) = batches.next().await {
                for column in batch?.columns() {
                    texts(column, &mut |text| each(&mut state, text))?;
                }
            }
            Ok(state)
        })
        .await
    }
}

fn texts(column: &ArrayRef, each: &mut impl FnMut(&str)) -> Result<(), Error> {
    match column.data_type() {
        DataType::Utf8View => column.as_string_view().iter().flatten().for_each(each),
        DataType::List(_) => {
            for items in column.as_list::<i32>().iter().flatten() {
                texts(&items, each)?;
            }
        }
        _ => {
            let column = cast(column, &DataType::Utf8View).map_err(|error| Error::Execution(error.into()))?;
            column.as_string_view().iter().flatten().for_each(each);
        }
    }
    Ok(())
}
