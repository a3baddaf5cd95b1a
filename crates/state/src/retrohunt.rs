//! Hunts for indicators in stored events: what is looked for, how far it has come, what was found.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::audit::{self, Audit};
use crate::clock::{rfc3339, rfc3339_or_null};
use crate::database::{Id, Parsed, Time};
use crate::error::StateError;
use crate::name::check_title;
use crate::principal::Actor;
use crate::state::State;
use crate::words::words;

/// More hunts are not kept; the oldest that ended make room.
const HUNTS_MAX: i64 = 1_000;
/// More indicators that were found are not listed for one hunt; they still count as hits.
const HITS_MAX: i64 = 10_000;
const HITS_A_STEP_MAX: usize = 10_000;
const SELECTION_BYTES_MAX: usize = 64 << 10;
const EVENTS_BYTES_MAX: usize = 16 << 10;
const ERROR_CHARS_MAX: usize = 500;
const LIST_MAX: usize = 1_000;

/// Identifies a hunt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HuntId(pub Uuid);

impl std::fmt::Display for HuntId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

words! {
    /// Where a hunt stands.
    HuntState, "hunt state",
    /// It waits for its turn.
    Waiting => "waiting",
    /// It runs, or ran when the process ended and goes on.
    Running => "running",
    /// It came to its end.
    Done => "done",
    /// It failed; see the error.
    Failed => "failed",
    /// Somebody ended it.
    Cancelled => "cancelled"
}

/// A hunt to be made.
#[derive(Clone, Debug)]
pub struct NewRetrohunt<'a> {
    /// Its name.
    pub name: &'a str,
    /// Which indicators, in the caller's words (a collection, a filter, numbers).
    pub selection: Value,
    /// Only indicators with a number above this.
    pub first_id: i64,
    /// And not above this: what comes later is none of this hunt's, so its plan stays the same.
    pub last_id: i64,
    /// Events from here.
    pub from: Timestamp,
    /// Events before this.
    pub until: Timestamp,
}

/// A hunt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Retrohunt {
    /// Its id.
    pub id: HuntId,
    /// Its name.
    pub name: String,
    /// Which indicators.
    pub selection: Value,
    /// Only indicators with a number above this.
    pub first_id: i64,
    /// And not above this.
    pub last_id: i64,
    /// Events from here.
    #[serde(serialize_with = "rfc3339")]
    pub from: Timestamp,
    /// Events before this.
    #[serde(serialize_with = "rfc3339")]
    pub until: Timestamp,
    /// Where it stands.
    pub state: HuntState,
    /// The step to do next.
    pub step: u64,
    /// All steps; 0 until the plan is made.
    pub steps: u64,
    /// Events that were found.
    pub hits: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    #[serde(serialize_with = "rfc3339")]
    pub created: Timestamp,
    /// When it first ran.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub finished: Option<Timestamp>,
}

/// An indicator that a hunt found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HuntHit {
    /// Its number.
    pub indicator: i64,
    /// What it is about.
    pub value: String,
    /// In how many events it was found.
    pub count: u64,
    /// In the first of them.
    #[serde(serialize_with = "rfc3339")]
    pub first: Timestamp,
    /// In the last of them.
    #[serde(serialize_with = "rfc3339")]
    pub last: Timestamp,
    /// A few of the events.
    pub events: Value,
}

impl State {
    /// Creates a hunt.
    ///
    /// # Errors
    /// [`StateError::Invalid`] for the name, the range or the selection, or when too many wait.
    pub fn create_retrohunt(&self, new: &NewRetrohunt<'_>, actor: &Actor) -> Result<Retrohunt, StateError> {
        check_title("hunt name", new.name)?;
        let selection = new.selection.to_string();
        if selection.len() > SELECTION_BYTES_MAX {
            return Err(StateError::invalid("hunt selection", format!("is larger than {SELECTION_BYTES_MAX} bytes")));
        }
        if new.from >= new.until {
            return Err(StateError::invalid("hunt range", "ends before it begins"));
        }
        let now = self.now();
        let id = HuntId(Uuid::new_v4());
        self.write(|transaction| {
            make_room(transaction)?;
            transaction.execute(
                "INSERT INTO retrohunts (id, name, selection, first_id, last_id, from_time, until_time, state, created_by,
                   created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', ?8, ?9)",
                params![
                    Id(id.0), new.name, selection, new.first_id, new.last_id, Time(new.from), Time(new.until), actor.name,
                    Time(now)
                ],
            )?;
            let detail = json!({"from": new.from.to_rfc3339(), "until": new.until.to_rfc3339()});
            audit::append(transaction, now, &Audit { actor, action: "retrohunt.create", target: new.name, detail })?;
            by_id(transaction, id)
        })
    }

    /// Hunts, the newest first: at most `limit` (1,000 at most).
    ///
    /// # Errors
    /// When the database fails.
    pub fn retrohunts(&self, limit: usize) -> Result<Vec<Retrohunt>, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY created DESC, id LIMIT ?1"))?;
            let rows = statement.query_map([i64::try_from(limit.min(LIST_MAX)).unwrap_or(0)], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One hunt.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn retrohunt(&self, id: HuntId) -> Result<Retrohunt, StateError> {
        self.read(|connection| by_id(connection, id))
    }

    /// The hunt to work on: the one that ran when the process ended, else the one that waits the longest.
    ///
    /// # Errors
    /// When the database fails.
    pub fn next_retrohunt(&self) -> Result<Option<Retrohunt>, StateError> {
        let now = self.now();
        self.write(|transaction| {
            let sql = "SELECT id FROM retrohunts WHERE state IN ('waiting', 'running')
                       ORDER BY state = 'waiting', created, id LIMIT 1";
            let Some(id) = transaction.query_row(sql, [], |row| row.get::<_, Id>(0)).optional()? else {
                return Ok(None);
            };
            let sql = "UPDATE retrohunts SET state = 'running', started = coalesce(started, ?2) WHERE id = ?1";
            transaction.execute(sql, params![id, Time(now)])?;
            by_id(transaction, HuntId(id.0)).map(Some)
        })
    }

    /// Writes down that all steps up to `step` of `steps` are done and what they found, in one transaction: after a crash
    /// the hunt goes on with the first step that was not written down, and nothing counts twice. Gives whether the hunt
    /// goes on.
    ///
    /// # Errors
    /// [`StateError::NotFound`]; [`StateError::Invalid`] for too many indicators at once.
    pub fn advance_retrohunt(&self, id: HuntId, step: u64, steps: u64, found: &[HuntHit]) -> Result<bool, StateError> {
        if found.len() > HITS_A_STEP_MAX {
            return Err(StateError::invalid("hunt step", format!("found more than {HITS_A_STEP_MAX} indicators")));
        }
        let now = self.now();
        self.write(|transaction| {
            let hunt = by_id(transaction, id)?;
            if hunt.state != HuntState::Running {
                return Ok(false);
            }
            if hunt.step <= step {
                let hits = found.iter().fold(0_u64, |sum, hit| sum.saturating_add(hit.count));
                let sql = "UPDATE retrohunts SET step = ?2, steps = ?3, hits = hits + ?4 WHERE id = ?1";
                transaction.execute(sql, params![Id(id.0), stored(step + 1), stored(steps), stored(hits)])?;
                found.iter().try_for_each(|hit| add_hit(transaction, id, hit))?;
            }
            let over = step + 1 >= steps;
            if over {
                end(transaction, id, HuntState::Done, None, now)?;
            }
            Ok(!over)
        })
    }

    /// Ends a hunt that has nothing to do, or failed for this reason.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn end_retrohunt(&self, id: HuntId, failed: Option<&str>) -> Result<(), StateError> {
        let now = self.now();
        let state = if failed.is_some() { HuntState::Failed } else { HuntState::Done };
        self.write(|transaction| {
            by_id(transaction, id)?;
            end(transaction, id, state, failed, now)
        })
    }

    /// Ends a hunt because somebody wants so. One that ended already stays as it is.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn cancel_retrohunt(&self, id: HuntId, actor: &Actor) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| {
            let hunt = by_id(transaction, id)?;
            end(transaction, id, HuntState::Cancelled, None, now)?;
            audit::append(
                transaction,
                now,
                &Audit { actor, action: "retrohunt.cancel", target: &hunt.name, detail: json!({}) },
            )
        })
    }

    /// Deletes a hunt and what it found.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn delete_retrohunt(&self, id: HuntId, actor: &Actor) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| {
            let sql = "DELETE FROM retrohunts WHERE id = ?1 RETURNING name";
            let name: Option<String> = transaction.query_row(sql, [Id(id.0)], |row| row.get(0)).optional()?;
            let name = name.ok_or_else(|| StateError::not_found("hunt", id))?;
            audit::append(
                transaction,
                now,
                &Audit { actor, action: "retrohunt.delete", target: &name, detail: json!({}) },
            )
        })
    }

    /// What a hunt found, most events first: at most `limit` (1,000 at most), after the first `offset`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn retrohunt_hits(&self, id: HuntId, limit: usize, offset: usize) -> Result<Vec<HuntHit>, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT indicator, value, count, first, last, events FROM retrohunt_hits WHERE hunt = ?1
                 ORDER BY count DESC, indicator LIMIT ?2 OFFSET ?3",
            )?;
            let (limit, offset) = (i64::try_from(limit.min(LIST_MAX)), i64::try_from(offset));
            let rows =
                statement.query_map(params![Id(id.0), limit.unwrap_or(0), offset.unwrap_or(i64::MAX)], |row| {
                    let events: String = row.get(5)?;
                    Ok(HuntHit {
                        indicator: row.get(0)?,
                        value: row.get(1)?,
                        count: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
                        first: row.get::<_, Time>(3)?.0,
                        last: row.get::<_, Time>(4)?.0,
                        events: serde_json::from_str(&events).unwrap_or_default(),
                    })
                })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The same indicator may be found by several steps; the events of the first are kept.
fn add_hit(connection: &Connection, id: HuntId, hit: &HuntHit) -> Result<(), StateError> {
    let mut events = hit.events.to_string();
    if events.len() > EVENTS_BYTES_MAX {
        events = "[]".to_owned();
    }
    let mut update = connection.prepare_cached(
        "UPDATE retrohunt_hits SET count = count + ?3, first = min(first, ?4), last = max(last, ?5)
         WHERE hunt = ?1 AND indicator = ?2",
    )?;
    let counted = params![Id(id.0), hit.indicator, stored(hit.count), Time(hit.first), Time(hit.last)];
    if update.execute(counted)? == 0 {
        let mut insert = connection.prepare_cached(
            "INSERT INTO retrohunt_hits (hunt, indicator, value, count, first, last, events)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE (SELECT count(*) FROM retrohunt_hits WHERE hunt = ?1) < ?8",
        )?;
        insert.execute(params![
            Id(id.0),
            hit.indicator,
            hit.value,
            stored(hit.count),
            Time(hit.first),
            Time(hit.last),
            events,
            HITS_MAX
        ])?;
    }
    Ok(())
}

fn end(
    connection: &Connection,
    id: HuntId,
    state: HuntState,
    why: Option<&str>,
    now: Timestamp,
) -> Result<(), StateError> {
    let why = why.map(|why| why.chars().take(ERROR_CHARS_MAX).collect::<String>());
    let sql =
        "UPDATE retrohunts SET state = ?2, error = ?3, finished = ?4 WHERE id = ?1 AND state IN ('waiting', 'running')";
    connection.execute(sql, params![Id(id.0), state.as_str(), why, Time(now)])?;
    Ok(())
}

fn make_room(connection: &Connection) -> Result<(), StateError> {
    let count: i64 = connection.query_row("SELECT count(*) FROM retrohunts", [], |row| row.get(0))?;
    if count < HUNTS_MAX {
        return Ok(());
    }
    let sql = "DELETE FROM retrohunts WHERE id = (SELECT id FROM retrohunts
                 WHERE state NOT IN ('waiting', 'running') ORDER BY created LIMIT 1)";
    if connection.execute(sql, [])? == 0 {
        return Err(StateError::invalid("hunt", format!("is one too many: {count} wait")));
    }
    Ok(())
}

fn by_id(connection: &Connection, id: HuntId) -> Result<Retrohunt, StateError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    statement.query_row([Id(id.0)], read).optional()?.ok_or_else(|| StateError::not_found("hunt", id))
}

const SELECT: &str =
    "SELECT id, name, selection, first_id, last_id, from_time, until_time, state, step, steps, hits, error,
    created_by, created, started, finished FROM retrohunts";

fn read(row: &Row<'_>) -> rusqlite::Result<Retrohunt> {
    let time = |index| row.get::<_, Option<Time>>(index).map(|time| time.map(|time| time.0));
    let number = |index| row.get::<_, i64>(index).map(|number| u64::try_from(number).unwrap_or(0));
    let selection: String = row.get(2)?;
    Ok(Retrohunt {
        id: HuntId(row.get::<_, Id>(0)?.0),
        name: row.get(1)?,
        selection: serde_json::from_str(&selection).unwrap_or_default(),
        first_id: row.get(3)?,
        last_id: row.get(4)?,
        from: row.get::<_, Time>(5)?.0,
        until: row.get::<_, Time>(6)?.0,
        state: row.get::<_, Parsed<HuntState>>(7)?.0,
        step: number(8)?,
        steps: number(9)?,
        hits: number(10)?,
        error: row.get(11)?,
        created_by: row.get(12)?,
        created: row.get::<_, Time>(13)?.0,
        started: time(14)?,
        finished: time(15)?,
    })
}

#[cfg(test)]
mod tests;
