//! Rows of record batches as events.

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tidegate_event::{Timestamp, names};
use tidegate_store::Schema;
use tidegate_store::decode::Decoder;

use super::Row;
use crate::engine::Describe;
use crate::error::Error;

/// Id and time of each row.
pub(super) fn identities(batch: &RecordBatch) -> impl Iterator<Item = (&str, i64)> {
    let ids = batch.column_by_name(names::EVENT_ID).and_then(|column| column.as_string_view_opt());
    let moments =
        batch.column_by_name(names::TIMESTAMP).and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let rows = if ids.is_some() && moments.is_some() { batch.num_rows() } else { 0 };
    (0..rows).filter_map(move |row| Some((ids?.value(row), moments?.value(row))))
}

pub(super) fn values_of(batches: &[RecordBatch], name: &str) -> Vec<Value> {
    let columns = batches.iter().filter_map(|batch| batch.column_by_name(name));
    columns.flat_map(|column| (0..column.len()).map(move |row| crate::cell::cell(column, row))).collect()
}

/// Writes rows as events.
pub(crate) struct Writer<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) fields: Option<&'a [String]>,
    pub(crate) describe: Option<&'a Describe>,
}

impl Writer<'_> {
    pub(crate) fn rows(&self, batches: &[RecordBatch]) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for batch in batches {
            let decoder = match self.fields {
                None => Decoder::new(self.schema, &batch.schema()),
                Some(names) => {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    Decoder::with_names(self.schema, &batch.schema(), &names)
                }
            };
            for (row, (id, moment)) in identities(batch).enumerate() {
                let mut json = Vec::new();
                decoder.row(batch, row, &mut json);
                let json = String::from_utf8(json).map_err(|_| broken("an event is not UTF-8"))?;
                let description = self.describe.and_then(|describe| describe(&flat(&json)));
                let event = RawValue::from_string(json).map_err(|_| broken("an event is no JSON"))?;
                rows.push(Row { id: id.to_owned(), timestamp: Timestamp::from_micros(moment), event, description });
            }
        }
        Ok(rows)
    }
}

fn broken(message: &str) -> Error {
    Error::Execution(datafusion::error::DataFusionError::Internal(message.to_owned()))
}

/// The event as a flat map of dotted names; lists stay whole.
fn flat(json: &str) -> Map<String, Value> {
    fn walk(prefix: &str, value: Value, out: &mut Map<String, Value>) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    let name = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
                    walk(&name, value, out);
                }
            }
            value => {
                out.insert(prefix.to_owned(), value);
            }
        }
    }
    let mut out = Map::new();
    if let Ok(value) = serde_json::from_str(json) {
        walk("", value, &mut out);
    }
    out
}
