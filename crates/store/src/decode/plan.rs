//! What to write for a batch of a given shape: one step a column, in the order of the names' segments.

use std::collections::HashMap;

use deltalake::arrow::array::cast::AsArray;
use deltalake::arrow::array::{Array, ArrayRef, RecordBatch};
use deltalake::arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, SchemaRef, TimestampMicrosecondType};
use tidegate_event::{Timestamp, json};

use super::nest::Segment;
use crate::column::{Column, ColumnKind};
use crate::fold::{NAME, SUBDOMAIN, part_of};
use crate::schema::{ANSWER_MEMBERS, ANSWERS, DAY, EXTRA, NAME_ORIGINAL, Schema};

/// One thing to write.
#[derive(Debug)]
pub(super) enum Step {
    /// A column's value.
    Column(ColumnStep),
    /// A column's JSON text.
    Json(ColumnStep),
    /// The member columns of `dns.answers`, zipped.
    Answers(AnswersStep),
}

impl Step {
    pub(super) fn chain(&self) -> &[Segment] {
        match self {
            Self::Column(column) | Self::Json(column) => &column.chain,
            Self::Answers(answers) => &answers.chain,
        }
    }

    fn is_null(&self, batch: &RecordBatch, row: usize) -> bool {
        match self {
            Self::Column(column) | Self::Json(column) => column.is_null(batch, row),
            Self::Answers(answers) => answers.len(batch, row).is_none(),
        }
    }
}

/// All steps of a batch's shape.
#[derive(Debug)]
pub(super) struct Plan {
    steps: Vec<Step>,
    extra: Option<usize>,
    name_original: Option<usize>,
}

impl Plan {
    /// The steps of the columns whose names are `wanted`.
    pub(super) fn new(schema: &Schema, batch: &SchemaRef, wanted: impl Fn(&str) -> bool) -> Self {
        let mut named: Vec<(Vec<&str>, usize, &Column)> = Vec::new();
        let mut answers = [None; 5];
        let (mut extra, mut name_original) = (None, None);
        for (index, field) in batch.fields().iter().enumerate() {
            let Some(column) = schema.column(field.name()) else { continue };
            let member = field.name().strip_prefix(ANSWERS).and_then(|rest| rest.strip_prefix('.'));
            let member = member.and_then(|rest| ANSWER_MEMBERS.iter().position(|(name, _)| *name == rest));
            match field.name().as_str() {
                EXTRA => extra = Some(index),
                NAME_ORIGINAL => name_original = Some(index),
                DAY => {}
                name if !wanted(name) => {}
                _ if member.is_some() => answers[member.unwrap_or_default()] = Some(index),
                name => named.push((name.split('.').collect(), index, column)),
            }
        }
        let mut segments = Segments::default();
        let mut steps: Vec<(Vec<&str>, Step)> = named
            .into_iter()
            .map(|(path, index, column)| {
                let step = ColumnStep { index, column: column.clone(), chain: segments.chain(&path) };
                let step = if column.kind == ColumnKind::Json { Step::Json(step) } else { Step::Column(step) };
                (path, step)
            })
            .collect();
        if answers.iter().any(Option::is_some) {
            let path: Vec<&str> = ANSWERS.split('.').collect();
            let step = AnswersStep { columns: answers, chain: segments.chain(&path) };
            steps.push((path, Step::Answers(step)));
        }
        steps.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self { steps: steps.into_iter().map(|(_, step)| step).collect(), extra, name_original }
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether any column below that of the step at `index` has a value.
    pub(super) fn any_below(&self, index: usize, batch: &RecordBatch, row: usize) -> bool {
        let chain = self.steps[index].chain();
        self.steps[index + 1..]
            .iter()
            .take_while(|step| step.chain().len() > chain.len() && step.chain().starts_with(chain))
            .any(|step| !step.is_null(batch, row))
    }

    pub(super) fn extra<'b>(&self, batch: &'b RecordBatch, row: usize) -> Option<&'b str> {
        text_at(batch.column(self.extra?), row)
    }

    pub(super) fn original_name<'b>(&self, batch: &'b RecordBatch, row: usize) -> Option<&'b str> {
        text_at(batch.column(self.name_original?), row)
    }
}

/// Numbers the segments of names.
#[derive(Default)]
struct Segments {
    known: HashMap<String, Segment>,
}

impl Segments {
    fn chain(&mut self, path: &[&str]) -> Vec<Segment> {
        path.iter()
            .map(|text| {
                let id = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
                self.known
                    .entry((*text).to_owned())
                    .or_insert_with(|| {
                        let mut key = Vec::new();
                        json::write_str(text, &mut key);
                        key.push(b':');
                        Segment { id, key: String::from_utf8_lossy(&key).into() }
                    })
                    .clone()
            })
            .collect()
    }
}

/// A column of the batch.
#[derive(Debug)]
pub(super) struct ColumnStep {
    index: usize,
    column: Column,
    pub(super) chain: Vec<Segment>,
}

impl ColumnStep {
    pub(super) fn is_null(&self, batch: &RecordBatch, row: usize) -> bool {
        batch.column(self.index).is_null(row)
    }

    pub(super) fn text<'b>(&self, batch: &'b RecordBatch, row: usize) -> Option<&'b str> {
        text_at(batch.column(self.index), row)
    }

    /// Writes the value, which must not be null.
    pub(super) fn write(&self, batch: &RecordBatch, row: usize, original: Option<&str>, out: &mut Vec<u8>) {
        let array = batch.column(self.index);
        match original {
            Some(original) if self.column.folded => {
                let text = text_at(array, row).unwrap_or_default();
                let text = match self.column.name.as_str() {
                    NAME => original,
                    name => part_of(original, text, name == SUBDOMAIN),
                };
                json::write_str(text, out);
            }
            _ => write_value(array, row, out),
        }
    }
}

/// The member columns of `dns.answers`, in the order of [`ANSWER_MEMBERS`].
#[derive(Debug)]
pub(super) struct AnswersStep {
    columns: [Option<usize>; 5],
    pub(super) chain: Vec<Segment>,
}

impl AnswersStep {
    /// Number of answers, or nothing when the event has no such list.
    pub(super) fn len(&self, batch: &RecordBatch, row: usize) -> Option<usize> {
        self.columns
            .iter()
            .flatten()
            .filter_map(|index| list_at(batch.column(*index), row))
            .map(|list| list.len())
            .max()
    }

    pub(super) fn write(&self, batch: &RecordBatch, row: usize, len: usize, out: &mut Vec<u8>) {
        let lists = self.columns.map(|index| index.and_then(|index| list_at(batch.column(index), row)));
        out.push(b'[');
        for item in 0..len {
            out.extend_from_slice(if item > 0 { b",{" } else { b"{" });
            let mut written = false;
            for (list, (member, _)) in lists.iter().zip(ANSWER_MEMBERS) {
                let Some(list) = list.as_ref().filter(|list| item < list.len() && list.is_valid(item)) else {
                    continue;
                };
                if written {
                    out.push(b',');
                }
                written = true;
                json::write_str(member, out);
                out.push(b':');
                write_value(list, item, out);
            }
            out.push(b'}');
        }
        out.push(b']');
    }
}

fn text_at(array: &ArrayRef, row: usize) -> Option<&str> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Utf8View => Some(array.as_string_view().value(row)),
        DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row)),
        _ => None,
    }
}

fn list_at(array: &ArrayRef, row: usize) -> Option<ArrayRef> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::List(_) => Some(array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => Some(array.as_list::<i64>().value(row)),
        _ => None,
    }
}

/// Writes any value of the types that the table has, `null` for a missing one.
fn write_value(array: &ArrayRef, row: usize, out: &mut Vec<u8>) {
    if array.is_null(row) {
        out.extend_from_slice(b"null");
        return;
    }
    match array.data_type() {
        DataType::Int64 => json::write_i64(array.as_primitive::<Int64Type>().value(row), out),
        DataType::Float64 => json::write_f64(array.as_primitive::<Float64Type>().value(row), out),
        DataType::Boolean => {
            let text: &[u8] = if array.as_boolean().value(row) { b"true" } else { b"false" };
            out.extend_from_slice(text);
        }
        DataType::Timestamp(..) => match array.as_primitive_opt::<TimestampMicrosecondType>() {
            Some(times) => write_time(times.value(row), out),
            None => out.extend_from_slice(b"null"),
        },
        DataType::Date32 => {
            let day = i64::from(array.as_primitive::<Date32Type>().value(row));
            out.push(b'"');
            let text = Timestamp::from_micros(day * 86_400_000_000).to_rfc3339();
            out.extend_from_slice(&text.as_bytes()[..10]);
            out.push(b'"');
        }
        DataType::List(_) | DataType::LargeList(_) => {
            let Some(items) = list_at(array, row) else { return };
            out.push(b'[');
            for item in 0..items.len() {
                if item > 0 {
                    out.push(b',');
                }
                write_value(&items, item, out);
            }
            out.push(b']');
        }
        _ => json::write_str(text_at(array, row).unwrap_or_default(), out),
    }
}

fn write_time(micros: i64, out: &mut Vec<u8>) {
    out.push(b'"');
    Timestamp::from_micros(micros).write_rfc3339(out);
    out.push(b'"');
}
