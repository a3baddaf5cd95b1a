//! The columns of the table: flat dotted names, because nested structs cost bloom filters and statistics.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use deltalake::arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use deltalake::kernel::{StructField, StructType};
use tidegate_event::{FieldId, Registry, names};

use crate::column::{Column, ColumnKind};
use crate::error::StoreError;
use crate::fold::FOLDED;

/// The partition column: the UTC day that a row is filed under. That is the day of `@timestamp`, but for rows of a flush
/// that holds more days than it may write files for. Narrow by `@timestamp`: statistics then skip files by day and hour.
pub const DAY: &str = "day";
/// A JSON object of dotted name -> value: what no column could hold exactly.
pub const EXTRA: &str = "tidegate.extra";
/// The queried name as it was received, where that differs from the folded one.
pub const NAME_ORIGINAL: &str = "dns.question.name_original";

/// The list of objects whose members stand in columns of their own.
pub(crate) const ANSWERS: &str = "dns.answers";
/// Those members, in the order they are written in.
pub(crate) const ANSWER_MEMBERS: [(&str, ColumnKind); 5] = [
    ("name", ColumnKind::TextList),
    ("type", ColumnKind::TextList),
    ("class", ColumnKind::TextList),
    ("ttl", ColumnKind::IntList),
    ("data", ColumnKind::TextList),
];

/// Columns of every table, whatever the formats; the rest of our own names is taken from the registry.
const OWN: [(&str, ColumnKind); 12] = [
    (names::TIMESTAMP, ColumnKind::Time),
    (names::EVENT_ID, ColumnKind::Text),
    (names::EVENT_INGESTED, ColumnKind::Time),
    (names::INTAKE_ID, ColumnKind::Text),
    (names::INTAKE_NAME, ColumnKind::Text),
    (names::FORMAT, ColumnKind::Text),
    (names::STATUS, ColumnKind::Text),
    (names::REASON, ColumnKind::Text),
    (names::MESSAGE, ColumnKind::Text),
    (EXTRA, ColumnKind::Json),
    (NAME_ORIGINAL, ColumnKind::Text),
    (DAY, ColumnKind::Day),
];

/// Fields that enrichment writes beside what the formats declare.
const ENRICHED: [&str; 7] = [
    names::NAME_LENGTH,
    names::NAME_LABELS,
    names::NAME_LONGEST_LABEL,
    names::NAME_ENTROPY,
    names::NAME_DIGITS_RATIO,
    names::ANSWERS_ERRORS,
    names::TAGS,
];

/// Where the value of a field goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Into the column of that index.
    Column(u16),
    /// Into the member columns of `dns.answers`.
    Answers,
    /// Nowhere: the pipeline gives this value beside the event.
    Owned,
    /// Into [`EXTRA`].
    Extra,
}

/// The columns of a table, and where each field of an event goes.
#[derive(Clone, Debug)]
pub struct Schema {
    columns: Vec<Column>,
    by_name: HashMap<String, usize>,
    arrow: SchemaRef,
    slots: Vec<Slot>,
    names: Arc<[Box<str>]>,
}

impl Schema {
    /// The columns for the fields that `targets` lists, and for those that Tidegate itself adds.
    pub fn from_fields(registry: &Registry, targets: impl Iterator<Item = FieldId>) -> Self {
        let mut kinds: BTreeMap<Vec<&str>, ColumnKind> = BTreeMap::new();
        let enriched = ENRICHED.iter().filter_map(|name| registry.id(name));
        for id in targets.chain(enriched) {
            let field = registry.field(id);
            if !is_answers(&field.name) {
                kinds.insert(field.name.split('.').collect(), ColumnKind::of(field));
            }
        }
        for (name, kind) in OWN {
            kinds.insert(name.split('.').collect(), kind);
        }
        for (member, kind) in ANSWER_MEMBERS {
            kinds.insert(ANSWERS.split('.').chain([member]).collect(), kind);
        }
        let mut taken = HashSet::new();
        let mut columns: Vec<Column> = kinds
            .into_iter()
            .map(|(path, kind)| (path.join("."), kind))
            .filter(|(name, _)| may_be_a_column(name) && taken.insert(name.to_ascii_lowercase()))
            .map(|(name, kind)| Column {
                folded: kind == ColumnKind::Text && FOLDED.contains(&name.as_str()),
                name,
                kind,
            })
            .collect();
        // The partition first, and the raw text last: readers of a few columns never pass it.
        columns.sort_by_key(|column| match column.name.as_str() {
            DAY => 0,
            names::MESSAGE => 2,
            _ => 1,
        });
        Self::of(columns, registry.fields().iter().map(|field| field.name.clone()).collect())
    }

    /// All columns, in the table's order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of a dotted name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.index(name).map(|index| &self.columns[index])
    }

    /// The Arrow schema on both sides of a snapshot.
    #[must_use]
    pub fn arrow(&self) -> &SchemaRef {
        &self.arrow
    }

    /// Position of a column in [`columns`](Self::columns).
    #[must_use]
    pub fn index(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Where the value of a field goes.
    pub(crate) fn slot(&self, id: FieldId) -> Slot {
        self.slots.get(id.index()).copied().unwrap_or(Slot::Extra)
    }

    /// The dotted name of a field of the registry that the schema was made from.
    pub(crate) fn field_name(&self, id: FieldId) -> &str {
        self.names.get(id.index()).map_or("", |name| name)
    }

    /// The columns of an existing table, with no field mapped to them: for reading.
    pub(crate) fn of_table(table: &StructType) -> Result<Self, StoreError> {
        let columns = table
            .fields()
            .map(|field| Column::of_delta(field).ok_or_else(|| StoreError::ForeignColumn(field.name().clone())))
            .collect::<Result<_, _>>()?;
        Ok(Self::of(columns, Arc::from([])))
    }

    /// This schema as the existing `table` has to see it: the table's columns in the table's order, then the new ones.
    /// Also gives the new ones as Delta fields.
    pub(crate) fn merge_into(&self, table: &StructType) -> Result<(Self, Vec<StructField>), StoreError> {
        let mut columns = Self::of_table(table)?.columns;
        let mut added = Vec::new();
        for column in &self.columns {
            match columns.iter().find(|known| known.name == column.name) {
                // Two kinds of one Arrow type hold the same bytes: the kind that the table was made with stays.
                Some(known) if known.kind.arrow() == column.kind.arrow() => {}
                Some(known) => {
                    return Err(StoreError::ColumnKind {
                        name: column.name.clone(),
                        found: known.kind.as_str(),
                        wanted: column.kind.as_str(),
                    });
                }
                // Delta compares names without case; a second spelling has no column.
                None if columns.iter().any(|known| known.name.eq_ignore_ascii_case(&column.name)) => {}
                None => {
                    added.push(column.delta());
                    columns.push(column.clone());
                }
            }
        }
        Ok((Self::of(columns, self.names.clone()), added))
    }

    /// The columns as Delta fields.
    pub(crate) fn delta(&self) -> Vec<StructField> {
        self.columns.iter().map(Column::delta).collect()
    }

    fn of(columns: Vec<Column>, names: Arc<[Box<str>]>) -> Self {
        let by_name: HashMap<String, usize> =
            columns.iter().enumerate().map(|(index, column)| (column.name.clone(), index)).collect();
        let arrow = Arc::new(ArrowSchema::new(columns.iter().map(Column::arrow).collect::<Vec<_>>()));
        let slots = names.iter().map(|name| slot_of(name, &by_name)).collect();
        Self { columns, by_name, arrow, slots, names }
    }
}

/// Whether Delta allows a column of that name; Delta also compares names without case.
fn may_be_a_column(name: &str) -> bool {
    !name.contains([' ', ',', ';', '{', '}', '(', ')', '\n', '\t', '=', '"', '`'])
}

/// Whether a field is `dns.answers` or one of its members.
fn is_answers(name: &str) -> bool {
    name.strip_prefix(ANSWERS).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn slot_of(name: &str, by_name: &HashMap<String, usize>) -> Slot {
    if name == ANSWERS {
        return Slot::Answers;
    }
    // A member that is set by itself belongs to no object of the list.
    if is_answers(name) || matches!(name, EXTRA | NAME_ORIGINAL | DAY) {
        return Slot::Extra;
    }
    if OWN.iter().any(|(own, _)| *own == name) {
        return Slot::Owned;
    }
    by_name.get(name).and_then(|index| u16::try_from(*index).ok()).map_or(Slot::Extra, Slot::Column)
}

#[cfg(test)]
mod tests {
    use tidegate_event::RegistryBuilder;

    use super::*;

    fn schema(targets: &[&str]) -> Schema {
        let registry = RegistryBuilder::with_ecs().freeze();
        Schema::from_fields(&registry, targets.iter().map(|name| registry.id(name).expect("known field")))
    }

    #[test]
    fn fields_become_columns_of_their_type() {
        let schema = schema(&["dns.question.name", "dns.resolved_ip", "source.port", "dns.answers", "labels"]);
        let kind = |name: &str| schema.column(name).map(|column| column.kind);
        assert_eq!(kind("dns.question.name"), Some(ColumnKind::Text));
        assert_eq!(kind("dns.resolved_ip"), Some(ColumnKind::IpList));
        assert_eq!(kind("source.port"), Some(ColumnKind::Int));
        assert_eq!(kind("labels"), Some(ColumnKind::Json));
        assert_eq!(kind("dns.answers"), None);
        assert_eq!(kind("dns.answers.ttl"), Some(ColumnKind::IntList));
        assert!(schema.column("dns.question.name").is_some_and(|column| column.folded));
        assert_eq!(schema.columns().first().map(|column| column.name.as_str()), Some(DAY));
        assert_eq!(schema.columns().last().map(|column| column.name.as_str()), Some("message"));
    }

    #[test]
    fn a_table_keeps_its_order_and_learns_new_columns() {
        let old = schema(&["source.ip"]);
        let table = StructType::try_new(old.delta()).expect("valid columns");
        let (merged, added) = schema(&["source.ip", "source.port"]).merge_into(&table).expect("compatible");
        assert_eq!(added.iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["source.port"]);
        assert_eq!(&merged.columns()[..old.columns().len()], old.columns());
        assert_eq!(Schema::of_table(&table).expect("readable").columns(), old.columns());
    }

    #[test]
    fn a_column_that_changed_its_type_is_refused() {
        let table =
            StructType::try_new([Column { name: "source.port".into(), kind: ColumnKind::Text, folded: false }.delta()])
                .expect("valid columns");
        let error = schema(&["source.port"]).merge_into(&table).expect_err("text is no number");
        assert_eq!(error.to_string(), "column `source.port` is `text` in the table but `int` in the formats");
    }
}
