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
use datafusion::execution::SessionState;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExecBuilder;
use datafusion::physical_plan::union::UnionExec;
use tidegate_store::Snapshot;

use crate::error::Error;

/// The rows of a snapshot.
#[derive(Debug)]
pub(crate) struct Events {
    schema: SchemaRef,
    table: Arc<dyn TableProvider>,
    /// The tail in as many parts as run side by side.
    tail: Vec<Vec<RecordBatch>>,
}

impl Events {
    pub(crate) async fn new(snapshot: &Snapshot, state: &Arc<SessionState>) -> Result<Self, Error> {
        let table = snapshot.provider(Arc::clone(state)).await?;
        let parts = state.config().target_partitions().max(1);
        let mut tail = vec![Vec::new(); parts.min(snapshot.tail.len())];
        for (index, batch) in snapshot.tail.iter().enumerate() {
            tail[index % parts].push(batch.clone());
        }
        Ok(Self { schema: Arc::clone(&snapshot.arrow_schema), table, tail })
    }

    /// The rows of the tail that pass the filters, in the projected columns.
    fn scan_tail(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = Arc::clone(&self.schema);
        let Some(filter) = conjunction(filters.iter().cloned()) else {
            return Ok(MemorySourceConfig::try_new_exec(&self.tail, schema, projection.cloned())?);
        };
        let df_schema = DFSchema::try_from(Arc::clone(&schema))?;
        let predicate = state.create_physical_expr(filter, &df_schema)?;
        let rows = MemorySourceConfig::try_new_exec(&self.tail, schema, None)?;
        let filtered = FilterExecBuilder::new(predicate, rows).apply_projection(projection.cloned())?;
        Ok(Arc::new(filtered.build()?))
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
        let table = self.table.scan(state, projection, filters, limit).await?;
        if self.tail.is_empty() {
            return Ok(table);
        }
        let tail = self.scan_tail(state, projection, filters)?;
        UnionExec::try_new(vec![table, tail])
    }

    /// What the table applies in full, the tail does too, see [`Events::scan_tail`].
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let mut support = self.table.supports_filters_pushdown(filters)?;
        for pushdown in &mut support {
            // What the table cannot use at all still narrows the tail.
            if *pushdown == TableProviderFilterPushDown::Unsupported && !self.tail.is_empty() {
                *pushdown = TableProviderFilterPushDown::Inexact;
            }
        }
        Ok(support)
    }
}

/// Whether a table of a plan is ours.
pub(crate) fn is_events(provider: &dyn TableProvider) -> bool {
    (provider as &dyn Any).is::<Events>()
}
