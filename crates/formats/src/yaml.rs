//! YAML with positions: every node knows its line and column, so that a mistake can be pointed at.

use std::path::Path;

use saphyr::{MarkedYaml, Scalar, YamlData, YamlLoader};
use saphyr_parser::Parser;

use crate::error::LoadError;

/// Largest file of a format, in bytes.
pub(crate) const FILE_BYTES_MAX: usize = 8 << 20;
/// Most nodes that aliases may add.
const ALIAS_NODES_MAX: usize = 100_000;

/// Where something stands in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// A text and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// A node of a YAML file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'n> {
    path: &'n Path,
    yaml: &'n MarkedYaml<'n>,
}

/// The first document of a file; `None` when the file is empty.
pub(crate) fn load<'t>(path: &Path, text: &'t str) -> Result<Option<MarkedYaml<'t>>, LoadError> {
    if text.len() > FILE_BYTES_MAX {
        return Err(LoadError::new(path, 1, 1, format!("file is longer than {FILE_BYTES_MAX} bytes")));
    }
    let mut loader = YamlLoader::<MarkedYaml<'t>>::default();
    // PyYAML, which reads the public formats, lets the last of equal keys win
    loader.allow_duplicate_keys(true);
    loader.alias_limit(ALIAS_NODES_MAX);
    let error = |error: &saphyr::ScanError| {
        let marker = error.marker();
        LoadError::new(path, number(marker.line()), number(marker.col() + 1), error.info())
    };
    Parser::new_from_str(text).load(&mut loader, true).map_err(|cause| error(&cause))?;
    if let Some(cause) = loader.error() {
        return Err(error(cause));
    }
    Ok(loader.into_documents().into_iter().next())
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

impl<'n> Node<'n> {
    pub(crate) fn new(path: &'n Path, yaml: &'n MarkedYaml<'n>) -> Self {
        Self { path, yaml }
    }

    pub(crate) fn place(&self) -> Place {
        let start = self.yaml.span.start;
        Place { line: number(start.line()), column: number(start.col() + 1) }
    }

    /// A mistake at this node.
    pub(crate) fn error(&self, message: impl Into<String>) -> LoadError {
        let place = self.place();
        LoadError::new(self.path, place.line, place.column, message)
    }

    fn data(&self) -> &'n YamlData<'n, MarkedYaml<'n>> {
        match &self.yaml.data {
            YamlData::Tagged(_, inner) => &inner.data,
            data => data,
        }
    }

    pub(crate) fn scalar(&self) -> Option<&'n Scalar<'n>> {
        match self.data() {
            YamlData::Value(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.data(), YamlData::Value(Scalar::Null))
    }

    /// The text of a scalar, numbers and truth values as Python writes them. `None` for null, lists and mappings.
    pub(crate) fn text(&self) -> Option<String> {
        Some(match self.scalar()? {
            Scalar::Null => return None,
            Scalar::Boolean(true) => "True".into(),
            Scalar::Boolean(false) => "False".into(),
            Scalar::Integer(number) => number.to_string(),
            Scalar::FloatingPoint(number) => crate::template::python::float(number.0),
            Scalar::String(text) => text.to_string(),
        })
    }

    /// The text, or a mistake that says what should stand here.
    pub(crate) fn expect_text(&self, what: &str) -> Result<Text, LoadError> {
        match self.text() {
            Some(text) => Ok(Text { text, place: self.place() }),
            None => Err(self.error(format!("expected {what}, found {}", self.kind()))),
        }
    }

    /// The entries of a mapping; none for null.
    pub(crate) fn expect_map(&self, what: &str) -> Result<Vec<(Text, Node<'n>)>, LoadError> {
        match self.data() {
            YamlData::Mapping(map) => map
                .iter()
                .map(|(key, value)| {
                    let key = Node { path: self.path, yaml: key };
                    let text = if key.is_null() { "None".to_owned() } else { key.expect_text("a key")?.text };
                    Ok((Text { text, place: key.place() }, Node { path: self.path, yaml: value }))
                })
                .collect(),
            YamlData::Value(Scalar::Null) => Ok(Vec::new()),
            _ => Err(self.error(format!("expected {what}, found {}", self.kind()))),
        }
    }

    /// The items of a list; none for null.
    pub(crate) fn expect_list(&self, what: &str) -> Result<Vec<Node<'n>>, LoadError> {
        match self.items() {
            Some(items) => Ok(items),
            None if self.is_null() => Ok(Vec::new()),
            None => Err(self.error(format!("expected {what}, found {}", self.kind()))),
        }
    }

    pub(crate) fn items(&self) -> Option<Vec<Node<'n>>> {
        match self.data() {
            YamlData::Sequence(items) => Some(items.iter().map(|yaml| Node { path: self.path, yaml }).collect()),
            _ => None,
        }
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.data(), YamlData::Mapping(_))
    }

    fn kind(&self) -> &'static str {
        match self.data() {
            YamlData::Value(Scalar::Null) => "nothing",
            YamlData::Value(_) => "a scalar",
            YamlData::Sequence(_) => "a list",
            YamlData::Mapping(_) => "a mapping",
            _ => "something unreadable",
        }
    }
}

/// The value of a key in a mapping's entries.
pub(crate) fn get<'n>(entries: &[(Text, Node<'n>)], key: &str) -> Option<Node<'n>> {
    entries.iter().find(|(name, _)| name.text == key).map(|(_, node)| *node)
}
