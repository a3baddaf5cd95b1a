//! The table's files as a scan of DataFusion: only those that may hold a wanted row, spread over the engine's threads.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, StringViewArray, TimestampMicrosecondArray, UInt64Array,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::object_store::path::Path as ObjectPath;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use tidegate_store::{DAY, DataFile, Range, Snapshot};

use crate::error::Error;

/// The files of a snapshot.
#[derive(Debug)]
pub(crate) struct Files {
    dir: Arc<Path>,
    data: Arc<[Arc<DataFile>]>,
    /// The schema of the table.
    schema: SchemaRef,
    /// The same as DataFusion wants it: what the files hold, then the day.
    layout: TableSchema,
    /// Where each column of `schema` stands in `layout`.
    places: Vec<usize>,
}

impl Files {
    /// The files of a snapshot.
    ///
    /// # Errors
    /// When one of them holds deleted rows: to show them would be wrong, and to hide them is not in our power.
    pub(crate) fn new(snapshot: &Snapshot) -> Result<Self, Error> {
        if let Some(file) = snapshot.data.iter().find(|file| file.has_deletions) {
            return Err(Error::Deletions(snapshot.dir.join(&file.path)));
        }
        let schema = Arc::clone(&snapshot.arrow_schema);
        let (days, held): (Vec<_>, Vec<_>) = schema.fields().iter().cloned().partition(|field| field.name() == DAY);
        let mut held_before = 0..;
        let places = schema.fields().iter().map(|field| match field.name().as_str() {
            DAY => held.len(),
            _ => held_before.next().unwrap_or_default(),
        });
        let places = places.collect();
        let layout = TableSchema::builder(Arc::new(Schema::new(held))).with_table_partition_cols(days).build();
        Ok(Self { dir: Arc::clone(&snapshot.dir), data: Arc::clone(&snapshot.data), schema, layout, places })
    }

    /// A scan of the files that may hold rows for which `predicate` (over the table's schema) is true, in the projected
    /// columns. It gives their other rows, too.
    pub(crate) fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        predicate: Option<Arc<dyn PhysicalExpr>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.wanted(predicate)?;
        let rows = files.iter().map(|file| usize::try_from(file.rows).unwrap_or(usize::MAX)).sum();
        let groups = self.groups(files, state.config().target_partitions())?;
        let place = ObjectStoreUrl::local_filesystem();
        let environment = state.runtime_env();
        let metadata = environment.cache_manager.get_file_metadata_cache();
        let reader = CachedParquetFileReaderFactory::new(environment.object_store(&place)?, metadata);
        let source = ParquetSource::new(self.layout.clone())
            .with_table_parquet_options(state.table_options().parquet.clone())
            .with_parquet_file_reader_factory(Arc::new(reader));
        let projection = match projection {
            Some(projection) => projection.iter().map(|index| self.places[*index]).collect(),
            None => self.places.clone(),
        };
        let statistics =
            Statistics { num_rows: Precision::Exact(rows), ..Statistics::new_unknown(self.layout.table_schema()) };
        let scan = FileScanConfigBuilder::new(place, Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(Some(projection))?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }

    /// The files whose statistics do not rule out a row that the predicate wants.
    fn wanted(&self, predicate: Option<Arc<dyn PhysicalExpr>>) -> Result<Vec<&DataFile>> {
        let all: Vec<&DataFile> = self.data.iter().map(|file| &**file).collect();
        let Some(predicate) = predicate else { return Ok(all) };
        let kept = PruningPredicateBuilder::new()
            .with_file_schema(Arc::clone(&self.schema))
            .try_build(predicate)?
            .prune(&Known { files: &all, schema: &self.schema })?;
        Ok(all.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(file, _)| file).collect())
    }

    /// The files in as many groups of about the same size as run side by side.
    fn groups(&self, mut files: Vec<&DataFile>, threads: usize) -> Result<Vec<FileGroup>> {
        files.sort_by_key(|file| Reverse(file.bytes));
        let count = threads.min(files.len()).max(1);
        let mut groups: Vec<Vec<PartitionedFile>> = vec![Vec::new(); count];
        // The group with the least to do takes the next largest.
        let mut queue: BinaryHeap<Reverse<(u64, usize)>> = (0..count).map(|index| Reverse((0, index))).collect();
        for file in files {
            let Some(Reverse((bytes, index))) = queue.pop() else { break };
            groups[index].push(self.partitioned(file)?);
            queue.push(Reverse((bytes + file.bytes, index)));
        }
        Ok(groups.into_iter().map(FileGroup::new).collect())
    }

    fn partitioned(&self, file: &DataFile) -> Result<PartitionedFile> {
        let place = ObjectPath::from_absolute_path(self.dir.join(&file.path))
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        let mut found = PartitionedFile::new(String::new(), file.bytes);
        found.object_meta.location = place;
        Ok(found.with_partition_values(vec![ScalarValue::Date32(Some(file.day))]))
    }
}

/// What the log knows of files before they are opened.
struct Known<'a> {
    files: &'a [&'a DataFile],
    schema: &'a Schema,
}

impl Known<'_> {
    /// One end of the range of a column in each file.
    fn ends(&self, column: &Column, end: End) -> Option<ArrayRef> {
        let field: &Field = self.schema.field_with_name(&column.name).ok()?;
        let ranges = || self.files.iter().map(|file| file.range(field.name()));
        match field.data_type() {
            DataType::Date32 if field.name() == DAY => {
                Some(Arc::new(self.files.iter().map(|file| Some(file.day)).collect::<Date32Array>()))
            }
            DataType::Timestamp(..) => {
                let ends = ranges().map(|range| match range {
                    Some(Range::Time(low, high)) => Some(end.of(*low, *high)),
                    _ => None,
                });
                Some(Arc::new(ends.collect::<TimestampMicrosecondArray>().with_timezone("UTC")))
            }
            DataType::Utf8View => {
                let ends = ranges().map(|range| match range {
                    Some(Range::Text(low, high)) => Some(end.of(&**low, &**high)),
                    _ => None,
                });
                Some(Arc::new(ends.collect::<StringViewArray>()))
            }
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
enum End {
    Low,
    High,
}

impl End {
    fn of<T>(self, low: T, high: T) -> T {
        match self {
            Self::Low => low,
            Self::High => high,
        }
    }
}

impl PruningStatistics for Known<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.ends(column, End::Low)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.ends(column, End::High)
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, _: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(self.files.iter().map(|file| Some(file.rows)).collect::<UInt64Array>()))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
