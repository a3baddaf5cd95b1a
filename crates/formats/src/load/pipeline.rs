//! `ingest/parser.yml`: the pipeline, its stages and their actions.

use std::path::PathBuf;

use super::File;
use crate::constant::Constant;
use crate::error::LoadError;
use crate::stages::External;
use crate::yaml::{self, Node, Place, Text};
use saphyr::Scalar;

/// What a parser file says.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) path: PathBuf,
    pub(crate) steps: Vec<Step>,
    pub(crate) ignored: Vec<String>,
}

/// One entry of the pipeline.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) filter: Option<Text>,
    pub(crate) kind: StepKind,
}

#[derive(Debug)]
pub(crate) enum StepKind {
    External(External),
    Actions(Vec<Action>),
}

/// One action of a stage.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) filter: Option<Text>,
    pub(crate) kind: ActionKind,
}

#[derive(Clone, Debug)]
pub(crate) enum ActionKind {
    Set(Vec<(Text, Written)>),
    Translate { mapping: Vec<(Text, Text)>, dictionary: Vec<(String, Written)>, fallback: Option<Written> },
    Delete(Vec<Text>),
}

/// A value as the file spells it: a constant, a template, a list of them.
#[derive(Clone, Debug)]
pub(crate) enum Written {
    Constant(Constant),
    Template(Text),
    List(Vec<Written>),
}

/// Reads a parser file.
pub(crate) fn read(file: &File) -> Result<Raw, LoadError> {
    let Some(document) = yaml::load(&file.path, &file.text)? else {
        return Err(LoadError::new(&file.path, 1, 1, "expected `pipeline` and `stages`, found an empty file"));
    };
    let root = Node::new(&file.path, &document);
    let top = root.expect_map("`pipeline` and `stages`")?;
    let stages = match yaml::get(&top, "stages") {
        Some(node) => node.expect_map("a mapping of stages")?,
        None => Vec::new(),
    };
    let pipeline = yaml::get(&top, "pipeline").ok_or_else(|| root.error("expected a key `pipeline`"))?;
    let mut steps = Vec::new();
    for node in pipeline.expect_list("a list of stages")? {
        steps.push(step(node, &stages)?);
    }
    let mut ignored = Vec::new();
    if let Some(node) = yaml::get(&top, "ignored_values") {
        for item in node.expect_list("a list of values")? {
            ignored.extend(item.text());
        }
    }
    Ok(Raw { path: file.path.clone(), steps, ignored })
}

fn step(node: Node<'_>, stages: &[(Text, Node<'_>)]) -> Result<Step, LoadError> {
    let entry = node.expect_map("a stage with a `name`")?;
    let name_node = yaml::get(&entry, "name").ok_or_else(|| node.error("expected a key `name` in a stage"))?;
    let name = name_node.expect_text("the name of a stage")?.text;
    let kind = match yaml::get(&entry, "external").filter(|external| !external.is_null()) {
        Some(external) => StepKind::External(External::read(external)?),
        None => {
            let stage = yaml::get(stages, &name).ok_or_else(|| {
                name_node
                    .error(format!("stage `{name}` is in the pipeline but not under `stages`, and has no `external`"))
            })?;
            StepKind::Actions(actions(stage)?)
        }
    };
    Ok(Step { name, filter: filter(&entry)?, kind })
}

fn filter(entry: &[(Text, Node<'_>)]) -> Result<Option<Text>, LoadError> {
    match yaml::get(entry, "filter").filter(|node| !node.is_null()) {
        Some(node) => node.expect_text("a template as `filter`").map(Some),
        None => Ok(None),
    }
}

fn actions(stage: Node<'_>) -> Result<Vec<Action>, LoadError> {
    let entries = stage.expect_map("`actions` of a stage")?;
    let Some(list) = yaml::get(&entries, "actions") else {
        return Ok(Vec::new());
    };
    list.expect_list("a list of actions")?.into_iter().map(action).collect()
}

fn action(node: Node<'_>) -> Result<Action, LoadError> {
    let entry = node.expect_map("an action: `set`, `translate` or `delete`")?;
    let kind = if let Some(set) = yaml::get(&entry, "set") {
        let mut assignments = Vec::new();
        for (field, value) in set.expect_map("a mapping of fields to values")? {
            assign(&field.text, field.place, value, &mut assignments)?;
        }
        ActionKind::Set(assignments)
    } else if let (Some(mapping), Some(dictionary)) = (yaml::get(&entry, "mapping"), yaml::get(&entry, "dictionary")) {
        translate(mapping, dictionary, yaml::get(&entry, "fallback"))?
    } else if let Some(delete) = yaml::get(&entry, "delete") {
        let fields = delete.expect_list("a list of fields")?;
        ActionKind::Delete(fields.iter().map(|field| field.expect_text("a field")).collect::<Result<_, _>>()?)
    } else {
        return Err(node.error("expected `set`, `mapping` with `dictionary`, or `delete` in an action"));
    };
    Ok(Action { filter: filter(&entry)?, kind })
}

/// A mapping as a value assigns each of its members.
fn assign(field: &str, place: Place, value: Node<'_>, out: &mut Vec<(Text, Written)>) -> Result<(), LoadError> {
    if value.is_map() {
        for (key, inner) in value.expect_map("a mapping")? {
            assign(&format!("{field}.{}", key.text), key.place, inner, out)?;
        }
        return Ok(());
    }
    out.push((Text { text: field.trim().to_owned(), place }, written(value)?));
    Ok(())
}

fn translate(mapping: Node<'_>, dictionary: Node<'_>, fallback: Option<Node<'_>>) -> Result<ActionKind, LoadError> {
    let mapping = mapping
        .expect_map("a mapping of paths to fields")?
        .into_iter()
        .map(|(source, target)| Ok((source, target.expect_text("the field to set")?)))
        .collect::<Result<_, LoadError>>()?;
    let mut entries = Vec::new();
    for (key, value) in dictionary.expect_map("a mapping of values")? {
        entries.push((key.text, written(value)?));
    }
    let fallback = fallback.filter(|node| !node.is_null()).map(written).transpose()?;
    Ok(ActionKind::Translate { mapping, dictionary: entries, fallback })
}

fn written(node: Node<'_>) -> Result<Written, LoadError> {
    if let Some(items) = node.items() {
        return Ok(Written::List(items.into_iter().map(written).collect::<Result<_, _>>()?));
    }
    Ok(Written::Constant(match node.scalar() {
        Some(Scalar::Null) => Constant::Null,
        Some(Scalar::Boolean(flag)) => Constant::Bool(*flag),
        Some(Scalar::Integer(number)) => Constant::Int(*number),
        Some(Scalar::FloatingPoint(number)) => Constant::Float(number.0),
        Some(Scalar::String(text)) => {
            return Ok(Written::Template(Text { text: text.to_string(), place: node.place() }));
        }
        None => return Err(node.error("expected a value, a template or a list of them")),
    }))
}
