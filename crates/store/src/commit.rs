//! The one place that changes the table: every commit of this process goes through here, one after the other.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use deltalake::DeltaTable;
use deltalake::kernel::transaction::CommitBuilder;
use deltalake::kernel::{Action, Transaction};
use deltalake::logstore::LogStoreRef;
use deltalake::protocol::DeltaOperation;
use deltalake::table::state::DeltaTableState;
use tidegate_event::{NodeId, Position};

use crate::error::StoreError;
use crate::layout::{LOG, commit_file, sync_file, sync_folder};
use crate::table::{Runtime, app_id, committed, quiet};

/// The newest state of the table, and the right to follow it with another.
#[derive(Debug)]
pub(crate) struct Committer {
    dir: PathBuf,
    table: Mutex<DeltaTable>,
}

/// A change of the table.
pub(crate) struct Change {
    pub(crate) actions: Vec<Action>,
    pub(crate) operation: DeltaOperation,
    /// The journal position that the table holds with this change.
    pub(crate) position: Option<(NodeId, Position)>,
}

impl Committer {
    pub(crate) fn new(dir: PathBuf, table: DeltaTable) -> Self {
        Self { dir, table: Mutex::new(table) }
    }

    /// The newest state.
    pub(crate) fn table(&self) -> DeltaTable {
        self.lock().clone()
    }

    /// Commits a change and makes it durable, then shows the new state to `publish` before anyone can commit again.
    pub(crate) fn commit(
        &self,
        runtime: &Runtime,
        change: Change,
        publish: impl FnOnce(&DeltaTable),
    ) -> Result<(), StoreError> {
        let mut table = self.lock();
        let before = table.version();
        let proof = Proof::of(&change);
        if let Err(error) = runtime.wait(append(&mut table, change))? {
            // The commit may have been written although its writer failed: only the log knows.
            let table = &mut *table;
            let landed = runtime.wait(async {
                table.update_state().await?;
                proof.holds(table).await
            })??;
            if !landed {
                return Err(error);
            }
        }
        self.sync(before.map_or(0, |version| version + 1), table.version().unwrap_or_default())?;
        publish(&table);
        Ok(())
    }

    /// Reads the state again from the log, whose older part may be gone, and shows it to `publish`.
    pub(crate) fn reload(&self, runtime: &Runtime, publish: impl FnOnce(&DeltaTable)) -> Result<(), StoreError> {
        let mut table = self.lock();
        let log: LogStoreRef = table.log_store();
        let state = runtime.wait(DeltaTableState::try_new(log.as_ref(), None))??;
        table.state = Some(state);
        publish(&table);
        Ok(())
    }

    fn sync(&self, first: u64, last: u64) -> Result<(), StoreError> {
        for version in first..=last {
            sync_file(&commit_file(&self.dir, version))?;
        }
        sync_folder(&self.dir.join(LOG))
    }

    fn lock(&self) -> MutexGuard<'_, DeltaTable> {
        // A table is replaced as a whole, so a panic elsewhere cannot leave half of one.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn append(table: &mut DeltaTable, change: Change) -> Result<(), StoreError> {
    let mut properties = quiet();
    if let Some((node, position)) = change.position {
        let version = i64::try_from(position.0).unwrap_or(i64::MAX);
        properties = properties.with_application_transaction(Transaction::new(app_id(node), version));
    }
    let log = table.log_store();
    let commit = CommitBuilder::from(properties)
        .with_actions(change.actions)
        .build(Some(table.snapshot()?), log, change.operation)
        .await?;
    table.state = Some(commit.snapshot());
    Ok(())
}

/// How to tell whether a change is in the table.
enum Proof {
    Position(NodeId, Position),
    Added(String),
    Removed(String),
    Nothing,
}

impl Proof {
    fn of(change: &Change) -> Self {
        if let Some((node, position)) = change.position {
            return Self::Position(node, position);
        }
        let added = change.actions.iter().find_map(|action| match action {
            Action::Add(add) => Some(Self::Added(add.path.clone())),
            _ => None,
        });
        let removed = || {
            change.actions.iter().find_map(|action| match action {
                Action::Remove(remove) => Some(Self::Removed(remove.path.clone())),
                _ => None,
            })
        };
        added.or_else(removed).unwrap_or(Self::Nothing)
    }

    async fn holds(&self, table: &DeltaTable) -> Result<bool, StoreError> {
        let has = |path: &str| -> Result<bool, StoreError> {
            Ok(table.snapshot()?.log_data().iter().any(|file| file.path() == path))
        };
        match self {
            Self::Position(node, position) => Ok(committed(table, *node).await? >= *position),
            Self::Added(path) => has(path),
            Self::Removed(path) => Ok(!has(path)?),
            Self::Nothing => Ok(false),
        }
    }
}
