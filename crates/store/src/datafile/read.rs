//! Reading a data file back, for compaction.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deltalake::arrow::array::{RecordBatch, RecordBatchOptions};
use deltalake::arrow::datatypes::Schema as ArrowSchema;
use deltalake::parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use deltalake::parquet::bloom_filter::Sbbf;
use deltalake::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use deltalake::parquet::schema::types::ColumnDescPtr;

use super::Chunk;
use crate::error::StoreError;
use crate::nulls::Nulls;
use crate::schema::Schema;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 8192;

/// An open data file.
pub(crate) struct DataFileReader {
    file: File,
    metadata: Arc<ParquetMetaData>,
    place: PathBuf,
}

impl DataFileReader {
    pub(crate) fn open(dir: &Path, path: &str) -> Result<Self, StoreError> {
        let place = dir.join(path);
        let file = File::open(&place).map_err(StoreError::io(&place))?;
        let metadata =
            ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional).parse_and_finish(&file)?;
        Ok(Self { file, metadata: Arc::new(metadata), place })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn row_groups(&self) -> usize {
        self.metadata.num_row_groups()
    }

    pub(crate) fn rows(&self, row_group: usize) -> usize {
        usize::try_from(self.metadata.row_group(row_group).num_rows()).unwrap_or_default()
    }

    pub(super) fn columns(&self) -> &[ColumnDescPtr] {
        self.metadata.file_metadata().schema_descr().columns()
    }

    /// Names of the file's columns.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.metadata.file_metadata().schema().get_fields().iter().map(|field| field.name())
    }

    /// An encoded column of a row group, with its filter and indexes.
    pub(super) fn column_chunk(&self, row_group: usize, path: &str) -> Option<Chunk> {
        let index = self.columns().iter().position(|column| column.path().string() == path)?;
        let group = self.metadata.row_group(row_group);
        let column = group.column(index);
        Some(Chunk {
            bytes_written: u64::try_from(column.compressed_size()).unwrap_or_default(),
            rows_written: self.rows(row_group) as u64,
            metadata: column.clone(),
            bloom_filter: Sbbf::read_from_column_chunk(column, &self.file).ok().flatten(),
            column_index: self.metadata.column_index().and_then(|groups| groups.get(row_group)?.get(index)).cloned(),
            offset_index: self.metadata.offset_index().and_then(|groups| groups.get(row_group)?.get(index)).cloned(),
        })
    }

    /// The rows of a row group, with every column of `schema`.
    pub(crate) fn decode(&self, row_group: usize, schema: &Schema) -> Result<Vec<RecordBatch>, StoreError> {
        let names: Vec<&str> = self.names().collect();
        // Text is decoded to views, as everywhere.
        let fields: Vec<_> = names
            .iter()
            .filter_map(|name| schema.index(name))
            .map(|index| schema.arrow().fields()[index].as_ref().clone().with_metadata([].into()))
            .collect();
        let options =
            ArrowReaderOptions::new().with_schema(Arc::new(ArrowSchema::new(fields))).with_skip_arrow_metadata(true);
        let file = File::open(&self.place).map_err(StoreError::io(&self.place))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?
            .with_row_groups(vec![row_group])
            .with_batch_size(BATCH_ROWS)
            .build()?;
        let mut nulls = Nulls::default();
        reader.map(|batch| widen(&batch?, schema, &mut nulls)).collect()
    }
}

/// A batch of some columns as one of every column.
fn widen(batch: &RecordBatch, schema: &Schema, nulls: &mut Nulls) -> Result<RecordBatch, StoreError> {
    let columns = schema
        .arrow()
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            Some(column) => column.clone(),
            None => nulls.of(field.data_type(), batch.num_rows()),
        })
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.arrow().clone(), columns, &options)?)
}
