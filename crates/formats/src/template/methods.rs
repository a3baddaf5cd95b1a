//! Methods of text, lists and dictionaries, as Python has them.

use bumpalo::Bump;
use bumpalo::collections::{String as BumpString, Vec as BumpVec};
use tidegate_event::Value;

use super::builtins::Method;
use super::eval::{Called, bounded};
use super::ops::{equal, order};
use super::value::{Fail, ITEMS_MAX, OUTPUT_BYTES_MAX, Val};
use super::{checks, printf, python};

/// Whether a method changes the list or dictionary it is called on.
pub(crate) const fn changes(method: Method) -> bool {
    matches!(
        method,
        Method::Append
            | Method::Extend
            | Method::Update
            | Method::Insert
            | Method::Pop
            | Method::Remove
            | Method::Clear
            | Method::SetDefault
            | Method::Sort
            | Method::Reverse
    )
}

/// A copy that can change, when the value is a list or dictionary of the record.
pub(crate) fn thaw<'a>(value: Val<'a>, arena: &'a Bump) -> Val<'a> {
    match value {
        Val::Data(Value::List(items)) => {
            Val::list(BumpVec::from_iter_in(items.iter().map(|item| Val::Data(*item)), arena), arena)
        }
        Val::Data(Value::Dict(_)) => value.pairs(arena).map_or(value, |pairs| Val::dict(pairs, arena)),
        other => other,
    }
}

/// Sets a key of a dictionary.
pub(crate) fn put<'a>(pairs: &mut BumpVec<'a, (Val<'a>, Val<'a>)>, key: Val<'a>, value: Val<'a>) -> Result<(), Fail> {
    if matches!(key, Val::List(_) | Val::Dict(_) | Val::Data(Value::List(_) | Value::Dict(_))) {
        return Err(Fail("lists and dictionaries cannot be keys"));
    }
    match pairs.iter().position(|(known, _)| equal(*known, key)) {
        Some(at) => pairs[at].1 = value,
        None if pairs.len() >= ITEMS_MAX => return Err(Fail("dictionary is too long")),
        None => pairs.push((key, value)),
    }
    Ok(())
}

/// Calls a method.
pub(crate) fn call<'a>(method: Method, object: Val<'a>, args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    match object {
        Val::Data(Value::Str(text)) => on_text(method, text, args, arena),
        Val::Data(Value::List(_)) | Val::List(_) | Val::Tuple(_) => on_list(method, object, args, arena),
        Val::Data(Value::Dict(_)) | Val::Dict(_) => on_dict(method, object, args, arena),
        Val::Undefined => Err(Fail("method of an undefined value")),
        _ => Err(Fail("value has no such method")),
    }
}

const NO_SUCH: Fail = Fail("value has no such method");

fn text_arg<'a>(args: &Called<'a>, index: usize) -> Result<&'a str, Fail> {
    args.positional.get(index).and_then(|arg| arg.as_str()).ok_or(Fail("method needs a text"))
}

/// The argument as text; `None` when it is absent or None.
fn text_option<'a>(args: &Called<'a>, index: usize, name: &str) -> Result<Option<&'a str>, Fail> {
    match args.get(index, name) {
        None => Ok(None),
        Some(value) if value.is_none() => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(Fail("method needs a text")),
    }
}

fn on_text<'a>(method: Method, text: &'a str, args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let new = |text: String| Ok(Val::str(arena.alloc_str(&text)));
    let all = |ok: fn(char) -> bool| Ok(Val::bool(!text.is_empty() && text.chars().all(ok)));
    match method {
        Method::Split => split(text, args, arena),
        Method::RSplit => rsplit(text, args, arena),
        Method::SplitLines => Ok(texts(text.lines(), arena)),
        Method::Partition | Method::RPartition => partition(method, text, text_arg(args, 0)?, arena),
        Method::Replace => {
            let (from, to) = (text_arg(args, 0)?, text_arg(args, 1)?);
            let count = args.get(2, "count").and_then(Val::whole).unwrap_or(-1);
            replace(text, from, to, count, arena)
        }
        Method::StartsWith => affix(text, args, |text, affix| text.starts_with(affix)),
        Method::EndsWith => affix(text, args, |text, affix| text.ends_with(affix)),
        Method::RemovePrefix => Ok(Val::str(text.strip_prefix(text_arg(args, 0)?).unwrap_or(text))),
        Method::RemoveSuffix => Ok(Val::str(text.strip_suffix(text_arg(args, 0)?).unwrap_or(text))),
        Method::Strip => Ok(Val::str(strip(text, text_option(args, 0, "chars")?, true, true))),
        Method::LStrip => Ok(Val::str(strip(text, text_option(args, 0, "chars")?, true, false))),
        Method::RStrip => Ok(Val::str(strip(text, text_option(args, 0, "chars")?, false, true))),
        Method::Lower | Method::Casefold => new(text.to_lowercase()),
        Method::Upper => new(text.to_uppercase()),
        Method::Capitalize => new(capitalize(text)),
        Method::Title => new(title(text)),
        Method::Swapcase => new(text.chars().map(swap_case).collect()),
        Method::IsDigit | Method::IsDecimal | Method::IsNumeric => all(char::is_numeric),
        Method::IsAlpha => all(char::is_alphabetic),
        Method::IsAlnum => all(char::is_alphanumeric),
        Method::IsSpace => all(char::is_whitespace),
        Method::IsLower => Ok(Val::bool(checks::is_case(text, char::is_lowercase, char::is_uppercase))),
        Method::IsUpper => Ok(Val::bool(checks::is_case(text, char::is_uppercase, char::is_lowercase))),
        Method::Find | Method::RFind | Method::Index => {
            let needle = text_arg(args, 0)?;
            let found = if method == Method::RFind { text.rfind(needle) } else { text.find(needle) };
            match found {
                Some(at) => Ok(Val::count(text[..at].chars().count())),
                None if method == Method::Index => Err(Fail("text is not found")),
                None => Val::int(-1),
            }
        }
        Method::Count => Ok(Val::count(text.matches(text_arg(args, 0)?).count())),
        Method::Join => join(args.first()?, text, arena),
        Method::Format => printf::braces(text, args, arena),
        Method::Zfill => {
            let width = args.first()?.whole().and_then(|w| usize::try_from(w).ok()).ok_or(Fail("bad width"))?;
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['-', '+'])));
            let zeros = width.min(OUTPUT_BYTES_MAX).saturating_sub(text.chars().count());
            new(format!("{sign}{}{digits}", "0".repeat(zeros)))
        }
        _ => Err(NO_SUCH),
    }
}

/// A list of texts.
pub(crate) fn texts<'a>(parts: impl Iterator<Item = &'a str>, arena: &'a Bump) -> Val<'a> {
    Val::list(BumpVec::from_iter_in(parts.map(Val::str), arena), arena)
}

fn split_limit(args: &Called<'_>) -> usize {
    let limit = args.get(1, "maxsplit").and_then(Val::whole).unwrap_or(-1);
    usize::try_from(limit).map_or(usize::MAX, |limit| limit.saturating_add(1))
}

fn split<'a>(text: &'a str, args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let limit = split_limit(args);
    let Some(separator) = text_option(args, 0, "sep")? else {
        let mut parts = BumpVec::new_in(arena);
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            if parts.len() + 1 == limit {
                parts.push(Val::str(rest.trim_end()));
                break;
            }
            let (part, tail) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
            parts.push(Val::str(part));
            rest = tail.trim_start();
        }
        return Ok(Val::list(parts, arena));
    };
    if separator.is_empty() {
        return Err(Fail("empty separator"));
    }
    Ok(texts(text.splitn(limit, separator), arena))
}

fn rsplit<'a>(text: &'a str, args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let limit = split_limit(args);
    let mut parts: Vec<&'a str> = match text_option(args, 0, "sep")? {
        Some("") => return Err(Fail("empty separator")),
        Some(separator) => text.rsplitn(limit, separator).collect(),
        None => {
            let mut parts = Vec::new();
            let mut rest = text.trim_end();
            while !rest.is_empty() {
                if parts.len() + 1 == limit {
                    parts.push(rest.trim_start());
                    break;
                }
                let at = rest
                    .rfind(char::is_whitespace)
                    .map_or(0, |at| at + rest[at..].chars().next().map_or(1, char::len_utf8));
                parts.push(&rest[at..]);
                rest = rest[..at].trim_end();
            }
            parts
        }
    };
    parts.reverse();
    Ok(texts(parts.into_iter(), arena))
}

fn partition<'a>(method: Method, text: &'a str, separator: &'a str, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    if separator.is_empty() {
        return Err(Fail("empty separator"));
    }
    let parts = match method {
        Method::Partition => {
            text.split_once(separator).map_or([text, "", ""], |(left, right)| [left, separator, right])
        }
        _ => text.rsplit_once(separator).map_or(["", "", text], |(left, right)| [left, separator, right]),
    };
    Ok(Val::Tuple(arena.alloc_slice_fill_iter(parts.into_iter().map(Val::str))))
}

/// Python's `replace`; a negative count replaces all.
pub(crate) fn replace<'a>(text: &str, from: &str, to: &str, count: i128, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let hits = if from.is_empty() { text.chars().count() + 1 } else { text.matches(from).count() };
    if hits.saturating_mul(to.len()).saturating_add(text.len()) > OUTPUT_BYTES_MAX {
        return Err(Fail("text is too long"));
    }
    let replaced = match usize::try_from(count) {
        Ok(count) => text.replacen(from, to, count),
        Err(_) => text.replace(from, to),
    };
    Ok(Val::str(arena.alloc_str(&replaced)))
}

fn affix<'a>(text: &str, args: &Called<'a>, has: fn(&str, &str) -> bool) -> Result<Val<'a>, Fail> {
    match args.first()? {
        Val::Tuple(options) => Ok(Val::bool(options.iter().any(|o| o.as_str().is_some_and(|o| has(text, o))))),
        option => option.as_str().map(|option| Val::bool(has(text, option))).ok_or(Fail("method needs a text")),
    }
}

/// `text` without the given characters (or white space) at its ends.
pub(crate) fn strip<'t>(text: &'t str, chars: Option<&str>, start: bool, end: bool) -> &'t str {
    let cut = |c: char| chars.map_or_else(|| c.is_whitespace(), |chars| chars.contains(c));
    let text = if start { text.trim_start_matches(cut) } else { text };
    if end { text.trim_end_matches(cut) } else { text }
}

/// First letter large, all others small.
pub(crate) fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars.as_str().to_lowercase().chars()).collect())
}

/// Every word capitalised.
pub(crate) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphabetic();
    }
    out
}

fn swap_case(c: char) -> char {
    let swapped = if c.is_uppercase() { c.to_lowercase().next() } else { c.to_uppercase().next() };
    swapped.unwrap_or(c)
}

/// `separator.join(items)`: every item must be text.
fn join<'a>(items: Val<'a>, separator: &str, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let mut out = BumpString::new_in(arena);
    for (index, item) in items.iterate(arena)?.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        out.push_str(item.as_str().ok_or(Fail("only texts can be joined"))?);
        if out.len() > OUTPUT_BYTES_MAX {
            return Err(Fail("text is too long"));
        }
    }
    bounded(out)
}

fn on_list<'a>(method: Method, object: Val<'a>, args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    match method {
        Method::Index | Method::Count => {
            let wanted = args.first()?;
            let items = object.iterate(arena)?;
            if method == Method::Count {
                return Ok(Val::count(items.iter().filter(|item| equal(**item, wanted)).count()));
            }
            let at = items.iter().position(|item| equal(*item, wanted));
            return at.map(Val::count).ok_or(Fail("item is not in the list"));
        }
        Method::Copy => {
            return Ok(Val::list(BumpVec::from_iter_in(object.iterate(arena)?.iter().copied(), arena), arena));
        }
        _ => {}
    }
    let Val::List(cell) = object else {
        return Err(NO_SUCH);
    };
    // arguments first: `l.extend(l)` reads the list it changes
    let added = match method {
        Method::Append | Method::Insert | Method::Remove => args.first().map(|first| vec![first])?,
        Method::Extend => args.first()?.iterate(arena)?.to_vec(),
        _ => Vec::new(),
    };
    let mut items = cell.try_borrow_mut().map_err(|_| Fail("list changes while it is read"))?;
    if items.len() + added.len() > ITEMS_MAX {
        return Err(Fail("list is too long"));
    }
    match method {
        Method::Append | Method::Extend => items.extend(added),
        Method::Insert => {
            let at = args.first()?.whole().ok_or(Fail("index must be a whole number"))?;
            let at = if at < 0 { at.saturating_add(items.len() as i128) } else { at };
            let at = usize::try_from(at.max(0)).unwrap_or(usize::MAX).min(items.len());
            let value = args.positional.get(1).copied().ok_or(Fail("an argument is missing"))?;
            items.insert(at, value);
        }
        Method::Pop => {
            let at = args.positional.first().map_or(Some(-1), |arg| arg.whole()).ok_or(Fail("bad index"))?;
            let at = if at < 0 { at.saturating_add(items.len() as i128) } else { at };
            let at = usize::try_from(at).ok().filter(|at| *at < items.len()).ok_or(Fail("index out of range"))?;
            return Ok(items.remove(at));
        }
        Method::Remove => {
            let at = items.iter().position(|item| equal(*item, added[0])).ok_or(Fail("item is not in the list"))?;
            items.remove(at);
        }
        Method::Clear => items.clear(),
        Method::Reverse => items.reverse(),
        Method::Sort => {
            let sorted = sort(&items, false)?;
            items.clear();
            items.extend(sorted);
        }
        _ => return Err(NO_SUCH),
    }
    Ok(Val::NONE)
}

/// Items in order; an error when two of them have none.
pub(crate) fn sort<'a>(items: &[Val<'a>], reverse: bool) -> Result<Vec<Val<'a>>, Fail> {
    let mut failed = None;
    let mut sorted = items.to_vec();
    sorted.sort_by(|a, b| {
        let (a, b) = if reverse { (b, a) } else { (a, b) };
        order(*a, *b).unwrap_or_else(|fail| {
            failed = Some(fail);
            std::cmp::Ordering::Equal
        })
    });
    failed.map_or(Ok(sorted), Err)
}

fn on_dict<'a>(method: Method, object: Val<'a>, args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let pairs = || object.pairs(arena).ok_or(NO_SUCH);
    match method {
        Method::Get => {
            let default = args.positional.get(1).copied().unwrap_or(Val::NONE);
            return Ok(object.lookup(args.first()?).unwrap_or(default));
        }
        Method::Keys => {
            return Ok(Val::list(BumpVec::from_iter_in(pairs()?.iter().map(|(key, _)| *key), arena), arena));
        }
        Method::Values => {
            return Ok(Val::list(BumpVec::from_iter_in(pairs()?.iter().map(|(_, value)| *value), arena), arena));
        }
        Method::Items => return Ok(entries(object, arena).map_or(Val::Undefined, |items| Val::list(items, arena))),
        Method::Copy => return Ok(Val::dict(pairs()?, arena)),
        _ => {}
    }
    let Val::Dict(cell) = object else {
        return Err(NO_SUCH);
    };
    let added = match (method, args.positional.first()) {
        (Method::Update, Some(other)) => other.pairs(arena).ok_or(Fail("update needs a dictionary"))?,
        _ => BumpVec::new_in(arena),
    };
    let mut pairs = cell.try_borrow_mut().map_err(|_| Fail("dictionary changes while it is read"))?;
    match method {
        Method::Update => {
            for (key, value) in added {
                put(&mut pairs, key, value)?;
            }
            for (name, value) in &args.named {
                put(&mut pairs, Val::str(name), *value)?;
            }
            Ok(Val::NONE)
        }
        Method::Clear => {
            pairs.clear();
            Ok(Val::NONE)
        }
        Method::Pop => {
            let key = args.first()?;
            match pairs.iter().position(|(known, _)| equal(*known, key)) {
                Some(at) => Ok(pairs.remove(at).1),
                None => args.positional.get(1).copied().ok_or(Fail("key is not in the dictionary")),
            }
        }
        Method::SetDefault => {
            let key = args.first()?;
            if let Some((_, value)) = pairs.iter().find(|(known, _)| equal(*known, key)) {
                return Ok(*value);
            }
            let value = args.positional.get(1).copied().unwrap_or(Val::NONE);
            put(&mut pairs, key, value)?;
            Ok(value)
        }
        _ => Err(NO_SUCH),
    }
}

/// Keys and values as pairs.
pub(crate) fn entries<'a>(object: Val<'a>, arena: &'a Bump) -> Option<BumpVec<'a, Val<'a>>> {
    let pairs = object.pairs(arena)?;
    Some(BumpVec::from_iter_in(
        pairs.iter().map(|(key, value)| Val::Tuple(arena.alloc_slice_copy(&[*key, *value]))),
        arena,
    ))
}

/// `str(value)` in the arena; text itself when it is text.
pub(crate) fn text_of<'a>(value: Val<'a>, arena: &'a Bump) -> &'a str {
    match value.as_str() {
        Some(text) => text,
        None => arena.alloc_str(&python::str_of(value)),
    }
}
