//! `_meta/fields.yml`: the fields that a format or its module declares.

use tidegate_event::FieldType;

use super::File;
use crate::error::LoadError;
use crate::yaml::{self, Node};

/// One declared field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) kind: FieldType,
    pub(crate) array: bool,
}

/// Reads a field table. The keys mean nothing; each entry's `name` counts.
pub(crate) fn read(file: &File) -> Result<Vec<Declared>, LoadError> {
    let Some(document) = yaml::load(&file.path, &file.text)? else {
        return Ok(Vec::new());
    };
    let root = Node::new(&file.path, &document);
    let mut declared = Vec::new();
    for (key, node) in root.expect_map("a mapping of fields")? {
        let entry = node.expect_map("`name` and `type` of a field")?;
        let name = match yaml::get(&entry, "name") {
            Some(name) => name.expect_text("the name of a field")?.text,
            None => key.text,
        };
        let type_node = yaml::get(&entry, "type").ok_or_else(|| node.error(format!("field `{name}` has no `type`")))?;
        let type_name = type_node.expect_text("the type of a field")?.text;
        let kind = FieldType::from_name(type_name.trim(), false).ok_or_else(|| {
            type_node.error(format!(
                "unknown type `{type_name}` of field `{name}`; expected keyword, text, string, long, float, boolean, ip, \
                 date, datetime, object, nested, dict, array or another type of the format language"
            ))
        })?;
        let array = yaml::get(&entry, "normalize")
            .and_then(|node| node.items())
            .is_some_and(|items| items.iter().any(|item| item.text().as_deref() == Some("array")));
        if !name.is_empty() {
            declared.push(Declared { name, kind, array });
        }
    }
    Ok(declared)
}
