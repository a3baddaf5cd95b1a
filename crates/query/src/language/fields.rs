//! The fields that a query may name.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Text.
    Text,
    /// Whole numbers.
    Int,
    /// Numbers.
    Float,
    /// Truth values.
    Bool,
    /// Moments.
    Time,
    /// Addresses, canonical text.
    Ip,
    /// Lists of text.
    TextList,
    /// Lists of addresses.
    IpList,
    /// Lists of whole numbers.
    IntList,
    /// Lists of numbers.
    FloatList,
    /// Anything, kept as JSON text.
    Json,
}

impl Kind {
    /// Whether the field holds several values.
    #[must_use]
    pub const fn is_list(self) -> bool {
        matches!(self, Self::TextList | Self::IpList | Self::IntList | Self::FloatList)
    }

    /// Whether its values are kept as text, so that bare words are looked for in it.
    #[must_use]
    pub const fn is_textual(self) -> bool {
        matches!(self, Self::Text | Self::Ip | Self::TextList | Self::IpList | Self::Json)
    }

    /// What it holds, for sentences: "holds …".
    #[must_use]
    pub const fn holds(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Int => "whole numbers",
            Self::Float => "numbers",
            Self::Bool => "`true` or `false`",
            Self::Time => "times",
            Self::Ip => "IP addresses",
            Self::TextList => "lists of text",
            Self::IpList => "lists of IP addresses",
            Self::IntList => "lists of whole numbers",
            Self::FloatList => "lists of numbers",
            Self::Json => "JSON",
        }
    }
}

/// A field that a query may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The dotted name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Its text is stored in lower case.
    pub folded: bool,
}

/// Fields that hold sentences or raw records: a word matches anywhere in them, as in JSON fields.
const SENTENCES: &[&str] = &["message", "error.message", "tidegate.reason"];

impl Field {
    /// Whether a word matches anywhere inside the value, not only the whole value.
    #[must_use]
    pub fn is_sentence(&self) -> bool {
        self.kind == Kind::Json || SENTENCES.contains(&self.name.as_str())
    }
}

/// All fields that a query may name.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    list: Vec<Arc<Field>>,
    by_name: HashMap<String, usize>,
}

impl FromIterator<Field> for Fields {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        let list: Vec<_> = fields.into_iter().map(Arc::new).collect();
        let by_name = list.iter().enumerate().map(|(index, field)| (field.name.clone(), index)).collect();
        Self { list, by_name }
    }
}

/// Longest unknown name that is compared with the known ones.
const NEAREST_CHARS_MAX: usize = 100;

impl Fields {
    /// The field of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Field>> {
        self.by_name.get(name).map(|&index| &self.list[index])
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Field>> {
        self.list.iter()
    }

    /// The fields that bare words are looked for in.
    pub fn textual(&self) -> impl Iterator<Item = &Arc<Field>> {
        self.list.iter().filter(|field| field.kind.is_textual() && field.name != NAME_AS_RECEIVED)
    }

    /// Why `name` is not among them, and what to write instead.
    #[must_use]
    pub fn explain_missing(&self, name: &str) -> String {
        if let Some(json) = self.list.iter().find(|field| field.kind == Kind::Json && is_below(name, &field.name)) {
            let above = &json.name;
            return format!(
                "`{name}` has no column of its own: `{above}` is kept as JSON; search its text with `{above}:…`"
            );
        }
        if let Some(above) = self.list.iter().find(|field| is_below(name, &field.name)) {
            let (above, holds) = (&above.name, above.kind.holds());
            return format!("no field lies below `{above}`, which holds {holds}");
        }
        let shown = super::error::quoted(name);
        if let Some(below) = self.list.iter().find(|field| is_below(&field.name, name)) {
            return format!("{shown} is a group of fields; did you mean one of them, such as `{}`?", below.name);
        }
        match self.nearest(name) {
            Some(nearest) => format!("unknown field {shown}; did you mean `{nearest}`?"),
            None if self.get(EXTRA).is_some() => {
                format!("unknown field {shown}; what no format declares is kept as JSON in `{EXTRA}`")
            }
            None => format!("unknown field {shown}; put text that holds a `:` in quotes"),
        }
    }

    /// The known field whose name is nearest to `name`, when one is near.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest_of(name, self.list.iter().map(|field| field.name.as_str()))
    }
}

/// The known name that is nearest to `name`, when one is near.
pub(crate) fn nearest_of<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let name: String = name.chars().take(NEAREST_CHARS_MAX).collect::<String>().to_ascii_lowercase();
    let tail = format!(".{name}");
    if let Some(found) = known.clone().filter(|known| known.ends_with(&tail)).min_by_key(|known| known.len()) {
        return Some(found);
    }
    let distance = |known: &str| strsim::damerau_levenshtein(&name, &known.to_ascii_lowercase());
    let (distance, found) = known.map(|known| (distance(known), known)).min_by_key(|(distance, _)| *distance)?;
    (distance <= 2 + name.chars().count() / 4).then_some(found)
}

/// Another spelling of `dns.question.name`: what is found here is found there.
const NAME_AS_RECEIVED: &str = "dns.question.name_original";

/// Where values go that have no column.
const EXTRA: &str = "tidegate.extra";

fn is_below(name: &str, above: &str) -> bool {
    name.strip_prefix(above).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        [
            ("dns.question.name", Kind::Text),
            ("dns.question.type", Kind::Text),
            ("dns.answers", Kind::Json),
            ("source.ip", Kind::Ip),
            ("tidegate.extra", Kind::Json),
        ]
        .into_iter()
        .map(|(name, kind)| Field { name: name.to_owned(), kind, folded: false })
        .collect()
    }

    #[test]
    fn the_sentence_says_what_to_write() {
        for (name, expected) in [
            ("dns.qestion.name", "unknown field `dns.qestion.name`; did you mean `dns.question.name`?"),
            ("Source.IP", "unknown field `Source.IP`; did you mean `source.ip`?"),
            ("type", "unknown field `type`; did you mean `dns.question.type`?"),
            (
                "dns.question",
                "`dns.question` is a group of fields; did you mean one of them, such as `dns.question.name`?",
            ),
            (
                "dns.answers.data",
                "`dns.answers.data` has no column of its own: `dns.answers` is kept as JSON; search its text with `dns.answers:…`",
            ),
            ("source.ip.x", "no field lies below `source.ip`, which holds IP addresses"),
            ("zzzzzzzzz", "unknown field `zzzzzzzzz`; what no format declares is kept as JSON in `tidegate.extra`"),
        ] {
            assert_eq!(fields().explain_missing(name), expected);
        }
    }
}
