//! Table and tail as one table of DataFusion: `events`.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;
use tidegate_store::Snapshot;

use crate::error::Error;
use crate::files::Files;

/// The rows of a snapshot.
#[derive(Debug)]
pub(crate) struct Events {
    schema: SchemaRef,
    files: Files,
    /// The tail in as many parts as run side by side.
    tail: Vec<Vec<RecordBatch>>,
}

impl Events {
    /// The rows of a snapshot for a query that runs in `parts`.
    ///
    /// # Errors
    /// When its files cannot be read as they should be.
    pub(crate) fn new(snapshot: &Snapshot, parts: usize) -> Result<Self, Error> {
        let parts = parts.max(1);
        let mut tail = vec![Vec::new(); parts.min(snapshot.tail.len())];
        for (index, batch) in snapshot.tail.iter().enumerate() {
            tail[index % parts].push(batch.clone());
        }
        Ok(Self { schema: Arc::clone(&snapshot.arrow_schema), files: Files::new(snapshot)?, tail })
    }
}

#[async_trait]
impl TableProvider for Events {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let filter = conjunction(filters.iter().cloned());
        let schema = DFSchema::try_from(Arc::clone(&self.schema))?;
        let predicate = filter.map(|filter| state.create_physical_expr(filter, &schema)).transpose()?;
        let files = self.files.scan(state, projection, predicate, limit)?;
        if self.tail.is_empty() {
            return Ok(files);
        }
        let tail = MemorySourceConfig::try_new_exec(&self.tail, Arc::clone(&self.schema), projection.cloned())?;
        UnionExec::try_new(vec![files, tail])
    }

    /// The scan only leaves out files. What is wanted of the rest is tested above it, and the optimizer takes into the
    /// reading of the files what can be tested there.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}

/// Whether a table of a plan is ours.
pub(crate) fn is_events(provider: &dyn TableProvider) -> bool {
    (provider as &dyn Any).is::<Events>()
}
