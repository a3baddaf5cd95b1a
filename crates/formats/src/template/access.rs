//! Attributes, items and slices of values, and the global functions.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use tidegate_event::Value;

use super::ast::Function;
use super::eval::Called;
use super::value::{Fail, ITEMS_MAX, LoopVar, Val};
use super::{builtins, methods};

/// Items by start, stop and step, as Python slices.
pub(super) fn sliced<'a>(
    items: &[Val<'a>],
    bounds: [Option<i128>; 3],
    arena: &'a Bump,
) -> Result<BumpVec<'a, Val<'a>>, Fail> {
    let length = items.len() as i128;
    let step = bounds[2].unwrap_or(1);
    if step == 0 {
        return Err(Fail("slice step is zero"));
    }
    let clamp = |bound: i128, low: i128, high: i128| {
        let bound = if bound < 0 { bound.saturating_add(length) } else { bound };
        bound.clamp(low, high)
    };
    let (start, stop) = if step > 0 {
        (bounds[0].map_or(0, |b| clamp(b, 0, length)), bounds[1].map_or(length, |b| clamp(b, 0, length)))
    } else {
        (bounds[0].map_or(length - 1, |b| clamp(b, -1, length - 1)), bounds[1].map_or(-1, |b| clamp(b, -1, length - 1)))
    };
    let mut out = BumpVec::new_in(arena);
    let mut at = start;
    while if step > 0 { at < stop } else { at > stop } {
        if let Some(item) = usize::try_from(at).ok().and_then(|at| items.get(at)) {
            out.push(*item);
        }
        at = at.saturating_add(step);
    }
    Ok(out)
}

/// `object.name`.
pub(crate) fn attribute<'a>(object: Val<'a>, name: &str, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    match object {
        Val::Undefined => Err(Fail("attribute of an undefined value")),
        Val::Data(Value::Null) => Err(Fail("attribute of None")),
        Val::Loop(state) => Ok(loop_attribute(state, name)),
        // The method, not the key; without a call it is of no use.
        _ if object.is_mapping() && builtins::is_dict_method(name) => Err(Fail("method is not called")),
        Val::Dict(_) => Ok(object.lookup(Val::str(arena.alloc_str(name))).unwrap_or(Val::Undefined)),
        Val::Data(value) => Ok(value.get(name).map_or(Val::Undefined, Val::Data)),
        Val::List(_) | Val::Tuple(_) => Ok(Val::Undefined),
    }
}

fn loop_attribute<'a>(state: &LoopVar<'a>, name: &str) -> Val<'a> {
    let (index, length) = (state.index, state.items.len());
    match name {
        "index" => Val::count(index + 1),
        "index0" => Val::count(index),
        "revindex" => Val::count(length - index),
        "revindex0" => Val::count(length - index - 1),
        "first" => Val::bool(index == 0),
        "last" => Val::bool(index + 1 == length),
        "length" => Val::count(length),
        "depth" => Val::count(1),
        "depth0" => Val::count(0),
        "previtem" => index.checked_sub(1).map_or(Val::Undefined, |at| state.items[at]),
        "nextitem" => state.items.get(index + 1).copied().unwrap_or(Val::Undefined),
        _ => Val::Undefined,
    }
}

/// `object[index]`.
pub(crate) fn item<'a>(object: Val<'a>, index: Val<'a>) -> Result<Val<'a>, Fail> {
    let at = |length: usize| {
        let index = index.whole()?;
        let index = if index < 0 { index + length as i128 } else { index };
        usize::try_from(index).ok()
    };
    let found = match object {
        Val::Undefined => return Err(Fail("item of an undefined value")),
        Val::Data(Value::Null) => return Err(Fail("item of None")),
        Val::Data(Value::List(items)) => at(items.len()).and_then(|at| items.get(at)).map(|item| Val::Data(*item)),
        Val::List(items) => at(items.borrow().len()).and_then(|at| items.borrow().get(at).copied()),
        Val::Tuple(items) => at(items.len()).and_then(|at| items.get(at).copied()),
        Val::Data(Value::Str(text)) => at(text.chars().count()).and_then(|at| {
            let (start, c) = text.char_indices().nth(at)?;
            Some(Val::str(&text[start..start + c.len_utf8()]))
        }),
        other => other.lookup(index),
    };
    Ok(found.unwrap_or(Val::Undefined))
}

/// Calls a global function.
pub(super) fn call_function<'a>(function: Function, args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    match function {
        Function::Len => match args.first()? {
            Val::Undefined => Ok(Val::count(0)),
            value => value.length().map(Val::count).ok_or(Fail("value has no length")),
        },
        Function::Range => {
            let mut bounds = [0_i128, 0, 1];
            let given: Option<Vec<i128>> = args.positional.iter().map(|arg| arg.whole()).collect();
            match given.ok_or(Fail("range needs whole numbers"))?[..] {
                [stop] => bounds[1] = stop,
                [start, stop] => (bounds[0], bounds[1]) = (start, stop),
                [start, stop, step] if step != 0 => bounds = [start, stop, step],
                _ => return Err(Fail("range needs one to three numbers")),
            }
            let mut items = BumpVec::new_in(arena);
            let mut at = bounds[0];
            while if bounds[2] > 0 { at < bounds[1] } else { at > bounds[1] } {
                if items.len() >= ITEMS_MAX {
                    return Err(Fail("range is too long"));
                }
                items.push(Val::int(at)?);
                at = at.saturating_add(bounds[2]);
            }
            Ok(Val::list(items, arena))
        }
        Function::Dict => {
            let mut pairs = match args.positional.first() {
                Some(value) => value.pairs(arena).ok_or(Fail("dict needs a dictionary"))?,
                None => BumpVec::new_in(arena),
            };
            for (name, value) in &args.named {
                methods::put(&mut pairs, Val::str(name), *value)?;
            }
            Ok(Val::dict(pairs, arena))
        }
    }
}
