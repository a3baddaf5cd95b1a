//! The engine: sessions, threads and bounds that all queries share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::execution::SessionState;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionConfig;
use serde_json::{Map, Value};
use tidegate_store::{ColumnKind, Schema, Store};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::Error;
use crate::language::{Field, Fields, Kind};
use crate::run::{Job, within};

/// Memory for what the ends of data files say of them; a large file needs two or three megabytes.
const METADATA_BYTES_MAX: usize = 128 << 20;

/// Says an event in one line. It gets the event as a flat map of dotted names.
pub type Describe = Arc<dyn Fn(&Map<String, Value>) -> Option<String> + Send + Sync>;

/// Bounds of the engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads that run queries, and parts that one query is cut into.
    pub threads: usize,
    /// Memory that sorts, groupings and joins of all queries together may take.
    pub memory_bytes_max: usize,
    /// How long one query may run. Exports are not bound.
    pub timeout: Duration,
    /// Folder for what does not fit into memory; `None` for the system's temporary folder.
    pub spill_dir: Option<PathBuf>,
    /// Disk space that all queries together may take there.
    pub spill_bytes_max: u64,
    /// Rows that one SQL statement may return.
    pub sql_rows_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            memory_bytes_max: 512 << 20,
            timeout: Duration::from_secs(60),
            spill_dir: None,
            spill_bytes_max: 8 << 30,
            sql_rows_max: 100_000,
        }
    }
}

/// Runs queries over a store. Every method may be dropped at any time, which stops its work.
pub struct Engine {
    store: Arc<Store>,
    fields: Arc<Fields>,
    options: Options,
    lookup: Arc<SessionState>,
    scan: Arc<SessionState>,
    describe: Option<Describe>,
    /// `None` only while it is being dropped.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Engine {
    /// An engine over an open store.
    ///
    /// # Errors
    /// When the system refuses threads or the spill folder.
    pub fn new(store: Arc<Store>, options: Options) -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(options.threads.max(1))
            .thread_name("query")
            .enable_all()
            .build()
            .map_err(Error::Start)?;
        let environment = environment(&options)?;
        let fields = Arc::new(fields_of(store.schema()));
        Ok(Self {
            fields,
            lookup: Arc::new(state(&environment, options.threads, true)),
            scan: Arc::new(state(&environment, options.threads, false)),
            describe: None,
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
            store,
            options,
        })
    }

    /// An engine over a data directory that another process may write to; it sees what is committed now.
    ///
    /// # Errors
    /// As [`new`](Self::new), and when there is no table.
    pub fn open_read_only(dir: &Path, options: Options) -> Result<Self, Error> {
        Self::new(Arc::new(Store::open_read_only(dir)?), options)
    }

    /// Lets `describe` say each row of a search in one line.
    #[must_use]
    pub fn with_describe(mut self, describe: Describe) -> Self {
        self.describe = Some(describe);
        self
    }

    /// The fields that queries may name.
    #[must_use]
    pub fn fields_known(&self) -> &Arc<Fields> {
        &self.fields
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn describe(&self) -> Option<Describe> {
        self.describe.clone()
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What a request runs on from now on.
    pub(crate) fn job(&self) -> Job {
        Job {
            snapshot: Arc::new(self.store.snapshot()),
            fields: Arc::clone(&self.fields),
            lookup: Arc::clone(&self.lookup),
            scan: Arc::clone(&self.scan),
            started: Instant::now(),
        }
    }

    /// Runs a request on the engine's threads, within its time.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        within(&self.handle, self.options.timeout, future).await
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Waiting for running queries could block a thread that serves others.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("store", &self.store).field("options", &self.options).finish_non_exhaustive()
    }
}

fn environment(options: &Options) -> Result<Arc<RuntimeEnv>, Error> {
    let mode = match &options.spill_dir {
        Some(dir) => {
            std::fs::create_dir_all(dir).map_err(Error::Start)?;
            DiskManagerMode::Directories(vec![dir.clone()])
        }
        None => DiskManagerMode::OsTmpDirectory,
    };
    let disk = DiskManagerBuilder::default().with_mode(mode).with_max_temp_directory_size(options.spill_bytes_max);
    let environment = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(options.memory_bytes_max)))
        .with_disk_manager_builder(disk)
        .with_metadata_cache_limit(METADATA_BYTES_MAX)
        .build_arc()?;
    Ok(environment)
}

/// A session. `late`: columns are decoded only for rows that pass the filter.
fn state(environment: &Arc<RuntimeEnv>, threads: usize, late: bool) -> SessionState {
    let mut config = SessionConfig::new().with_target_partitions(threads.max(1));
    let options = config.options_mut();
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.parquet.pushdown_filters = late;
    options.execution.parquet.reorder_filters = late;
    SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(Arc::clone(environment))
        .with_default_features()
        .build()
}

/// The columns of the table as fields of the query language. The partition is no field: `@timestamp` says it better.
fn fields_of(schema: &Schema) -> Fields {
    let kind = |kind| {
        Some(match kind {
            ColumnKind::Text => Kind::Text,
            ColumnKind::Int => Kind::Int,
            ColumnKind::Float => Kind::Float,
            ColumnKind::Bool => Kind::Bool,
            ColumnKind::Time => Kind::Time,
            ColumnKind::Ip => Kind::Ip,
            ColumnKind::TextList => Kind::TextList,
            ColumnKind::IpList => Kind::IpList,
            ColumnKind::IntList => Kind::IntList,
            ColumnKind::FloatList => Kind::FloatList,
            ColumnKind::Json => Kind::Json,
            ColumnKind::Day => return None,
        })
    };
    let field = |column: &tidegate_store::Column| {
        Some(Field { name: column.name.clone(), kind: kind(column.kind)?, folded: column.folded })
    };
    schema.columns().iter().filter_map(field).collect()
}
