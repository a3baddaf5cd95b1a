//! In which order rows come, and what lies behind a cursor.

use datafusion::logical_expr::{Expr, SortExpr};
use datafusion::prelude::{ident, lit};
use serde_json::Value;
use tidegate_event::{Timestamp, names};

use super::{Cursor, Order};
use crate::error::Error;
use crate::kernel::{address_key, address_key_of};
use crate::language::{Fields, Kind};
use crate::predicate::{text, time};

/// The rows behind a cursor.
pub(super) fn beyond(after: &Cursor, order: &Order, fields: &Fields) -> Result<Expr, Error> {
    let older = |descending: bool| {
        let (moment, id) = (time(after.timestamp), text(&after.id));
        let (by_time, by_id) = if descending {
            (ident(names::TIMESTAMP).lt(moment.clone()), ident(names::EVENT_ID).lt(id))
        } else {
            (ident(names::TIMESTAMP).gt(moment.clone()), ident(names::EVENT_ID).gt(id))
        };
        // Said twice, so that the bare comparison prunes.
        let bound = if descending {
            ident(names::TIMESTAMP).lt_eq(moment.clone())
        } else {
            ident(names::TIMESTAMP).gt_eq(moment.clone())
        };
        bound.and(by_time.or(ident(names::TIMESTAMP).eq(moment).and(by_id)))
    };
    match order {
        Order::Newest => Ok(older(true)),
        Order::Oldest => Ok(older(false)),
        Order::Field { name, descending } => {
            let kind = fields.get(name).map_or(Kind::Text, |field| field.kind);
            let Some(value) = after.value.as_ref().filter(|value| !value.is_null()) else {
                return Ok(ident(name).is_null().and(older(true)));
            };
            let value = literal(value, kind).ok_or_else(|| {
                Error::Request(format!("the cursor's value does not fit `{name}`, which holds {}", kind.holds()))
            })?;
            let by = sort_value(name, kind);
            let past = if *descending { by.clone().lt(value.clone()) } else { by.clone().gt(value.clone()) };
            Ok(past.or(by.eq(value).and(older(true))).or(ident(name).is_null()))
        }
    }
}

/// What rows are ordered by: the column itself, or the number of an address.
fn sort_value(name: &str, kind: Kind) -> Expr {
    if kind == Kind::Ip { address_key(ident(name)) } else { ident(name) }
}

/// A JSON value as a literal of the type that rows are ordered by.
fn literal(value: &Value, kind: Kind) -> Option<Expr> {
    match (value, kind) {
        (Value::String(value), Kind::Time) => Timestamp::parse_rfc3339(value).ok().map(time),
        (Value::String(value), Kind::Ip) => Some(address_key_of(value)),
        (Value::String(value), _) => Some(text(value)),
        (Value::Number(value), Kind::Int) => value.as_i64().map(lit),
        (Value::Number(value), Kind::Float) => value.as_f64().map(lit),
        (Value::Bool(value), Kind::Bool) => Some(lit(*value)),
        _ => None,
    }
}

/// The order as sort keys.
pub(super) fn sort_keys(order: &Order, fields: &Fields) -> Vec<SortExpr> {
    let by = |name: &str, ascending| ident(name).sort(ascending, false);
    match order {
        Order::Newest => vec![by(names::TIMESTAMP, false), by(names::EVENT_ID, false)],
        Order::Oldest => vec![by(names::TIMESTAMP, true), by(names::EVENT_ID, true)],
        Order::Field { name, descending } => {
            let kind = fields.get(name).map_or(Kind::Text, |field| field.kind);
            let first = sort_value(name, kind).sort(!descending, false);
            vec![first, by(names::TIMESTAMP, false), by(names::EVENT_ID, false)]
        }
    }
}
