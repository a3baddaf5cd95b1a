//! Which fields there are, and how many events have them.

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{ident, lit};
use serde::Serialize;

use crate::engine::Engine;
use crate::error::Error;
use crate::language::Kind;
use crate::run::{Reading, gather};
use crate::scope::Scope;

/// Events that are looked at to say how many have a field.
const SAMPLE_ROWS: usize = 10_000;

/// The fields of some events.
#[derive(Clone, Debug, Serialize)]
pub struct FieldsResult {
    /// Every field, in the order of the table.
    pub fields: Vec<FieldCoverage>,
    /// Events that were looked at.
    pub sampled: u64,
    /// How long it took.
    pub took_ms: u64,
}

/// A field and how common it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldCoverage {
    /// Its dotted name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Share of the sampled events that have it, 0 to 1.
    pub coverage: f64,
}

impl Engine {
    /// The fields, and the share of a sample of the events that has each.
    ///
    /// # Errors
    /// When the query is wrong, or it took too long.
    pub async fn fields(&self, scope: Scope) -> Result<FieldsResult, Error> {
        let job = self.job();
        let condition = scope.condition(&job.fields)?;
        self.run(async move {
            let sample = job.frame(Reading::Scan, condition)?.limit(0, Some(SAMPLE_ROWS))?;
            let counts: Vec<Expr> = job
                .fields
                .iter()
                .enumerate()
                .map(|(index, field)| count(ident(&field.name)).alias(index.to_string()))
                .chain([count(lit(1_i64)).alias("all")])
                .collect();
            let answer = gather(sample.aggregate(vec![], counts)?).await?;
            let batch = answer.batches.iter().find(|batch| batch.num_rows() > 0);
            let counted = |name: &str| {
                let column = batch.and_then(|batch| batch.column_by_name(name));
                let numbers = column.and_then(|column| column.as_primitive_opt::<Int64Type>());
                numbers.filter(|numbers| !numbers.is_empty()).map_or(0, |numbers| numbers.value(0).unsigned_abs())
            };
            let sampled = counted("all");
            let share =
                |index: usize| if sampled == 0 { 0.0 } else { counted(&index.to_string()) as f64 / sampled as f64 };
            let fields = job.fields.iter().enumerate().map(|(index, field)| FieldCoverage {
                name: field.name.clone(),
                kind: field.kind,
                coverage: share(index),
            });
            Ok(FieldsResult { fields: fields.collect(), sampled, took_ms: job.took_ms() })
        })
        .await
    }
}
