//! A value that a format spells out: owned by the format, lent to events through the arena.

use bumpalo::Bump;
use tidegate_event::Value;

/// A constant of a format.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Str(Box<str>),
    List(Box<[Constant]>),
    Dict(Box<[(Box<str>, Constant)]>),
}

impl Constant {
    /// The constant as a value of the arena.
    pub(crate) fn lend<'a>(&self, arena: &'a Bump) -> Value<'a> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Int(number) => Value::Int(*number),
            Self::UInt(number) => Value::UInt(*number),
            Self::Float(number) => Value::Float(*number),
            Self::Str(text) => Value::Str(arena.alloc_str(text)),
            Self::List(items) => Value::List(arena.alloc_slice_fill_iter(items.iter().map(|item| item.lend(arena)))),
            Self::Dict(entries) => {
                Value::Dict(arena.alloc_slice_fill_iter(
                    entries.iter().map(|(key, value)| (&*arena.alloc_str(key), value.lend(arena))),
                ))
            }
        }
    }

    /// Keeps a value beyond its arena.
    pub(crate) fn keep(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(flag),
            Value::Int(number) => Self::Int(number),
            Value::UInt(number) => Self::UInt(number),
            Value::Float(number) => Self::Float(number),
            Value::Str(text) => Self::Str(text.into()),
            Value::List(items) => Self::List(items.iter().map(|item| Self::keep(*item)).collect()),
            Value::Dict(entries) => {
                Self::Dict(entries.iter().map(|(key, value)| ((*key).into(), Self::keep(*value))).collect())
            }
        }
    }
}
