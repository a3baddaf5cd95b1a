//! How data files are encoded.

use deltalake::arrow::datatypes::{DataType, Field, Schema as ArrowSchema};
use deltalake::parquet::basic::{Compression, Encoding, ZstdLevel};
use deltalake::parquet::column::writer::ColumnWriter;
use deltalake::parquet::file::properties::{EnabledStatistics, WriterProperties};
use deltalake::parquet::schema::types::ColumnPath;
use tidegate_event::names;

use super::{Group, STATISTICS};
use crate::error::StoreError;
use crate::schema::EXTRA;

/// Columns that point lookups ask for by value: one bloom filter a row group. On a list it would prune nothing.
const BLOOM_FILTERS: [&str; 3] = ["dns.question.name", "dns.question.registered_domain", "source.ip"];
/// Share of lookups that a filter lets pass in vain; the filter shrinks to what its row group needs.
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// Rows of a page at most. The few rows of a search lie in as many pages, and a page is decoded as a whole.
const PAGE_ROWS: usize = 4_096;

/// A flat column's name is one segment, dots and all.
fn path(name: &str) -> ColumnPath {
    ColumnPath::new(vec![name.to_owned()])
}

/// Whether to keep the smallest and largest value of a row group. Of text that rows hold in no order they skip nothing,
/// and two comparisons a value were a third of a flush.
fn has_statistics(field: &Field) -> bool {
    let is_text = matches!(field.data_type(), DataType::Utf8View | DataType::List(_));
    !is_text || STATISTICS.contains(&field.name().as_str())
}

pub(super) fn properties(columns: &ArrowSchema, row_group_rows: usize) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_created_by("tidegate".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
        .set_max_row_group_row_count(Some(row_group_rows.max(1)))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        // Rows are sorted by time, so pages of it can be skipped; its steps are short.
        .set_column_statistics_enabled(path(names::TIMESTAMP), EnabledStatistics::Page)
        .set_column_dictionary_enabled(path(names::TIMESTAMP), false)
        .set_column_encoding(path(names::TIMESTAMP), Encoding::DELTA_BINARY_PACKED)
        // Ids of one batch share all but their end.
        .set_column_dictionary_enabled(path(names::EVENT_ID), false)
        .set_column_encoding(path(names::EVENT_ID), Encoding::DELTA_BYTE_ARRAY);
    for unique in [names::MESSAGE, EXTRA] {
        builder = builder.set_column_dictionary_enabled(path(unique), false);
    }
    for field in columns.fields().iter().filter(|field| !has_statistics(field)) {
        let path = match field.data_type() {
            DataType::List(item) => ColumnPath::new(vec![field.name().clone(), "list".to_owned(), item.name().clone()]),
            _ => path(field.name()),
        };
        builder = builder.set_column_statistics_enabled(path, EnabledStatistics::None);
    }
    for name in BLOOM_FILTERS {
        builder = builder
            .set_column_bloom_filter_enabled(path(name), true)
            .set_column_bloom_filter_max_ndv(path(name), row_group_rows as u64)
            .set_column_bloom_filter_fpp(path(name), BLOOM_FALSE_POSITIVES);
    }
    builder.build()
}

/// Writes the next column of a row group as `rows` nulls.
pub(super) fn write_nulls(group: &mut Group<'_>, rows: usize) -> Result<(), StoreError> {
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    let definitions = vec![0_i16; rows];
    // A list column needs the level that starts each row; a scalar one ignores it.
    let repetitions = Some(definitions.as_slice());
    let definitions = Some(definitions.as_slice());
    match column.untyped() {
        ColumnWriter::BoolColumnWriter(writer) => writer.write_batch(&[], definitions, repetitions)?,
        ColumnWriter::Int32ColumnWriter(writer) => writer.write_batch(&[], definitions, repetitions)?,
        ColumnWriter::Int64ColumnWriter(writer) => writer.write_batch(&[], definitions, repetitions)?,
        ColumnWriter::Int96ColumnWriter(writer) => writer.write_batch(&[], definitions, repetitions)?,
        ColumnWriter::FloatColumnWriter(writer) => writer.write_batch(&[], definitions, repetitions)?,
        ColumnWriter::DoubleColumnWriter(writer) => writer.write_batch(&[], definitions, repetitions)?,
        ColumnWriter::ByteArrayColumnWriter(writer) => writer.write_batch(&[], definitions, repetitions)?,
        ColumnWriter::FixedLenByteArrayColumnWriter(writer) => writer.write_batch(&[], definitions, repetitions)?,
    };
    Ok(column.close()?)
}
