//! The store: what the pipeline writes to and queries read from.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use deltalake::DeltaTable;
use tidegate_event::{NodeId, Position};

use crate::commit::Committer;
use crate::encode::{EncodedBatch, Encoder};
use crate::error::StoreError;
use crate::file::{DataFile, has_deletions};
use crate::graveyard::Graveyard;
use crate::options::Options;
use crate::schema::Schema;
use crate::snapshot::Snapshot;
use crate::stats::Stats;
use crate::table::{self, Runtime};
use crate::tail::Tail;
use crate::{flush, maintain};

/// Longest sleep of a waiting thread; a missed wake-up costs no more than this.
const NAP: Duration = Duration::from_millis(500);

/// What to do once a position is in the table.
type OnCommit = Arc<dyn Fn(Position) + Send + Sync>;

/// A table of events and its tail. One process writes to a folder at a time; the journal's lock sees to that.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What the threads of the store share.
pub(crate) struct Shared {
    pub(crate) dir: Arc<Path>,
    pub(crate) options: Options,
    pub(crate) schema: Arc<Schema>,
    /// Whose journal positions the commits carry; nobody's when the store is open for reading only.
    pub(crate) node: Option<NodeId>,
    pub(crate) committer: Committer,
    pub(crate) runtime: Runtime,
    pub(crate) graveyard: Mutex<Graveyard>,
    /// Held by whoever does maintenance.
    pub(crate) maintenance: Mutex<()>,
    on_commit: Mutex<Option<OnCommit>>,
    state: Mutex<State>,
    /// The flush thread has something to look at.
    pub(crate) work: Condvar,
    /// The tail has shrunk, or a flush failed.
    pub(crate) progress: Condvar,
    /// The maintenance thread has something to look at.
    pub(crate) chores: Condvar,
}

/// What changes from moment to moment, under one lock: whoever holds it sees every row exactly once.
pub(crate) struct State {
    /// The files of the table.
    pub(crate) data: Arc<[Arc<DataFile>]>,
    pub(crate) tail: Tail,
    pub(crate) stats: Stats,
    /// The position that someone waits for in [`Store::flush`].
    pub(crate) wanted: Position,
    /// Flushes that failed since the store was opened.
    pub(crate) failures: u64,
    /// Commits since the last checkpoint.
    pub(crate) commits: u64,
    pub(crate) stop: bool,
}

impl Store {
    /// Opens the table in `dir`, or creates it. `schema` comes from [`Schema::from_fields`]; the table keeps the
    /// columns it has and learns those it lacks.
    ///
    /// # Errors
    /// When the folder cannot be read or written, or a column has another type than before.
    pub fn open(dir: &Path, schema: Schema, node: NodeId, options: Options) -> Result<Self, StoreError> {
        let runtime = Runtime::start()?;
        let (delta, schema) = runtime.wait(table::open(dir, &schema, options.vacuum_after))??;
        let committed = runtime.wait(table::committed(&delta, node))??;
        let graveyard = Graveyard::open(dir, &delta)?;
        let shared = Arc::new(Shared::new(dir, schema, Some(node), options, runtime, delta, graveyard, committed)?);
        let threads = vec![
            spawn("store-flush", Arc::clone(&shared), flush::run)?,
            spawn("store-maintain", Arc::clone(&shared), maintain::run)?,
        ];
        Ok(Self { shared, threads })
    }

    /// Opens the table in `dir` for reading, beside a process that may write to it. Sees what is committed now.
    ///
    /// # Errors
    /// When there is no table, or it cannot be read.
    pub fn open_read_only(dir: &Path) -> Result<Self, StoreError> {
        let runtime = Runtime::start()?;
        let (delta, schema) = runtime.wait(table::open_read_only(dir))??;
        let graveyard = Graveyard::default();
        let options = Options::default();
        let shared = Shared::new(dir, schema, None, options, runtime, delta, graveyard, Position::default())?;
        Ok(Self { shared: Arc::new(shared), threads: Vec::new() })
    }

    /// The last position whose rows are all in the table.
    #[must_use]
    pub fn committed(&self) -> Position {
        self.shared.lock().stats.committed
    }

    /// The columns of the table.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.shared.schema
    }

    /// An encoder for the table's columns; one a thread.
    #[must_use]
    pub fn encoder(&self) -> Encoder {
        Encoder::new(Arc::clone(&self.shared.schema))
    }

    /// Adds the rows of the journal batch at `position`, all of them at once and in the order of positions. They are
    /// visible to the next snapshot. Waits while the tail is over its bound. A position that was published before, or
    /// is in the table already, is left out.
    ///
    /// # Errors
    /// When the store is closed or only open for reading.
    pub fn publish(&self, batch: EncodedBatch, position: Position) -> Result<(), StoreError> {
        let shared = &*self.shared;
        if shared.node.is_none() {
            return Err(StoreError::Closed);
        }
        let mut state = shared.lock();
        let mut waited = false;
        while state.tail.bytes() >= shared.options.tail_bytes_max && !state.stop {
            if !std::mem::replace(&mut waited, true) {
                state.stats.publish_waits += 1;
            }
            shared.work.notify_one();
            state = shared.nap(&shared.progress, state);
        }
        if state.stop {
            return Err(StoreError::Closed);
        }
        if position <= state.stats.published {
            return Ok(());
        }
        state.stats.published = position;
        state.tail.push(batch, position, Instant::now());
        let options = &shared.options;
        if state.tail.rows() >= options.flush_rows || state.tail.bytes() >= options.flush_bytes {
            shared.work.notify_one();
        }
        Ok(())
    }

    /// Calls `done` with each position that reached the table, from the thread that brought it there.
    pub fn on_commit(&self, done: Box<dyn Fn(Position) + Send + Sync>) {
        *self.shared.on_commit.lock().unwrap_or_else(PoisonError::into_inner) = Some(done.into());
    }

    /// Waits until everything published so far is in the table.
    ///
    /// # Errors
    /// When an attempt to write it failed. The rows stay in the tail and are tried again.
    pub fn flush(&self) -> Result<(), StoreError> {
        let shared = &*self.shared;
        if shared.node.is_none() {
            return Ok(());
        }
        let mut state = shared.lock();
        let (wanted, failures) = (state.stats.published, state.failures);
        state.wanted = state.wanted.max(wanted);
        while state.stats.committed < wanted {
            if state.stop {
                return Err(StoreError::Closed);
            }
            if state.failures > failures {
                return Err(StoreError::Flush(state.stats.flush_failure.clone().unwrap_or_default()));
            }
            shared.work.notify_one();
            state = shared.nap(&shared.progress, state);
        }
        Ok(())
    }

    /// Table and tail as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let state = self.shared.lock();
        Snapshot {
            version: state.stats.version,
            dir: Arc::clone(&self.shared.dir),
            data: Arc::clone(&state.data),
            tail: state.tail.batches(),
            arrow_schema: Arc::clone(self.shared.schema.arrow()),
            schema: Arc::clone(&self.shared.schema),
            files_bytes: state.stats.table_bytes,
            files: state.stats.table_files,
            rows: state.stats.table_rows + state.tail.rows() as u64,
        }
    }

    /// How the store is doing.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let state = self.shared.lock();
        Stats { tail_rows: state.tail.rows() as u64, tail_bytes: state.tail.bytes() as u64, ..state.stats.clone() }
    }

    /// Does now what the maintenance thread does in its own time: compaction, checkpoint, retention, vacuum.
    ///
    /// # Errors
    /// When a part of it failed.
    pub fn maintain(&self) -> Result<(), StoreError> {
        if self.shared.node.is_none() {
            return Err(StoreError::Closed);
        }
        maintain::once(&self.shared)
    }
}

impl Drop for Store {
    /// Stops the threads. Rows of the tail stay in the journal; call [`flush`](Store::flush) first to spare the replay.
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        for bell in [&self.shared.work, &self.shared.progress, &self.shared.chores] {
            bell.notify_all();
        }
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("dir", &self.dir).field("options", &self.options).finish_non_exhaustive()
    }
}

impl Shared {
    #[expect(clippy::too_many_arguments, reason = "called twice, right above")]
    fn new(
        dir: &Path,
        schema: Schema,
        node: Option<NodeId>,
        options: Options,
        runtime: Runtime,
        delta: DeltaTable,
        graveyard: Graveyard,
        committed: Position,
    ) -> Result<Self, StoreError> {
        let dir = std::path::absolute(dir).map_err(StoreError::io(dir))?;
        let stats = Stats { published: committed, committed, ..Stats::default() };
        let mut state = State {
            data: Arc::default(),
            tail: Tail::default(),
            stats,
            wanted: Position::default(),
            failures: 0,
            commits: 0,
            stop: false,
        };
        state.show(&delta);
        Ok(Self {
            committer: Committer::new(dir.clone(), delta),
            dir: dir.into(),
            options,
            schema: Arc::new(schema),
            node,
            runtime,
            graveyard: Mutex::new(graveyard),
            maintenance: Mutex::new(()),
            on_commit: Mutex::new(None),
            state: Mutex::new(state),
            work: Condvar::new(),
            progress: Condvar::new(),
            chores: Condvar::new(),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before the lock is given back, so a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a bell, or a while.
    pub(crate) fn nap<'a>(&self, bell: &Condvar, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.sleep(bell, state, NAP)
    }

    /// Waits for a bell, or for `time`.
    pub(crate) fn sleep<'a>(
        &self,
        bell: &Condvar,
        state: MutexGuard<'a, State>,
        time: Duration,
    ) -> MutexGuard<'a, State> {
        bell.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn tell_committed(&self, position: Position) {
        let done = self.on_commit.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(done) = done {
            done(position);
        }
    }
}

impl State {
    /// Takes over a new state of the table. Of files that it had before it knows all there is to know.
    pub(crate) fn show(&mut self, table: &DeltaTable) {
        let known: HashMap<&str, &Arc<DataFile>> = self.data.iter().map(|file| (file.path.as_str(), file)).collect();
        let views = table::files(table).unwrap_or_default();
        let data: Arc<[Arc<DataFile>]> = views
            .iter()
            .map(|view| match known.get(&*view.path()) {
                Some(file) if file.has_deletions == has_deletions(view) => Arc::clone(file),
                _ => Arc::new(DataFile::of(view)),
            })
            .collect();
        let stats = &mut self.stats;
        stats.version = table.version().unwrap_or_default();
        stats.table_files = data.len() as u64;
        stats.table_bytes = data.iter().map(|file| file.bytes).sum();
        stats.table_rows = data.iter().map(|file| file.rows).sum();
        self.data = data;
    }
}

fn spawn(name: &str, shared: Arc<Shared>, run: fn(&Shared)) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(move || run(&shared)).map_err(StoreError::Threads)
}

#[cfg(test)]
mod tests;
