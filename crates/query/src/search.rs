//! A page of events and how many there are.

mod place;
mod rows;
mod survey;

use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{ident, lit};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tidegate_event::{Timestamp, names};
use tidegate_store::{EXTRA, NAME_ORIGINAL};
use tokio::runtime::Handle;

use self::place::{beyond, sort_keys};
pub(crate) use self::rows::Writer;
use self::rows::values_of;
use self::survey::survey;
use crate::engine::{Describe, Engine};
use crate::error::Error;
use crate::language::{Fields, Kind};
use crate::run::{Job, Reading, gather};
use crate::scope::{Scope, conjunction};

/// Most rows of one page.
pub const LIMIT_MAX: usize = 10_000;

/// What to look for and which page of it to return.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The events.
    pub scope: Scope,
    /// Rows of the page, at most [`LIMIT_MAX`].
    pub limit: usize,
    /// Which come first.
    pub order: Order,
    /// The page starts after this row.
    pub after: Option<Cursor>,
    /// The fields of each row (with what lies below them); `None` for all.
    pub fields: Option<Vec<String>>,
}

/// Which rows come first. Ties are broken by time and id, so the order is total.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The latest `@timestamp`.
    #[default]
    Newest,
    /// The earliest `@timestamp`.
    Oldest,
    /// By a field; events without it come last.
    Field {
        /// Its name.
        name: String,
        /// The largest first.
        descending: bool,
    },
}

/// A place between two rows of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// `@timestamp` of the row before it.
    pub timestamp: Timestamp,
    /// `event.id` of that row.
    pub id: String,
    /// Its value of the field that the search is ordered by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// One event.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its `event.id`.
    pub id: String,
    /// Its `@timestamp`.
    pub timestamp: Timestamp,
    /// The event as nested JSON.
    pub event: Box<RawValue>,
    /// The event in one line, when its format has words for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A page of events.
#[derive(Clone, Debug, Serialize)]
pub struct SearchResult {
    /// The rows in order.
    pub rows: Vec<Row>,
    /// How many events match, on all pages.
    pub total: u64,
    /// It took too long to look at every event: there are at least [`total`](Self::total), and rows may be missing.
    pub partial: bool,
    /// Where the next page starts; `None` when this is the last.
    pub next: Option<Cursor>,
    /// How long it took.
    pub took_ms: u64,
    /// Bytes read from files.
    pub bytes_read: u64,
}

impl Engine {
    /// A page of events and how many there are in all.
    ///
    /// # Errors
    /// When the query or the request is wrong, or it took too long.
    pub async fn search(&self, search: Search) -> Result<SearchResult, Error> {
        let job = self.job();
        let (describe, handle) = (self.describe(), self.handle().clone());
        let timeout = self.options().timeout;
        if search.limit > LIMIT_MAX {
            return Err(Error::Request(format!("a page has at most {LIMIT_MAX} rows, not {}", search.limit)));
        }
        let plan = Plan::new(&search, &job.fields)?;
        let condition = search.scope.condition(&job.fields)?;
        self.run(async move { plan.run(&job, condition, timeout.mul_f64(SURVEY_TIME), describe, &handle).await }).await
    }

    /// How many events match.
    ///
    /// # Errors
    /// When the query is wrong, or it took too long.
    pub async fn count(&self, scope: Scope) -> Result<u64, Error> {
        let job = self.job();
        let condition = scope.condition(&job.fields)?;
        self.run(async move { Ok(total(job, condition).await?.0) }).await
    }
}

/// How many rows meet the condition, and the bytes that were read to know it.
pub(crate) async fn total(job: Job, condition: Option<Expr>) -> Result<(u64, u64), Error> {
    if condition.is_none() {
        return Ok((job.snapshot.rows, 0));
    }
    let frame = job.frame(Reading::Scan, condition)?;
    let answer = gather(frame.aggregate(vec![], vec![count(lit(1_i64))])?).await?;
    let counted = answer.batches.iter().find(|batch| batch.num_rows() > 0);
    let counted =
        counted.and_then(|batch| batch.column(0).as_primitive_opt::<Int64Type>().map(|column| column.value(0)));
    Ok((counted.and_then(|counted| u64::try_from(counted).ok()).unwrap_or_default(), answer.bytes_read))
}

/// Share of a query's time after which a search stops looking for more and shows what it has.
const SURVEY_TIME: f64 = 0.8;

/// A page, checked against the known fields.
struct Plan {
    limit: usize,
    order: Order,
    cursor: Option<Cursor>,
    /// What lies behind the cursor.
    after: Option<Expr>,
    columns: Option<Vec<String>>,
    fields: Option<Vec<String>>,
}

impl Plan {
    fn new(search: &Search, fields: &Fields) -> Result<Self, Error> {
        if let Order::Field { name, .. } = &search.order {
            let field = fields.get(name).ok_or_else(|| Error::Request(fields.explain_missing(name)))?;
            if field.kind.is_list() || field.kind == Kind::Json {
                let holds = field.kind.holds();
                return Err(Error::Request(format!("rows cannot be ordered by `{name}`, which holds {holds}")));
            }
        }
        let after = search.after.as_ref().map(|after| beyond(after, &search.order, fields)).transpose()?;
        let columns = search.fields.as_ref().map(|names| columns_of(names, fields)).transpose()?;
        Ok(Self {
            limit: search.limit,
            order: search.order.clone(),
            cursor: search.after.clone(),
            after,
            columns,
            fields: search.fields.clone(),
        })
    }

    /// Rows are wide and a page is small. So one pass over as few columns as it takes counts the events and finds the
    /// moments of those on the page; then only these are read in full.
    async fn run(
        &self,
        job: &Job,
        condition: Option<Expr>,
        bound: Duration,
        describe: Option<Describe>,
        handle: &Handle,
    ) -> Result<SearchResult, Error> {
        let survey = survey(job, self, condition.clone(), bound, handle).await?;
        let (mut rows, mut next, mut bytes_read) = (Vec::new(), None, survey.bytes_read);
        if let Some(place) = survey.place() {
            let condition = conjunction([Some(place), condition, self.after.clone()]);
            let (found, read) = self.read(job, condition, describe, handle).await?;
            (rows, next) = self.cut(found);
            bytes_read += read;
        }
        let (total, partial) = (survey.total, survey.partial);
        Ok(SearchResult { rows, total, partial, next, took_ms: job.took_ms(), bytes_read })
    }

    /// Reads the rows of the page and one more; each with its value of the field that orders them.
    async fn read(
        &self,
        job: &Job,
        condition: Option<Expr>,
        describe: Option<Describe>,
        handle: &Handle,
    ) -> Result<(Vec<(Row, Option<Value>)>, u64), Error> {
        let mut frame = job.frame(Reading::Lookup, condition)?;
        let by = match &self.order {
            Order::Field { name, .. } => Some(name.clone()),
            Order::Newest | Order::Oldest => None,
        };
        if let Some(columns) = &self.columns {
            let more = by.iter().filter(|name| !columns.contains(name));
            frame = frame.select(columns.iter().chain(more).map(ident))?;
        }
        let answer = gather(frame.sort(sort_keys(&self.order, &job.fields))?.limit(0, Some(self.limit + 1))?).await?;
        let (schema, fields) = (Arc::clone(&job.snapshot.schema), self.fields.clone());
        // Writing ten thousand rows as JSON is no work for a thread that drives queries.
        let writing = handle.spawn_blocking(move || {
            let writer = Writer { schema: &schema, fields: fields.as_deref(), describe: describe.as_ref() };
            let rows = writer.rows(&answer.batches)?;
            let mut values = by.map(|name| values_of(&answer.batches, &name)).unwrap_or_default().into_iter();
            Ok((rows.into_iter().map(|row| (row, values.next())).collect(), answer.bytes_read))
        });
        writing.await.map_err(|_| Error::Closed)?
    }

    /// The rows of the page, and where the next one starts.
    fn cut(&self, mut rows: Vec<(Row, Option<Value>)>) -> (Vec<Row>, Option<Cursor>) {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = rows.last().filter(|_| more).map(|(row, value)| Cursor {
            timestamp: row.timestamp,
            id: row.id.clone(),
            value: value.clone(),
        });
        (rows.into_iter().map(|(row, _)| row).collect(), next)
    }
}

/// The columns that the named fields are made of, and those that identify a row.
pub(crate) fn columns_of(names: &[String], fields: &Fields) -> Result<Vec<String>, Error> {
    let mut columns: Vec<String> = [names::TIMESTAMP, names::EVENT_ID, EXTRA, NAME_ORIGINAL].map(str::to_owned).into();
    for name in names {
        let below = |field: &str| {
            field.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let found: Vec<&str> = fields.iter().map(|field| field.name.as_str()).filter(|field| below(field)).collect();
        if found.is_empty() {
            return Err(Error::Request(fields.explain_missing(name)));
        }
        columns.extend(found.into_iter().map(str::to_owned));
    }
    // In the order of the table, each once.
    let wanted = |name: &str| columns.iter().any(|column| column == name);
    Ok(fields.iter().map(|field| &field.name).filter(|name| wanted(name)).cloned().collect())
}
