//! An event: a record's fields by id, sorted, with a writer that nests them.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::field::FieldId;
use crate::json;
use crate::registry::{NO_GROUP, Registry};
use crate::value::{Value, write_entries};

/// The fields of one record, sorted by id, each at most once. Everything borrows from the batch or its arena.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    fields: BumpVec<'a, (FieldId, Value<'a>)>,
}

impl<'a> Event<'a> {
    /// An empty event with room for `capacity` fields.
    #[must_use]
    pub fn with_capacity_in(capacity: usize, arena: &'a Bump) -> Self {
        Self { fields: BumpVec::with_capacity_in(capacity, arena) }
    }

    /// Appends a field whose id is above all present ones: the quick way for who writes in id order.
    #[inline]
    pub fn push(&mut self, id: FieldId, value: Value<'a>) {
        debug_assert!(self.fields.last().is_none_or(|(last, _)| *last < id), "fields must ascend");
        self.fields.push((id, value));
    }

    /// Sets a field, replacing what it held.
    pub fn set(&mut self, id: FieldId, value: Value<'a>) {
        match self.fields.binary_search_by_key(&id, |(field, _)| *field) {
            Ok(index) => self.fields[index].1 = value,
            Err(index) => self.fields.insert(index, (id, value)),
        }
    }

    /// Takes a field out.
    pub fn remove(&mut self, id: FieldId) -> Option<Value<'a>> {
        let index = self.fields.binary_search_by_key(&id, |(field, _)| *field).ok()?;
        Some(self.fields.remove(index).1)
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, id: FieldId) -> Option<Value<'a>> {
        let index = self.fields.binary_search_by_key(&id, |(field, _)| *field).ok()?;
        Some(self.fields[index].1)
    }

    /// The fields in id order.
    #[must_use]
    pub fn fields(&self) -> &[(FieldId, Value<'a>)] {
        &self.fields
    }

    /// Appends the event as one nested JSON object, without a final newline.
    /// Fields below a field that holds a scalar or a list are left out: JSON has no place for both.
    pub fn write_json(&self, registry: &Registry, out: &mut Vec<u8>) {
        let mut writer = Nest { registry, open: [0; DEPTH_MAX], depth: 0, parent: NO_GROUP, written: false, out };
        writer.out.push(b'{');
        let mut shadow: Option<u32> = None;
        for (id, value) in self.fields.iter() {
            let (id, layout) = (*id, registry.layout(*id));
            // nearly always: beside the field before it, and nothing lies below it
            if layout.parent == writer.parent && shadow.is_none() && !layout.has_group {
                registry.write_key(layout, writer.written, writer.out);
                writer.written = true;
                match value {
                    Value::Str(text) => json::write_str(text, writer.out),
                    other => other.write_json(writer.out),
                }
                continue;
            }
            let (field, value) = (registry.field(id), *value);
            if shadow.is_some_and(|group| field.chain.contains(&group)) {
                continue;
            }
            writer.enter(&field.chain);
            match (field.group, value) {
                (Some(group), Value::Dict(entries)) => {
                    let mut chain = [0; DEPTH_MAX];
                    let depth = field.chain.len().min(DEPTH_MAX - 1);
                    chain[..depth].copy_from_slice(&field.chain[..depth]);
                    chain[depth] = group;
                    writer.enter(&chain[..=depth]);
                    writer.written = write_entries(entries, false, writer.out);
                }
                (group, value) => {
                    shadow = group;
                    writer.comma();
                    writer.out.extend_from_slice(field.key.as_bytes());
                    value.write_json(writer.out);
                }
            }
        }
        writer.close_to(0);
        writer.out.push(b'}');
    }
}

/// Deepest nesting of declared names; ECS has at most eight.
const DEPTH_MAX: usize = 24;

/// The objects that are open while an event is written.
struct Nest<'r, 'o> {
    registry: &'r Registry,
    open: [u32; DEPTH_MAX],
    depth: usize,
    /// The innermost open object; a group's number stands for its whole path.
    parent: u32,
    written: bool,
    out: &'o mut Vec<u8>,
}

impl Nest<'_, '_> {
    fn enter(&mut self, chain: &[u32]) {
        let mut common = 0;
        while common < self.depth && chain.get(common) == Some(&self.open[common]) {
            common += 1;
        }
        self.close_to(common);
        for &group in chain.iter().take(DEPTH_MAX).skip(common) {
            self.comma();
            self.out.extend_from_slice(self.registry.group_key(group).as_bytes());
            self.out.push(b'{');
            self.open[self.depth] = group;
            self.depth += 1;
            self.written = false;
        }
        self.parent = if self.depth == chain.len() { chain.last().copied().unwrap_or(NO_GROUP) } else { NO_GROUP - 1 };
    }

    fn close_to(&mut self, depth: usize) {
        while self.depth > depth {
            self.out.push(b'}');
            self.depth -= 1;
            self.written = true;
        }
    }

    fn comma(&mut self) {
        if self.written {
            self.out.push(b',');
        }
        self.written = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FieldType;
    use crate::registry::RegistryBuilder;

    fn json_of(fields: &[(&str, Value<'static>)]) -> String {
        let mut builder = RegistryBuilder::new();
        for (name, _) in fields {
            builder.declare(name, FieldType::Object, false);
        }
        let registry = builder.freeze();
        let arena = Bump::new();
        let mut event = Event::with_capacity_in(0, &arena);
        for (name, value) in fields {
            event.set(registry.id(name).unwrap(), *value);
        }
        let mut out = Vec::new();
        event.write_json(&registry, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_nest() {
        let json = json_of(&[
            ("dns.question.type", Value::Str("A")),
            ("@timestamp", Value::Str("t")),
            ("dns.question.name", Value::Str("a\"b")),
            ("dns.id", Value::Int(4)),
            ("source.ip", Value::Null),
        ]);
        assert_eq!(
            json,
            r#"{"@timestamp":"t","dns":{"id":4,"question":{"name":"a\"b","type":"A"}},"source":{"ip":null}}"#
        );
    }

    #[test]
    fn a_dictionary_and_the_fields_below_it_merge() {
        static EXTRA: &[(&str, Value<'static>)] = &[("x", Value::Int(1))];
        assert_eq!(
            json_of(&[("a.b", Value::Dict(EXTRA)), ("a.b.c", Value::Int(2)), ("a.d", Value::Int(3))]),
            r#"{"a":{"b":{"x":1,"c":2},"d":3}}"#
        );
        assert_eq!(json_of(&[("a.b", Value::Dict(&[])), ("a.b.c", Value::Int(2))]), r#"{"a":{"b":{"c":2}}}"#);
    }

    #[test]
    fn a_scalar_hides_what_is_below_it() {
        assert_eq!(
            json_of(&[("a.b", Value::Int(1)), ("a.b.c", Value::Int(2)), ("d", Value::Int(3))]),
            r#"{"a":{"b":1},"d":3}"#
        );
    }

    #[test]
    fn an_empty_event_is_an_empty_object() {
        assert_eq!(json_of(&[]), "{}");
    }
}
