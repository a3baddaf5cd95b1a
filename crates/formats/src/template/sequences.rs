//! Filters that work on sequences: `map`, `select`, `sort`, `unique`, `batch` and their kin.

use bumpalo::Bump;
use bumpalo::collections::{String as BumpString, Vec as BumpVec};

use super::access::{attribute, item};
use super::builtins::{Filter, Test};
use super::eval::{Called, Env, bounded};
use super::methods::{entries, sort, text_of};
use super::ops::{binary, equal, order};
use super::value::{Fail, ITEMS_MAX, OUTPUT_BYTES_MAX, Val};
use super::{ast, checks, filters};

/// The value behind `a.b.0` in an item, as the `attribute` argument names it.
fn dotted<'a>(value: Val<'a>, path: Val<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let Some(path) = path.as_str() else {
        return item(value, path);
    };
    let mut value = value;
    for part in path.split('.') {
        value = match part.parse::<i64>() {
            Ok(index) => item(value, Val::count(usize::try_from(index).map_err(|_| Fail("bad attribute"))?))?,
            Err(_) => attribute(value, part, arena).or_else(|fail| {
                // `map(attribute='items')` means the key
                value.lookup(Val::str(arena.alloc_str(part))).ok_or(fail)
            })?,
        };
    }
    Ok(value)
}

fn by_attribute<'a>(value: Val<'a>, args: &Called<'a>, index: usize, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    match args.get(index, "attribute") {
        Some(path) if !path.is_none() => dotted(value, path, arena),
        _ => Ok(value),
    }
}

fn ignoring_case<'a>(value: Val<'a>, sensitive: bool, arena: &'a Bump) -> Val<'a> {
    match value.as_str() {
        Some(text) if !sensitive => Val::str(arena.alloc_str(&text.to_lowercase())),
        _ => value,
    }
}

fn flag(args: &Called<'_>, index: usize, name: &str) -> bool {
    args.get(index, name).is_some_and(Val::truth)
}

/// Applies one of the filters that see their input as a sequence.
pub(crate) fn apply<'a>(
    env: &mut Env<'_, 'a>,
    filter: Filter,
    input: Val<'a>,
    args: &Called<'a>,
) -> Result<Val<'a>, Fail> {
    let arena = env.arena;
    let items = || input.iterate(arena);
    let list = |items: BumpVec<'a, Val<'a>>| Ok(Val::list(items, arena));
    match filter {
        Filter::List => list(BumpVec::from_iter_in(items()?.iter().copied(), arena)),
        Filter::First => Ok(items()?.first().copied().unwrap_or(Val::Undefined)),
        Filter::Last => Ok(items()?.last().copied().unwrap_or(Val::Undefined)),
        Filter::Join => join(items()?, args, arena),
        Filter::Map => map(env, items()?, args),
        Filter::Select | Filter::Reject | Filter::SelectAttr | Filter::RejectAttr => {
            select(filter, items()?, args, arena)
        }
        Filter::Unique => unique(items()?, args, arena),
        Filter::Sum => {
            let mut total = args.get(1, "start").unwrap_or_else(|| Val::count(0));
            for item in items()? {
                total = binary(ast::Binary::Add, total, by_attribute(*item, args, 0, arena)?, arena)?;
            }
            Ok(total)
        }
        Filter::Min | Filter::Max => extreme(filter, items()?, args, arena),
        Filter::Sort => sorted(items()?, args, arena),
        Filter::DictSort => {
            let by_value = args.get(1, "by").and_then(Val::as_str) == Some("value");
            let pairs = entries(input, arena).ok_or(Fail("dictsort needs a dictionary"))?;
            let keyed: Result<Vec<_>, Fail> = pairs
                .iter()
                .map(|pair| {
                    let key = item(*pair, Val::count(usize::from(by_value)))?;
                    Ok((ignoring_case(key, flag(args, 0, "case_sensitive"), arena), *pair))
                })
                .collect();
            list(by_key(keyed?, flag(args, 2, "reverse"), arena)?)
        }
        Filter::Items => match input {
            Val::Undefined => list(BumpVec::new_in(arena)),
            input => list(entries(input, arena).ok_or(Fail("items needs a dictionary"))?),
        },
        Filter::Reverse => match input.as_str() {
            Some(text) => Ok(Val::str(arena.alloc_str(&text.chars().rev().collect::<String>()))),
            None => list(BumpVec::from_iter_in(items()?.iter().rev().copied(), arena)),
        },
        Filter::Batch | Filter::Slice => groups(filter, items()?, args, arena),
        _ => Err(Fail("filter does not work on sequences")),
    }
}

fn join<'a>(items: &[Val<'a>], args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let separator = args.get(0, "d").map_or("", |separator| text_of(separator, arena));
    let mut out = BumpString::new_in(arena);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        super::python::write_str(by_attribute(*item, args, 1, arena)?, &mut out);
        if out.len() > OUTPUT_BYTES_MAX {
            return Err(Fail("text is too long"));
        }
    }
    bounded(out)
}

fn map<'a>(env: &mut Env<'_, 'a>, items: &[Val<'a>], args: &Called<'a>) -> Result<Val<'a>, Fail> {
    let arena = env.arena;
    let mut out = BumpVec::with_capacity_in(items.len(), arena);
    if let Some(path) = args.named.iter().find(|(name, _)| *name == "attribute").map(|(_, path)| *path) {
        let default = args.named.iter().find(|(name, _)| *name == "default").map(|(_, value)| *value);
        for item in items {
            let value = dotted(*item, path, arena)?;
            out.push(if value.is_undefined() { default.unwrap_or(value) } else { value });
        }
        return Ok(Val::list(out, arena));
    }
    let name = args.first()?.as_str().ok_or(Fail("map needs the name of a filter"))?;
    let filter = Filter::from_name(name).ok_or(Fail("map names an unknown filter"))?;
    let inner = shifted(args, 1, arena);
    for item in items {
        out.push(filters::apply(env, filter, *item, &inner)?);
    }
    Ok(Val::list(out, arena))
}

/// The arguments without the first `count`.
fn shifted<'a>(args: &Called<'a>, count: usize, arena: &'a Bump) -> Called<'a> {
    Called {
        positional: BumpVec::from_iter_in(args.positional.iter().skip(count).copied(), arena),
        named: args.named.clone(),
    }
}

fn select<'a>(filter: Filter, items: &[Val<'a>], args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let attributed = matches!(filter, Filter::SelectAttr | Filter::RejectAttr);
    let wanted = matches!(filter, Filter::Select | Filter::SelectAttr);
    let path = if attributed { Some(args.first()?) } else { None };
    let rest = shifted(args, usize::from(attributed), arena);
    let test = match rest.positional.first() {
        None => None,
        Some(name) => {
            let name = name.as_str().ok_or(Fail("select needs the name of a test"))?;
            Some(test_named(name).ok_or(Fail("select names an unknown test"))?)
        }
    };
    let inner = shifted(&rest, 1, arena);
    let mut out = BumpVec::new_in(arena);
    for item in items {
        let value = path.map_or(Ok(*item), |path| dotted(*item, path, arena))?;
        let hit = match test {
            Some(test) => checks::check(test, value, &inner)?,
            None => value.truth(),
        };
        if hit == wanted {
            out.push(*item);
        }
    }
    Ok(Val::list(out, arena))
}

/// Tests by name, and the operators that stand for them in `select`.
fn test_named(name: &str) -> Option<Test> {
    Test::from_name(match name {
        "==" => "eq",
        "!=" => "ne",
        "<" => "lt",
        "<=" => "le",
        ">" => "gt",
        ">=" => "ge",
        other => other,
    })
}

fn unique<'a>(items: &[Val<'a>], args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let sensitive = flag(args, 0, "case_sensitive");
    let mut seen: Vec<Val<'a>> = Vec::new();
    let mut out = BumpVec::new_in(arena);
    for item in items {
        let key = ignoring_case(by_attribute(*item, args, 1, arena)?, sensitive, arena);
        if !seen.iter().any(|known| equal(*known, key)) {
            seen.push(key);
            out.push(*item);
        }
    }
    Ok(Val::list(out, arena))
}

fn extreme<'a>(filter: Filter, items: &[Val<'a>], args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let sensitive = flag(args, 0, "case_sensitive");
    let wanted = if filter == Filter::Min { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater };
    let mut best: Option<(Val<'a>, Val<'a>)> = None;
    for item in items {
        let key = ignoring_case(by_attribute(*item, args, 1, arena)?, sensitive, arena);
        let better = match &best {
            Some((known, _)) => order(key, *known)? == wanted,
            None => true,
        };
        if better {
            best = Some((key, *item));
        }
    }
    Ok(best.map_or(Val::Undefined, |(_, item)| item))
}

fn sorted<'a>(items: &[Val<'a>], args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let sensitive = flag(args, 1, "case_sensitive");
    let keyed: Result<Vec<_>, Fail> = items
        .iter()
        .map(|item| Ok((ignoring_case(by_attribute(*item, args, 2, arena)?, sensitive, arena), *item)))
        .collect();
    Ok(Val::list(by_key(keyed?, flag(args, 0, "reverse"), arena)?, arena))
}

/// Items in the order of their keys, equal keys as they came.
fn by_key<'a>(keyed: Vec<(Val<'a>, Val<'a>)>, reverse: bool, arena: &'a Bump) -> Result<BumpVec<'a, Val<'a>>, Fail> {
    let keys: Vec<Val<'a>> = keyed.iter().map(|(key, _)| *key).collect();
    let order = sort(&keys, reverse)?;
    let mut left: Vec<Option<(Val<'a>, Val<'a>)>> = keyed.into_iter().map(Some).collect();
    let mut out = BumpVec::with_capacity_in(order.len(), arena);
    for key in order {
        let place = left.iter_mut().find(|slot| slot.as_ref().is_some_and(|(known, _)| equal(*known, key)));
        if let Some((_, item)) = place.and_then(Option::take) {
            out.push(item);
        }
    }
    Ok(out)
}

fn groups<'a>(filter: Filter, items: &[Val<'a>], args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let count = args.first()?.whole().and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0);
    let count = count.filter(|count| *count <= ITEMS_MAX).ok_or(Fail("size must be a positive number"))?;
    let fill = args.get(1, "fill_with").filter(|fill| !fill.is_none());
    let mut out = BumpVec::new_in(arena);
    if filter == Filter::Batch {
        for chunk in items.chunks(count) {
            let mut group = BumpVec::from_iter_in(chunk.iter().copied(), arena);
            while let (Some(fill), true) = (fill, group.len() < count) {
                group.push(fill);
            }
            out.push(Val::list(group, arena));
        }
        return Ok(Val::list(out, arena));
    }
    let (each, extra) = (items.len() / count, items.len() % count);
    let mut rest = items;
    for index in 0..count {
        let (head, tail) = rest.split_at(each + usize::from(index < extra));
        rest = tail;
        let mut group = BumpVec::from_iter_in(head.iter().copied(), arena);
        if let Some(fill) = fill.filter(|_| index >= extra && extra > 0) {
            group.push(fill);
        }
        out.push(Val::list(group, arena));
    }
    Ok(Val::list(out, arena))
}
