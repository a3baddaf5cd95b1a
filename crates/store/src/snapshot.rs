//! Table and tail as they were at one moment.

use std::sync::Arc;

use deltalake::DeltaTable;
use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::datatypes::SchemaRef;
use deltalake::datafusion::catalog::TableProvider;
use deltalake::datafusion::execution::SessionState;

use crate::error::StoreError;
use crate::schema::Schema;

/// Every row that was published before it was taken, exactly once: in the table or in the tail. Holding it costs the
/// memory of its tail; its data files stay on disk for [`Options::vacuum_after`](crate::Options::vacuum_after).
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Version of the table.
    pub version: u64,
    /// The table at that version.
    pub table: Arc<DeltaTable>,
    /// The rows that are not in the table, oldest first. Their schema is [`arrow_schema`](Self::arrow_schema).
    pub tail: Vec<RecordBatch>,
    /// The Arrow schema of table and tail.
    pub arrow_schema: SchemaRef,
    /// The columns behind it.
    pub schema: Arc<Schema>,
    /// Bytes of the table's files.
    pub files_bytes: u64,
    /// Number of the table's files.
    pub files: u64,
    /// Rows in the table and the tail.
    pub rows: u64,
}

impl Snapshot {
    /// The table for a query engine, read with the Parquet settings of `session`. Its schema is
    /// [`arrow_schema`](Self::arrow_schema), as long as the session reads text as views (the default).
    ///
    /// # Errors
    /// When the table's log says something that cannot be read.
    pub async fn provider(&self, session: Arc<SessionState>) -> Result<Arc<dyn TableProvider>, StoreError> {
        let scan = self.table.table_provider().with_session(session).build().await;
        Ok(Arc::new(scan.map_err(deltalake::DeltaTableError::from)?))
    }
}
