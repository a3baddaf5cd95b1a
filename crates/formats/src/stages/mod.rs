//! External stages: what turns text into values. A new one is a file here, a variant of [`External`] and a line in
//! [`External::read`].

use crate::error::LoadError;
use crate::yaml::{self, Node, Text};

pub(crate) mod date;
pub(crate) mod json;

pub(crate) use date::DateStage;
pub(crate) use json::JsonStage;

/// The stages of the format language that are not built yet.
const PLANNED: &[&str] = &[
    "cef.parse-cef",
    "dict.parse",
    "dsv.parse-dsv",
    "grok.case_match",
    "grok.match",
    "kv.parse-kv",
    "leef.parse-leef",
    "xml.parse-windows-event",
    "xml.parse-xml",
];

/// Where a stage's result goes when nothing else is said.
const OUTPUT_DEFAULT: &str = "message";

/// An external stage as a pipeline configures it.
#[derive(Debug)]
pub(crate) enum External {
    Json(JsonStage),
    Date(DateStage),
}

/// Properties of a stage, as written.
pub(crate) type Properties<'n> = Vec<(Text, Node<'n>)>;

impl External {
    /// Reads `external: {name, properties}`.
    pub(crate) fn read(node: Node<'_>) -> Result<Self, LoadError> {
        let entry = node.expect_map("`name` and `properties` of an external stage")?;
        let name_node =
            yaml::get(&entry, "name").ok_or_else(|| node.error("expected a key `name` under `external`"))?;
        let name = name_node.expect_text("the name of an external stage")?.text;
        let properties = match yaml::get(&entry, "properties") {
            Some(properties) => properties.expect_map("a mapping of properties")?,
            None => Vec::new(),
        };
        match &*name {
            "json.parse-json" => JsonStage::read(&properties).map(Self::Json),
            "date.parse" => DateStage::read(&properties).map(Self::Date),
            planned if PLANNED.contains(&planned) => {
                Err(name_node.error(format!("external stage `{planned}` is not supported yet")))
            }
            unknown => Err(name_node
                .error(format!("unknown external stage `{unknown}`; expected `json.parse-json` or `date.parse`"))),
        }
    }

    /// The key of the stage's layer that holds its result.
    pub(crate) fn output(&self) -> &str {
        match self {
            Self::Json(stage) => &stage.output,
            Self::Date(stage) => &stage.output,
        }
    }
}

/// A property as text.
fn property(properties: &Properties<'_>, name: &str) -> Result<Option<Text>, LoadError> {
    match yaml::get(properties, name).filter(|node| !node.is_null()) {
        Some(node) => node.expect_text(&format!("a text as `{name}`")).map(Some),
        None => Ok(None),
    }
}

fn output(properties: &Properties<'_>) -> Result<String, LoadError> {
    Ok(property(properties, "output_field")?.map_or_else(|| OUTPUT_DEFAULT.to_owned(), |text| text.text))
}
