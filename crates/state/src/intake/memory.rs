//! All intakes and keys in memory, since each batch asks for them, and the watch for what other processes change.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tidegate_event::{IntakeId, Timestamp};

use super::{Intake, SELECT, read};
use crate::database::{Id, Time};
use crate::error::StateError;
use crate::name::fold;
use crate::secret::{Digest, same};
use crate::state::{Database, State};

/// How long an answer from memory may be older than another process's change.
const HIT_POLL: Duration = Duration::from_secs(1);
/// How often an unknown key makes us look for new ones: as fast as a person can create a key and use it, and still at
/// most 200 times a second however many bad keys arrive.
pub(super) const MISS_POLL: Duration = Duration::from_millis(5);

/// Everything that is known of intakes at one revision.
#[derive(Debug)]
pub(crate) struct Memory {
    revision: i64,
    by_id: HashMap<IntakeId, Arc<Intake>>,
    by_name: HashMap<String, Arc<Intake>>,
    by_key: HashMap<Digest, Key>,
}

#[derive(Debug)]
struct Key {
    digest: Digest,
    intake: Arc<Intake>,
    expires: Option<Timestamp>,
}

impl Memory {
    /// Reads all intakes and keys.
    pub(crate) fn load(connection: &Connection) -> Result<Self, StateError> {
        // One transaction, so that the revision belongs to the rows.
        let transaction = connection.unchecked_transaction()?;
        let mut memory = Self {
            revision: revision(&transaction)?,
            by_id: HashMap::new(),
            by_name: HashMap::new(),
            by_key: HashMap::new(),
        };
        let mut statement = transaction.prepare_cached(SELECT)?;
        for intake in statement.query_map([], read)? {
            let intake = Arc::new(intake?);
            if intake.deleted.is_none() {
                memory.by_name.insert(fold(&intake.name), Arc::clone(&intake));
            }
            memory.by_id.insert(intake.id, intake);
        }
        let mut statement = transaction.prepare_cached("SELECT digest, intake, expires FROM intake_keys")?;
        let keys = statement.query_map([], |row| {
            Ok((row.get::<_, Digest>(0)?, row.get::<_, Id>(1)?, row.get::<_, Option<Time>>(2)?))
        })?;
        for key in keys {
            let (digest, id, expires) = key?;
            if let Some(intake) = memory.by_id.get(&IntakeId(id.0)) {
                let key = Key { digest, intake: Arc::clone(intake), expires: expires.map(|time| time.0) };
                memory.by_key.insert(digest, key);
            }
        }
        Ok(memory)
    }

    pub(super) fn intakes(&self) -> impl Iterator<Item = &Arc<Intake>> {
        self.by_id.values()
    }

    pub(super) fn by_id(&self, id: IntakeId) -> Option<Arc<Intake>> {
        self.by_id.get(&id).cloned()
    }

    pub(super) fn by_name(&self, folded: &str) -> Option<Arc<Intake>> {
        self.by_name.get(folded).cloned()
    }

    /// The map finds a candidate by the hash of the key, of which a sender cannot choose even one bit; the comparison
    /// itself then takes the same time wherever two hashes differ.
    pub(super) fn by_key(&self, digest: &Digest, now: Timestamp) -> Option<Arc<Intake>> {
        let key = self.by_key.get(digest).filter(|key| same(&key.digest, digest))?;
        let alive = key.expires.is_none_or(|expires| now < expires);
        (alive && key.intake.deleted.is_none()).then(|| Arc::clone(&key.intake))
    }
}

impl State {
    pub(super) fn memory(&self) -> Arc<Memory> {
        Arc::clone(&self.memory.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn remember(&self, memory: Memory) {
        *self.memory.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(memory);
    }

    /// Looks something up in memory; when it is not there, looks once more if memory was stale.
    pub(super) fn recall<T>(&self, look: impl Fn(&Memory) -> Option<T>) -> Option<T> {
        self.refresh_memory(HIT_POLL);
        let found = look(&self.memory());
        if found.is_some() || !self.refresh_memory(MISS_POLL) {
            return found;
        }
        look(&self.memory())
    }

    /// Renews memory if another process changed intakes, asking at most once in `every`. Returns whether it was renewed.
    /// A failing database leaves memory as it is: whoever could send before can go on sending.
    pub(super) fn refresh_memory(&self, every: Duration) -> bool {
        let now = u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX);
        let last = self.polled_micros.load(Ordering::Relaxed);
        let due = last.saturating_add(u64::try_from(every.as_micros()).unwrap_or(u64::MAX));
        if now < due || self.polled_micros.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return false;
        }
        // A regular look does not wait for a write in progress; a sender with a new key does.
        let database = if every == MISS_POLL { Some(self.database()) } else { self.database_if_free() };
        let Some(mut database) = database else { return false };
        match changed(&mut database, self.memory().revision) {
            Ok(Some(memory)) => {
                self.remember(memory);
                true
            }
            Ok(None) | Err(_) => false,
        }
    }
}

/// The intakes anew, if any other connection wrote since the last look and the intakes' revision moved.
fn changed(database: &mut Database, known: i64) -> Result<Option<Memory>, StateError> {
    let connection = &database.connection;
    let version = connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
    if version == database.data_version {
        return Ok(None);
    }
    let memory = if revision(connection)? == known { None } else { Some(Memory::load(connection)?) };
    database.data_version = version;
    Ok(memory)
}

fn revision(connection: &Connection) -> Result<i64, StateError> {
    Ok(connection.prepare_cached("SELECT intakes FROM revision")?.query_row([], |row| row.get(0))?)
}
