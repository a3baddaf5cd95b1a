//! Runs a [`Filter`] over one row, without tables: for filters of alerts and for the live tail. It decides exactly as
//! the execution over the table does.

use serde_json::{Map, Value};
use tidegate_event::Timestamp;

use super::fields::{Field, Kind};
use super::filter::{Condition, Filter};
use super::text::TextTest;

/// The value of one field of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// The row has no such value.
    Missing,
    /// Text; addresses and JSON are text too.
    Text(&'a str),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A moment.
    Time(Timestamp),
}

/// One row by dotted field names.
pub trait Row {
    /// Calls `visit` with the value of `field`, or with each item of its list, until it returns `true`; whether it did.
    fn any(&self, field: &Field, visit: &mut dyn FnMut(Cell<'_>) -> bool) -> bool;
}

/// Whether the row matches.
#[must_use]
pub fn matches(filter: &Filter, row: &(impl Row + ?Sized)) -> bool {
    match filter {
        Filter::All => true,
        Filter::And(parts) => parts.iter().all(|part| matches(part, row)),
        Filter::Or(parts) => parts.iter().any(|part| matches(part, row)),
        Filter::Not(inner) => !matches(inner, row),
        Filter::Test(field, condition) => test(field, condition, row),
        Filter::AnyText(fields, text) => {
            let mut scratch = String::new();
            fields.iter().any(|field| row.any(field, &mut |cell| text_passes(field, text, cell, &mut scratch)))
        }
    }
}

fn test(field: &Field, condition: &Condition, row: &(impl Row + ?Sized)) -> bool {
    let mut scratch = String::new();
    row.any(field, &mut |cell| match (condition, cell) {
        (_, Cell::Missing) => false,
        (Condition::Exists, _) => true,
        (Condition::Text(text), cell) => text_passes(field, text, cell, &mut scratch),
        (Condition::Ip(range), Cell::Text(value)) => range.contains(value),
        (Condition::Int(range), Cell::Int(value)) => range.contains(value),
        (Condition::Float(range), Cell::Float(value)) => range.contains(value),
        (Condition::Float(range), Cell::Int(value)) => range.contains(value as f64),
        (Condition::Bool(wanted), Cell::Bool(value)) => *wanted == value,
        (Condition::Time(range), Cell::Time(value)) => range.contains(value),
        _ => false,
    })
}

fn text_passes(field: &Field, text: &TextTest, cell: Cell<'_>, scratch: &mut String) -> bool {
    match cell {
        // The table holds such a column in lower case, which an expression with `(?-i)` can see.
        Cell::Text(value) if field.folded => text.is_match_folded(&super::text::fold(value)),
        Cell::Text(value) => text.is_match(value, scratch),
        _ => false,
    }
}

/// A flat row as JSON: dotted names, times in RFC 3339.
impl Row for Map<String, Value> {
    fn any(&self, field: &Field, visit: &mut dyn FnMut(Cell<'_>) -> bool) -> bool {
        match self.get(&field.name) {
            None | Some(Value::Null) => visit(Cell::Missing),
            Some(value) if field.kind == Kind::Json => match value {
                Value::String(text) => visit(Cell::Text(text)),
                value => visit(Cell::Text(&value.to_string())),
            },
            Some(Value::Array(items)) => items.iter().any(|item| visit(cell_of(field, item))),
            Some(value) => visit(cell_of(field, value)),
        }
    }
}

fn cell_of<'a>(field: &Field, value: &'a Value) -> Cell<'a> {
    match value {
        Value::String(text) if field.kind == Kind::Time => {
            Timestamp::parse_rfc3339(text).map_or(Cell::Missing, Cell::Time)
        }
        Value::String(text) => Cell::Text(text),
        Value::Bool(value) => Cell::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Cell::Int(number),
            (None, Some(number)) => Cell::Float(number),
            _ => Cell::Missing,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => Cell::Missing,
    }
}
