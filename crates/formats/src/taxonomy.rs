//! Which fields exist for a format, and of what type: the built-in table, the module's fields and the format's own.

use std::collections::BTreeMap;

use tidegate_event::{FieldType, Registry};

use crate::load::Declared;

/// Separates segments in the keys, below every other character, so that keys sort as paths do.
const SEPARATOR: char = '\u{1}';

/// The declared fields of a format by path.
#[derive(Debug)]
pub(crate) struct Taxonomy {
    kinds: BTreeMap<String, FieldType>,
}

impl Taxonomy {
    /// `declared`: the format's own fields before its module's; the first of equal names counts.
    pub(crate) fn new(built_in: &Registry, declared: &[Declared]) -> Self {
        let mut kinds: BTreeMap<String, FieldType> = BTreeMap::new();
        for field in declared {
            kinds.entry(key(&field.name)).or_insert(field.kind);
        }
        for field in built_in.fields() {
            let wins = kinds.get(&key(&field.name)).is_some_and(|kind| {
                matches!(kind, FieldType::List | FieldType::Object | FieldType::Dict | FieldType::Nested)
            });
            if !wins {
                kinds.insert(key(&field.name), field.kind);
            }
        }
        Self { kinds }
    }

    /// The type of a field; `None` when it is not declared.
    pub(crate) fn kind(&self, name: &str) -> Option<FieldType> {
        self.kinds.get(&key(name)).copied()
    }

    /// The declared fields below a path.
    pub(crate) fn below(&self, name: &str) -> impl Iterator<Item = (String, FieldType)> + '_ {
        let prefix = format!("{}{SEPARATOR}", key(name));
        self.kinds
            .range(prefix.clone()..)
            .take_while(move |(known, _)| known.starts_with(&prefix))
            .map(|(known, kind)| (known.replace(SEPARATOR, "."), *kind))
    }
}

fn key(name: &str) -> String {
    name.replace('.', "\u{1}")
}
