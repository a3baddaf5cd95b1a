//! The open control plane.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tidegate_event::Timestamp;

use crate::alert;
use crate::asset::Assets;
use crate::audit;
use crate::clock::{Clock, before};
use crate::database::{self, Time};
use crate::error::StateError;
use crate::first::{self, FirstLogin};
use crate::intake::Memory;
use crate::outbox;
use crate::password::Gate;
use crate::throttle::Throttle;

/// For so long a finding that comes again is known. Replays reach back minutes; this leaves room for a restored backup.
const FINDINGS_KNOWN: Duration = Duration::from_hours(14 * 24);

/// How the control plane behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// The clock.
    pub clock: Clock,
    /// A session that was not used for so long is over.
    pub session_idle: Duration,
    /// Audit entries older than this are dropped.
    pub audit_age_max: Duration,
    /// Alerts that were closed or rejected longer ago are dropped; open ones stay.
    pub alert_age_max: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            session_idle: Duration::from_hours(12),
            audit_age_max: Duration::from_hours(400 * 24),
            alert_age_max: Duration::from_hours(400 * 24),
        }
    }
}

/// The control plane of one data directory. Share it behind an `Arc`; several processes may open the same file, and each
/// sees the others' changes (intakes within a second, everything else at once).
pub struct State {
    pub(crate) options: Options,
    pub(crate) memory: RwLock<Arc<Memory>>,
    pub(crate) polled_micros: AtomicU64,
    pub(crate) opened: Instant,
    pub(crate) throttle: Mutex<Throttle>,
    pub(crate) gate: Gate,
    /// Assets as they were at a revision.
    pub(crate) assets: Mutex<Option<(i64, Arc<Assets>)>>,
    database: Mutex<Database>,
}

/// The connection and what it last saw of other processes' writes.
pub(crate) struct Database {
    pub(crate) connection: Connection,
    pub(crate) data_version: i64,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

impl State {
    /// Opens or creates the database file at `path` (see [`crate::FILE_NAME`]). When it holds no user yet, creates the
    /// admin and returns their password, this once.
    ///
    /// # Errors
    /// [`StateError::Damaged`], [`StateError::Newer`] or [`StateError::File`] when the file cannot be used.
    pub fn open(path: &Path) -> Result<(Self, Option<FirstLogin>), StateError> {
        Self::open_with(path, Options::default())
    }

    /// As [`State::open`], with options.
    ///
    /// # Errors
    /// As [`State::open`].
    pub fn open_with(path: &Path, options: Options) -> Result<(Self, Option<FirstLogin>), StateError> {
        let mut connection = database::open(path)?;
        let first = first::create_admin(&mut connection, options.clock.now())?;
        let memory = Memory::load(&connection)?;
        let state = Self {
            options,
            memory: RwLock::new(Arc::new(memory)),
            polled_micros: AtomicU64::new(0),
            opened: Instant::now(),
            throttle: Mutex::default(),
            gate: Gate::default(),
            assets: Mutex::default(),
            database: Mutex::new(Database { connection, data_version: 0 }),
        };
        state.prune()?;
        Ok((state, first))
    }

    /// Drops what is past its time: sessions, replaced keys, old alerts, notices and audit entries. Done at opening; call it once a day.
    ///
    /// # Errors
    /// When the database fails.
    pub fn prune(&self) -> Result<(), StateError> {
        let now = self.now();
        let idle = before(now, self.options.session_idle);
        let audit_from = before(now, self.options.audit_age_max);
        self.write(|transaction| {
            transaction.execute("DELETE FROM sessions WHERE expires <= ?1 OR seen <= ?2", [Time(now), Time(idle)])?;
            transaction.execute("DELETE FROM intake_keys WHERE expires <= ?1", [Time(now)])?;
            alert::prune(transaction, before(now, self.options.alert_age_max), before(now, FINDINGS_KNOWN))?;
            outbox::prune(transaction, now)?;
            audit::prune(transaction, audit_from)
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// A panic while the lock was held rolled its transaction back, so the connection is as good as before.
    pub(crate) fn database(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, unless somebody uses it.
    pub(crate) fn database_if_free(&self) -> Option<MutexGuard<'_, Database>> {
        self.database.try_lock().ok()
    }

    /// Reads.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StateError>) -> Result<T, StateError> {
        work(&self.database().connection)
    }

    /// Changes, all or nothing. The write lock is taken at the start, so what `work` reads is still true when it commits.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        write(&mut self.database().connection, work)
    }
}

pub(crate) fn write<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, StateError>,
) -> Result<T, StateError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = work(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

#[cfg(test)]
mod tests;
