//! Tests: what follows `is`.

use std::cmp::Ordering;

use tidegate_event::Value;

use super::builtins::Test;
use super::eval::Called;
use super::ops::{contains, equal, order};
use super::value::{Fail, Number, Val};

/// Whether a value passes a test.
pub(crate) fn check<'a>(test: Test, value: Val<'a>, args: &Called<'a>) -> Result<bool, Fail> {
    Ok(match test {
        Test::Defined => !value.is_undefined(),
        Test::Undefined => value.is_undefined(),
        Test::None => value.is_none(),
        Test::Boolean => matches!(value, Val::Data(Value::Bool(_))),
        Test::True => matches!(value, Val::Data(Value::Bool(true))),
        Test::False => matches!(value, Val::Data(Value::Bool(false))),
        Test::Number => value.number().is_some(),
        Test::Integer => matches!(value, Val::Data(Value::Int(_) | Value::UInt(_))),
        Test::Float => matches!(value, Val::Data(Value::Float(_))),
        Test::String => value.as_str().is_some(),
        Test::Mapping => value.is_mapping(),
        Test::Iterable => !matches!(value, Val::Loop(_) | Val::Data(Value::Null)) && (value.number().is_none()),
        Test::Sequence => value.length().is_some() && !value.is_undefined(),
        Test::Callable => false,
        Test::Lower => value.as_str().is_some_and(|text| is_case(text, char::is_lowercase, char::is_uppercase)),
        Test::Upper => value.as_str().is_some_and(|text| is_case(text, char::is_uppercase, char::is_lowercase)),
        Test::Even => remainder(value, 2)? == 0,
        Test::Odd => remainder(value, 2)? == 1,
        Test::DivisibleBy => {
            let by = args.first()?.whole().ok_or(Fail("divisor must be a whole number"))?;
            remainder(value, by)? == 0
        }
        Test::Eq | Test::SameAs => equal(value, args.first()?),
        Test::Ne => !equal(value, args.first()?),
        Test::Lt => order(value, args.first()?)? == Ordering::Less,
        Test::Le => order(value, args.first()?)? != Ordering::Greater,
        Test::Gt => order(value, args.first()?)? == Ordering::Greater,
        Test::Ge => order(value, args.first()?)? != Ordering::Less,
        Test::In => contains(args.first()?, value)?,
        Test::IsIpAddress => value.as_str().is_some_and(|text| text.parse::<std::net::IpAddr>().is_ok()),
    })
}

fn remainder(value: Val<'_>, by: i128) -> Result<i128, Fail> {
    match value.number() {
        Some(Number::Int(number)) => number.checked_rem_euclid(by).ok_or(Fail("division by zero")),
        _ => Err(Fail("test needs a whole number")),
    }
}

/// Python's `islower` and `isupper`: at least one letter of the case, none of the other.
pub(crate) fn is_case(text: &str, wanted: fn(char) -> bool, other: fn(char) -> bool) -> bool {
    text.chars().any(wanted) && !text.chars().any(other)
}
