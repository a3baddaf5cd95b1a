//! Which events a request is about.

use datafusion::logical_expr::Expr;
use datafusion::prelude::ident;
use tidegate_event::{Timestamp, names};

use crate::error::Error;
use crate::language::{Fields, Query, TimeRange};
use crate::predicate::{predicate, time};

/// The events that match a query in a stretch of time.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The query, in the events query language.
    pub query: String,
    /// The stretch of `@timestamp`.
    pub range: TimeRange,
    /// What relative times in the query start from.
    pub now: Timestamp,
}

impl Scope {
    /// The condition that its events meet; `None` when all do.
    pub(crate) fn condition(&self, fields: &Fields) -> Result<Option<Expr>, Error> {
        let filter = Query::parse(&self.query)?.resolve(fields, self.now)?;
        Ok(conjunction([within(&self.range), predicate(&filter)]))
    }
}

/// All of them; `None` when there is none.
pub(crate) fn conjunction(parts: impl IntoIterator<Item = Option<Expr>>) -> Option<Expr> {
    parts.into_iter().flatten().reduce(Expr::and)
}

/// `@timestamp` lies in the range. Its statistics skip the files of other days; the partition is not asked, because a
/// flush with very many days files the rest of its rows under the day of their receipt.
pub(crate) fn within(range: &TimeRange) -> Option<Expr> {
    conjunction([
        range.start.map(|start| ident(names::TIMESTAMP).gt_eq(time(start))),
        range.end.map(|end| ident(names::TIMESTAMP).lt(time(end))),
    ])
}
