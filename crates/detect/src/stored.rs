//! Events as JSON, back to what judges take.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use serde_json::{Map, Value as Json};
use tidegate_event::{Event, Registry, Value};

/// An event as it was stored: nested objects, flat dotted names, or a mixture. Fields that the registry does not know are
/// left out: no rule can speak of them.
#[must_use]
pub fn restore<'a>(json: &Map<String, Json>, registry: &Registry, arena: &'a Bump) -> Event<'a> {
    let mut event = Event::with_capacity_in(json.len(), arena);
    collect("", json, registry, arena, &mut event);
    event
}

fn collect<'a>(prefix: &str, json: &Map<String, Json>, registry: &Registry, arena: &'a Bump, event: &mut Event<'a>) {
    for (key, value) in json {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match (registry.id(&name), value) {
            (_, Json::Null) => {}
            (Some(field), value) => event.set(field, lend(value, arena)),
            (None, Json::Object(inner)) => collect(&name, inner, registry, arena, event),
            (None, _) => {}
        }
    }
}

/// A JSON value, borrowed from the arena.
#[must_use]
pub fn lend<'a>(value: &Json, arena: &'a Bump) -> Value<'a> {
    match value {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => number.as_i64().map_or(Value::Float(number.as_f64().unwrap_or(0.0)), Value::Int),
        Json::String(text) => Value::Str(arena.alloc_str(text)),
        Json::Array(items) => {
            let mut out = BumpVec::with_capacity_in(items.len(), arena);
            out.extend(items.iter().map(|item| lend(item, arena)));
            Value::List(out.into_bump_slice())
        }
        Json::Object(entries) => {
            let mut out = BumpVec::with_capacity_in(entries.len(), arena);
            for (name, value) in entries {
                let name: &str = arena.alloc_str(name);
                out.push((name, lend(value, arena)));
            }
            Value::Dict(out.into_bump_slice())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tidegate_event::RegistryBuilder;

    #[test]
    fn nested_and_flat_fields_come_back() {
        let registry = RegistryBuilder::with_ecs().freeze();
        let arena = Bump::new();
        let json = json!({"dns": {"question": {"name": "a.example"}}, "source.ip": "192.0.2.1", "tags": ["x"], "no": {"such": 1}});
        let event = restore(json.as_object().unwrap(), &registry, &arena);
        let text = |name: &str| event.get(registry.id(name).unwrap()).map(Value::to_json);
        assert_eq!(text("dns.question.name").as_deref(), Some("\"a.example\""));
        assert_eq!(text("source.ip").as_deref(), Some("\"192.0.2.1\""));
        assert_eq!(text("tags").as_deref(), Some("[\"x\"]"));
        assert_eq!(event.fields().len(), 3);
    }
}
