//! Indicators: many at a time in, pages of them out.

mod met;
mod upsert;

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, Row, Statement, params, params_from_iter};
use serde::Serialize;
use serde_json::json;
use tidegate_event::Timestamp;

use crate::audit::{self, Audit};
use crate::clock::{rfc3339, rfc3339_or_null};
use crate::collection::{self, CollectionId};
use crate::database::Time;
use crate::error::StateError;
use crate::principal::Actor;
use crate::state::State;

pub use met::Met;

/// So many indicators are written in one transaction, so that others can write in between.
pub const UPSERT_ROWS_MAX: usize = 5_000;
const PAGE_ROWS_MAX: usize = 10_000;
const IDS_MAX: usize = 10_000;

/// An indicator to be kept. Who reads feeds has checked and normalised it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewIndicator {
    /// What it is about, as text: `evil.example`, `192.0.2.1`, `192.0.2.0/24`.
    pub value: String,
    /// `name`, `ip` or `network`.
    pub kind: &'static str,
    /// Which queries a name is found by: `exact`, `domain` or `subtree`.
    pub scope: &'static str,
    /// What it is said to be.
    pub tags: Vec<String>,
    /// How sure the source is, 0 to 100.
    pub confidence: Option<u8>,
    /// Events before this do not count.
    pub valid_from: Option<Timestamp>,
    /// Events at or after this do not count.
    pub valid_until: Option<Timestamp>,
    /// Where more is to be read.
    pub reference: Option<String>,
    /// What the source says about it.
    pub description: Option<String>,
}

/// An indicator as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IndicatorRow {
    /// Its number; never given twice.
    pub id: i64,
    /// Its collection.
    pub collection: CollectionId,
    /// The feed it came from last; `None` when it was brought in by hand.
    pub feed: Option<String>,
    /// What it is about.
    pub value: String,
    /// `name`, `ip` or `network`.
    pub kind: String,
    /// `exact`, `domain` or `subtree`.
    pub scope: String,
    /// What it is said to be.
    pub tags: Vec<String>,
    /// How sure the source is.
    pub confidence: Option<u8>,
    /// Events before this do not count.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub valid_from: Option<Timestamp>,
    /// Events at or after this do not count.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub valid_until: Option<Timestamp>,
    /// Where more is to be read.
    pub reference: Option<String>,
    /// What the source says about it.
    pub description: Option<String>,
    /// When it was first brought in.
    #[serde(serialize_with = "rfc3339")]
    pub created: Timestamp,
    /// When it was last brought in.
    #[serde(serialize_with = "rfc3339")]
    pub seen: Timestamp,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Upserted {
    /// New ones.
    pub added: u64,
    /// Known ones, whose facts changed.
    pub updated: u64,
    /// Known ones, seen again.
    pub unchanged: u64,
}

/// How a text is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// The value is this.
    Is(String),
    /// The value, the description or a tag holds this; capital letters do not matter.
    Holds(String),
}

/// Which indicators to list; an empty filter lists all.
#[derive(Clone, Debug, Default)]
pub struct IndicatorFilter {
    /// Of this collection.
    pub collection: Option<CollectionId>,
    /// Of collections that are switched on.
    pub enabled_only: bool,
    /// From this feed.
    pub feed: Option<String>,
    /// `name`, `ip` or `network`.
    pub kind: Option<String>,
    /// About this.
    pub text: Option<Match>,
    /// With this tag.
    pub tag: Option<String>,
    /// Valid at this moment.
    pub valid_at: Option<Timestamp>,
    /// Brought in first at or after this.
    pub created_from: Option<Timestamp>,
}

impl State {
    /// Lists indicators in the order of their numbers: at most `limit` (10,000 at most), with a number above `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn indicators(
        &self,
        filter: &IndicatorFilter,
        limit: usize,
        after: Option<i64>,
    ) -> Result<Vec<IndicatorRow>, StateError> {
        let (mut conditions, mut values) = conditions(filter);
        conditions.push("i.id > ?".to_owned());
        values.push(Sql::Integer(after.unwrap_or(0)));
        values.push(Sql::Integer(i64::try_from(limit.min(PAGE_ROWS_MAX)).unwrap_or(0)));
        let sql = format!("{SELECT} WHERE {} ORDER BY i.id LIMIT ?", conditions.join(" AND "));
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params_from_iter(values), read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How many indicators a filter finds.
    ///
    /// # Errors
    /// When the database fails.
    pub fn count_indicators(&self, filter: &IndicatorFilter) -> Result<u64, StateError> {
        let (conditions, values) = conditions(filter);
        let sql = format!("SELECT count(*) FROM indicators i WHERE {}", conditions.join(" AND "));
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let count: i64 = statement.query_row(params_from_iter(values), |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
    }

    /// One indicator.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn indicator(&self, id: i64) -> Result<IndicatorRow, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE i.id = ?1"))?;
            statement.query_row([id], read).optional()?.ok_or_else(|| StateError::not_found("indicator", id))
        })
    }

    /// The highest number given so far: a hunt for what is new begins behind it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn last_indicator(&self) -> Result<i64, StateError> {
        self.read(|connection| {
            let sql = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'indicators'), 0)";
            Ok(connection.query_row(sql, [], |row| row.get(0))?)
        })
    }

    /// Ends the validity of indicators at `at`; those that ended before stay as they are. Gives how many changed.
    ///
    /// # Errors
    /// [`StateError::Invalid`] for more than 10,000 numbers.
    pub fn expire_indicators(&self, ids: &[i64], at: Timestamp, actor: &Actor) -> Result<u64, StateError> {
        let sql = "UPDATE indicators SET valid_until = ?2 WHERE id = ?1 AND (valid_until IS NULL OR valid_until > ?2)";
        self.change(ids, "indicator.expire", actor, |statement, id| Ok(statement.execute(params![id, Time(at)])?), sql)
    }

    /// Deletes indicators. Gives how many there were.
    ///
    /// # Errors
    /// [`StateError::Invalid`] for more than 10,000 numbers.
    pub fn delete_indicators(&self, ids: &[i64], actor: &Actor) -> Result<u64, StateError> {
        let sql = "DELETE FROM indicators WHERE id = ?1";
        self.change(ids, "indicator.delete", actor, |statement, id| Ok(statement.execute([id])?), sql)
    }

    fn change(
        &self,
        ids: &[i64],
        action: &'static str,
        actor: &Actor,
        one: impl Fn(&mut Statement<'_>, i64) -> Result<usize, StateError>,
        sql: &str,
    ) -> Result<u64, StateError> {
        if ids.len() > IDS_MAX {
            return Err(StateError::invalid("indicators", format!("must not be more than {IDS_MAX} at a time")));
        }
        let now = self.now();
        self.write(|transaction| {
            let mut changed = 0;
            {
                let mut statement = transaction.prepare_cached(sql)?;
                for id in ids {
                    changed += one(&mut statement, *id)? as u64;
                }
            }
            if changed > 0 {
                collection::bump(transaction)?;
                let detail = json!({"indicators": changed});
                let target = ids.first().map(i64::to_string).unwrap_or_default();
                audit::append(transaction, now, &Audit { actor, action, target: &target, detail })?;
            }
            Ok(changed)
        })
    }

    /// Ends the validity, as of now, of what a feed no longer lists: its indicators that were not seen since `before`,
    /// the beginning of a full run. Gives how many.
    ///
    /// # Errors
    /// When the database fails.
    pub fn expire_unseen(&self, feed: &str, before: Timestamp) -> Result<u64, StateError> {
        let now = self.now();
        self.in_parts(|transaction| {
            let sql = "UPDATE indicators SET valid_until = ?3 WHERE id IN (SELECT id FROM indicators
                         WHERE feed = ?1 AND seen < ?2 AND (valid_until IS NULL OR valid_until > ?3) LIMIT ?4)";
            let limit = UPSERT_ROWS_MAX as i64;
            Ok(transaction.execute(sql, params![feed, Time(before), Time(now), limit])?)
        })
    }

    /// Deletes indicators whose validity ended before `until`. Gives how many. Call it once a day, with a moment some
    /// weeks back, so that alerts can still tell what they were about.
    ///
    /// # Errors
    /// When the database fails.
    pub fn prune_indicators(&self, until: Timestamp) -> Result<u64, StateError> {
        self.in_parts(|transaction| {
            let sql = "DELETE FROM indicators WHERE id IN (SELECT id FROM indicators WHERE valid_until < ?1 LIMIT ?2)";
            Ok(transaction.execute(sql, params![Time(until), UPSERT_ROWS_MAX as i64])?)
        })
    }

    /// Repeats `part` in transactions of its own until it changes nothing more.
    fn in_parts(&self, part: impl Fn(&Connection) -> Result<usize, StateError>) -> Result<u64, StateError> {
        let mut all = 0;
        loop {
            let changed = self.write(|transaction| {
                let changed = part(transaction)?;
                if changed > 0 {
                    collection::bump(transaction)?;
                }
                Ok(changed)
            })?;
            all += changed as u64;
            if changed == 0 {
                return Ok(all);
            }
        }
    }
}

fn conditions(filter: &IndicatorFilter) -> (Vec<String>, Vec<Sql>) {
    let mut conditions = vec!["1".to_owned()];
    let mut values = Vec::new();
    let mut add = |condition: &str, with: Vec<Sql>| {
        conditions.push(condition.to_owned());
        values.extend(with);
    };
    if let Some(collection) = filter.collection {
        add("i.collection = ?", vec![Sql::Integer(collection.0)]);
    }
    if filter.enabled_only {
        add("i.collection IN (SELECT id FROM collections WHERE enabled = 1)", vec![]);
    }
    if let Some(feed) = &filter.feed {
        add("i.feed = ?", vec![Sql::Text(feed.clone())]);
    }
    if let Some(kind) = &filter.kind {
        add("i.kind = ?", vec![Sql::Text(kind.clone())]);
    }
    match &filter.text {
        Some(Match::Is(text)) => add("i.value = ?", vec![Sql::Text(text.clone())]),
        Some(Match::Holds(text)) => {
            let text = Sql::Text(text.to_lowercase());
            let condition =
                "(instr(i.value, ?) OR instr(lower(coalesce(i.description, '')), ?) OR instr(lower(i.tags), ?))";
            add(condition, vec![text.clone(), text.clone(), text]);
        }
        None => {}
    }
    if let Some(tag) = &filter.tag {
        let condition = "EXISTS (SELECT 1 FROM json_each(i.tags) WHERE json_each.value = ?)";
        add(condition, vec![Sql::Text(tag.clone())]);
    }
    if let Some(at) = filter.valid_at {
        let at = Sql::Integer(at.as_micros());
        let condition = "(i.valid_from IS NULL OR i.valid_from <= ?) AND (i.valid_until IS NULL OR i.valid_until > ?)";
        add(condition, vec![at.clone(), at]);
    }
    if let Some(from) = filter.created_from {
        add("i.created >= ?", vec![Sql::Integer(from.as_micros())]);
    }
    (conditions, values)
}

const SELECT: &str = "SELECT i.id, i.collection, i.feed, i.value, i.kind, i.scope, i.tags, i.confidence, i.valid_from,
    i.valid_until, i.reference, i.description, i.created, i.seen FROM indicators i";

fn read(row: &Row<'_>) -> rusqlite::Result<IndicatorRow> {
    let tags: String = row.get(6)?;
    let time = |index| row.get::<_, Option<Time>>(index).map(|time| time.map(|time| time.0));
    Ok(IndicatorRow {
        id: row.get(0)?,
        collection: CollectionId(row.get(1)?),
        feed: row.get(2)?,
        value: row.get(3)?,
        kind: row.get(4)?,
        scope: row.get(5)?,
        tags: serde_json::from_str(&tags).unwrap_or_default(),
        confidence: row.get(7)?,
        valid_from: time(8)?,
        valid_until: time(9)?,
        reference: row.get(10)?,
        description: row.get(11)?,
        created: row.get::<_, Time>(12)?.0,
        seen: row.get::<_, Time>(13)?.0,
    })
}

#[cfg(test)]
mod tests;
