//! Read-only SQL over the table `events`.

mod mistake;
mod names;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::memory::{MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider};
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::DataFrame;
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use futures::StreamExt;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::cell::cell;
use crate::engine::Engine;
use crate::error::Error;
use crate::events::{Events, is_events};
use crate::language::Fields;
use crate::run::{Job, Prepared, Reading, Task, prepare};
use mistake::Written;

/// Longest statement.
const STATEMENT_BYTES_MAX: usize = 64 << 10;
/// Batches that wait for a slow reader.
const BATCHES_WAITING_MAX: usize = 2;
/// Functions that make values of any size out of nothing, outside the memory bound.
const INFLATING: [&str; 7] = ["repeat", "lpad", "rpad", "range", "generate_series", "array_repeat", "list_repeat"];

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SqlColumn {
    /// Its name.
    pub name: String,
    /// Its type, as Arrow names it.
    pub kind: String,
}

/// The answer to a statement. Dropping it stops the work.
pub struct SqlRows {
    columns: Vec<SqlColumn>,
    batches: mpsc::Receiver<Result<RecordBatch, Error>>,
    truncated: Arc<AtomicBool>,
    /// Held for its drop.
    _task: Task<()>,
}

impl SqlRows {
    /// The columns.
    #[must_use]
    pub fn columns(&self) -> &[SqlColumn] {
        &self.columns
    }

    /// The next rows, as many values in each as there are columns; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Vec<Vec<Value>>, Error>> {
        let batch = self.batches.recv().await?;
        Some(batch.map(|batch| {
            let row = |row| batch.columns().iter().map(|column| cell(column, row)).collect();
            (0..batch.num_rows()).map(row).collect()
        }))
    }

    /// Whether rows were left out because there are more than
    /// [`Options::sql_rows_max`](crate::Options::sql_rows_max). Known once all rows were taken.
    #[must_use]
    pub fn truncated(&self) -> bool {
        self.truncated.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for SqlRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlRows").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl Engine {
    /// Runs one SELECT (or WITH, VALUES, EXPLAIN) over the table `events`. Dotted names may be written without quotes.
    ///
    /// # Errors
    /// When the statement is wrong, or does anything but read `events`. Later failures, also that it takes too long,
    /// are the last item of the rows.
    pub async fn sql(&self, statement: &str) -> Result<SqlRows, Error> {
        let job = self.job();
        let (statement, written) = parse(statement, &job.fields)?;
        let rows_max = self.options().sql_rows_max;
        let timeout = self.options().timeout;
        let prepared = self.run(async move { plan(&job, statement, &written, rows_max).await }).await?;
        let fields = prepared.plan.schema();
        let column = |field: &Arc<datafusion::arrow::datatypes::Field>| SqlColumn {
            name: field.name().clone(),
            kind: field.data_type().to_string(),
        };
        let columns = fields.fields().iter().map(column).collect();
        let truncated = Arc::new(AtomicBool::new(false));
        let (sender, batches) = mpsc::channel(BATCHES_WAITING_MAX);
        let mark = Arc::clone(&truncated);
        let task = Task::spawn(self.handle(), async move {
            let failed = match tokio::time::timeout(timeout, pour(&prepared, rows_max, &sender, &mark)).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error,
                Err(_) => Error::Timeout(timeout),
            };
            let _ = sender.send(Err(failed)).await;
        });
        Ok(SqlRows { columns, batches, truncated, _task: task })
    }
}

/// Sends the rows, up to the bound.
async fn pour(
    prepared: &Prepared,
    rows_max: usize,
    sender: &mpsc::Sender<Result<RecordBatch, Error>>,
    truncated: &AtomicBool,
) -> Result<(), Error> {
    let mut left = rows_max;
    let mut rows = prepared.stream()?;
    while let Some(batch) = rows.next().await {
        let mut batch = batch.map_err(refused)?;
        if batch.num_rows() > left {
            truncated.store(true, Ordering::Relaxed);
            batch = batch.slice(0, left);
        }
        left -= batch.num_rows();
        // Whoever closed the rows wants no more.
        if batch.num_rows() > 0 && sender.send(Ok(batch)).await.is_err() {
            return Ok(());
        }
        if truncated.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
    Ok(())
}

/// One statement that only reads.
fn parse(text: &str, fields: &Fields) -> Result<(Statement, Written), Error> {
    if text.len() > STATEMENT_BYTES_MAX {
        return Err(Error::Sql(format!("the statement is longer than {STATEMENT_BYTES_MAX} bytes")));
    }
    let mut statements = DFParser::parse_sql(text).map_err(|error| mistake::unparsed(text, error))?;
    let statement = match (statements.pop_front(), statements.is_empty()) {
        (Some(statement), true) => statement,
        (None, _) => return Err(Error::Sql("there is no statement".to_owned())),
        _ => return Err(Error::Sql("one statement at a time".to_owned())),
    };
    let statement = reading(statement, fields)?;
    let written = Written::of(text, &statement);
    Ok((statement, written))
}

fn reading(statement: Statement, fields: &Fields) -> Result<Statement, Error> {
    match statement {
        Statement::Statement(mut inner) if matches!(*inner, SqlStatement::Query(_)) => {
            names::join(&mut inner, fields);
            Ok(Statement::Statement(inner))
        }
        Statement::Explain(mut explain) => {
            *explain.statement = reading(*explain.statement, fields)?;
            Ok(Statement::Explain(explain))
        }
        _ => Err(Error::Sql("only SELECT, WITH, VALUES and EXPLAIN are allowed: events cannot be changed".to_owned())),
    }
}

/// Plans the statement and checks once more that it only reads events.
async fn plan(job: &Job, statement: Statement, written: &Written, rows_max: usize) -> Result<Prepared, Error> {
    let base = job.state(Reading::Scan);
    let events = Arc::new(Events::new(&job.snapshot, base.config().target_partitions())?);
    let mut state = session(base, events).map_err(refused)?;
    // What `now()` is.
    state.mark_start_execution();
    let plan = state.statement_to_plan(statement).await.map_err(|error| written.explain(error, &job.fields))?;
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    options.verify_plan(&plan).map_err(refused)?;
    only_events(&plan)?;
    let plan = match plan {
        // The text of a plan is short.
        LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => plan,
        plan => {
            let bounded = LogicalPlanBuilder::from(plan).limit(0, Some(rows_max.saturating_add(1)));
            bounded.and_then(LogicalPlanBuilder::build).map_err(refused)?
        }
    };
    prepare(DataFrame::new(state, plan)).await.map_err(|error| match error {
        Error::Execution(error) => refused(error),
        error => error,
    })
}

/// A session that knows one table, and no function that makes data out of nothing.
fn session(base: &SessionState, events: Arc<Events>) -> Result<SessionState, DataFusionError> {
    let schema = MemorySchemaProvider::new();
    schema.register_table("events".to_owned(), events)?;
    let catalog = MemoryCatalogProvider::new();
    let options = base.config().options();
    catalog.register_schema(&options.catalog.default_schema, Arc::new(schema))?;
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(options.catalog.default_catalog.clone(), Arc::new(catalog));
    let functions = base.scalar_functions().iter().filter(|(name, _)| !INFLATING.contains(&name.as_str()));
    let functions = functions.map(|(_, function)| Arc::clone(function)).collect();
    Ok(SessionStateBuilder::new_from_existing(base.clone())
        .with_catalog_list(Arc::new(catalogs))
        .with_scalar_functions(functions)
        .with_table_functions(std::collections::HashMap::new())
        .build())
}

/// Every table that the plan reads is `events`.
fn only_events(plan: &LogicalPlan) -> Result<(), Error> {
    let mut foreign = None;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && !source_as_provider(&scan.source).is_ok_and(|provider| is_events(provider.as_ref()))
        {
            foreign = Some(scan.table_name.to_string());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .map_err(refused)?;
    match foreign {
        None => Ok(()),
        Some(name) => Err(Error::Sql(format!("`{name}` cannot be read; the only table is `events`"))),
    }
}

/// A failure whose cause is the statement.
fn refused(error: DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => Error::Memory,
        DataFusionError::ObjectStore(_)
        | DataFusionError::ParquetError(_)
        | DataFusionError::IoError(_)
        | DataFusionError::External(_)
        | DataFusionError::Internal(_) => Error::Execution(error),
        _ => Error::Sql(error.strip_backtrace()),
    }
}
