//! Saved queries, which can be shared, and each user's query history.

use std::fmt;
use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::alert::json as read_json;
use crate::audit::{self, Audit};
use crate::bounds::{check_filled, check_json, check_room, stored, unstored};
use crate::clock::rfc3339;
use crate::database::{Id, Parsed, Time};
use crate::error::StateError;
use crate::name::{check_title, fold};
use crate::principal::{Actor, Role, UserId};
use crate::state::State;

const QUERIES_OF_A_USER_MAX: i64 = 1_000;
const HISTORY_OF_A_USER_MAX: i64 = 500;
const QUERY_BYTES_MAX: usize = 64 << 10;
const VIEW_BYTES_MAX: usize = 16 << 10;

/// Identifies a saved query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SavedQueryId(pub Uuid);

impl fmt::Display for SavedQueryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// In which language a query is, and over what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueryKind {
    /// The events query language.
    Events,
    /// SQL over events.
    Sql,
    /// Filters of the list of alerts.
    Alerts,
}

impl QueryKind {
    /// The kind's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Sql => "sql",
            Self::Alerts => "alerts",
        }
    }
}

impl FromStr for QueryKind {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        let found = [Self::Events, Self::Sql, Self::Alerts].into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| StateError::invalid("query kind", "must be `events`, `sql` or `alerts`"))
    }
}

/// A query to save.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewSavedQuery {
    /// Its name, unique among its owner's in any case.
    pub name: String,
    /// Its language.
    pub kind: QueryKind,
    /// The query; may be empty where that means all.
    pub query: String,
    /// How the page showed it: time range, columns, order. 16 KiB at most.
    pub view: Value,
    /// Whether others may see and run it.
    pub shared: bool,
}

/// A saved query.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SavedQuery {
    /// Its id.
    pub id: SavedQueryId,
    /// Whose it is.
    pub owner: UserId,
    /// Their name.
    pub owner_name: String,
    /// Its name.
    pub name: String,
    /// Its language.
    pub kind: QueryKind,
    /// The query.
    pub query: String,
    /// How the page showed it.
    pub view: Value,
    /// Whether others may see and run it.
    pub shared: bool,
    /// When it was made.
    #[serde(serialize_with = "rfc3339")]
    pub created: Timestamp,
    /// When it was last changed.
    #[serde(serialize_with = "rfc3339")]
    pub updated: Timestamp,
}

/// A query that was run.
#[derive(Clone, Debug, PartialEq)]
pub struct RanQuery<'a> {
    /// Its language.
    pub kind: QueryKind,
    /// The query.
    pub query: &'a str,
    /// Time range and what else the page needs to show it again.
    pub view: &'a Value,
    /// How many rows it found.
    pub rows: Option<u64>,
    /// How long it took.
    pub took_ms: Option<u64>,
}

/// A line of a user's query history.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueryEntry {
    /// Ascends.
    pub id: i64,
    /// When it was run.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// Its language.
    pub kind: QueryKind,
    /// The query.
    pub query: String,
    /// Time range and what else the page needs to show it again.
    pub view: Value,
    /// How many rows it found.
    pub rows: Option<u64>,
    /// How long it took.
    pub took_ms: Option<u64>,
}

impl State {
    /// Saves a query for its owner.
    ///
    /// # Errors
    /// [`StateError::Invalid`] or [`StateError::Duplicate`].
    pub fn save_query(&self, owner: UserId, new: &NewSavedQuery, actor: &Actor) -> Result<SavedQuery, StateError> {
        let view = check(new)?;
        let id = SavedQueryId(Uuid::new_v4());
        let now = self.now();
        self.write(|transaction| {
            crate::user::by_id(transaction, owner)?;
            let sql = "SELECT count(*) FROM saved_queries WHERE owner = ?1";
            let count = transaction.query_row(sql, [Id(owner.0)], |row| row.get(0))?;
            check_room("saved query", count, QUERIES_OF_A_USER_MAX)?;
            check_free(transaction, owner, &new.name, id)?;
            let sql = "INSERT INTO saved_queries (id, owner, name, folded, kind, query, view, shared, created, updated)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)";
            transaction.execute(
                sql,
                params![
                    Id(id.0),
                    Id(owner.0),
                    new.name,
                    fold(&new.name),
                    new.kind.as_str(),
                    new.query,
                    view,
                    new.shared,
                    Time(now)
                ],
            )?;
            record(transaction, now, actor, "query.save", &new.name, json!({"kind": new.kind, "shared": new.shared}))?;
            by_id(transaction, id)
        })
    }

    /// Replaces what a saved query says; only its owner may, or an admin.
    ///
    /// # Errors
    /// [`StateError::NotFound`] also when it is another's; [`StateError::Invalid`] or [`StateError::Duplicate`].
    pub fn change_query(
        &self,
        id: SavedQueryId,
        user: UserId,
        new: &NewSavedQuery,
        actor: &Actor,
    ) -> Result<SavedQuery, StateError> {
        let view = check(new)?;
        let now = self.now();
        self.write(|transaction| {
            let old = own(transaction, id, user, actor)?;
            check_free(transaction, old.owner, &new.name, id)?;
            let sql = "UPDATE saved_queries SET name = ?2, folded = ?3, kind = ?4, query = ?5, view = ?6, shared = ?7,
                       updated = ?8 WHERE id = ?1";
            let (name, kind) = (&new.name, new.kind.as_str());
            transaction
                .execute(sql, params![Id(id.0), name, fold(name), kind, new.query, view, new.shared, Time(now)])?;
            record(transaction, now, actor, "query.change", name, json!({"kind": new.kind, "shared": new.shared}))?;
            by_id(transaction, id)
        })
    }

    /// Deletes a saved query; only its owner may, or an admin.
    ///
    /// # Errors
    /// [`StateError::NotFound`] also when it is another's.
    pub fn delete_query(&self, id: SavedQueryId, user: UserId, actor: &Actor) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| {
            let query = own(transaction, id, user, actor)?;
            transaction.execute("DELETE FROM saved_queries WHERE id = ?1", [Id(id.0)])?;
            record(transaction, now, actor, "query.delete", &query.name, json!({"owner": query.owner_name}))
        })
    }

    /// The queries that a user saved or others share, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn saved_queries(&self, user: UserId) -> Result<Vec<SavedQuery>, StateError> {
        self.read(|connection| {
            let sql =
                format!("{SELECT} WHERE owner = ?1 OR shared = 1 ORDER BY saved_queries.folded, saved_queries.id");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([Id(user.0)], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// A saved query that a user owns or that is shared.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn saved_query(&self, id: SavedQueryId, user: UserId) -> Result<SavedQuery, StateError> {
        let query = self.read(|connection| by_id(connection, id))?;
        if query.owner == user || query.shared { Ok(query) } else { Err(StateError::not_found("saved query", id)) }
    }

    /// Adds to a user's query history. The same query run again takes the place of the last line. Beyond 500 lines the
    /// oldest go. Not audited: everybody's history is their own.
    ///
    /// # Errors
    /// [`StateError::Invalid`] for a query above 64 KiB.
    pub fn remember_query(&self, user: UserId, ran: &RanQuery<'_>) -> Result<(), StateError> {
        check_length(ran.query)?;
        let view = check_json("query view", ran.view, VIEW_BYTES_MAX)?;
        let now = self.now();
        self.write(|transaction| {
            let sql = "DELETE FROM query_history WHERE id = (SELECT max(id) FROM query_history WHERE user = ?1)
                       AND query = ?2 AND kind = ?3";
            transaction.prepare_cached(sql)?.execute(params![Id(user.0), ran.query, ran.kind.as_str()])?;
            let sql = "INSERT INTO query_history (user, at, kind, query, view, rows, took_ms)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            transaction.prepare_cached(sql)?.execute(params![
                Id(user.0),
                Time(now),
                ran.kind.as_str(),
                ran.query,
                view,
                ran.rows.map(stored),
                ran.took_ms.map(stored)
            ])?;
            let sql = "DELETE FROM query_history WHERE user = ?1 AND id <=
                       (SELECT id FROM query_history WHERE user = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
            transaction.prepare_cached(sql)?.execute(params![Id(user.0), HISTORY_OF_A_USER_MAX])?;
            Ok(())
        })
    }

    /// A user's query history, newest first, at most `limit` (500 at most).
    ///
    /// # Errors
    /// When the database fails.
    pub fn query_history(&self, user: UserId, limit: usize) -> Result<Vec<QueryEntry>, StateError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX).min(HISTORY_OF_A_USER_MAX);
        let sql = "SELECT id, at, kind, query, view, rows, took_ms FROM query_history WHERE user = ?1
                   ORDER BY id DESC LIMIT ?2";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![Id(user.0), limit], |row| {
                Ok(QueryEntry {
                    id: row.get(0)?,
                    at: row.get::<_, Time>(1)?.0,
                    kind: row.get::<_, Parsed<_>>(2)?.0,
                    query: row.get(3)?,
                    view: read_json(row, 4)?,
                    rows: row.get::<_, Option<i64>>(5)?.map(unstored),
                    took_ms: row.get::<_, Option<i64>>(6)?.map(unstored),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Empties a user's query history.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_queries(&self, user: UserId) -> Result<(), StateError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM query_history WHERE user = ?1", [Id(user.0)])?;
            Ok(())
        })
    }
}

fn check(new: &NewSavedQuery) -> Result<String, StateError> {
    check_title("saved query name", &new.name)?;
    if new.kind == QueryKind::Sql {
        check_filled("query", &new.query, QUERY_BYTES_MAX)?;
    }
    check_length(&new.query)?;
    check_json("query view", &new.view, VIEW_BYTES_MAX)
}

fn check_length(query: &str) -> Result<(), StateError> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(StateError::invalid("query", format!("is longer than {QUERY_BYTES_MAX} bytes")));
    }
    Ok(())
}

fn own(connection: &Connection, id: SavedQueryId, user: UserId, actor: &Actor) -> Result<SavedQuery, StateError> {
    let query = by_id(connection, id)?;
    let may = query.owner == user || actor.role == Role::Admin && query.shared;
    if may { Ok(query) } else { Err(StateError::not_found("saved query", id)) }
}

fn check_free(connection: &Connection, owner: UserId, name: &str, but: SavedQueryId) -> Result<(), StateError> {
    let sql = "SELECT 1 FROM saved_queries WHERE owner = ?1 AND folded = ?2 AND id <> ?3";
    match connection.query_row(sql, params![Id(owner.0), fold(name), Id(but.0)], |_| Ok(())).optional()? {
        Some(()) => Err(StateError::duplicate("saved query", name)),
        None => Ok(()),
    }
}

fn by_id(connection: &Connection, id: SavedQueryId) -> Result<SavedQuery, StateError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE saved_queries.id = ?1"))?;
    let query = statement.query_row([Id(id.0)], read).optional()?;
    query.ok_or_else(|| StateError::not_found("saved query", id))
}

fn record(
    connection: &Connection,
    now: Timestamp,
    actor: &Actor,
    action: &'static str,
    target: &str,
    detail: Value,
) -> Result<(), StateError> {
    audit::append(connection, now, &Audit { actor, action, target, detail })
}

const SELECT: &str = "SELECT saved_queries.id, owner, users.name, saved_queries.name, kind, query, view, shared,
    saved_queries.created, updated FROM saved_queries JOIN users ON users.id = owner";

fn read(row: &Row<'_>) -> rusqlite::Result<SavedQuery> {
    Ok(SavedQuery {
        id: SavedQueryId(row.get::<_, Id>(0)?.0),
        owner: UserId(row.get::<_, Id>(1)?.0),
        owner_name: row.get(2)?,
        name: row.get(3)?,
        kind: row.get::<_, Parsed<_>>(4)?.0,
        query: row.get(5)?,
        view: read_json(row, 6)?,
        shared: row.get(7)?,
        created: row.get::<_, Time>(8)?.0,
        updated: row.get::<_, Time>(9)?.0,
    })
}

#[cfg(test)]
mod tests;
