//! The maintenance thread: everything that keeps the table small and quick, none of which a flush waits for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::MutexGuard;
use std::time::Instant;

use deltalake::DeltaTable;
use deltalake::checkpoints::{cleanup_expired_logs_for, create_checkpoint};
use deltalake::kernel::Action;
use tidegate_event::Timestamp;

use crate::commit::Change;
use crate::error::StoreError;
use crate::flush::panic_text;
use crate::graveyard::Graveyard;
use crate::layout::{LOG, sync_file, sync_folder};
use crate::store::Shared;
use crate::{compact, retain};

/// Looks for work after every flush, but no more often than the options say, until the store is closed.
pub(crate) fn run(shared: &Shared) {
    let mut last = Instant::now();
    loop {
        {
            let mut state = shared.lock();
            while !state.stop && last.elapsed() < shared.options.maintenance_interval {
                let left = shared.options.maintenance_interval.saturating_sub(last.elapsed());
                state = shared.sleep(&shared.chores, state, left);
            }
            if state.stop {
                return;
            }
        }
        last = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| once(shared)));
        let failure = match result {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => Some(panic_text(&*panic)),
        };
        note(shared, failure);
    }
}

/// Does what is due.
pub(crate) fn once(shared: &Shared) -> Result<(), StoreError> {
    // One at a time: two compactions would choose the same files.
    let _turn = shared.turn();
    retain::run(shared)?;
    compact::run(shared)?;
    if shared.lock().commits >= shared.options.checkpoint_commits {
        checkpoint(shared)?;
    }
    let table = shared.committer.table();
    let deleted = shared.graveyard().vacuum(&shared.dir, shared.options.vacuum_after, &table)?;
    shared.lock().stats.vacuumed_files += deleted;
    Ok(())
}

/// Writes a checkpoint, drops the log before it, and reads the state again from what is left.
fn checkpoint(shared: &Shared) -> Result<(), StoreError> {
    let table = shared.committer.table();
    let version = table.version().unwrap_or_default();
    shared.runtime.wait(create_checkpoint(&table, None))??;
    // The log before it may go only when it is sure to stay.
    sync_checkpoint(&shared.dir, version)?;
    let keep = i64::try_from(shared.options.vacuum_after.as_millis()).unwrap_or(i64::MAX);
    let before = (Timestamp::now().as_micros() / 1000).saturating_sub(keep);
    let log = table.log_store();
    shared.runtime.wait(cleanup_expired_logs_for(version, log.as_ref(), before, None))??;
    shared.committer.reload(&shared.runtime, |table| {
        let mut state = shared.lock();
        state.show(table);
        state.commits = 0;
        state.stats.checkpoints += 1;
    })
}

fn sync_checkpoint(dir: &Path, version: u64) -> Result<(), StoreError> {
    let log = dir.join(LOG);
    let prefix = format!("{version:020}.checkpoint");
    for entry in std::fs::read_dir(&log).map_err(StoreError::io(&log))? {
        let entry = entry.map_err(StoreError::io(&log))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&prefix) || name == "_last_checkpoint" {
            sync_file(&entry.path())?;
        }
    }
    sync_folder(&log)
}

fn note(shared: &Shared, failure: Option<String>) {
    let mut state = shared.lock();
    if state.stats.maintenance_failure != failure {
        match &failure {
            Some(cause) => tracing::error!(%cause, "maintenance of the event table failed, trying again: {cause}"),
            None => tracing::info!("maintenance of the event table works again"),
        }
    }
    state.stats.maintenance_failure = failure;
}

impl Shared {
    /// Commits a change; the files that it would have added do not stay when it fails.
    pub(crate) fn commit(&self, change: Change, publish: impl FnOnce(&DeltaTable)) -> Result<(), StoreError> {
        let added = change.actions.iter().filter_map(|action| match action {
            Action::Add(add) => Some(add.path.clone()),
            _ => None,
        });
        let added: Vec<String> = added.collect();
        self.committer.commit(&self.runtime, change, publish).map_err(|failure| {
            self.discard(added, failure.certain);
            failure.cause
        })
    }

    /// Gets rid of files that are not in the table: at once when that is certain, else once it is.
    pub(crate) fn discard(&self, paths: impl IntoIterator<Item = String>, certain: bool) {
        let kept = paths.into_iter().filter(|path| !certain || std::fs::remove_file(self.dir.join(path)).is_err());
        let kept: Vec<String> = kept.collect();
        self.graveyard().bury(kept);
    }

    pub(crate) fn graveyard(&self) -> MutexGuard<'_, Graveyard> {
        self.graveyard.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.maintenance.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
