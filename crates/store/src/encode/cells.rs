//! The cells of one column while a batch is built.

use std::sync::Arc;

use deltalake::arrow::array::builder::{
    ArrayBuilder, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, ListBuilder, StringViewBuilder,
    TimestampMicrosecondBuilder,
};
use deltalake::arrow::array::{ArrayRef, UInt32Array};
use deltalake::arrow::compute::take;
use deltalake::arrow::datatypes::{DataType, FieldRef};
use tidegate_event::{Timestamp, Value};

use super::blocks::Blocks;
use crate::column::ColumnKind;

/// How well a value went into a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It comes back as it was.
    Exact,
    /// It is found by a search, but comes back in another form.
    Searchable,
    /// The column cannot hold it.
    Not,
}

/// The builder of one column. Rows that no event touched are filled with nulls only when a later one is, or at the end.
#[derive(Debug)]
pub(super) enum Cells {
    Text {
        builder: StringViewBuilder,
        blocks: Blocks,
    },
    /// Text that hardly ever changes from row to row: each value once, and its index a row.
    Repeating {
        values: StringViewBuilder,
        last: String,
        keys: Vec<u32>,
    },
    Json {
        builder: StringViewBuilder,
        blocks: Blocks,
    },
    Int(Int64Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    Day(Date32Builder),
    TextList {
        builder: ListBuilder<StringViewBuilder>,
        blocks: Blocks,
    },
    IntList(ListBuilder<Int64Builder>),
    FloatList(ListBuilder<Float64Builder>),
}

impl Cells {
    pub(super) fn new(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Text | ColumnKind::Ip => {
                Self::Text { builder: StringViewBuilder::with_capacity(0), blocks: Blocks::none() }
            }
            ColumnKind::Json => Self::Json { builder: StringViewBuilder::with_capacity(0), blocks: Blocks::none() },
            ColumnKind::Int => Self::Int(Int64Builder::with_capacity(0)),
            ColumnKind::Float => Self::Float(Float64Builder::with_capacity(0)),
            ColumnKind::Bool => Self::Bool(BooleanBuilder::with_capacity(0)),
            ColumnKind::Time => Self::Time(time_builder(0)),
            ColumnKind::Day => Self::Day(Date32Builder::with_capacity(0)),
            ColumnKind::TextList | ColumnKind::IpList => {
                let (builder, blocks) = text_list(0, 0, &Blocks::none());
                Self::TextList { builder, blocks }
            }
            ColumnKind::IntList => {
                Self::IntList(ListBuilder::with_capacity(Int64Builder::with_capacity(0), 0).with_field(item(kind)))
            }
            ColumnKind::FloatList => {
                Self::FloatList(ListBuilder::with_capacity(Float64Builder::with_capacity(0), 0).with_field(item(kind)))
            }
        }
    }

    /// A text column whose value hardly ever changes.
    pub(super) fn repeating() -> Self {
        Self::Repeating { values: Blocks::builder(0, &Blocks::none()).0, last: String::new(), keys: Vec::new() }
    }

    /// Sets the cell of `row` in a text column.
    pub(super) fn text(&mut self, row: usize, text: &str) {
        match self {
            Self::Text { builder, blocks } | Self::Json { builder, blocks } => {
                pad_text(builder, row);
                blocks.append(builder, text);
            }
            Self::Repeating { values, last, keys } => {
                if values.is_empty() || last != text {
                    values.append_value(text);
                    text.clone_into(last);
                }
                let key = u32::try_from(values.len()).unwrap_or(u32::MAX) - 1;
                // Every event has these columns, so there is never a gap to fill.
                debug_assert_eq!(keys.len(), row);
                keys.push(key);
            }
            other => debug_assert!(false, "{other:?} holds no text"),
        }
    }

    /// Appends the next item of the list that `row` is about to get, see [`end_list`](Self::end_list); `None` for a
    /// missing one. Returns whether it went in as it was.
    pub(super) fn list_item(&mut self, row: usize, value: Option<Value<'_>>) -> bool {
        match self {
            Self::TextList { builder, blocks } => {
                pad(builder.len(), row, |gap| builder.append_nulls(gap));
                let text = value.and_then(Value::as_str);
                match text {
                    Some(text) => blocks.append(builder.values(), text),
                    None => builder.values().append_null(),
                }
                text.is_some() || value.is_none()
            }
            Self::IntList(builder) => {
                pad(builder.len(), row, |gap| builder.append_nulls(gap));
                let number = value.and_then(Value::as_i64);
                builder.values().append_option(number);
                number.is_some() || value.is_none()
            }
            _ => false,
        }
    }

    /// Ends the list of `row`.
    pub(super) fn end_list(&mut self, row: usize) {
        match self {
            Self::TextList { builder, .. } => {
                pad(builder.len(), row, |gap| builder.append_nulls(gap));
                builder.append(true);
            }
            Self::IntList(builder) => {
                pad(builder.len(), row, |gap| builder.append_nulls(gap));
                builder.append(true);
            }
            _ => {}
        }
    }

    /// Sets the cell of `row` in a time column.
    pub(super) fn time(&mut self, row: usize, time: Timestamp) {
        if let Self::Time(builder) = self {
            pad(builder.len(), row, |gap| builder.append_nulls(gap));
            builder.append_value(time.as_micros());
        }
    }

    /// Sets the cell of `row` in the partition column.
    pub(super) fn day(&mut self, row: usize, day: i32) {
        if let Self::Day(builder) = self {
            pad(builder.len(), row, |gap| builder.append_nulls(gap));
            builder.append_value(day);
        }
    }

    /// Sets the cell of `row`, if the column can hold the value.
    pub(super) fn append(&mut self, row: usize, value: Value<'_>, scratch: &mut Vec<u8>) -> Fit {
        if matches!(value, Value::Null) {
            return Fit::Exact;
        }
        match self {
            Self::Text { .. } | Self::Repeating { .. } => {
                if let Value::Str(text) = value {
                    self.text(row, text);
                    return Fit::Exact;
                }
                scratch.clear();
                value.write_json(scratch);
                self.text(row, std::str::from_utf8(scratch).unwrap_or_default());
                Fit::Searchable
            }
            Self::Json { .. } => {
                scratch.clear();
                value.write_json(scratch);
                self.text(row, std::str::from_utf8(scratch).unwrap_or_default());
                Fit::Exact
            }
            Self::Int(builder) => {
                let Value::Int(number) = value else { return Fit::Not };
                pad(builder.len(), row, |gap| builder.append_nulls(gap));
                builder.append_value(number);
                Fit::Exact
            }
            Self::Float(builder) => {
                let (number, fit) = match value {
                    Value::Float(number) if number.is_finite() => (number, Fit::Exact),
                    Value::Int(number) => (number as f64, Fit::Searchable),
                    Value::UInt(number) => (number as f64, Fit::Searchable),
                    _ => return Fit::Not,
                };
                pad(builder.len(), row, |gap| builder.append_nulls(gap));
                builder.append_value(number);
                fit
            }
            Self::Bool(builder) => {
                let Value::Bool(truth) = value else { return Fit::Not };
                pad(builder.len(), row, |gap| builder.append_nulls(gap));
                builder.append_value(truth);
                Fit::Exact
            }
            Self::Time(_) => self.append_time(row, value),
            Self::Day(_) => Fit::Not,
            Self::TextList { .. } | Self::IntList(_) | Self::FloatList(_) => self.append_list(row, value, scratch),
        }
    }

    fn append_time(&mut self, row: usize, value: Value<'_>) -> Fit {
        let Some(text) = value.as_str() else { return Fit::Not };
        let Ok(time) = Timestamp::parse_rfc3339(text) else { return Fit::Not };
        self.time(row, time);
        // Times are written as text in this one way; any other spelling is kept beside.
        if is_rendering_of(time, text) { Fit::Exact } else { Fit::Searchable }
    }

    fn append_list(&mut self, row: usize, value: Value<'_>, scratch: &mut Vec<u8>) -> Fit {
        let single = [value];
        let (items, mut fit) = match value {
            Value::List(items) => (items, Fit::Exact),
            _ => (&single[..], Fit::Searchable),
        };
        match self {
            Self::TextList { builder, blocks } => {
                pad(builder.len(), row, |gap| builder.append_nulls(gap));
                for item in items {
                    let text = match item {
                        Value::Null => None,
                        Value::Str(text) => Some(*text),
                        other => {
                            fit = Fit::Searchable;
                            scratch.clear();
                            other.write_json(scratch);
                            std::str::from_utf8(scratch).ok()
                        }
                    };
                    match text {
                        Some(text) => blocks.append(builder.values(), text),
                        None => builder.values().append_null(),
                    }
                }
                builder.append(true);
            }
            Self::IntList(builder) => {
                if !items.iter().all(|item| matches!(item, Value::Int(_) | Value::Null)) {
                    return Fit::Not;
                }
                pad(builder.len(), row, |gap| builder.append_nulls(gap));
                items.iter().for_each(|item| builder.values().append_option(item.as_i64()));
                builder.append(true);
            }
            Self::FloatList(builder) => {
                if !items.iter().all(|item| matches!(item, Value::Float(number) if number.is_finite())) {
                    return Fit::Not;
                }
                pad(builder.len(), row, |gap| builder.append_nulls(gap));
                for item in items {
                    if let Value::Float(number) = item {
                        builder.values().append_value(*number);
                    }
                }
                builder.append(true);
            }
            _ => return Fit::Not,
        }
        fit
    }

    /// The column padded to `rows`, or nothing when no row touched it. The builder is empty afterwards, with room for
    /// as much again.
    pub(super) fn finish(&mut self, rows: usize) -> Option<ArrayRef> {
        Some(match self {
            Self::Text { builder, blocks } | Self::Json { builder, blocks } => {
                if builder.is_empty() {
                    return None;
                }
                pad_text(builder, rows);
                let array = builder.finish();
                (*builder, *blocks) = Blocks::builder(rows, blocks);
                Arc::new(array)
            }
            Self::Repeating { values, last, keys } => {
                last.clear();
                let mut full = std::mem::replace(values, Blocks::builder(0, &Blocks::none()).0);
                let keys = UInt32Array::from(std::mem::replace(keys, Vec::with_capacity(rows)));
                take(&full.finish(), &keys, None).ok()?
            }
            Self::Int(builder) => finish_with(builder, rows, |builder, gap| builder.append_nulls(gap))?,
            Self::Float(builder) => finish_with(builder, rows, |builder, gap| builder.append_nulls(gap))?,
            Self::Bool(builder) => finish_with(builder, rows, |builder, gap| builder.append_nulls(gap))?,
            Self::Time(builder) => {
                let array = finish_with(builder, rows, |builder, gap| builder.append_nulls(gap))?;
                *builder = time_builder(rows);
                array
            }
            Self::Day(builder) => finish_with(builder, rows, |builder, gap| builder.append_nulls(gap))?,
            Self::TextList { builder, blocks } => {
                let items = builder.values_ref().len();
                let array = finish_with(builder, rows, |builder, gap| builder.append_nulls(gap))?;
                (*builder, *blocks) = text_list(rows, items, blocks);
                array
            }
            Self::IntList(builder) => finish_with(builder, rows, |builder, gap| builder.append_nulls(gap))?,
            Self::FloatList(builder) => finish_with(builder, rows, |builder, gap| builder.append_nulls(gap))?,
        })
    }
}

fn text_list(rows: usize, items: usize, last: &Blocks) -> (ListBuilder<StringViewBuilder>, Blocks) {
    let (texts, blocks) = Blocks::builder(items, last);
    (ListBuilder::with_capacity(texts, rows).with_field(item(ColumnKind::TextList)), blocks)
}

/// The field of a list's items.
fn item(kind: ColumnKind) -> FieldRef {
    match kind.arrow() {
        DataType::List(item) => item,
        other => unreachable!("{other} is no list"),
    }
}

fn time_builder(rows: usize) -> TimestampMicrosecondBuilder {
    TimestampMicrosecondBuilder::with_capacity(rows).with_timezone("UTC")
}

fn pad(len: usize, row: usize, fill: impl FnOnce(usize)) {
    debug_assert!(len <= row, "two values for one cell");
    if len < row {
        fill(row - len);
    }
}

fn pad_text(builder: &mut StringViewBuilder, row: usize) {
    for _ in builder.len()..row {
        builder.append_null();
    }
}

fn finish_with<B: ArrayBuilder>(builder: &mut B, rows: usize, fill: impl FnOnce(&mut B, usize)) -> Option<ArrayRef> {
    let len = builder.len();
    if len == 0 {
        return None;
    }
    if len < rows {
        fill(builder, rows - len);
    }
    Some(ArrayBuilder::finish(builder))
}

/// Whether `text` is how `time` is written.
fn is_rendering_of(time: Timestamp, text: &str) -> bool {
    // Whole seconds or all six digits, in UTC: the shape decides, no need to render.
    let bytes = text.as_bytes();
    let plain = bytes.last() == Some(&b'Z') && bytes.get(10) == Some(&b'T') && bytes.get(17..19) != Some(b"60");
    let whole = time.as_micros().rem_euclid(1_000_000) == 0;
    plain && ((whole && bytes.len() == 20) || (!whole && bytes.len() == 27 && bytes[19] == b'.'))
}
