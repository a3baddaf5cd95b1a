//! What templates see of a record on its way: the input, the layers, the event under construction.

use bumpalo::collections::Vec as BumpVec;
use tidegate_event::{Timestamp, Value};

use super::{Presence, State};
use crate::fields::FieldSlot;
use crate::paths::{NO_SLOT, Slot};
use crate::program::{Layer, Program};
use crate::template::{Fail, Outside, Val};

/// What templates see.
pub(super) struct View<'r, 'a> {
    pub(super) program: &'r Program,
    pub(super) state: &'r State<'a>,
}

impl<'a> View<'_, 'a> {
    /// Whether there is something above a path that it could be a member of.
    #[inline]
    pub(super) fn is_above(&self, slot: Slot) -> bool {
        let parent = self.program.paths.parents[slot as usize];
        self.state.slots.get(parent as usize).is_some_and(|value| matches!(value, Some(Value::Dict(_))))
    }

    /// A path that holds nothing: undefined, or an error when what is above it is missing or null.
    #[cold]
    fn missing(&self, slot: Slot) -> Result<Val<'a>, Fail> {
        let parent = self.program.paths.parents[slot as usize];
        if parent != NO_SLOT {
            return match self.state.slots[parent as usize] {
                None => Err(Fail("attribute of an undefined value")),
                Some(Value::Null) => Err(Fail("attribute of None")),
                Some(_) => Ok(Val::Undefined),
            };
        }
        let is_root = |layer: &Layer| layer.external.as_ref().is_some_and(|(_, root)| *root == slot);
        match self.program.layers.iter().position(is_root).map(|layer| self.state.layers[layer]) {
            Some(Presence::Absent) | None => Err(Fail("attribute of an undefined value")),
            Some(_) => Ok(Val::Undefined),
        }
    }

    /// The values of a range of slots as a dictionary, paths shortened by `depth` segments.
    fn tree(&self, range: (FieldSlot, FieldSlot), depth: usize) -> Option<Value<'a>> {
        let arena = self.state.arena;
        let mut entries: BumpVec<'a, (&'a str, Value<'a>)> = BumpVec::new_in(arena);
        let mut at = range.0;
        while at < range.1 {
            let field = &self.program.fields.list[usize::from(at)];
            let Some(key) = field.segments.get(depth) else {
                at += 1;
                continue;
            };
            let group = (at..range.1)
                .find(|other| self.program.fields.list[usize::from(*other)].segments.get(depth) != Some(key))
                .unwrap_or(range.1);
            let own = (field.segments.len() == depth + 1).then(|| self.state.fields[usize::from(at)]).flatten();
            let value = match own {
                Some(value) => Some(value),
                None => self.tree((at, group), depth + 1),
            };
            entries.extend(value.map(|value| (&*arena.alloc_str(key), value)));
            at = group;
        }
        (!entries.is_empty()).then(|| Value::Dict(entries.into_bump_slice()))
    }

    fn any(&self, range: (FieldSlot, FieldSlot)) -> bool {
        self.state.fields[usize::from(range.0)..usize::from(range.1)].iter().any(Option::is_some)
    }
}

impl<'a> Outside<'a> for View<'_, 'a> {
    #[inline]
    fn slot(&self, slot: u32) -> Result<Val<'a>, Fail> {
        match self.state.slots[slot as usize] {
            Some(value) => Ok(Val::Data(value)),
            None => self.missing(slot),
        }
    }

    fn slot_get(&self, dict: u32, value: u32) -> Result<Option<Val<'a>>, Fail> {
        match self.state.slots[dict as usize] {
            Some(Value::Dict(_)) => Ok(self.state.slots[value as usize].map(Val::Data)),
            _ => Err(Fail("value has no method `get`")),
        }
    }

    fn slot_has(&self, dict: u32, value: u32) -> Result<bool, Fail> {
        let key = &self.program.paths.nodes[value as usize].key;
        match self.state.slots[dict as usize] {
            Some(Value::Dict(_)) => Ok(self.state.slots[value as usize].is_some()),
            Some(Value::Str(text)) => Ok(text.contains(&**key)),
            Some(Value::List(items)) => Ok(items.iter().any(|item| item.as_str() == Some(key))),
            Some(_) => Err(Fail("nothing can be in this value")),
            None => self.missing(dict).map(|_| false),
        }
    }

    fn message(&self) -> Val<'a> {
        self.state.message.map_or(Val::Undefined, Val::str)
    }

    fn original(&self) -> Val<'a> {
        match (self.state.original, self.state.message) {
            (Some(original), _) => Val::Data(original),
            (None, Some(message)) => {
                Val::Data(Value::Dict(self.state.arena.alloc_slice_copy(&[("message", Value::Str(message))])))
            }
            (None, None) => Val::Data(Value::Dict(&[])),
        }
    }

    fn layer(&self, layer: u16) -> Val<'a> {
        let index = usize::from(layer);
        if let Some(custom) = self.state.custom.get(index).copied().flatten() {
            return custom;
        }
        match (self.state.layers[index], &self.program.layers[index].external) {
            (Presence::Absent, _) => Val::Undefined,
            (Presence::Present, Some((output, root))) => match self.state.slots[*root as usize] {
                Some(value) => {
                    let key = &*self.state.arena.alloc_str(output);
                    Val::Data(Value::Dict(self.state.arena.alloc_slice_copy(&[(key, value)])))
                }
                None => Val::Data(Value::Dict(&[])),
            },
            _ => Val::Data(Value::Dict(&[])),
        }
    }

    fn final_path(&self, path: u16) -> Result<Val<'a>, Fail> {
        let path = &self.program.final_paths[usize::from(path)];
        if let Some(value) = path.slot.and_then(|slot| self.state.fields[usize::from(slot)]) {
            return Ok(Val::Data(value));
        }
        if let Some(tree) = self.tree(path.range, path.depth) {
            return Ok(Val::Data(tree));
        }
        for (slot, keys) in &path.above {
            if let Some(value) = self.state.fields[usize::from(*slot)] {
                let found = keys.iter().try_fold(value, |value, key| value.get(key));
                return Ok(found.map_or(Val::Undefined, Val::Data));
            }
        }
        match path.parent {
            Some(parent) if !self.any(parent) => Err(Fail("attribute of an undefined value")),
            _ => Ok(Val::Undefined),
        }
    }

    fn final_all(&self) -> Val<'a> {
        let end = self.state.fields.len();
        let tree = FieldSlot::try_from(end).ok().and_then(|end| self.tree((0, end), 0));
        Val::Data(tree.unwrap_or(Value::Dict(&[])))
    }

    fn received(&self) -> Option<Timestamp> {
        self.state.received
    }
}
