//! Smart descriptions: one readable sentence an event, chosen by what the event holds.

use serde::Deserialize;

use crate::error::LoadError;
use crate::load::File;

/// The sentences of a format, most specific first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Descriptions {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
struct Entry {
    value: String,
    #[serde(default)]
    conditions: Vec<Condition>,
    /// Pairs of fields that a graph may link; nothing here draws one yet, but files carry them.
    #[serde(default, rename = "relationships")]
    _relationships: Vec<serde_json::Value>,
}

#[derive(Clone, Debug, Deserialize)]
struct Condition {
    field: String,
    #[serde(default)]
    value: Option<serde_json::Value>,
}

impl Descriptions {
    pub(crate) fn read(file: &File) -> Result<Self, LoadError> {
        let mut entries: Vec<Entry> = serde_json::from_str(&file.text).map_err(|cause| {
            let number = |value: usize| u32::try_from(value.max(1)).unwrap_or(u32::MAX);
            let message = format!("expected a list of {{\"value\", \"conditions\"}}: {cause}");
            LoadError::new(&file.path, number(cause.line()), number(cause.column()), message)
        })?;
        // a condition on a value says more than one on a field being there
        let weight = |entry: &Entry| {
            (entry.conditions.len(), entry.conditions.iter().filter(|condition| condition.value.is_some()).count())
        };
        entries.sort_by_key(|entry| std::cmp::Reverse(weight(entry)));
        Ok(Self { entries })
    }

    /// The first sentence whose conditions hold and whose fields are all there.
    pub(crate) fn describe(&self, lookup: impl Fn(&str) -> Option<String>) -> Option<String> {
        self.entries
            .iter()
            .filter(|entry| entry.conditions.iter().all(|condition| condition.holds(&lookup)))
            .find_map(|entry| fill(&entry.value, &lookup))
    }
}

impl Condition {
    fn holds(&self, lookup: &impl Fn(&str) -> Option<String>) -> bool {
        let Some(found) = lookup(&self.field) else {
            return false;
        };
        match &self.value {
            None => true,
            Some(serde_json::Value::String(text)) => found == *text,
            Some(serde_json::Value::Array(options)) => options.iter().any(|option| text_of(option) == found),
            Some(other) => text_of(other) == found,
        }
    }
}

fn text_of(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Puts the values of fields into their places; `None` when one is absent.
fn fill(template: &str, lookup: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once('{') {
        let Some((field, after)) = tail.split_once('}') else {
            break;
        };
        out.push_str(before);
        out.push_str(&lookup(field.trim())?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptions(text: &str) -> Descriptions {
        Descriptions::read(&File { path: "smart-descriptions.json".into(), text: text.into() }).unwrap()
    }

    #[test]
    fn the_most_specific_sentence_that_can_be_filled_wins() {
        let found = descriptions(
            r#"[
                {"value": "query", "conditions": []},
                {"value": "{a} asked {b}", "conditions": [{"field": "a"}]},
                {"value": "{a} was refused", "conditions": [{"field": "a"}, {"field": "c", "value": 3}]}
            ]"#,
        );
        let lookup = |fields: &'static [(&str, &str)]| {
            move |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(found.describe(lookup(&[("a", "x"), ("b", "y")])).unwrap(), "x asked y");
        assert_eq!(found.describe(lookup(&[("a", "x"), ("c", "3")])).unwrap(), "x was refused");
        assert_eq!(found.describe(lookup(&[("a", "x")])).unwrap(), "query");
    }

    #[test]
    fn a_mistake_has_a_place() {
        let file = File { path: "d.json".into(), text: "[\n{\"value\": 3}]".into() };
        assert_eq!(Descriptions::read(&file).unwrap_err().line, 2);
    }
}
