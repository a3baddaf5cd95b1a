//! An event as the matcher sees it: values borrowed, nothing copied but lists.

use std::borrow::Cow;

use rsigma_eval::EventValue;
use tidegate_event::{Event, FieldId, Value};

use super::fields::{Slot, Slots};

/// What is known of a DNS query whatever the format left out, and in the spelling that rules expect.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts<'f> {
    /// The queried name, lower case, without final dot.
    pub(crate) name: &'f str,
    /// Its registered domain, or its last two labels when it has none.
    pub(crate) registered: &'f str,
    /// The fields these stand for.
    pub(crate) fields: FactFields,
}

/// Fields that [`Facts`] answer for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FactFields {
    pub(crate) name: Option<FieldId>,
    pub(crate) registered: Option<FieldId>,
    pub(crate) length: Option<FieldId>,
    pub(crate) labels: Option<FieldId>,
    pub(crate) longest: Option<FieldId>,
}

/// A borrowed event.
#[derive(Debug)]
pub(crate) struct View<'v, 'a> {
    pub(crate) event: &'v Event<'a>,
    pub(crate) slots: &'v Slots,
    pub(crate) facts: Facts<'v>,
}

impl<'v> View<'v, '_> {
    /// The value of a slot.
    pub(crate) fn value(&self, slot: &Slot) -> Option<EventValue<'v>> {
        if let Some(field) = slot.whole() {
            if let Some(known) = self.fact(field) {
                return Some(known);
            }
            if let Some(value) = self.event.get(field) {
                return Some(convert(value));
            }
            if let Some(computed) = self.computed(field) {
                return Some(computed);
            }
        }
        let (value, below) = slot.get(self.event)?;
        descend(value, below)
    }

    fn fact(&self, field: FieldId) -> Option<EventValue<'v>> {
        let facts = self.facts;
        if facts.name.is_empty() {
            return None;
        }
        let field = Some(field);
        if field == facts.fields.name {
            Some(EventValue::Str(Cow::Borrowed(facts.name)))
        } else if field == facts.fields.registered && !facts.registered.is_empty() {
            Some(EventValue::Str(Cow::Borrowed(facts.registered)))
        } else {
            None
        }
    }

    /// Statistics of the name, when enrichment has not set them.
    fn computed(&self, field: FieldId) -> Option<EventValue<'v>> {
        let facts = self.facts;
        if facts.name.is_empty() {
            return None;
        }
        let count = |count: usize| Some(EventValue::Int(i64::try_from(count).unwrap_or(i64::MAX)));
        let field = Some(field);
        if field == facts.fields.length {
            count(facts.name.chars().count())
        } else if field == facts.fields.labels {
            count(facts.name.split('.').count())
        } else if field == facts.fields.longest {
            count(facts.name.split('.').map(|label| label.chars().count()).max().unwrap_or(0))
        } else {
            None
        }
    }
}

/// The members named below a value; of a list, those of each item.
fn descend<'a>(value: Value<'a>, below: &[Box<str>]) -> Option<EventValue<'a>> {
    let Some((member, rest)) = below.split_first() else { return Some(convert(value)) };
    match value {
        Value::Dict(_) => descend(value.get(member)?, rest),
        Value::List(items) => {
            let found: Vec<_> = items.iter().filter_map(|item| descend(*item, below)).collect();
            (!found.is_empty()).then_some(EventValue::Array(found))
        }
        _ => None,
    }
}

/// A value as the library knows it. A number above `i64::MAX` becomes a float.
fn convert(value: Value<'_>) -> EventValue<'_> {
    match value {
        Value::Null => EventValue::Null,
        Value::Bool(flag) => EventValue::Bool(flag),
        Value::Int(number) => EventValue::Int(number),
        Value::UInt(number) => EventValue::Float(number as f64),
        Value::Float(number) => EventValue::Float(number),
        Value::Str(text) => EventValue::Str(Cow::Borrowed(text)),
        Value::List(items) => EventValue::Array(items.iter().map(|item| convert(*item)).collect()),
        Value::Dict(entries) => {
            EventValue::Map(entries.iter().map(|(key, value)| (Cow::Borrowed(*key), convert(*value))).collect())
        }
    }
}

/// Calls `visit` with every text below a value until it says stop (`true`).
fn any_text(value: Value<'_>, visit: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        Value::Str(text) => visit(text),
        Value::List(items) => items.iter().any(|item| any_text(*item, visit)),
        Value::Dict(entries) => entries.iter().any(|(_, value)| any_text(*value, visit)),
        _ => false,
    }
}

impl rsigma_eval::Event for View<'_, '_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        self.value(self.slots.named(path)?)
    }

    fn any_string_value(&self, pred: &dyn Fn(&str) -> bool) -> bool {
        self.event.fields().iter().any(|(_, value)| any_text(*value, &mut |text| pred(text)))
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        let mut out = Vec::new();
        self.visit_string_values(&mut |text| out.push(Cow::Owned(text.to_owned())));
        out
    }

    fn visit_string_values(&self, visit: &mut dyn FnMut(&str)) {
        for (_, value) in self.event.fields() {
            any_text(*value, &mut |text| {
                visit(text);
                false
            });
        }
    }

    fn to_json(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}
