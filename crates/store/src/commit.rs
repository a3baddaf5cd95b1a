//! The one place that changes the table: every commit of this process goes through here, one after the other.

use std::io::ErrorKind;
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
    newest: Mutex<Newest>,
}

#[derive(Debug)]
struct Newest {
    table: DeltaTable,
    /// The first version whose file may not be on disk for good yet.
    unsynced: u64,
    /// A flush may be in the log although nobody was shown it. Until that is settled nothing may follow: a snapshot of
    /// what follows would hold the rows of that flush twice, in the table and in the tail.
    unsettled: bool,
}

/// Why a change is not in the table.
pub(crate) struct NotCommitted {
    pub(crate) cause: StoreError,
    /// Whether it is certain that the change is not in the log. Its files may be deleted only then.
    pub(crate) certain: bool,
}

impl NotCommitted {
    fn perhaps(cause: impl Into<StoreError>) -> Self {
        Self { cause: cause.into(), certain: false }
    }
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
        // Opening may just have created the table or added columns.
        let unsynced = table.version().unwrap_or_default().saturating_sub(1);
        Self { dir, newest: Mutex::new(Newest { table, unsynced, unsettled: false }) }
    }

    /// The newest state.
    pub(crate) fn table(&self) -> DeltaTable {
        self.lock().table.clone()
    }

    /// Commits a change and makes it durable, then shows the new state to `publish` before anyone can commit again.
    pub(crate) fn commit(
        &self,
        runtime: &Runtime,
        change: Change,
        publish: impl FnOnce(&DeltaTable),
    ) -> Result<(), NotCommitted> {
        let mut newest = self.lock();
        let is_flush = change.position.is_some();
        if newest.unsettled && !is_flush {
            return Err(NotCommitted { cause: StoreError::Unsettled, certain: true });
        }
        newest.unsettled = is_flush;
        let proof = Proof::of(&change);
        let table = &mut newest.table;
        if let Err(cause) = runtime.wait(append(table, change)).map_err(NotCommitted::perhaps)? {
            // The commit may have been written although its writer failed: only the log knows.
            let landed = runtime.wait(proof.holds_now(table)).map_err(NotCommitted::perhaps)?;
            if !landed.map_err(NotCommitted::perhaps)? {
                newest.unsettled = false;
                return Err(NotCommitted { cause, certain: true });
            }
        }
        self.settle(&mut newest, publish).map_err(NotCommitted::perhaps)
    }

    /// Settles what an earlier attempt to commit `position` left open. Returns whether the position is in the table; it
    /// is shown to `publish` then.
    pub(crate) fn resume(
        &self,
        runtime: &Runtime,
        node: NodeId,
        position: Position,
        publish: impl FnOnce(&DeltaTable),
    ) -> Result<bool, StoreError> {
        let mut newest = self.lock();
        if !newest.unsettled {
            return Ok(false);
        }
        let landed = runtime.wait(Proof::Position(node, position).holds_now(&mut newest.table))??;
        if landed {
            self.settle(&mut newest, publish)?;
        }
        newest.unsettled = false;
        Ok(landed)
    }

    /// Reads the state again from the log, whose older part may be gone, and shows it to `publish`.
    pub(crate) fn reload(&self, runtime: &Runtime, publish: impl FnOnce(&DeltaTable)) -> Result<(), StoreError> {
        let mut newest = self.lock();
        if newest.unsettled {
            return Err(StoreError::Unsettled);
        }
        let log: LogStoreRef = newest.table.log_store();
        let state = runtime.wait(DeltaTableState::try_new(log.as_ref(), None))??;
        newest.table.state = Some(state);
        publish(&newest.table);
        Ok(())
    }

    /// Makes the newest versions durable and shows them.
    fn settle(&self, newest: &mut Newest, publish: impl FnOnce(&DeltaTable)) -> Result<(), StoreError> {
        let last = newest.table.version().unwrap_or_default();
        for version in newest.unsynced..=last {
            match sync_file(&commit_file(&self.dir, version)) {
                // A checkpoint has taken its place.
                Err(StoreError::Io { cause, .. }) if cause.kind() == ErrorKind::NotFound && version < last => {}
                other => other?,
            }
        }
        sync_folder(&self.dir.join(LOG))?;
        newest.unsynced = last + 1;
        publish(&newest.table);
        newest.unsettled = false;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Newest> {
        // A table is replaced as a whole, and `unsettled` says so when a panic came between.
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Whether the log says so, read to its end.
    async fn holds_now(&self, table: &mut DeltaTable) -> Result<bool, StoreError> {
        table.update_state().await?;
        self.holds(table).await
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
