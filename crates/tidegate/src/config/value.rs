//! What can stand behind a key: the raw value as written, and how a type reads it.

use std::path::Path;

use serde_json::json;

/// A value as written, before anybody asked what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Raw {
    /// Not set.
    None,
    Text(String),
    Integer(i64),
    Bool(bool),
    List(Vec<Raw>),
    /// Something no key takes: its name.
    Other(&'static str),
}

impl Raw {
    /// The value as it would be written in TOML.
    pub(crate) fn to_toml(&self) -> String {
        match self {
            Self::None => "\"none\"".to_owned(),
            Self::Text(text) => toml::Value::String(text.clone()).to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Bool(truth) => truth.to_string(),
            Self::List(items) => format!("[{}]", items.iter().map(Self::to_toml).collect::<Vec<_>>().join(", ")),
            Self::Other(name) => (*name).to_owned(),
        }
    }

    /// The value as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::None | Self::Other(_) => serde_json::Value::Null,
            Self::Text(text) => json!(text),
            Self::Integer(number) => json!(number),
            Self::Bool(truth) => json!(truth),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
        }
    }

    /// The value with secrets hidden, such as a password in a URL.
    pub(crate) fn masked(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(tidegate_state::mask(&text).into_owned()),
            Self::List(items) => Self::List(items.into_iter().map(Self::masked).collect()),
            other => other,
        }
    }

    /// What it is, for a message that says what it should have been.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::None => "nothing".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Other(name) => (*name).to_owned(),
            written => format!("`{}`", written.to_toml().trim_matches('"')),
        }
    }
}

/// A type that a key can have.
pub(crate) trait Value: Sized {
    /// What to write, for the reference page.
    const KIND: &'static str;
    /// Whether it holds several items, which an environment variable separates by commas.
    const LIST: bool = false;

    /// Reads the value; the error continues a sentence that begins with the key: `must be …, not …`.
    fn read(raw: &Raw) -> Result<Self, String>;

    /// The value as it would be written.
    fn show(&self) -> Raw;

    /// Makes a relative path begin at the configuration file's folder.
    fn rebase(&mut self, _folder: &Path) {}
}

/// The text of a value that is one, for a type that is written as text.
pub(super) fn text<T: Value>(raw: &Raw) -> Result<&str, String> {
    match raw {
        Raw::Text(text) => Ok(text),
        _ => Err(must_be::<T>(raw)),
    }
}

/// The message for a value of the wrong kind.
pub(crate) fn must_be<T: Value>(raw: &Raw) -> String {
    format!("must be {}, not {}", T::KIND, raw.name())
}

impl<T: Value> Value for Option<T> {
    const KIND: &'static str = T::KIND;
    const LIST: bool = T::LIST;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::None => Ok(None),
            Raw::Text(text) if text == "none" || text.is_empty() => Ok(None),
            raw => T::read(raw).map(Some),
        }
    }

    fn show(&self) -> Raw {
        self.as_ref().map_or(Raw::None, Value::show)
    }

    fn rebase(&mut self, folder: &Path) {
        if let Some(value) = self {
            value.rebase(folder);
        }
    }
}

impl<T: Value> Value for Vec<T> {
    const KIND: &'static str = T::KIND;
    const LIST: bool = true;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::List(items) => items.iter().map(T::read).collect(),
            one => T::read(one).map(|item| vec![item]),
        }
    }

    fn show(&self) -> Raw {
        Raw::List(self.iter().map(Value::show).collect())
    }

    fn rebase(&mut self, folder: &Path) {
        self.iter_mut().for_each(|item| item.rebase(folder));
    }
}
