//! Buckets that are followed: how far, which objects are done with, and which could not be taken.

mod step;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use tidegate_event::Timestamp;

use crate::bounds::unstored;
use crate::clock::{rfc3339, rfc3339_or_null};
use crate::database::Time;
use crate::error::StateError;
use crate::state::State;
pub use step::BucketStep;

/// Buckets that may be followed over time; one whose place changes is another one.
const BUCKETS_MAX: i64 = 500;
/// The longest text that says where a bucket is.
const PLACE_BYTES_MAX: usize = 4 << 10;
/// Objects that could not be taken that are kept for people, for each bucket; the oldest go first.
pub const BUCKET_REJECTS_MAX: i64 = 1000;

/// Identifies a followed bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct BucketId(pub i64);

/// How far a bucket was followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketMark {
    /// Everything up to this key is done with, save what came later.
    pub floor: String,
    /// The latest change of an object below the floor that is not remembered any more.
    pub forgotten: Option<Timestamp>,
    /// The latest time in the name of an object that is done with.
    pub named: Option<Timestamp>,
    /// The latest change of an object that is done with.
    pub newest: Option<Timestamp>,
}

/// What is remembered of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketObject {
    /// Its key.
    pub key: String,
    /// Which version of it: its ETag, or size and time of change where there is none.
    pub version: String,
    /// When the bucket says that it was changed.
    pub changed: Timestamp,
    /// What became of it.
    pub state: BucketState,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketState {
    /// It was about to be stored, and may have been.
    Begun {
        /// What the journal knows it by.
        token: [u8; 16],
        /// When it was to be stored.
        at: Timestamp,
    },
    /// It is stored, or holds nothing.
    Done,
    /// It could not be read and is tried again.
    Failing {
        /// How often it was tried.
        tries: u32,
        /// When it is tried next.
        due: Timestamp,
    },
    /// It will never be taken.
    Rejected,
}

/// An object that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BucketReject {
    /// Its key.
    pub key: String,
    /// Which version of it.
    pub version: String,
    /// Its size.
    pub bytes: u64,
    /// When it was changed.
    #[serde(serialize_with = "rfc3339")]
    pub changed: Timestamp,
    /// Why it was not taken.
    pub reason: String,
    /// How often it was tried.
    pub tries: u32,
    /// Whether it is given up; else it is tried again.
    pub is_final: bool,
    /// When that was found.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
}

/// What was taken from a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BucketCounts {
    /// Objects that are stored or hold nothing.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records in them.
    pub records: u64,
    /// Of the objects, those whose content the intake had already.
    pub repeated: u64,
    /// Objects that were given up.
    pub rejected: u64,
}

/// A followed bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// Its id.
    pub id: BucketId,
    /// Where it is, and for which intake.
    pub place: String,
    /// What was taken from it, ever.
    #[serde(flatten)]
    pub counts: BucketCounts,
    /// The latest change of an object that is done with.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub newest: Option<Timestamp>,
    /// When it was last looked through to the end.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub polled: Option<Timestamp>,
    /// Why the last look failed; nothing when it did not.
    pub error: Option<String>,
    /// Since when every look failed.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub failing: Option<Timestamp>,
}

impl State {
    /// The bucket at `place`, made known when it is followed for the first time.
    ///
    /// # Errors
    /// [`StateError::Invalid`] for a place that is too long, or one too many.
    pub fn bucket(&self, place: &str) -> Result<BucketId, StateError> {
        if place.len() > PLACE_BYTES_MAX {
            return Err(StateError::invalid("bucket", format!("has a place longer than {PLACE_BYTES_MAX} bytes")));
        }
        let now = self.now();
        self.write(|transaction| {
            let sql = "SELECT id FROM bucket_sources WHERE place = ?1";
            if let Some(id) = transaction.query_row(sql, [place], |row| row.get(0)).optional()? {
                return Ok(BucketId(id));
            }
            let count = transaction.query_row("SELECT count(*) FROM bucket_sources", [], |row| row.get(0))?;
            crate::bounds::check_room("bucket", count, BUCKETS_MAX)?;
            let sql = "INSERT INTO bucket_sources (place, created) VALUES (?1, ?2)";
            transaction.execute(sql, params![place, Time(now)])?;
            Ok(BucketId(transaction.last_insert_rowid()))
        })
    }

    /// All buckets that were ever followed and not forgotten.
    ///
    /// # Errors
    /// When the database fails.
    pub fn buckets(&self) -> Result<Vec<Bucket>, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, place, objects, bytes, records, repeated, rejected, newest, polled, error, failing
                 FROM bucket_sources ORDER BY id",
            )?;
            Ok(statement.query_map([], read_bucket)?.collect::<Result<_, _>>()?)
        })
    }

    /// Forgets a bucket; when it is followed again, every object in it is taken anew.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn forget_bucket(&self, id: BucketId) -> Result<(), StateError> {
        self.write(|transaction| match transaction.execute("DELETE FROM bucket_sources WHERE id = ?1", [id.0])? {
            0 => Err(StateError::not_found("bucket", id.0)),
            _ => Ok(()),
        })
    }

    /// How far a bucket was followed.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn bucket_mark(&self, id: BucketId) -> Result<BucketMark, StateError> {
        self.read(|connection| mark_of(connection, id))
    }

    /// How many objects of a bucket are remembered.
    ///
    /// # Errors
    /// When the database fails.
    pub fn bucket_object_count(&self, id: BucketId) -> Result<u64, StateError> {
        self.read(|connection| {
            let sql = "SELECT count(*) FROM bucket_objects WHERE source = ?1";
            Ok(unstored(connection.query_row(sql, [id.0], |row| row.get(0))?))
        })
    }

    /// What is remembered of the objects behind `after` up to `upto` (to the end without one), by key, the first `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn bucket_objects(
        &self,
        id: BucketId,
        after: &str,
        upto: Option<&str>,
        limit: u32,
    ) -> Result<Vec<BucketObject>, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT key, version, changed, state, token, tries, at FROM bucket_objects
                 WHERE source = ?1 AND key > ?2 AND (?3 IS NULL OR key <= ?3) ORDER BY key LIMIT ?4",
            )?;
            let rows = statement.query_map(params![id.0, after, upto, limit], read_object)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The objects that may or may not have been stored when the process ended.
    ///
    /// # Errors
    /// When the database fails.
    pub fn bucket_begun(&self, id: BucketId) -> Result<Vec<BucketObject>, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT key, version, changed, state, token, tries, at FROM bucket_objects
                 WHERE source = ?1 AND state = 'begun' ORDER BY key",
            )?;
            Ok(statement.query_map([id.0], read_object)?.collect::<Result<_, _>>()?)
        })
    }

    /// What could not be taken, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn bucket_rejects(&self, id: BucketId, limit: u32) -> Result<Vec<BucketReject>, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT key, version, bytes, changed, reason, tries, final, at FROM bucket_rejects
                 WHERE source = ?1 ORDER BY at DESC, key LIMIT ?2",
            )?;
            let rows = statement.query_map(params![id.0, limit], |row| {
                Ok(BucketReject {
                    key: row.get(0)?,
                    version: row.get(1)?,
                    bytes: unstored(row.get(2)?),
                    changed: row.get::<_, Time>(3)?.0,
                    reason: row.get(4)?,
                    tries: row.get(5)?,
                    is_final: row.get(6)?,
                    at: row.get::<_, Time>(7)?.0,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn mark_of(connection: &Connection, id: BucketId) -> Result<BucketMark, StateError> {
    let sql = "SELECT floor, forgotten, named, newest FROM bucket_sources WHERE id = ?1";
    let read = |row: &Row<'_>| {
        let time = |index| row.get::<_, Option<Time>>(index).map(|time| time.map(|time| time.0));
        Ok(BucketMark { floor: row.get(0)?, forgotten: time(1)?, named: time(2)?, newest: time(3)? })
    };
    connection
        .prepare_cached(sql)?
        .query_row([id.0], read)
        .optional()?
        .ok_or_else(|| StateError::not_found("bucket", id.0))
}

fn read_bucket(row: &Row<'_>) -> rusqlite::Result<Bucket> {
    let number = |index| row.get::<_, i64>(index).map(unstored);
    let time = |index| row.get::<_, Option<Time>>(index).map(|time| time.map(|time| time.0));
    Ok(Bucket {
        id: BucketId(row.get(0)?),
        place: row.get(1)?,
        counts: BucketCounts {
            objects: number(2)?,
            bytes: number(3)?,
            records: number(4)?,
            repeated: number(5)?,
            rejected: number(6)?,
        },
        newest: time(7)?,
        polled: time(8)?,
        error: row.get(9)?,
        failing: time(10)?,
    })
}

fn read_object(row: &Row<'_>) -> rusqlite::Result<BucketObject> {
    let at = row.get::<_, Option<Time>>(6)?.map_or(Timestamp::default(), |time| time.0);
    let state = match row.get::<_, String>(3)?.as_str() {
        "begun" => {
            let bytes: Option<Vec<u8>> = row.get(4)?;
            let token = bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
            BucketState::Begun { token, at }
        }
        "failing" => BucketState::Failing { tries: row.get(5)?, due: at },
        "rejected" => BucketState::Rejected,
        _ => BucketState::Done,
    };
    Ok(BucketObject { key: row.get(0)?, version: row.get(1)?, changed: row.get::<_, Time>(2)?.0, state })
}

#[cfg(test)]
mod tests;
