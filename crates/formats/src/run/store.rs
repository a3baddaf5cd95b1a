//! Values into the slots of the event: emptied, coerced, taken apart.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use tidegate_event::{FieldType, Value};

use super::{State, misfit};
use crate::coerce::Coercer;
use crate::fields::{Branch, FieldSlot, Kind};
use crate::program::{Delete, Program};
use crate::template::{Val, literal, methods_put};

/// A text that spells a Python list or dictionary is one.
#[inline]
pub(super) fn parsed<'a>(value: Value<'a>, arena: &'a Bump) -> Value<'a> {
    match value {
        Value::Str(text) if text.trim_start().starts_with(['[', '{']) => {
            literal::parse(text.trim(), arena).unwrap_or(value)
        }
        value => value,
    }
}

pub(super) fn coercer<'r, 'a>(program: &'r Program, state: &State<'a>) -> Coercer<'r, 'a> {
    Coercer { arena: state.arena, fields: &program.fields, ignored: &program.ignored, received: state.received }
}

/// Stores a value in a slot by the rules of its field. Empty values never overwrite.
#[inline]
pub(super) fn store<'a>(value: Value<'a>, target: FieldSlot, layer: u16, program: &Program, state: &mut State<'a>) {
    let field = &program.fields.list[usize::from(target)];
    let value = parsed(value, state.arena);
    let coercer = coercer(program, state);
    if coercer.is_empty(value) {
        return;
    }
    let stored = match field.kind {
        Kind::Declared(FieldType::Dict) | Kind::Hidden => {
            if let Value::Dict(entries) = value {
                spread(entries, field.branch, program, state);
            }
            Some(value)
        }
        Kind::Declared(kind) => {
            let stored = coercer.coerce(kind, value, field.branch);
            if is_less(stored, value) {
                misfit::remark(kind, value, target, program, state);
            }
            stored
        }
        Kind::Inside => Some(value),
    };
    if let Some(stored) = stored {
        state.fields[usize::from(target)] = Some(stored);
        keep(stored, target, layer, program, state);
    }
}

/// Whether coercion left out the value or items of it.
#[inline]
fn is_less(stored: Option<Value<'_>>, value: Value<'_>) -> bool {
    match (stored, value) {
        (None, _) => true,
        (Some(Value::List(kept)), Value::List(items)) => kept.len() < items.len(),
        _ => false,
    }
}

/// Stores the members of a dictionary in the slots below a branch.
pub(super) fn spread<'a>(
    entries: &'a [(&'a str, Value<'a>)],
    branch: Branch,
    program: &Program,
    state: &mut State<'a>,
) {
    let node = &program.fields.branches[branch as usize];
    for (key, value) in entries {
        let Some(child) = node.children.get(*key) else {
            continue;
        };
        match (program.fields.branches[*child as usize].slot, value) {
            (Some(slot), _) => store_member(*value, slot, program, state),
            (None, Value::Dict(inner)) => spread(inner, *child, program, state),
            (None, _) => {}
        }
    }
}

/// A member of a dictionary: as [`store`], but its text is data and no literal.
pub(super) fn store_member<'a>(value: Value<'a>, target: FieldSlot, program: &Program, state: &mut State<'a>) {
    let coercer = coercer(program, state);
    if coercer.is_empty(value) {
        return;
    }
    let field = &program.fields.list[usize::from(target)];
    match (field.kind, value) {
        (Kind::Declared(FieldType::Dict) | Kind::Hidden, Value::Dict(entries)) => {
            spread(entries, field.branch, program, state);
        }
        (Kind::Declared(kind), value) => {
            let stored = coercer.coerce(kind, value, field.branch);
            if is_less(stored, value) {
                misfit::remark(kind, value, target, program, state);
            }
            if stored.is_some() {
                state.fields[usize::from(target)] = stored;
            }
        }
        (_, value) => state.fields[usize::from(target)] = Some(value),
    }
}

/// Keeps a value in the layer of its stage, when some template reads that.
#[inline]
pub(super) fn keep<'a>(value: Value<'a>, target: FieldSlot, layer: u16, program: &Program, state: &mut State<'a>) {
    if program.layers[usize::from(layer)].read {
        keep_in_layer(value, target, layer, program, state);
    }
}

#[cold]
pub(super) fn keep_in_layer<'a>(
    value: Value<'a>,
    target: FieldSlot,
    layer: u16,
    program: &Program,
    state: &mut State<'a>,
) {
    let Some(mut at) = state.custom[usize::from(layer)] else {
        return;
    };
    let segments = &program.fields.list[usize::from(target)].segments;
    for (index, segment) in segments.iter().enumerate() {
        let Val::Dict(pairs) = at else {
            return;
        };
        let key = Val::str(state.arena.alloc_str(segment));
        if index + 1 == segments.len() {
            // a dictionary that is too long keeps what it has
            let _ = methods_put(&mut pairs.borrow_mut(), key, Val::Data(value));
            return;
        }
        at = match at.lookup(key) {
            Some(inner @ Val::Dict(_)) => inner,
            _ => {
                let inner = Val::dict(BumpVec::new_in(state.arena), state.arena);
                let _ = methods_put(&mut pairs.borrow_mut(), key, inner);
                inner
            }
        };
    }
}

pub(super) fn delete(path: &Delete, state: &mut State<'_>) {
    for slot in path.range.0..path.range.1 {
        state.fields[usize::from(slot)] = None;
    }
    for (slot, keys) in &path.above {
        if let Some(value @ Value::Dict(_)) = state.fields[usize::from(*slot)] {
            state.fields[usize::from(*slot)] = without(value, keys, state.arena);
        }
    }
}

/// A dictionary without the value at a path; `None` when nothing is left.
pub(super) fn without<'a>(value: Value<'a>, keys: &[Box<str>], arena: &'a Bump) -> Option<Value<'a>> {
    let (Value::Dict(entries), Some((first, rest))) = (value, keys.split_first()) else {
        return Some(value);
    };
    let mut out = BumpVec::with_capacity_in(entries.len(), arena);
    for (key, inner) in entries {
        if **key != **first {
            out.push((*key, *inner));
        } else if !rest.is_empty() {
            out.extend(without(*inner, rest, arena).map(|inner| (*key, inner)));
        }
    }
    (!out.is_empty()).then(|| Value::Dict(out.into_bump_slice()))
}
