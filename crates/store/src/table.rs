//! The Delta table on disk: opened, created, brought to the schema of the day.

use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use deltalake::kernel::transaction::CommitProperties;
use deltalake::kernel::{LogicalFileView, StructType};
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, DeltaTableBuilder, ensure_table_uri};
use tidegate_event::{NodeId, Position};
use tokio::runtime::Handle;

use crate::datafile::STATISTICS;
use crate::error::StoreError;
use crate::layout::{LOG, day_of};
use crate::schema::{DAY, Schema};

/// Threads that table operations may use; they wait for the disk more than they compute.
const RUNTIME_THREADS: usize = 2;

/// The runtime that table operations run on. The store's own interface is synchronous.
#[derive(Debug)]
pub(crate) struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    pub(crate) fn start() -> Result<Self, StoreError> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(RUNTIME_THREADS)
            .thread_name("store-table")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
            .map_err(StoreError::Threads)
    }

    /// Waits for a future, also when called from a thread that runs another runtime.
    pub(crate) fn wait<F>(&self, future: F) -> Result<F::Output, StoreError>
    where
        F: Future + Send,
        F::Output: Send,
    {
        let Some(runtime) = &self.0 else { return Err(StoreError::Closed) };
        if Handle::try_current().is_err() {
            return Ok(runtime.block_on(future));
        }
        std::thread::scope(|scope| {
            let waiting = std::thread::Builder::new().spawn_scoped(scope, || runtime.block_on(future));
            match waiting.map_err(StoreError::Threads)?.join() {
                Ok(output) => Ok(output),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // A plain drop waits, which a thread of another runtime must not.
            runtime.shutdown_background();
        }
    }
}

/// Opens the table in `dir` for writing, creates it when there is none, adds the columns it lacks.
pub(crate) async fn open(dir: &Path, schema: &Schema, keep: Duration) -> Result<(DeltaTable, Schema), StoreError> {
    std::fs::create_dir_all(dir).map_err(StoreError::io(dir))?;
    drop_torn_commit(dir)?;
    let mut table = at(dir)?;
    if !table.verify_deltatable_existence().await? {
        table = create(table, schema, keep).await?;
    }
    table.load().await?;
    let (schema, added) = schema.merge_into(columns(&table)?.as_ref())?;
    if !added.is_empty() {
        tracing::info!(columns = added.len(), "adding {} columns to the event table", added.len());
        table = table.add_columns().with_fields(added).with_commit_properties(quiet()).await?;
    }
    Ok((table, schema))
}

/// Opens the table in `dir` for reading.
pub(crate) async fn open_read_only(dir: &Path) -> Result<(DeltaTable, Schema), StoreError> {
    if !dir.join(LOG).is_dir() {
        return Err(StoreError::NoTable(dir.to_path_buf()));
    }
    let mut table = at(dir)?;
    table.load().await?;
    let schema = Schema::of_table(columns(&table)?.as_ref())?;
    Ok((table, schema))
}

/// The position up to which `node` has brought its journal into the table.
pub(crate) async fn committed(table: &DeltaTable, node: NodeId) -> Result<Position, StoreError> {
    let log = table.log_store();
    let version = table.snapshot()?.transaction_version(log.as_ref(), app_id(node)).await?;
    Ok(Position(version.and_then(|version| u64::try_from(version).ok()).unwrap_or(0)))
}

/// Who a commit's position belongs to.
pub(crate) fn app_id(node: NodeId) -> String {
    node.0.to_string()
}

/// Commits without the work that the maintenance thread does in its own time.
pub(crate) fn quiet() -> CommitProperties {
    CommitProperties::default().with_create_checkpoint(false).with_cleanup_expired_logs(Some(false))
}

/// The table's files, as the log has them.
pub(crate) fn files(table: &DeltaTable) -> Result<Vec<LogicalFileView>, StoreError> {
    Ok(table.snapshot()?.log_data().iter().collect())
}

/// The day that a file belongs to.
pub(crate) fn day(file: &LogicalFileView) -> i32 {
    file.partition_values_map().get(DAY).cloned().flatten().and_then(|text| day_of(&text)).unwrap_or_default()
}

fn at(dir: &Path) -> Result<DeltaTable, StoreError> {
    let place = std::path::absolute(dir).map_err(StoreError::io(dir))?;
    let url = ensure_table_uri(place.to_string_lossy())?;
    Ok(DeltaTableBuilder::from_url(url)?.build()?)
}

fn columns(table: &DeltaTable) -> Result<std::sync::Arc<StructType>, StoreError> {
    Ok(table.snapshot()?.schema())
}

async fn create(table: DeltaTable, schema: &Schema, keep: Duration) -> Result<DeltaTable, StoreError> {
    let statistics: Vec<String> =
        STATISTICS.iter().filter(|name| schema.column(name).is_some()).map(|name| format!("`{name}`")).collect();
    let settings = HashMap::from([
        ("delta.dataSkippingStatsColumns", Some(statistics.join(","))),
        // Checkpoints carry removed files as long as vacuum keeps them; a week of them would be most of a checkpoint.
        ("delta.deletedFileRetentionDuration", Some(format!("interval {} seconds", keep.as_secs()))),
        ("delta.logRetentionDuration", Some(format!("interval {} seconds", keep.as_secs()))),
    ]);
    let table = table
        .create()
        .with_table_name("events")
        .with_columns(schema.delta())
        .with_partition_columns([DAY])
        .with_configuration(settings)
        .with_save_mode(SaveMode::Ignore)
        .await?;
    Ok(table)
}

/// A machine that lost its power while a commit was written may have left its file without content. Nothing that it
/// held was acknowledged: a commit counts only after its file was synced.
fn drop_torn_commit(dir: &Path) -> Result<(), StoreError> {
    let log = dir.join(LOG);
    let Ok(entries) = std::fs::read_dir(&log) else { return Ok(()) };
    let is_commit = |name: &str| name.len() == 25 && name.ends_with(".json") && name.as_bytes()[0].is_ascii_digit();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let Some(last) = names.filter(|name| is_commit(name)).max() else { return Ok(()) };
    let place = log.join(last);
    let text = std::fs::read(&place).map_err(StoreError::io(&place))?;
    let torn = text.trim_ascii().is_empty()
        || text
            .split(|byte| *byte == b'\n')
            .any(|line| !line.is_empty() && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_err());
    if torn {
        tracing::warn!(file = %place.display(), "dropping a commit that was torn by a crash");
        std::fs::remove_file(&place).map_err(StoreError::io(&place))?;
    }
    Ok(())
}
