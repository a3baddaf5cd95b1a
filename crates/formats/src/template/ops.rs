//! Equality, order, membership and arithmetic, as Python has them.

use std::cmp::Ordering;

use bumpalo::Bump;
use bumpalo::collections::{String as BumpString, Vec as BumpVec};
use tidegate_event::Value;

use super::ast::{Binary, Compare};
use super::value::{Fail, ITEMS_MAX, Number, OUTPUT_BYTES_MAX, VALUE_DEPTH_MAX, Val};
use crate::constant::Constant;

/// `a == b`. Two undefined names are equal, `None` and undefined are not.
pub(crate) fn equal(a: Val<'_>, b: Val<'_>) -> bool {
    equal_at(a, b, 0)
}

fn equal_at(a: Val<'_>, b: Val<'_>, depth: usize) -> bool {
    if depth > VALUE_DEPTH_MAX {
        return false;
    }
    match (a, b) {
        (Val::Undefined, Val::Undefined) | (Val::Data(Value::Null), Val::Data(Value::Null)) => true,
        (Val::Data(Value::Str(a)), Val::Data(Value::Str(b))) => a == b,
        (Val::Tuple(_), Val::List(_) | Val::Data(Value::List(_)))
        | (Val::List(_) | Val::Data(Value::List(_)), Val::Tuple(_)) => false,
        _ => {
            if let (Some(a), Some(b)) = (a.number(), b.number()) {
                return order_numbers(a, b) == Some(Ordering::Equal);
            }
            if a.is_mapping() && b.is_mapping() {
                return equal_mappings(a, b, depth);
            }
            match (items(a), items(b)) {
                (Some(a), Some(b)) => a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| equal_at(*a, *b, depth + 1)),
                _ => false,
            }
        }
    }
}

fn equal_mappings(a: Val<'_>, b: Val<'_>, depth: usize) -> bool {
    let (Some(a), Some(b)) = (shallow(a), shallow(b)) else {
        return false;
    };
    a.len() == b.len()
        && a.iter().all(|(key, value)| {
            b.iter().any(|(other, second)| equal_at(*key, *other, depth + 1) && equal_at(*value, *second, depth + 1))
        })
}

/// Keys and values of a dictionary, each key once.
fn shallow<'s>(value: Val<'s>) -> Option<Vec<(Val<'s>, Val<'s>)>> {
    match value {
        Val::Data(Value::Dict(entries)) => {
            let mut pairs: Vec<(Val<'s>, Val<'s>)> = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                match pairs.iter_mut().find(|(known, _)| known.as_str() == Some(key)) {
                    Some(slot) => slot.1 = Val::Data(*value),
                    None => pairs.push((Val::str(key), Val::Data(*value))),
                }
            }
            Some(pairs)
        }
        Val::Dict(pairs) => Some(pairs.borrow().to_vec()),
        _ => None,
    }
}

/// The items of a list or tuple.
fn items<'a>(value: Val<'a>) -> Option<Vec<Val<'a>>> {
    match value {
        Val::Data(Value::List(items)) => Some(items.iter().map(|item| Val::Data(*item)).collect()),
        Val::List(items) => Some(items.borrow().to_vec()),
        Val::Tuple(items) => Some(items.to_vec()),
        _ => None,
    }
}

/// `value == constant` without lending the constant first.
pub(crate) fn equal_constant(value: Val<'_>, constant: &Constant, arena: &Bump) -> bool {
    match (value, constant) {
        (Val::Data(Value::Str(text)), Constant::Str(other)) => *text == **other,
        (Val::Data(Value::Int(number)), Constant::Int(other)) => number == *other,
        (Val::Data(Value::Bool(flag)), Constant::Bool(other)) => flag == *other,
        (Val::Data(Value::Null), Constant::Null) => true,
        (Val::Undefined, _) | (Val::Data(Value::Str(_) | Value::Null), _) | (_, Constant::Str(_) | Constant::Null) => {
            false
        }
        _ => equal(value, Val::Data(constant.lend(arena))),
    }
}

fn order_numbers(a: Number, b: Number) -> Option<Ordering> {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
        _ => a.as_f64().partial_cmp(&b.as_f64()),
    }
}

/// The order of two values; only numbers, texts and sequences have one.
pub(crate) fn order(a: Val<'_>, b: Val<'_>) -> Result<Ordering, Fail> {
    if let (Some(a), Some(b)) = (a.number(), b.number()) {
        return order_numbers(a, b).ok_or(Fail("not a number has no order"));
    }
    if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
        return Ok(a.cmp(b));
    }
    match (items(a), items(b)) {
        (Some(a), Some(b)) => {
            for (a, b) in a.iter().zip(&b) {
                if !equal(*a, *b) {
                    return order(*a, *b);
                }
            }
            Ok(a.len().cmp(&b.len()))
        }
        _ => Err(Fail("values of these types have no order")),
    }
}

/// `needle in haystack`.
pub(crate) fn contains(haystack: Val<'_>, needle: Val<'_>) -> Result<bool, Fail> {
    match haystack {
        Val::Undefined => Ok(false),
        Val::Data(Value::Str(text)) => {
            needle.as_str().map(|needle| text.contains(needle)).ok_or(Fail("only text can be in text"))
        }
        Val::Data(Value::Dict(entries)) => {
            Ok(needle.as_str().is_some_and(|needle| entries.iter().any(|(key, _)| *key == needle)))
        }
        Val::Dict(pairs) => Ok(pairs.borrow().iter().any(|(key, _)| equal(*key, needle))),
        Val::Data(Value::List(items)) => Ok(items.iter().any(|item| equal(Val::Data(*item), needle))),
        Val::List(items) => Ok(items.borrow().iter().any(|item| equal(*item, needle))),
        Val::Tuple(items) => Ok(items.iter().any(|item| equal(*item, needle))),
        _ => Err(Fail("nothing can be in this value")),
    }
}

/// One comparison.
pub(crate) fn compare(operator: Compare, a: Val<'_>, b: Val<'_>) -> Result<bool, Fail> {
    Ok(match operator {
        Compare::Eq => equal(a, b),
        Compare::Ne => !equal(a, b),
        Compare::Lt => order(a, b)? == Ordering::Less,
        Compare::Le => order(a, b)? != Ordering::Greater,
        Compare::Gt => order(a, b)? == Ordering::Greater,
        Compare::Ge => order(a, b)? != Ordering::Less,
        Compare::In => contains(b, a)?,
        Compare::NotIn => !contains(b, a)?,
    })
}

/// Arithmetic, and what `+`, `*` and `%` mean for text and lists.
pub(crate) fn binary<'a>(operator: Binary, a: Val<'a>, b: Val<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    match (operator, a.as_str()) {
        (Binary::Mod, Some(format)) => {
            let args = match b {
                Val::Tuple(items) => items,
                other => std::slice::from_ref(&*arena.alloc(other)),
            };
            return super::printf::format(format, args, b, arena);
        }
        (Binary::Add, Some(left)) => {
            let right = b.as_str().ok_or(Fail("only text can be added to text"))?;
            let mut out = BumpString::with_capacity_in(left.len() + right.len(), arena);
            out.push_str(left);
            out.push_str(right);
            return Ok(Val::str(out.into_bump_str()));
        }
        _ => {}
    }
    if let (Some(a), Some(b)) = (a.number(), b.number()) {
        return Val::number_from(arithmetic(operator, a, b)?);
    }
    match operator {
        Binary::Add => {
            let tuple = matches!((a, b), (Val::Tuple(_), Val::Tuple(_)));
            let (Some(left), Some(right)) = (items(a), items(b)) else {
                return Err(Fail("these values cannot be added"));
            };
            let joined = BumpVec::from_iter_in(left.into_iter().chain(right), arena);
            Ok(if tuple { Val::Tuple(joined.into_bump_slice()) } else { Val::list(joined, arena) })
        }
        Binary::Mul => match (a.whole(), b.whole()) {
            (Some(times), None) => repeat(b, times, arena),
            (None, Some(times)) => repeat(a, times, arena),
            _ => Err(Fail("these values cannot be multiplied")),
        },
        _ => Err(Fail("arithmetic needs numbers")),
    }
}

fn repeat<'a>(value: Val<'a>, times: i128, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let times = usize::try_from(times.max(0)).map_err(|_| Fail("too many repetitions"))?;
    if let Some(text) = value.as_str() {
        if text.len().saturating_mul(times) > OUTPUT_BYTES_MAX {
            return Err(Fail("repeated text is too long"));
        }
        return Ok(Val::str(arena.alloc_str(&text.repeat(times))));
    }
    let items = items(value).ok_or(Fail("only text and lists can be repeated"))?;
    if items.len().saturating_mul(times) > ITEMS_MAX {
        return Err(Fail("repeated list is too long"));
    }
    Ok(Val::list(BumpVec::from_iter_in((0..times).flat_map(|_| items.iter().copied()), arena), arena))
}

fn arithmetic(operator: Binary, a: Number, b: Number) -> Result<Number, Fail> {
    const OVERFLOW: Fail = Fail("number is too large");
    const ZERO: Fail = Fail("division by zero");
    if let (Number::Int(a), Number::Int(b)) = (a, b) {
        return Ok(match operator {
            Binary::Add => Number::Int(a.checked_add(b).ok_or(OVERFLOW)?),
            Binary::Sub => Number::Int(a.checked_sub(b).ok_or(OVERFLOW)?),
            Binary::Mul => Number::Int(a.checked_mul(b).ok_or(OVERFLOW)?),
            Binary::Div if b == 0 => return Err(ZERO),
            Binary::Div => Number::Float(a as f64 / b as f64),
            Binary::FloorDiv | Binary::Mod if b == 0 => return Err(ZERO),
            Binary::FloorDiv => {
                let quotient = a.checked_div(b).ok_or(OVERFLOW)?;
                Number::Int(if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
            }
            Binary::Mod => {
                let rest = a.checked_rem(b).ok_or(OVERFLOW)?;
                Number::Int(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
            }
            Binary::Pow => match u32::try_from(b) {
                Ok(exponent) => Number::Int(a.checked_pow(exponent).ok_or(OVERFLOW)?),
                Err(_) if b < 0 && a == 0 => return Err(ZERO),
                Err(_) => Number::Float((a as f64).powf(b as f64)),
            },
        });
    }
    let (a, b) = (a.as_f64(), b.as_f64());
    Ok(Number::Float(match operator {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div | Binary::FloorDiv | Binary::Mod if b == 0.0 => return Err(ZERO),
        Binary::Div => a / b,
        Binary::FloorDiv => (a / b).floor(),
        Binary::Mod => a - b * (a / b).floor(),
        Binary::Pow => a.powf(b),
    }))
}
