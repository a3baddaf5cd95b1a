//! What each intake received, by day of receipt.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use tidegate_event::{IntakeId, Position, Timestamp};

use crate::clock::rfc3339_or_null;
use crate::database::{Id, Time};
use crate::error::StateError;
use crate::state::State;

/// How much came in, and when last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Records parsed without remark.
    pub valid: u64,
    /// Records parsed with a remark.
    pub warning: u64,
    /// Records that could not be parsed.
    pub invalid: u64,
    /// Records dropped because they had been seen before.
    pub duplicates: u64,
    /// Bytes received, compressed as they came.
    pub bytes: u64,
    /// Batches received.
    pub batches: u64,
    /// When the last batch was received.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub last_batch: Option<Timestamp>,
    /// The latest time that an event bore.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub last_event: Option<Timestamp>,
}

impl Counts {
    /// Adds another count to this one.
    pub fn add(&mut self, other: &Self) {
        self.valid = self.valid.saturating_add(other.valid);
        self.warning = self.warning.saturating_add(other.warning);
        self.invalid = self.invalid.saturating_add(other.invalid);
        self.duplicates = self.duplicates.saturating_add(other.duplicates);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.batches = self.batches.saturating_add(other.batches);
        self.last_batch = self.last_batch.max(other.last_batch);
        self.last_event = self.last_event.max(other.last_event);
    }
}

/// What one intake received on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DayCounts {
    /// The intake.
    pub intake: IntakeId,
    /// The day of receipt, counted from 1970-01-01 in UTC.
    pub day: i32,
    /// What came in.
    #[serde(flatten)]
    pub counts: Counts,
}

impl State {
    /// Adds what the batches up to and including `position` held, on the day of their `last_batch` (today when it is not
    /// set). Returns whether it was added: a position that was counted before adds nothing, so a replay never doubles a
    /// number. Batches at or below [`State::counted`] must therefore be left out of the sum.
    ///
    /// # Errors
    /// When the database fails; nothing is added then.
    pub fn add_counts(&self, position: Position, counts: &[(IntakeId, Counts)]) -> Result<bool, StateError> {
        let today = self.now().day();
        let mut database = self.database();
        // Counting happens all the time and a power cut at worst takes back the last few, so it does not wait for the
        // disk: in WAL mode NORMAL leaves out the sync at commit.
        database.connection.pragma_update(None, "synchronous", "NORMAL")?;
        let added = crate::state::write(&mut database.connection, |transaction| {
            let moved = transaction
                .prepare_cached("UPDATE counted SET position = ?1 WHERE position < ?1")?
                .execute([stored(position.0)])?;
            if moved == 0 {
                return Ok(false);
            }
            for (intake, counts) in counts {
                add(transaction, *intake, counts.last_batch.map_or(today, Timestamp::day), counts)?;
            }
            Ok(true)
        });
        database.connection.pragma_update(None, "synchronous", "FULL")?;
        added
    }

    /// The highest position that was counted.
    ///
    /// # Errors
    /// When the database fails.
    pub fn counted(&self) -> Result<Position, StateError> {
        self.read(|connection| {
            let position: i64 = connection.query_row("SELECT position FROM counted", [], |row| row.get(0))?;
            Ok(Position(u64::try_from(position).unwrap_or(0)))
        })
    }

    /// What one intake received in all time, or in the last `days` days, today being one of them.
    ///
    /// # Errors
    /// When the database fails.
    pub fn counts(&self, intake: IntakeId, days: Option<u32>) -> Result<Counts, StateError> {
        let mut sum = Counts::default();
        for day in self.days(Some(intake), days)? {
            sum.add(&day.counts);
        }
        Ok(sum)
    }

    /// What each intake received in all time, or in the last `days` days.
    ///
    /// # Errors
    /// When the database fails.
    pub fn counts_of_all(&self, days: Option<u32>) -> Result<BTreeMap<IntakeId, Counts>, StateError> {
        let mut sums = BTreeMap::<IntakeId, Counts>::new();
        for day in self.days(None, days)? {
            sums.entry(day.intake).or_default().add(&day.counts);
        }
        Ok(sums)
    }

    /// The days of one intake or of all, oldest first; days on which nothing came are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub fn days(&self, intake: Option<IntakeId>, days: Option<u32>) -> Result<Vec<DayCounts>, StateError> {
        let today = i64::from(self.now().day());
        let from = days.map_or(i64::MIN, |days| today + 1 - i64::from(days));
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT intake, day, valid, warning, invalid, duplicates, bytes, batches, last_batch, last_event
                 FROM intake_days WHERE day >= ?1 AND (?2 IS NULL OR intake = ?2) ORDER BY day, intake",
            )?;
            let rows = statement.query_map(params![from, intake.map(|id| Id(id.0))], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn add(connection: &Connection, intake: IntakeId, day: i32, more: &Counts) -> Result<(), StateError> {
    let sql = "SELECT intake, day, valid, warning, invalid, duplicates, bytes, batches, last_batch, last_event
               FROM intake_days WHERE intake = ?1 AND day = ?2";
    let old = connection.prepare_cached(sql)?.query_row(params![Id(intake.0), day], read).optional()?;
    let mut sum = old.map_or_else(Counts::default, |old| old.counts);
    sum.add(more);
    let sql = "INSERT OR REPLACE INTO intake_days VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    connection.prepare_cached(sql)?.execute(params![
        Id(intake.0),
        day,
        stored(sum.valid),
        stored(sum.warning),
        stored(sum.invalid),
        stored(sum.duplicates),
        stored(sum.bytes),
        stored(sum.batches),
        sum.last_batch.map(Time),
        sum.last_event.map(Time),
    ])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<DayCounts> {
    let number = |index| row.get::<_, i64>(index).map(|number| u64::try_from(number).unwrap_or(0));
    Ok(DayCounts {
        intake: IntakeId(row.get::<_, Id>(0)?.0),
        day: row.get(1)?,
        counts: Counts {
            valid: number(2)?,
            warning: number(3)?,
            invalid: number(4)?,
            duplicates: number(5)?,
            bytes: number(6)?,
            batches: number(7)?,
            last_batch: row.get::<_, Option<Time>>(8)?.map(|time| time.0),
            last_event: row.get::<_, Option<Time>>(9)?.map(|time| time.0),
        },
    })
}

/// SQLite's integers are signed.
fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
