//! Many indicators at a time.

use rusqlite::{Connection, OptionalExtension, params};
use tidegate_event::Timestamp;

use super::{IndicatorRow, NewIndicator, SELECT, UPSERT_ROWS_MAX, Upserted, read};
use crate::collection::{self, CollectionId};
use crate::database::Time;
use crate::error::StateError;
use crate::state::State;

/// More indicators are not kept: the compiled set of so many takes some hundred megabytes.
const INDICATORS_MAX: i64 = 5_000_000;
const VALUE_BYTES_MAX: usize = 300;
const TEXT_BYTES_MAX: usize = 2 << 10;
const TAGS_BYTES_MAX: usize = 4 << 10;

impl State {
    /// Keeps indicators, [`UPSERT_ROWS_MAX`] in a transaction. One that its collection has already takes on the new
    /// facts; it keeps its number. `feed` tells where they came from. The audit trail tells of imports as a whole: see
    /// [`State::record`].
    ///
    /// # Errors
    /// [`StateError::NotFound`] for the collection; [`StateError::Invalid`] for texts beyond their bounds, or when there
    /// are too many indicators. What was written before stays.
    pub fn upsert_indicators(
        &self,
        collection: CollectionId,
        feed: Option<&str>,
        indicators: &[NewIndicator],
    ) -> Result<Upserted, StateError> {
        let mut done = Upserted::default();
        for indicator in indicators {
            check(indicator)?;
        }
        for rows in indicators.chunks(UPSERT_ROWS_MAX) {
            let now = self.now();
            let part = self.write(|transaction| {
                collection::by_id(transaction, collection)?;
                let part = upsert(transaction, collection, feed, rows, now)?;
                if part.added + part.updated > 0 {
                    collection::bump(transaction)?;
                }
                Ok(part)
            })?;
            done.added += part.added;
            done.updated += part.updated;
            done.unchanged += part.unchanged;
        }
        Ok(done)
    }
}

fn check(indicator: &NewIndicator) -> Result<(), StateError> {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    if indicator.value.is_empty() || indicator.value.len() > VALUE_BYTES_MAX {
        return Err(StateError::invalid("indicator value", "is empty or too long"));
    }
    if text(&indicator.reference) > TEXT_BYTES_MAX || text(&indicator.description) > TEXT_BYTES_MAX {
        return Err(StateError::invalid("indicator text", format!("is longer than {TEXT_BYTES_MAX} bytes")));
    }
    if indicator.tags.iter().map(|tag| tag.len() + 3).sum::<usize>() > TAGS_BYTES_MAX {
        return Err(StateError::invalid("indicator tags", format!("are longer than {TAGS_BYTES_MAX} bytes")));
    }
    if indicator.confidence.is_some_and(|sure| sure > 100) {
        return Err(StateError::invalid("indicator confidence", "must be 0 to 100"));
    }
    if !matches!(indicator.kind, "name" | "ip" | "network")
        || !matches!(indicator.scope, "exact" | "domain" | "subtree")
    {
        return Err(StateError::invalid("indicator kind or scope", "is none that we know"));
    }
    Ok(())
}

fn upsert(
    connection: &Connection,
    collection: CollectionId,
    feed: Option<&str>,
    rows: &[NewIndicator],
    now: Timestamp,
) -> Result<Upserted, StateError> {
    let mut find =
        connection.prepare_cached(&format!("{SELECT} WHERE i.value = ?1 AND i.collection = ?2 AND i.scope = ?3"))?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO indicators (collection, feed, value, kind, scope, tags, confidence, valid_from, valid_until,
           reference, description, created, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)",
    )?;
    let mut update = connection.prepare_cached(
        "UPDATE indicators SET feed = ?2, kind = ?3, tags = ?4, confidence = ?5, valid_from = ?6, valid_until = ?7,
           reference = ?8, description = ?9, seen = ?10 WHERE id = ?1",
    )?;
    let mut touch = connection.prepare_cached("UPDATE indicators SET feed = ?2, seen = ?3 WHERE id = ?1")?;
    let mut room = room(connection)?;
    let mut done = Upserted::default();
    for new in rows {
        let tags = serde_json::to_string(&new.tags).unwrap_or_else(|_| "[]".to_owned());
        let (from, until) = (new.valid_from.map(Time), new.valid_until.map(Time));
        match find.query_row(params![new.value, collection.0, new.scope], read).optional()? {
            None => {
                room -= 1;
                if room < 0 {
                    return Err(StateError::invalid("indicators", format!("are too many: {INDICATORS_MAX} are kept")));
                }
                insert.execute(params![
                    collection.0,
                    feed,
                    new.value,
                    new.kind,
                    new.scope,
                    tags,
                    new.confidence,
                    from,
                    until,
                    new.reference,
                    new.description,
                    Time(now)
                ])?;
                done.added += 1;
            }
            Some(old) if same(&old, new) => {
                touch.execute(params![old.id, feed, Time(now)])?;
                done.unchanged += 1;
            }
            Some(old) => {
                update.execute(params![
                    old.id,
                    feed,
                    new.kind,
                    tags,
                    new.confidence,
                    from,
                    until,
                    new.reference,
                    new.description,
                    Time(now)
                ])?;
                done.updated += 1;
            }
        }
    }
    Ok(done)
}

fn same(old: &IndicatorRow, new: &NewIndicator) -> bool {
    old.tags == new.tags
        && old.confidence == new.confidence
        && old.valid_from == new.valid_from
        && old.valid_until == new.valid_until
        && old.reference == new.reference
        && old.description == new.description
}

/// How many more there may be. Numbers are not reused, so the count is a walk over the smallest index.
fn room(connection: &Connection) -> Result<i64, StateError> {
    let highest: i64 =
        connection.query_row("SELECT coalesce(max(id) - min(id) + 1, 0) FROM indicators", [], |row| row.get(0))?;
    // Only when the numbers reach so far must they be counted.
    if highest + (UPSERT_ROWS_MAX as i64) < INDICATORS_MAX {
        return Ok(INDICATORS_MAX - highest);
    }
    let count: i64 = connection.query_row("SELECT count(*) FROM indicators", [], |row| row.get(0))?;
    Ok(INDICATORS_MAX - count)
}
