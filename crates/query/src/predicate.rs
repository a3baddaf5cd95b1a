//! From a resolved query to a DataFusion expression. What statistics and bloom filters can answer is said in plain
//! comparisons; everything else runs in our own [kernels](crate::kernel).

use std::collections::BTreeMap;

use datafusion::logical_expr::Expr;
use datafusion::prelude::{ident, lit};
use datafusion::scalar::ScalarValue;
use tidegate_event::Timestamp;

use crate::kernel::passes;
use crate::language::{Condition, Field, Filter, FloatEnd, Kind, TextTest, TimeRange, escape_like};

/// The expression that is true for exactly the rows that the filter matches (and false or null for others); `None` when
/// it matches all.
pub(crate) fn predicate(filter: &Filter) -> Option<Expr> {
    match filter {
        Filter::All => None,
        // Each part is pushed down by itself.
        Filter::And(parts) => Some(balanced(parts.iter().map(part).collect(), Expr::and)),
        other => Some(part(other)),
    }
}

fn part(filter: &Filter) -> Expr {
    expr(filter, tests_lists(filter))
}

/// Whether it tests a list. DataFusion 55 would take IS NOT NULL beside such a test as a promise that the whole can be
/// tested while a file is decoded, and then silently leave it out where the file lacks a column. So beside lists we ask
/// for existence in a [kernel](crate::kernel), and the whole is tested after decoding.
fn tests_lists(filter: &Filter) -> bool {
    match filter {
        Filter::All => false,
        Filter::And(parts) | Filter::Or(parts) => parts.iter().any(tests_lists),
        Filter::Not(inner) => tests_lists(inner),
        Filter::Test(field, _) => field.kind.is_list(),
        Filter::AnyText(fields, _) => fields.iter().any(|field| field.kind.is_list()),
    }
}

fn expr(filter: &Filter, beside_lists: bool) -> Expr {
    match filter {
        Filter::All => lit(true),
        Filter::And(parts) => balanced(parts.iter().map(|part| expr(part, beside_lists)).collect(), Expr::and),
        Filter::Or(parts) => any_of(parts, beside_lists),
        // Null counts as false, so NOT of it is true.
        Filter::Not(inner) => Expr::IsNotTrue(Box::new(expr(inner, beside_lists))),
        Filter::Test(field, Condition::Exists) if beside_lists => passes(field, &Condition::Exists),
        Filter::Test(field, condition) => test(field, condition),
        Filter::AnyText(fields, text) => {
            let condition = Condition::Text(text.clone());
            balanced(fields.iter().map(|field| test(field, &condition)).collect(), Expr::or)
        }
    }
}

/// Any of them. Several values of one comparable column become one IN list, which prunes as a whole.
fn any_of(parts: &[Filter], beside_lists: bool) -> Expr {
    let mut lists: BTreeMap<&str, Vec<Expr>> = BTreeMap::new();
    let mut rest = Vec::new();
    for part in parts {
        match part {
            Filter::Test(field, Condition::Text(TextTest::Equals(value))) if is_comparable(field) => {
                lists.entry(&field.name).or_default().push(text(value));
            }
            other => rest.push(expr(other, beside_lists)),
        }
    }
    rest.extend(lists.into_iter().map(|(name, values)| ident(name).in_list(values, false)));
    balanced(rest, Expr::or)
}

/// A tree of low depth: expressions are walked by recursion, and a query may have a thousand terms.
fn balanced(mut parts: Vec<Expr>, join: fn(Expr, Expr) -> Expr) -> Expr {
    match parts.len() {
        0 => lit(false),
        1 => parts.swap_remove(0),
        count => {
            let right = parts.split_off(count / 2);
            join(balanced(parts, join), balanced(right, join))
        }
    }
}

/// Whether equality that ignores case is plain equality of what is stored.
fn is_comparable(field: &Field) -> bool {
    field.folded || field.kind == Kind::Ip
}

fn test(field: &Field, condition: &Condition) -> Expr {
    let column = || ident(&field.name);
    if field.kind.is_list() {
        return passes(field, condition);
    }
    match condition {
        Condition::Exists => column().is_not_null(),
        Condition::Text(TextTest::Equals(value)) if is_comparable(field) => column().eq(text(value)),
        Condition::Text(TextTest::Glob(glob)) if is_comparable(field) => match glob.prefix() {
            Some(prefix) => starts_with(field, prefix),
            None => passes(field, condition),
        },
        // Addresses are canonical text, so a network that ends at a dot is a prefix.
        Condition::Ip(range) => match range.text_prefix() {
            Some(prefix) => starts_with(field, &prefix),
            None => passes(field, condition),
        },
        Condition::Text(_) => passes(field, condition),
        Condition::Int(range) if range.low == range.high => column().eq(lit(range.low)),
        Condition::Int(range) => column().gt_eq(lit(range.low)).and(column().lt_eq(lit(range.high))),
        Condition::Float(range) => {
            let end = |end: FloatEnd, open: fn(Expr, Expr) -> Expr, closed: fn(Expr, Expr) -> Expr| {
                end.map(|(at, included)| if included { closed(column(), lit(at)) } else { open(column(), lit(at)) })
            };
            let low = end(range.low, Expr::gt, Expr::gt_eq);
            let high = end(range.high, Expr::lt, Expr::lt_eq);
            low.into_iter().chain(high).reduce(Expr::and).unwrap_or_else(|| column().is_not_null())
        }
        Condition::Bool(value) => column().eq(lit(*value)),
        Condition::Time(TimeRange { start, end }) => {
            let start = start.map(|start| column().gt_eq(time(start)));
            let end = end.map(|end| column().lt(time(end)));
            start.into_iter().chain(end).reduce(Expr::and).unwrap_or_else(|| column().is_not_null())
        }
    }
}

fn starts_with(field: &Field, prefix: &str) -> Expr {
    ident(&field.name).like(text(&format!("{}%", escape_like(prefix))))
}

/// A text of the type that columns have, so that no side is cast.
pub(crate) fn text(value: &str) -> Expr {
    lit(ScalarValue::Utf8View(Some(value.to_owned())))
}

/// A moment of the type that columns have.
pub(crate) fn time(moment: Timestamp) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(moment.as_micros()), Some("UTC".into())))
}
