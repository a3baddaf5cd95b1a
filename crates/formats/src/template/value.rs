//! Values while a template runs: those of the data, plus what only templates know: undefined names, lists and
//! dictionaries that can still change, tuples.

use std::cell::RefCell;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use tidegate_event::Value;

/// Deepest nesting of a value that a template builds.
pub(crate) const VALUE_DEPTH_MAX: usize = 128;
/// Most items of a list that a template builds.
pub(crate) const ITEMS_MAX: usize = 100_000;
/// Longest text that a template builds, in bytes.
pub(crate) const OUTPUT_BYTES_MAX: usize = 4 << 20;

/// Why a template gave no value. Nothing aborts an event: the assignment or filter counts as absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fail(pub(crate) &'static str);

/// A list that can grow.
pub(crate) type Items<'a> = RefCell<BumpVec<'a, Val<'a>>>;
/// A dictionary that can grow: keys in order of their first insertion.
pub(crate) type Pairs<'a> = RefCell<BumpVec<'a, (Val<'a>, Val<'a>)>>;

/// What `loop` is inside a `for`.
#[derive(Debug)]
pub(crate) struct LoopVar<'a> {
    pub(crate) index: usize,
    pub(crate) items: &'a [Val<'a>],
}

/// A value of a running template.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Val<'a> {
    Undefined,
    Data(Value<'a>),
    List(&'a Items<'a>),
    Dict(&'a Pairs<'a>),
    Tuple(&'a [Val<'a>]),
    Loop(&'a LoopVar<'a>),
}

/// A number: Python's integers as far as 128 bits go, or a float.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Self::Int(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

impl<'a> Val<'a> {
    pub(crate) const NONE: Self = Self::Data(Value::Null);

    pub(crate) const fn bool(flag: bool) -> Self {
        Self::Data(Value::Bool(flag))
    }

    pub(crate) const fn str(text: &'a str) -> Self {
        Self::Data(Value::Str(text))
    }

    /// A count as a number.
    pub(crate) fn count(number: usize) -> Self {
        Self::Data(Value::Int(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    /// A whole number, when 64 bits hold it.
    pub(crate) fn int(number: i128) -> Result<Self, Fail> {
        if let Ok(number) = i64::try_from(number) {
            return Ok(Self::Data(Value::Int(number)));
        }
        u64::try_from(number).map(|number| Self::Data(Value::UInt(number))).map_err(|_| Fail("number beyond 64 bits"))
    }

    pub(crate) fn number_from(number: Number) -> Result<Self, Fail> {
        match number {
            Number::Int(number) => Self::int(number),
            Number::Float(number) => Ok(Self::Data(Value::Float(number))),
        }
    }

    /// A list that can still grow.
    pub(crate) fn list(items: BumpVec<'a, Val<'a>>, arena: &'a Bump) -> Self {
        Self::List(arena.alloc(RefCell::new(items)))
    }

    /// A dictionary that can still grow.
    pub(crate) fn dict(pairs: BumpVec<'a, (Val<'a>, Val<'a>)>, arena: &'a Bump) -> Self {
        Self::Dict(arena.alloc(RefCell::new(pairs)))
    }

    pub(crate) const fn as_str(self) -> Option<&'a str> {
        match self {
            Self::Data(Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) const fn is_undefined(self) -> bool {
        matches!(self, Self::Undefined)
    }

    pub(crate) const fn is_none(self) -> bool {
        matches!(self, Self::Data(Value::Null))
    }

    /// The number this is to Python's arithmetic; truth values are numbers too.
    pub(crate) fn number(self) -> Option<Number> {
        match self {
            Self::Data(Value::Bool(flag)) => Some(Number::Int(i128::from(flag))),
            Self::Data(Value::Int(number)) => Some(Number::Int(i128::from(number))),
            Self::Data(Value::UInt(number)) => Some(Number::Int(i128::from(number))),
            Self::Data(Value::Float(number)) => Some(Number::Float(number)),
            _ => None,
        }
    }

    /// The whole number this is.
    pub(crate) fn whole(self) -> Option<i128> {
        match self.number() {
            Some(Number::Int(number)) => Some(number),
            _ => None,
        }
    }

    /// Python's truth.
    #[inline]
    pub(crate) fn truth(self) -> bool {
        match self {
            Self::Undefined => false,
            Self::Data(value) => match value {
                Value::Null => false,
                Value::Bool(flag) => flag,
                Value::Int(number) => number != 0,
                Value::UInt(number) => number != 0,
                Value::Float(number) => number != 0.0,
                Value::Str(text) => !text.is_empty(),
                Value::List(items) => !items.is_empty(),
                Value::Dict(entries) => !entries.is_empty(),
            },
            Self::List(items) => !items.borrow().is_empty(),
            Self::Dict(pairs) => !pairs.borrow().is_empty(),
            Self::Tuple(items) => !items.is_empty(),
            Self::Loop(_) => true,
        }
    }

    /// The number of items, characters or keys.
    pub(crate) fn length(self) -> Option<usize> {
        Some(match self {
            Self::Undefined => 0,
            Self::Data(Value::Str(text)) => text.chars().count(),
            Self::Data(Value::List(items)) => items.len(),
            Self::Data(Value::Dict(_)) | Self::Dict(_) => self.keys().map_or(0, |keys| keys.len()),
            Self::List(items) => items.borrow().len(),
            Self::Tuple(items) => items.len(),
            _ => return None,
        })
    }

    /// The distinct keys of a dictionary.
    fn keys(self) -> Option<Vec<Val<'a>>> {
        match self {
            Self::Data(Value::Dict(entries)) => {
                let mut keys: Vec<&str> = Vec::with_capacity(entries.len());
                for (key, _) in entries {
                    if !keys.contains(key) {
                        keys.push(key);
                    }
                }
                Some(keys.into_iter().map(Val::str).collect())
            }
            Self::Dict(pairs) => Some(pairs.borrow().iter().map(|(key, _)| *key).collect()),
            _ => None,
        }
    }

    pub(crate) const fn is_mapping(self) -> bool {
        matches!(self, Self::Data(Value::Dict(_)) | Self::Dict(_))
    }

    /// Keys with their values.
    pub(crate) fn pairs(self, arena: &'a Bump) -> Option<BumpVec<'a, (Val<'a>, Val<'a>)>> {
        match self {
            Self::Data(Value::Dict(entries)) => {
                let mut pairs: BumpVec<'a, (Val<'a>, Val<'a>)> = BumpVec::with_capacity_in(entries.len(), arena);
                for (key, value) in entries {
                    match pairs.iter_mut().find(|(known, _)| known.as_str() == Some(key)) {
                        Some(slot) => slot.1 = Val::Data(*value),
                        None => pairs.push((Val::str(key), Val::Data(*value))),
                    }
                }
                Some(pairs)
            }
            Self::Dict(pairs) => Some(BumpVec::from_iter_in(pairs.borrow().iter().copied(), arena)),
            _ => None,
        }
    }

    /// What a `for` over this sees: items, characters, keys.
    pub(crate) fn iterate(self, arena: &'a Bump) -> Result<&'a [Val<'a>], Fail> {
        Ok(match self {
            Self::Undefined => &[],
            Self::Tuple(items) => items,
            Self::Data(Value::List(items)) => arena.alloc_slice_fill_iter(items.iter().map(|item| Val::Data(*item))),
            Self::List(items) => arena.alloc_slice_copy(&items.borrow()),
            Self::Data(Value::Str(text)) => {
                if text.len() > ITEMS_MAX {
                    return Err(Fail("text is too long to iterate"));
                }
                BumpVec::from_iter_in(text.char_indices().map(|(at, c)| Val::str(&text[at..at + c.len_utf8()])), arena)
                    .into_bump_slice()
            }
            Self::Data(Value::Dict(_)) | Self::Dict(_) => arena.alloc_slice_copy(&self.keys().unwrap_or_default()),
            _ => return Err(Fail("value cannot be iterated")),
        })
    }

    /// The value under a key of a dictionary.
    pub(crate) fn lookup(self, key: Val<'a>) -> Option<Val<'a>> {
        match self {
            Self::Data(value @ Value::Dict(_)) => value.get(key.as_str()?).map(Val::Data),
            Self::Dict(pairs) => {
                pairs.borrow().iter().find(|(known, _)| super::ops::equal(*known, key)).map(|(_, value)| *value)
            }
            _ => None,
        }
    }

    /// The value as data. Undefined is `None` to the caller, and null inside lists.
    pub(crate) fn data(self, arena: &'a Bump) -> Option<Value<'a>> {
        self.data_at(arena, 0)
    }

    fn data_at(self, arena: &'a Bump, depth: usize) -> Option<Value<'a>> {
        if depth > VALUE_DEPTH_MAX {
            return None;
        }
        let inner = |item: &Val<'a>| item.data_at(arena, depth + 1).unwrap_or(Value::Null);
        Some(match self {
            Self::Undefined | Self::Loop(_) => return None,
            Self::Data(value) => value,
            Self::Tuple(items) => Value::List(arena.alloc_slice_fill_iter(items.iter().map(inner))),
            Self::List(items) => Value::List(arena.alloc_slice_fill_iter(items.borrow().iter().map(inner))),
            Self::Dict(pairs) => {
                let mut entries = BumpVec::with_capacity_in(pairs.borrow().len(), arena);
                for (key, value) in pairs.borrow().iter() {
                    let key = match key.as_str() {
                        Some(text) => text,
                        None => arena.alloc_str(&super::python::str_of(*key)),
                    };
                    entries.push((key, inner(value)));
                }
                Value::Dict(entries.into_bump_slice())
            }
        })
    }
}
