//! Table and tail as they were at one moment.

use std::path::Path;
use std::sync::Arc;

use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::datatypes::SchemaRef;

use crate::file::DataFile;
use crate::schema::Schema;

/// Every row that was published before it was taken, exactly once: in the table or in the tail. Holding it costs the
/// memory of its tail; its data files stay on disk for [`Options::vacuum_after`](crate::Options::vacuum_after).
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Version of the table.
    pub version: u64,
    /// The folder of the table, absolute.
    pub dir: Arc<Path>,
    /// The table's files: Parquet with the columns of [`arrow_schema`](Self::arrow_schema) but
    /// [`DAY`](crate::DAY), which is the same for all rows of a file. A column that a file lacks is null in all its rows.
    pub data: Arc<[Arc<DataFile>]>,
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
