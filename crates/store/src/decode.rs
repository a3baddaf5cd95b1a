//! Rows back into nested ECS JSON: the edge where flat columns become objects again.

mod merge;
mod nest;
mod plan;

use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::datatypes::SchemaRef;

use self::nest::Nest;
use self::plan::{Plan, Step};
use crate::schema::Schema;

/// Writes rows of record batches of one shape as JSON. Made once for all batches of an answer.
#[derive(Debug)]
pub struct Decoder {
    plan: Plan,
    /// The names that were asked for, where not all were.
    names: Option<Vec<String>>,
}

impl Decoder {
    /// A decoder of batches that hold any of the table's columns, in any order. Columns that the table does not have
    /// are left out.
    #[must_use]
    pub fn new(schema: &Schema, batch: &SchemaRef) -> Self {
        Self { plan: Plan::new(schema, batch, |_| true), names: None }
    }

    /// As [`new`](Self::new), but of the named fields and what lies below them only. The batch should hold
    /// `tidegate.extra` and `dns.question.name_original` too: they complete the others.
    #[must_use]
    pub fn with_names(schema: &Schema, batch: &SchemaRef, names: &[&str]) -> Self {
        let plan = Plan::new(schema, batch, |name| is_wanted(name, names));
        Self { plan, names: Some(names.iter().map(|name| (*name).to_owned()).collect()) }
    }

    /// Appends one row as a JSON object, without a final newline. Nulls are left out.
    ///
    /// # Panics
    /// When `row` is not in the batch.
    pub fn row(&self, batch: &RecordBatch, row: usize, out: &mut Vec<u8>) {
        let start = out.len();
        let original = self.plan.original_name(batch, row);
        let mut nest = Nest::new(out);
        for (index, step) in self.plan.steps().iter().enumerate() {
            if nest.is_hidden(step.chain()) {
                continue;
            }
            match step {
                Step::Column(column) => {
                    if !column.is_null(batch, row) {
                        nest.put(&column.chain, |out| column.write(batch, row, original, out));
                    }
                }
                Step::Json(column) => {
                    if let Some(text) = column.text(batch, row) {
                        put_json(&mut nest, column, text, self.plan.any_below(index, batch, row));
                    }
                }
                Step::Answers(answers) => {
                    if let Some(len) = answers.len(batch, row) {
                        nest.put(&answers.chain, |out| answers.write(batch, row, len, out));
                    }
                }
            }
        }
        nest.close();
        if let Some(extra) = self.plan.extra(batch, row) {
            merge::extra_into(extra, start, out, |name| self.names.as_ref().is_none_or(|names| is_wanted(name, names)));
        }
    }
}

/// Appends a row as one nested JSON object. For more than one row of a batch, make a [`Decoder`].
///
/// # Panics
/// When `row` is not in the batch.
pub fn row_to_json(batch: &RecordBatch, row: usize, schema: &Schema, out: &mut Vec<u8>) {
    Decoder::new(schema, &batch.schema()).row(batch, row, out);
}

/// As [`row_to_json`], but only of the named fields and what lies below them.
///
/// # Panics
/// When `row` is not in the batch.
pub fn columns_to_json(batch: &RecordBatch, row: usize, schema: &Schema, names: &[&str], out: &mut Vec<u8>) {
    Decoder::with_names(schema, &batch.schema(), names).row(batch, row, out);
}

/// Whether a field is one of the named ones or lies below one.
fn is_wanted(field: &str, names: &[impl AsRef<str>]) -> bool {
    names
        .iter()
        .any(|name| field.strip_prefix(name.as_ref()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// A JSON column merges with the columns below it when it holds an object, and hides them when it holds anything else.
fn put_json(nest: &mut Nest<'_>, column: &plan::ColumnStep, text: &str, below: bool) {
    match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(members) if below => nest.open_with(&column.chain, members),
        _ => {
            nest.put(&column.chain, |out| out.extend_from_slice(text.as_bytes()));
            nest.hide_below(&column.chain);
        }
    }
}

#[cfg(test)]
mod tests;
