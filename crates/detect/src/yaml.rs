//! YAML with positions, and its bounds: every mistake in a rule can be pointed at.

use saphyr::{MarkedYaml, Scalar, YamlData, YamlLoader};
use saphyr_parser::{Event, Parser};

/// Deepest nesting of lists and mappings; rules need six.
pub(crate) const NESTING_MAX: usize = 32;
/// Most nodes of a document; the longest public rules hold some hundred.
const NODES_MAX: usize = 100_000;
/// Most references to anchors in a document.
const ALIASES_MAX: usize = 64;

/// Where something stands in a file, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// A sentence and where it belongs.
pub(crate) type Mistake = (Place, String);

/// The documents of a file: text, and the line before its first. A document starts at a line `---`.
pub(crate) fn documents(text: &str) -> Vec<(u32, &str)> {
    let (mut out, mut start, mut start_line, mut at) = (Vec::new(), 0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let marker =
            line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if marker && at > start {
            out.push((start_line, &text[start..at]));
            (start, start_line) = (at, u32::try_from(number).unwrap_or(u32::MAX));
        }
        at += line.len();
    }
    out.push((start_line, &text[start..]));
    out.retain(|(_, text)| {
        text.lines().any(|line| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#') && line != "---" && line != "..."
        })
    });
    out
}

/// Reads one document. `lines_before` is added to every line.
pub(crate) fn load(text: &str, lines_before: u32) -> Result<Option<MarkedYaml<'_>>, Mistake> {
    let mistake = |error: &saphyr::ScanError| {
        let marker = error.marker();
        (place(marker.line(), marker.col(), lines_before), error.info().to_owned())
    };
    check_size(text, lines_before)?;
    let mut loader = YamlLoader::<MarkedYaml<'_>>::default();
    loader.alias_limit(NODES_MAX);
    Parser::new_from_str(text).load(&mut loader, true).map_err(|error| mistake(&error))?;
    if let Some(error) = loader.error() {
        return Err(mistake(error));
    }
    Ok(loader.into_documents().into_iter().next())
}

/// Walks the events first, so that a hostile file is refused before anything is built of it.
fn check_size(text: &str, lines_before: u32) -> Result<(), Mistake> {
    let (mut depth, mut nodes, mut aliases) = (0_usize, 0_usize, 0_usize);
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            Event::Alias(_) => aliases += 1,
            _ => {}
        }
        nodes += 1;
        let message = if depth > NESTING_MAX {
            format!("lists and mappings nest deeper than {NESTING_MAX}")
        } else if nodes > NODES_MAX {
            format!("document holds more than {NODES_MAX} nodes")
        } else if aliases > ALIASES_MAX {
            format!("document refers to anchors more than {ALIASES_MAX} times")
        } else {
            continue;
        };
        return Err((place(span.start.line(), span.start.col(), lines_before), message));
    }
    Ok(())
}

fn place(line: usize, column: usize, lines_before: u32) -> Place {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Place { line: number(line).saturating_add(lines_before), column: number(column).saturating_add(1) }
}

/// A node of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'n> {
    yaml: &'n MarkedYaml<'n>,
    lines_before: u32,
}

impl<'n> Node<'n> {
    pub(crate) fn new(yaml: &'n MarkedYaml<'n>, lines_before: u32) -> Self {
        Self { yaml, lines_before }
    }

    pub(crate) fn place(self) -> Place {
        let start = self.yaml.span.start;
        place(start.line(), start.col(), self.lines_before)
    }

    fn data(self) -> &'n YamlData<'n, MarkedYaml<'n>> {
        match &self.yaml.data {
            YamlData::Tagged(_, inner) => &inner.data,
            data => data,
        }
    }

    fn with(self, yaml: &'n MarkedYaml<'n>) -> Self {
        Self { yaml, lines_before: self.lines_before }
    }

    /// Keys and values; none when it is no mapping.
    pub(crate) fn entries(self) -> Vec<(Self, Self)> {
        match self.data() {
            YamlData::Mapping(map) => map.iter().map(|(key, value)| (self.with(key), self.with(value))).collect(),
            _ => Vec::new(),
        }
    }

    /// Items; none when it is no list.
    pub(crate) fn items(self) -> Vec<Self> {
        match self.data() {
            YamlData::Sequence(items) => items.iter().map(|item| self.with(item)).collect(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn is_map(self) -> bool {
        matches!(self.data(), YamlData::Mapping(_))
    }

    /// The text of a scalar; `None` for null, lists and mappings.
    pub(crate) fn text(self) -> Option<String> {
        match self.data() {
            YamlData::Value(Scalar::String(text)) => Some(text.to_string()),
            YamlData::Value(Scalar::Integer(number)) => Some(number.to_string()),
            YamlData::Value(Scalar::FloatingPoint(number)) => Some(number.0.to_string()),
            YamlData::Value(Scalar::Boolean(flag)) => Some(flag.to_string()),
            _ => None,
        }
    }

    /// Key and value of an entry.
    pub(crate) fn entry(self, key: &str) -> Option<(Self, Self)> {
        self.entries().into_iter().find(|(name, _)| name.text().as_deref() == Some(key))
    }

    /// Value of an entry.
    pub(crate) fn get(self, key: &str) -> Option<Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The value as JSON; tags and references are resolved.
    pub(crate) fn to_json(self) -> serde_json::Value {
        use serde_json::Value;
        match self.data() {
            YamlData::Value(Scalar::String(text)) => Value::String(text.to_string()),
            YamlData::Value(Scalar::Integer(number)) => Value::from(*number),
            YamlData::Value(Scalar::FloatingPoint(number)) => Value::from(number.0),
            YamlData::Value(Scalar::Boolean(flag)) => Value::Bool(*flag),
            YamlData::Sequence(items) => Value::Array(items.iter().map(|item| self.with(item).to_json()).collect()),
            YamlData::Mapping(_) => {
                let entries = self.entries().into_iter();
                Value::Object(entries.filter_map(|(key, value)| Some((key.text()?, value.to_json()))).collect())
            }
            _ => Value::Null,
        }
    }

    /// The first node below, or this one, that `wanted` accepts: keys before their values.
    pub(crate) fn find(self, wanted: &mut dyn FnMut(Self) -> bool) -> Option<Self> {
        if wanted(self) {
            return Some(self);
        }
        for (key, value) in self.entries() {
            if let Some(found) = key.find(wanted).or_else(|| value.find(wanted)) {
                return Some(found);
            }
        }
        self.items().into_iter().find_map(|item| item.find(wanted))
    }
}
