//! A stored event in one line.

use std::sync::Arc;

use serde_json::Value;
use tidegate_event::names;
use tidegate_formats::Catalog;

/// Says an event in one line, in the words of the format that parsed it.
pub(crate) fn describe_with(catalog: &Arc<Catalog>) -> tidegate_query::Describe {
    let catalog = Arc::clone(catalog);
    Arc::new(move |event| {
        let text = |name: &str| said(event.get(name)?);
        catalog.get(&text(names::FORMAT)?)?.describe(text)
    })
}

/// A value as a sentence has it: text bare, the items of a list with commas between.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(said).collect();
            (!items.is_empty()).then(|| items.join(", "))
        }
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_said_as_people_say_them() {
        assert_eq!(said(&json!(["Ads", "Society & Lifestyle", null])).as_deref(), Some("Ads, Society & Lifestyle"));
        assert_eq!(said(&json!([80, 117])).as_deref(), Some("80, 117"));
        for nothing in [json!(null), json!([]), json!([null])] {
            assert_eq!(said(&nothing), None);
        }
        assert_eq!((said(&json!("a")), said(&json!(true))), (Some("a".into()), Some("true".into())));
    }
}
