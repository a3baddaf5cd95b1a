//! The field registry: every declared name, its type and its id. Built once, then frozen and shared.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::field::{Field, FieldId, FieldType};
use crate::json;

/// Name, type and normalisation of the built-in fields, a tab-separated line each.
const ECS: &str = include_str!("ecs.tsv");

/// Collects declarations; [`freeze`](Self::freeze) turns them into a [`Registry`].
#[derive(Clone, Debug, Default)]
pub struct RegistryBuilder {
    fields: BTreeMap<Vec<Box<str>>, (FieldType, bool)>,
}

impl RegistryBuilder {
    /// A builder without any field.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder that holds the built-in (ECS) table and the fields Tidegate adds.
    #[must_use]
    pub fn with_ecs() -> Self {
        let mut builder = Self::new();
        for line in ECS.lines().filter(|line| !line.starts_with('#')) {
            let mut columns = line.split('\t');
            if let (Some(name), Some(kind)) = (columns.next(), columns.next()) {
                let array = columns.next() == Some("array");
                let kind = FieldType::from_name(kind, true).unwrap_or(FieldType::Keyword);
                builder.declare(name, kind, array);
            }
        }
        for (name, kind, array) in OWN_FIELDS {
            builder.declare(name, *kind, *array);
        }
        builder
    }

    /// Declares a field. The first declaration of a name wins; a later one is ignored and `false` comes back.
    pub fn declare(&mut self, name: &str, kind: FieldType, array: bool) -> bool {
        let path: Vec<Box<str>> = name.split('.').map(Into::into).collect();
        match self.fields.entry(path) {
            std::collections::btree_map::Entry::Occupied(_) => false,
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert((kind, array));
                true
            }
        }
    }

    /// The finished registry: ids are given in segment order.
    #[must_use]
    pub fn freeze(self) -> Arc<Registry> {
        let mut groups: Vec<Box<str>> = Vec::new();
        let mut group_ids: HashMap<String, u32> = HashMap::new();
        let mut fields = Vec::with_capacity(self.fields.len());
        for (path, (kind, array)) in &self.fields {
            let mut chain = Vec::with_capacity(path.len() - 1);
            for depth in 1..path.len() {
                let id = *group_ids.entry(path[..depth].join(".")).or_insert_with(|| {
                    groups.push(key_of(&path[depth - 1]));
                    u32::try_from(groups.len() - 1).expect("fewer than 2^32 fields")
                });
                chain.push(id);
            }
            fields.push(Field {
                name: path.join(".").into(),
                kind: *kind,
                array: *array,
                chain: chain.into(),
                group: None,
                key: key_of(&path[path.len() - 1]),
            });
        }
        for field in &mut fields {
            field.group = group_ids.get(&*field.name).copied();
        }
        let by_name = fields
            .iter()
            .enumerate()
            .map(|(index, field)| (field.name.clone(), FieldId(u32::try_from(index).expect("fewer than 2^32 fields"))))
            .collect();
        let (layouts, keys) = layouts(&fields);
        Arc::new(Registry { fields, groups, layouts, keys, by_name })
    }
}

/// What writing a field needs, close together: an event touches sixty of two thousand fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// The object it lies in, or [`NO_GROUP`].
    pub(crate) parent: u32,
    /// Fields lie below its own name.
    pub(crate) has_group: bool,
    /// Its `,"name":` among all keys.
    key_at: u32,
    key_bytes: u16,
}

/// The outermost object.
pub(crate) const NO_GROUP: u32 = u32::MAX;

/// Keys are copied in pieces of this size; what is copied too far is cut off.
const KEY_COPY: usize = 32;

fn layouts(fields: &[Field]) -> (Vec<Layout>, Vec<u8>) {
    let mut keys = Vec::new();
    let mut layouts = Vec::with_capacity(fields.len());
    for field in fields {
        layouts.push(Layout {
            parent: field.chain.last().copied().unwrap_or(NO_GROUP),
            has_group: field.group.is_some(),
            key_at: u32::try_from(keys.len()).expect("names fill less than 4 GiB"),
            key_bytes: u16::try_from(field.key.len() + 1).expect("a name is shorter than 64 KiB"),
        });
        keys.push(b',');
        keys.extend_from_slice(field.key.as_bytes());
    }
    keys.resize(keys.len() + KEY_COPY, 0);
    (layouts, keys)
}

/// `"name":` with the name escaped.
fn key_of(name: &str) -> Box<str> {
    let mut out = Vec::with_capacity(name.len() + 3);
    json::write_str(name, &mut out);
    out.push(b':');
    String::from_utf8(out).expect("JSON text of a str is UTF-8").into()
}

/// Every field that events may have, frozen.
#[derive(Debug)]
pub struct Registry {
    fields: Vec<Field>,
    groups: Vec<Box<str>>,
    layouts: Vec<Layout>,
    keys: Vec<u8>,
    by_name: HashMap<Box<str>, FieldId>,
}

impl Registry {
    /// The id of a dotted name.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<FieldId> {
        self.by_name.get(name).copied()
    }

    /// The declaration behind an id of this registry.
    ///
    /// # Panics
    /// When `id` comes from a larger registry.
    #[must_use]
    #[inline]
    pub fn field(&self, id: FieldId) -> &Field {
        &self.fields[id.index()]
    }

    /// All fields, in id order.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// All ids with their fields, in id order.
    pub fn iter(&self) -> impl Iterator<Item = (FieldId, &Field)> {
        self.fields.iter().enumerate().map(|(index, field)| (FieldId(index as u32), field))
    }

    #[inline]
    pub(crate) fn layout(&self, id: FieldId) -> Layout {
        self.layouts[id.index()]
    }

    /// Appends `"name":`, after a comma when something stands before it.
    #[inline]
    pub(crate) fn write_key(&self, layout: Layout, comma: bool, out: &mut Vec<u8>) {
        let skipped = usize::from(!comma);
        let key = &self.keys[layout.key_at as usize + skipped..];
        let length = usize::from(layout.key_bytes) - skipped;
        match key.first_chunk::<KEY_COPY>() {
            Some(piece) if length <= KEY_COPY => {
                let end = out.len() + length;
                out.extend_from_slice(piece);
                out.truncate(end);
            }
            _ => out.extend_from_slice(&key[..length]),
        }
    }

    /// `"name":` of a group, ready to write.
    pub(crate) fn group_key(&self, group: u32) -> &str {
        &self.groups[group as usize]
    }
}

/// What Tidegate adds to ECS.
const OWN_FIELDS: &[(&str, FieldType, bool)] = &[
    (crate::names::INTAKE_ID, FieldType::Keyword, false),
    (crate::names::INTAKE_NAME, FieldType::Keyword, false),
    (crate::names::FORMAT, FieldType::Keyword, false),
    (crate::names::STATUS, FieldType::Keyword, false),
    (crate::names::REASON, FieldType::Keyword, false),
    (crate::names::NAME_LENGTH, FieldType::Long, false),
    (crate::names::NAME_LABELS, FieldType::Long, false),
    (crate::names::NAME_LONGEST_LABEL, FieldType::Long, false),
    (crate::names::NAME_ENTROPY, FieldType::Float, false),
    (crate::names::NAME_DIGITS_RATIO, FieldType::Float, false),
    (crate::names::ANSWERS_ERRORS, FieldType::Keyword, true),
    (crate::names::MESSAGE, FieldType::Keyword, false),
    (crate::names::TAGS, FieldType::Keyword, true),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_segment_order() {
        let mut builder = RegistryBuilder::new();
        for name in ["a.c", "a", "a-b", "a.b.c", "a.b"] {
            assert!(builder.declare(name, FieldType::Keyword, false));
        }
        assert!(!builder.declare("a.b", FieldType::Long, false), "the first declaration wins");
        let registry = builder.freeze();
        let names: Vec<&str> = registry.fields().iter().map(|field| &*field.name).collect();
        assert_eq!(names, ["a", "a.b", "a.b.c", "a.c", "a-b"]);
        assert_eq!(registry.field(registry.id("a.b").unwrap()).kind, FieldType::Keyword);
    }

    #[test]
    fn the_built_in_table_is_complete() {
        let registry = RegistryBuilder::with_ecs().freeze();
        let kind = |name: &str| registry.field(registry.id(name).unwrap()).kind;
        assert_eq!(kind("@timestamp"), FieldType::Date);
        assert_eq!(kind("dns.resolved_ip"), FieldType::Ip);
        assert_eq!(kind("source.port"), FieldType::Long);
        assert!(registry.field(registry.id("dns.resolved_ip").unwrap()).array);
        assert!(registry.fields().len() > 1700);
    }
}
