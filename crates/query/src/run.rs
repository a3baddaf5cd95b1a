//! Runs plans on the engine's own threads, within a time bound, and stops them when nobody waits any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::array::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::provider_as_source;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use datafusion::physical_plan::{ExecutionPlan, collect, execute_stream, execute_stream_partitioned};
use tidegate_store::Snapshot;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::error::Error;
use crate::events::Events;
use crate::language::Fields;

/// How the table's files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Decode the other columns only for rows that pass: for few rows of many.
    Lookup,
    /// Decode all columns that are needed, then filter: for wide scans.
    Scan,
}

/// What one request runs on: one snapshot, so that all its parts agree.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) fields: Arc<Fields>,
    pub(crate) lookup: Arc<SessionState>,
    pub(crate) scan: Arc<SessionState>,
    pub(crate) started: Instant,
}

/// Rows and what reading them took.
pub(crate) struct Answer {
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) bytes_read: u64,
}

/// A plan that is ready to run.
pub(crate) struct Prepared {
    pub(crate) plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
}

impl Job {
    pub(crate) fn state(&self, reading: Reading) -> &Arc<SessionState> {
        match reading {
            Reading::Lookup => &self.lookup,
            Reading::Scan => &self.scan,
        }
    }

    /// The events that meet the condition.
    pub(crate) fn frame(&self, reading: Reading, condition: Option<Expr>) -> Result<DataFrame, Error> {
        let state = self.state(reading);
        let events = Arc::new(Events::new(&self.snapshot, state.config().target_partitions())?);
        let mut plan = LogicalPlanBuilder::scan("events", provider_as_source(events), None)?;
        if let Some(condition) = condition {
            plan = plan.filter(condition)?;
        }
        Ok(DataFrame::new(state.as_ref().clone(), plan.build()?))
    }

    pub(crate) fn took_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Plans a frame.
pub(crate) async fn prepare(frame: DataFrame) -> Result<Prepared, Error> {
    let context = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await?;
    tracing::trace!(plan = %datafusion::physical_plan::displayable(plan.as_ref()).indent(false), "query planned");
    Ok(Prepared { plan, context })
}

/// Runs a frame and gathers its rows, which must be few.
pub(crate) async fn gather(frame: DataFrame) -> Result<Answer, Error> {
    let Prepared { plan, context } = prepare(frame).await?;
    let batches = collect(Arc::clone(&plan), context).await?;
    Ok(Answer { batches, bytes_read: bytes_read(&plan) })
}

impl Prepared {
    /// Starts it; the rows of all its parts come in one stream, in no order unless it sorts.
    pub(crate) fn stream(&self) -> Result<SendableRecordBatchStream, Error> {
        Ok(execute_stream(Arc::clone(&self.plan), Arc::clone(&self.context))?)
    }

    /// Starts it; a stream for each part that can be read beside the others.
    pub(crate) fn streams(&self) -> Result<Vec<SendableRecordBatchStream>, Error> {
        Ok(execute_stream_partitioned(Arc::clone(&self.plan), Arc::clone(&self.context))?)
    }

    /// Memory of all queries, to be asked for before it is taken.
    pub(crate) fn memory(&self, consumer: &str) -> MemoryReservation {
        MemoryConsumer::new(consumer).register(self.context.memory_pool())
    }

    pub(crate) fn bytes_read(&self) -> u64 {
        bytes_read(&self.plan)
    }
}

/// Bytes that the scans of a plan read from files.
fn bytes_read(plan: &Arc<dyn ExecutionPlan>) -> u64 {
    let own = plan.metrics().and_then(|metrics| metrics.sum_by_name("bytes_scanned"));
    let own = own.map_or(0, |bytes| bytes.as_usize() as u64);
    own + plan.children().into_iter().map(bytes_read).sum::<u64>()
}

/// A task that stops when it is dropped.
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    pub(crate) fn spawn(runtime: &Handle, future: impl Future<Output = T> + Send + 'static) -> Self {
        Self(runtime.spawn(future))
    }

    /// Waits for its end.
    pub(crate) async fn join(mut self) -> Result<T, Error> {
        match (&mut self.0).await {
            Ok(value) => Ok(value),
            Err(error) if error.is_panic() => {
                let message = "a query panicked".to_owned();
                Err(Error::Execution(datafusion::error::DataFusionError::Internal(message)))
            }
            Err(_) => Err(Error::Closed),
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs `future` on the engine's threads for at most `bound`.
pub(crate) async fn within<T: Send + 'static>(
    runtime: &Handle,
    bound: Duration,
    future: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let bounded = async move { tokio::time::timeout(bound, future).await.unwrap_or(Err(Error::Timeout(bound))) };
    Task::spawn(runtime, bounded).join().await?
}
