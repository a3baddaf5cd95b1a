//! One Parquet file of the table: sorted rows in, or row groups of other files taken over as they are.

mod props;
mod read;
mod statistics;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deltalake::arrow::array::{Array, RecordBatch};
use deltalake::arrow::compute::interleave;
use deltalake::arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use deltalake::kernel::Add;
use deltalake::parquet::arrow::ArrowSchemaConverter;
use deltalake::parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, compute_leaves};
use deltalake::parquet::column::writer::ColumnCloseResult;
use deltalake::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};

pub(crate) use self::read::DataFileReader;
use crate::error::StoreError;
use crate::layout::{day_text, new_data_file, sync_folder};
use crate::schema::{DAY, Schema};

/// The columns that table statistics are kept of: those that queries narrow by. Each costs time in every commit.
pub(crate) const STATISTICS: [&str; 8] = [
    "@timestamp",
    "event.ingested",
    "event.id",
    "dns.question.name",
    "dns.question.registered_domain",
    "source.ip",
    "user.email",
    "tidegate.status",
];

/// Bytes buffered before a write to the file.
const WRITE_BUFFER_BYTES: usize = 1 << 20;

/// A data file being written. Dropping it before [`finish`](Self::finish) deletes it.
pub(crate) struct DataFileWriter {
    file: Option<SerializedFileWriter<BufWriter<File>>>,
    factory: ArrowRowGroupWriterFactory,
    /// Positions in the schema of the file's columns, in the file's order.
    columns: Vec<usize>,
    arrow: SchemaRef,
    day: i32,
    path: String,
    place: PathBuf,
    row_groups: usize,
}

impl DataFileWriter {
    /// Starts a file for `day` that has the columns marked in `present`, one mark a column of `schema`.
    pub(crate) fn create(
        dir: &Path,
        day: i32,
        schema: &Schema,
        present: &[bool],
        row_group_rows: usize,
    ) -> Result<Self, StoreError> {
        let columns = file_columns(schema, present);
        let arrow = Arc::new(ArrowSchema::new(
            columns
                .iter()
                .map(|index| schema.arrow().fields()[*index].as_ref().clone().with_metadata([].into()))
                .collect::<Vec<_>>(),
        ));
        let path = new_data_file(day);
        let place = dir.join(&path);
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder).map_err(StoreError::io(folder))?;
        }
        let file = File::create(&place).map_err(StoreError::io(&place))?;
        let descriptor = ArrowSchemaConverter::new().convert(&arrow)?;
        let properties = Arc::new(props::properties(&arrow, row_group_rows));
        let buffered = BufWriter::with_capacity(WRITE_BUFFER_BYTES, file);
        let file = SerializedFileWriter::new(buffered, descriptor.root_schema_ptr(), properties)?;
        let factory = ArrowRowGroupWriterFactory::new(&file, arrow.clone());
        Ok(Self { file: Some(file), factory, columns, arrow, day, path, place, row_groups: 0 })
    }

    /// Writes the rows that `order` names as (batch, row), in that order, as one row group. The batches have every
    /// column of the schema. Column by column, so that no more than one is held encoded or sorted at a time.
    pub(crate) fn write(&mut self, batches: &[RecordBatch], order: &[(usize, usize)]) -> Result<(), StoreError> {
        let writers = self.factory.create_column_writers(self.row_groups)?;
        let Some(file) = &mut self.file else { return Err(StoreError::Closed) };
        let mut group = file.next_row_group()?;
        for ((mut writer, column), field) in writers.into_iter().zip(&self.columns).zip(self.arrow.fields()) {
            let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(*column).as_ref()).collect();
            let sorted = interleave(&parts, order)?;
            for leaf in compute_leaves(field, &sorted)? {
                writer.write(&leaf)?;
            }
            writer.close()?.append_to_row_group(&mut group)?;
        }
        group.close()?;
        self.row_groups += 1;
        Ok(())
    }

    /// Whether a row group of another file can be taken over by [`copy`](Self::copy).
    pub(crate) fn can_copy(&self, from: &DataFileReader) -> bool {
        let Some(file) = &self.file else { return false };
        let mine = file.schema_descr();
        from.columns().iter().all(|theirs| mine.columns().iter().any(|column| column == theirs))
    }

    /// Takes over a row group of another file as it is encoded; columns that the other file lacks become nulls.
    pub(crate) fn copy(&mut self, from: &DataFileReader, row_group: usize) -> Result<(), StoreError> {
        let Some(file) = &mut self.file else { return Err(StoreError::Closed) };
        let paths: Vec<String> = file.schema_descr().columns().iter().map(|column| column.path().string()).collect();
        let mut group = file.next_row_group()?;
        for path in &paths {
            match from.column_chunk(row_group, path) {
                Some(chunk) => group.append_column(from.file(), chunk)?,
                None => props::write_nulls(&mut group, from.rows(row_group))?,
            }
        }
        group.close()?;
        self.row_groups += 1;
        Ok(())
    }

    /// Ends the file and makes it durable. Gives the action that brings it into the table.
    pub(crate) fn finish(mut self, data_change: bool) -> Result<Add, StoreError> {
        let Some(mut writer) = self.file.take() else { return Err(StoreError::Closed) };
        let result = (|| {
            let metadata = writer.finish()?;
            writer.inner_mut().flush().map_err(StoreError::io(&self.place))?;
            let file = writer.inner().get_ref();
            file.sync_all().map_err(StoreError::io(&self.place))?;
            if let Some(folder) = self.place.parent() {
                sync_folder(folder)?;
                folder.parent().map_or(Ok(()), sync_folder)?;
            }
            let size = file.metadata().map_err(StoreError::io(&self.place))?.len();
            Ok((statistics::of(&metadata), size))
        })();
        let (stats, size) = match result {
            Ok(done) => done,
            Err(error) => {
                let _ = std::fs::remove_file(&self.place);
                return Err(error);
            }
        };
        Ok(Add {
            path: self.path.clone(),
            partition_values: [(DAY.to_owned(), Some(day_text(self.day)))].into(),
            size: i64::try_from(size).unwrap_or(i64::MAX),
            modification_time: tidegate_event::Timestamp::now().as_micros() / 1000,
            data_change,
            stats: Some(stats),
            tags: None,
            deletion_vector: None,
            base_row_id: None,
            default_row_commit_version: None,
            clustering_provider: None,
        })
    }
}

impl Drop for DataFileWriter {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // An orphan does no harm, so it is only worth one try.
            let _ = std::fs::remove_file(&self.place);
        }
    }
}

/// Positions of the columns that a file has: all that are present, but the partition, with the raw text last.
fn file_columns(schema: &Schema, present: &[bool]) -> Vec<usize> {
    let is_raw = |index: &usize| schema.columns()[*index].name == tidegate_event::names::MESSAGE;
    let mut columns: Vec<usize> = (0..schema.columns().len())
        .filter(|index| present.get(*index).copied().unwrap_or(false) && schema.columns()[*index].name != DAY)
        .collect();
    columns.sort_by_key(is_raw);
    columns
}

/// A row group's writer and the chunk that goes into it, named for the helpers beside.
type Group<'a> = SerializedRowGroupWriter<'a, BufWriter<File>>;
type Chunk = ColumnCloseResult;
