//! A column of the table: its name, what it holds, and how Arrow and Delta spell that.

use std::sync::Arc;

use deltalake::arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use deltalake::kernel::{ArrayType, DataType as DeltaType, StructField};
use tidegate_event::{Field as EventField, FieldType};

/// Key of the column's kind in the metadata of its Delta field, so a reader without the registry still knows it.
pub(crate) const KIND_KEY: &str = "tidegate.kind";
/// Key that marks a folded column in the metadata of its Delta field.
pub(crate) const FOLDED_KEY: &str = "tidegate.folded";
/// Name of a list's items, as Delta and Parquet have it.
const ITEM: &str = "element";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// Text.
    Text,
    /// Whole numbers.
    Int,
    /// Floating point numbers.
    Float,
    /// Truth values.
    Bool,
    /// Moments, microseconds in UTC.
    Time,
    /// An IP address as canonical text.
    Ip,
    /// A list of texts.
    TextList,
    /// A list of whole numbers.
    IntList,
    /// A list of floating point numbers.
    FloatList,
    /// A list of IP addresses as canonical text.
    IpList,
    /// Any JSON value as text.
    Json,
    /// A calendar day: the partition.
    Day,
}

/// Every kind with the name it has in the table's metadata.
const KINDS: [(ColumnKind, &str); 12] = [
    (ColumnKind::Text, "text"),
    (ColumnKind::Int, "int"),
    (ColumnKind::Float, "float"),
    (ColumnKind::Bool, "bool"),
    (ColumnKind::Time, "time"),
    (ColumnKind::Ip, "ip"),
    (ColumnKind::TextList, "text list"),
    (ColumnKind::IntList, "int list"),
    (ColumnKind::FloatList, "float list"),
    (ColumnKind::IpList, "ip list"),
    (ColumnKind::Json, "json"),
    (ColumnKind::Day, "day"),
];

impl ColumnKind {
    /// The kind that holds the values of a declared field.
    #[must_use]
    pub fn of(field: &EventField) -> Self {
        match (field.kind, field.array) {
            (FieldType::Keyword | FieldType::String | FieldType::Any, false) => Self::Text,
            (FieldType::Keyword | FieldType::String | FieldType::Any, true) | (FieldType::List, _) => Self::TextList,
            (FieldType::Long, false) => Self::Int,
            (FieldType::Long, true) => Self::IntList,
            (FieldType::Float, false) => Self::Float,
            (FieldType::Float, true) => Self::FloatList,
            (FieldType::Ip, false) => Self::Ip,
            (FieldType::Ip, true) => Self::IpList,
            (FieldType::Boolean, false) => Self::Bool,
            (FieldType::Date, false) => Self::Time,
            (FieldType::Boolean | FieldType::Date, true)
            | (FieldType::GeoPoint | FieldType::Object | FieldType::Nested | FieldType::Dict, _) => Self::Json,
        }
    }

    /// Whether a row holds a list of values.
    #[must_use]
    pub const fn is_list(self) -> bool {
        matches!(self, Self::TextList | Self::IntList | Self::FloatList | Self::IpList)
    }

    /// The name of the kind in the table's metadata.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("text", |(_, name)| name)
    }

    /// The kind with a name; the inverse of [`as_str`](Self::as_str).
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// The Arrow type on both sides of a snapshot. Text is read and held as views: sorting and merging then move
    /// sixteen bytes a value, never the text.
    #[must_use]
    pub fn arrow(self) -> DataType {
        let list = |item| DataType::List(Arc::new(Field::new(ITEM, item, true)));
        match self {
            Self::Text | Self::Ip | Self::Json => DataType::Utf8View,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Day => DataType::Date32,
            Self::TextList | Self::IpList => list(DataType::Utf8View),
            Self::IntList => list(DataType::Int64),
            Self::FloatList => list(DataType::Float64),
        }
    }

    /// The Delta type.
    fn delta(self) -> DeltaType {
        match self {
            Self::Text | Self::Ip | Self::Json => DeltaType::STRING,
            Self::Int => DeltaType::LONG,
            Self::Float => DeltaType::DOUBLE,
            Self::Bool => DeltaType::BOOLEAN,
            Self::Time => DeltaType::TIMESTAMP,
            Self::Day => DeltaType::DATE,
            Self::TextList | Self::IpList => ArrayType::new(DeltaType::STRING, true).into(),
            Self::IntList => ArrayType::new(DeltaType::LONG, true).into(),
            Self::FloatList => ArrayType::new(DeltaType::DOUBLE, true).into(),
        }
    }

    /// The kind that reads a Delta type whose field says nothing more.
    fn of_delta(kind: &DeltaType) -> Option<Self> {
        [Self::Text, Self::Int, Self::Float, Self::Bool, Self::Time, Self::Day, Self::TextList, Self::IntList]
            .into_iter()
            .chain([Self::FloatList])
            .find(|known| known.delta() == *kind)
    }
}

/// One column of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The dotted name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether the text is stored in lower case, see [`fold`](crate::fold()): compare it with folded text.
    pub folded: bool,
}

impl Column {
    /// The Arrow field on both sides of a snapshot.
    pub(crate) fn arrow(&self) -> FieldRef {
        let field = Field::new(&self.name, self.kind.arrow(), true);
        Arc::new(field.with_metadata(self.metadata().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()))
    }

    /// The Delta field.
    pub(crate) fn delta(&self) -> StructField {
        StructField::nullable(&self.name, self.kind.delta()).with_metadata(self.metadata())
    }

    /// The column behind a Delta field; `None` for a type that we never write.
    pub(crate) fn of_delta(field: &StructField) -> Option<Self> {
        let text = |key: &str| match field.metadata.get(key) {
            Some(deltalake::kernel::MetadataValue::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let kind = text(KIND_KEY).and_then(ColumnKind::from_name).filter(|kind| kind.delta() == field.data_type);
        let kind = kind.or_else(|| ColumnKind::of_delta(&field.data_type))?;
        Some(Self { name: field.name().clone(), kind, folded: text(FOLDED_KEY).is_some() })
    }

    fn metadata(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let folded = self.folded.then_some((FOLDED_KEY, "lower"));
        std::iter::once((KIND_KEY, self.kind.as_str())).chain(folded)
    }
}
