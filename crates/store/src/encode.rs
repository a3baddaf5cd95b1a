//! Events into columns: one builder a column that any event of the batch touched, nothing for the others.

mod answers;
mod batch;
mod blocks;
mod cells;

use std::sync::Arc;

use deltalake::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use tidegate_event::json::write_str;
use tidegate_event::{Event, EventId, FieldId, IntakeId, Status, Timestamp, Value, names};
use uuid::fmt::Hyphenated;

pub use self::batch::EncodedBatch;
use self::cells::{Cells, Fit};
use crate::fold::{FOLDED, NAME, SUBDOMAIN, fold, part_of};
use crate::nulls::Nulls;
use crate::schema::{DAY, EXTRA, NAME_ORIGINAL, Schema, Slot};

/// What the pipeline knows about a record beside its event.
#[derive(Clone, Copy, Debug)]
pub struct Meta<'a> {
    /// Id of the event.
    pub event_id: EventId,
    /// When the batch was received.
    pub ingested: Timestamp,
    /// When the event happened: what `@timestamp` says, or the receipt time where it says nothing usable.
    pub timestamp: Timestamp,
    /// The intake that received it.
    pub intake_id: IntakeId,
    /// That intake's name.
    pub intake_name: &'a str,
    /// The format that parsed it.
    pub format: &'a str,
    /// How parsing ended.
    pub status: Status,
    /// Why it is not [`Status::Valid`].
    pub reason: Option<&'a str>,
    /// The raw record.
    pub raw: &'a str,
}

/// Positions of the columns that every row fills.
#[derive(Clone, Copy, Debug)]
struct OwnColumns {
    day: usize,
    timestamp: usize,
    event_id: usize,
    ingested: usize,
    intake_id: usize,
    intake_name: usize,
    format: usize,
    status: usize,
    reason: usize,
    message: usize,
    extra: usize,
    name_original: usize,
}

/// Turns the events of one journal batch after the other into Arrow columns. One a worker thread; it keeps the sizes of
/// the last batch, so that the next one allocates once a column.
#[derive(Debug)]
pub struct Encoder {
    schema: Arc<Schema>,
    own: OwnColumns,
    answers: [usize; 5],
    cells: Vec<Cells>,
    nulls: Nulls,
    rows: usize,
    /// `"name":value` pairs of the row at hand, for [`EXTRA`].
    extra: Vec<u8>,
    scratch: Vec<u8>,
}

impl Encoder {
    /// An encoder for the columns of `schema`, which must come from [`Schema::from_fields`].
    pub(crate) fn new(schema: Arc<Schema>) -> Self {
        let at = |name: &str| schema.index(name).unwrap_or_default();
        let own = OwnColumns {
            day: at(DAY),
            timestamp: at(names::TIMESTAMP),
            event_id: at(names::EVENT_ID),
            ingested: at(names::EVENT_INGESTED),
            intake_id: at(names::INTAKE_ID),
            intake_name: at(names::INTAKE_NAME),
            format: at(names::FORMAT),
            status: at(names::STATUS),
            reason: at(names::REASON),
            message: at(names::MESSAGE),
            extra: at(EXTRA),
            name_original: at(NAME_ORIGINAL),
        };
        let mut cells: Vec<Cells> = schema.columns().iter().map(|column| Cells::new(column.kind)).collect();
        for constant in [own.intake_id, own.intake_name, own.format, own.status] {
            cells[constant] = Cells::repeating();
        }
        let answers = answers::columns(&schema);
        Self { schema, own, answers, cells, nulls: Nulls::default(), rows: 0, extra: Vec::new(), scratch: Vec::new() }
    }

    /// Adds one event as the next row.
    pub fn append(&mut self, event: &Event<'_>, meta: &Meta<'_>) {
        let mut name = Spelling::default();
        for &(id, value) in event.fields() {
            match self.schema.slot(id) {
                Slot::Column(index) => self.field(id, usize::from(index), value, &mut name),
                Slot::Answers => {
                    if !answers::append(&mut self.cells, &self.answers, self.rows, value) {
                        self.put_extra(id, value);
                    }
                }
                Slot::Owned => self.owned(id, value, meta),
                Slot::Extra => self.put_extra(id, value),
            }
        }
        self.meta(meta);
        if let Some(original) = name.original {
            self.cells[self.own.name_original].text(self.rows, original);
        }
        if !self.extra.is_empty() {
            self.extra.push(b'}');
            let text = std::str::from_utf8(&self.extra).expect("JSON of UTF-8 text is UTF-8");
            self.cells[self.own.extra].text(self.rows, text);
            self.extra.clear();
        }
        self.rows += 1;
    }

    /// Rows since the last [`finish`](Self::finish).
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The appended rows as one batch; the encoder is empty afterwards.
    pub fn finish(&mut self) -> EncodedBatch {
        let rows = std::mem::take(&mut self.rows);
        if rows == 0 {
            return EncodedBatch::default();
        }
        let mut bytes = 0;
        let columns: Vec<ArrayRef> = self
            .cells
            .iter_mut()
            .zip(self.schema.arrow().fields())
            .map(|(cells, field)| match cells.finish(rows) {
                Some(array) => {
                    bytes += array.get_array_memory_size();
                    array
                }
                None => self.nulls.of(field.data_type(), rows),
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.arrow().clone(), columns, &options)
            .expect("every builder makes the type of its column, padded to the same length");
        EncodedBatch::of(batch, bytes)
    }

    fn field<'a>(&mut self, id: FieldId, index: usize, value: Value<'a>, name: &mut Spelling<'a>) {
        let column = &self.schema.columns()[index];
        let fit = match value {
            Value::Str(text) if column.folded => {
                let folded = fold(text);
                self.cells[index].text(self.rows, &folded);
                name.keeps(&column.name, text, &folded)
            }
            _ => self.cells[index].append(self.rows, value, &mut self.scratch),
        };
        if fit != Fit::Exact {
            self.put_extra(id, value);
        }
    }

    /// A field that the pipeline gives itself: what the event says otherwise is kept under another name.
    fn owned(&mut self, id: FieldId, value: Value<'_>, meta: &Meta<'_>) {
        let name = self.schema.field_name(id);
        let same = match (name, value) {
            (_, Value::Null) | (names::TIMESTAMP, _) => true,
            (names::MESSAGE, Value::Str(text)) => text == meta.raw,
            (names::EVENT_ID, Value::Str(text)) => {
                text == meta.event_id.as_uuid().hyphenated().encode_lower(&mut [0; Hyphenated::LENGTH])
            }
            (names::MESSAGE | names::EVENT_ID, _) => false,
            // The others are the pipeline's alone.
            _ => true,
        };
        if !same {
            let kept = format!("tidegate.original.{name}");
            put_pair(&mut self.extra, &kept, value);
        }
    }

    fn put_extra(&mut self, id: FieldId, value: Value<'_>) {
        if !matches!(value, Value::Null) {
            put_pair(&mut self.extra, self.schema.field_name(id), value);
        }
    }

    fn meta(&mut self, meta: &Meta<'_>) {
        let (own, rows) = (self.own, self.rows);
        let mut id = [0; Hyphenated::LENGTH];
        self.cells[own.day].day(rows, meta.timestamp.day());
        self.cells[own.timestamp].time(rows, meta.timestamp);
        self.cells[own.event_id].text(rows, meta.event_id.as_uuid().hyphenated().encode_lower(&mut id));
        self.cells[own.ingested].time(rows, meta.ingested);
        self.cells[own.intake_id].text(rows, meta.intake_id.0.hyphenated().encode_lower(&mut id));
        self.cells[own.intake_name].text(rows, meta.intake_name);
        self.cells[own.format].text(rows, meta.format);
        self.cells[own.status].text(rows, meta.status.as_str());
        if let Some(reason) = meta.reason {
            self.cells[own.reason].text(rows, reason);
        }
        self.cells[own.message].text(rows, meta.raw);
    }
}

fn put_pair(extra: &mut Vec<u8>, name: &str, value: Value<'_>) {
    extra.push(if extra.is_empty() { b'{' } else { b',' });
    write_str(name, extra);
    extra.push(b':');
    value.write_json(extra);
}

/// How the queried name of the row at hand was spelt. Fields come in the order of their names, so the name itself
/// comes before its parts.
#[derive(Default)]
struct Spelling<'a> {
    name: Option<&'a str>,
    /// The name, where folding changed it.
    original: Option<&'a str>,
}

impl<'a> Spelling<'a> {
    /// Whether `text` can be restored from its folded form and the original name.
    fn keeps(&mut self, column: &str, text: &'a str, folded: &str) -> Fit {
        if column == NAME {
            self.name = Some(text);
            self.original = (text != folded).then_some(text);
            return Fit::Exact;
        }
        debug_assert!(FOLDED.contains(&column));
        let restored = self.original.map_or(folded, |original| part_of(original, folded, column == SUBDOMAIN));
        if restored == text { Fit::Exact } else { Fit::Searchable }
    }
}

#[cfg(test)]
mod tests;
