//! A field: its dotted name, its type, and how it nests in JSON.

/// Index of a field in its [`Registry`](crate::Registry). Ids ascend in segment order of the names
/// (`a.b` < `a.b.c` < `a.c`), so an event sorted by id nests without look-ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub(crate) u32);

impl FieldId {
    /// Position of the field in [`Registry::fields`](crate::Registry::fields).
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The type of a field as intake formats and ECS spell it, folded to what behaves differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// keyword, text, wildcard, match_only_text, constant_keyword, keywords: text.
    Keyword,
    /// `string`: as text, but lists of objects stay as they are.
    String,
    /// long, short, number: whole numbers, a native float stays a float.
    Long,
    /// float, double, half_float, scaled_float.
    Float,
    /// boolean, bool.
    Boolean,
    /// An IPv4 or IPv6 address, canonical text.
    Ip,
    /// A built-in date or a custom `datetime`: normalised to UTC.
    Date,
    /// `int`, `integer` and custom `date`: declared, but never coerced.
    Any,
    /// A place on earth: `{lat, lon}` or text.
    GeoPoint,
    /// object, flattened: everything below is kept.
    Object,
    /// An array of objects whose members are declared below it.
    Nested,
    /// `dict`: keeps only what is declared below it.
    Dict,
    /// array, list: a single value becomes a list of one.
    List,
}

impl FieldType {
    /// The type that `text` names in the built-in table (`built_in`) or in a format's `fields.yml`.
    /// `None` when no such type is known.
    #[must_use]
    pub fn from_name(text: &str, built_in: bool) -> Option<Self> {
        Some(match text {
            "keyword"
            | "text"
            | "wildcard"
            | "match_only_text"
            | "constant_keyword"
            | "keywords"
            | "non_searchable_field_type" => Self::Keyword,
            "string" => Self::String,
            "long" | "short" | "number" => Self::Long,
            "float" | "double" | "half_float" | "scaled_float" => Self::Float,
            "boolean" | "bool" => Self::Boolean,
            "ip" => Self::Ip,
            "date" if built_in => Self::Date,
            "datetime" => Self::Date,
            "date" | "int" | "integer" => Self::Any,
            "geo_point" => Self::GeoPoint,
            "object" | "flattened" => Self::Object,
            "nested" => Self::Nested,
            "dict" => Self::Dict,
            "array" | "list" => Self::List,
            _ => return None,
        })
    }

    /// Whether undeclared leaves below a field of this type are kept.
    #[must_use]
    pub const fn opens_subtree(self) -> bool {
        matches!(self, Self::Object)
    }
}

/// One declared field.
#[derive(Clone, Debug)]
pub struct Field {
    /// The dotted name, `dns.question.name`.
    pub name: Box<str>,
    /// What values it holds.
    pub kind: FieldType,
    /// ECS normalises it to a list.
    pub array: bool,
    /// The objects it lies in, outermost first, as indexes into the registry's groups.
    pub(crate) chain: Box<[u32]>,
    /// The group that has this field's own name, when other fields lie below it.
    pub(crate) group: Option<u32>,
    /// `"name":`, ready to write.
    pub(crate) key: Box<str>,
}
