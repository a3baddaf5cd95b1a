//! Collections of indicators: what is switched on and off together.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidegate_event::Timestamp;

use crate::audit::{self, Audit};
use crate::clock::rfc3339;
use crate::database::Time;
use crate::error::StateError;
use crate::name::{check_title, fold};
use crate::principal::Actor;
use crate::state::State;

const COLLECTIONS_MAX: i64 = 1_000;
const DESCRIPTION_CHARS_MAX: usize = 1_000;
/// So many indicators are deleted at a time, so that others can write in between.
const DELETE_ROWS_MAX: i64 = 5_000;

/// Identifies a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CollectionId(pub i64);

impl std::fmt::Display for CollectionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A collection of indicators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Collection {
    /// Its id.
    pub id: CollectionId,
    /// Its name, unique.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether its indicators are looked for.
    pub enabled: bool,
    /// When it was made.
    #[serde(serialize_with = "rfc3339")]
    pub created: Timestamp,
}

/// How many indicators a collection holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CollectionCounts {
    /// The collection.
    pub id: CollectionId,
    /// All its indicators.
    pub total: u64,
    /// Those that are valid now.
    pub valid: u64,
}

impl State {
    /// Creates a collection.
    ///
    /// # Errors
    /// [`StateError::Duplicate`] or [`StateError::Invalid`] for the name or the description.
    pub fn create_collection(&self, name: &str, description: &str, actor: &Actor) -> Result<Collection, StateError> {
        check_title("collection name", name)?;
        check_description(description)?;
        let now = self.now();
        self.write(|transaction| {
            let count: i64 = transaction.query_row("SELECT count(*) FROM collections", [], |row| row.get(0))?;
            if count >= COLLECTIONS_MAX {
                return Err(StateError::invalid("collection", format!("is one too many: there are {count}")));
            }
            if by_name(transaction, name)?.is_some() {
                return Err(StateError::duplicate("collection", name));
            }
            transaction.execute(
                "INSERT INTO collections (name, folded, description, enabled, created) VALUES (?1, ?2, ?3, 1, ?4)",
                params![name, fold(name), description, Time(now)],
            )?;
            let id = CollectionId(transaction.last_insert_rowid());
            audit::append(
                transaction,
                now,
                &Audit { actor, action: "collection.create", target: name, detail: json!({}) },
            )?;
            Ok(Collection {
                id,
                name: name.to_owned(),
                description: description.to_owned(),
                enabled: true,
                created: now,
            })
        })
    }

    /// The collection with this name; made when there is none.
    ///
    /// # Errors
    /// As [`State::create_collection`].
    pub fn collection_named(&self, name: &str, actor: &Actor) -> Result<Collection, StateError> {
        if let Some(found) = self.read(|connection| by_name(connection, name))? {
            return Ok(found);
        }
        match self.create_collection(name, "", actor) {
            // Another process was faster.
            Err(StateError::Duplicate { .. }) => self
                .read(|connection| by_name(connection, name))?
                .ok_or_else(|| StateError::not_found("collection", name)),
            made => made,
        }
    }

    /// The collection with this name.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn collection(&self, name: &str) -> Result<Collection, StateError> {
        let found = self.read(|connection| by_name(connection, name))?;
        found.ok_or_else(|| StateError::not_found("collection", name))
    }

    /// All collections, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn collections(&self) -> Result<Vec<Collection>, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY folded"))?;
            let rows = statement.query_map([], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How many indicators each collection holds; empty ones are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub fn collection_counts(&self) -> Result<Vec<CollectionCounts>, StateError> {
        let now = self.now();
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT collection, count(*), count(*) FILTER (WHERE (valid_from IS NULL OR valid_from <= ?1)
                   AND (valid_until IS NULL OR valid_until > ?1)) FROM indicators GROUP BY collection",
            )?;
            let rows = statement.query_map([Time(now)], |row| {
                let count = |index| row.get::<_, i64>(index).map(|count| u64::try_from(count).unwrap_or(0));
                Ok(CollectionCounts { id: CollectionId(row.get(0)?), total: count(1)?, valid: count(2)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Switches a collection on or off.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn enable_collection(&self, id: CollectionId, enabled: bool, actor: &Actor) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| {
            let sql = "UPDATE collections SET enabled = ?2 WHERE id = ?1 RETURNING name";
            let name: Option<String> =
                transaction.query_row(sql, params![id.0, enabled], |row| row.get(0)).optional()?;
            let name = name.ok_or_else(|| StateError::not_found("collection", id))?;
            bump(transaction)?;
            let action = if enabled { "collection.enable" } else { "collection.disable" };
            audit::append(transaction, now, &Audit { actor, action, target: &name, detail: json!({}) })
        })
    }

    /// Deletes a collection and its indicators, some thousand at a time.
    ///
    /// # Errors
    /// [`StateError::NotFound`]; [`StateError::Invalid`] when a feed fills it.
    pub fn delete_collection(&self, id: CollectionId, actor: &Actor) -> Result<u64, StateError> {
        let mut deleted = 0;
        loop {
            let (name, more) = self.write(|transaction| {
                let name = by_id(transaction, id)?.name;
                let feed: Option<String> = transaction
                    .query_row("SELECT name FROM feeds WHERE collection = ?1", [id.0], |row| row.get(0))
                    .optional()?;
                if let Some(feed) = feed {
                    return Err(StateError::invalid("collection", format!("`{name}` is filled by the feed `{feed}`")));
                }
                let sql = "DELETE FROM indicators WHERE id IN
                             (SELECT id FROM indicators WHERE collection = ?1 ORDER BY id LIMIT ?2)";
                let more = transaction.execute(sql, [id.0, DELETE_ROWS_MAX])?;
                bump(transaction)?;
                Ok((name, more))
            })?;
            deleted += more as u64;
            if more == 0 {
                let now = self.now();
                return self.write(|transaction| {
                    // What came in between the last look and now would hold it back.
                    transaction.execute("DELETE FROM indicators WHERE collection = ?1", [id.0])?;
                    transaction.execute("DELETE FROM collections WHERE id = ?1", [id.0])?;
                    let detail = json!({"indicators": deleted});
                    audit::append(
                        transaction,
                        now,
                        &Audit { actor, action: "collection.delete", target: &name, detail },
                    )?;
                    Ok(deleted)
                });
            }
        }
    }

    /// Moves with every change of indicators and collections: when it differs, compile anew. Cheap.
    ///
    /// # Errors
    /// When the database fails.
    pub fn intelligence_revision(&self) -> Result<i64, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT number FROM intelligence_revision")?;
            Ok(statement.query_row([], |row| row.get(0))?)
        })
    }
}

pub(crate) fn bump(connection: &Connection) -> Result<(), StateError> {
    connection.prepare_cached("UPDATE intelligence_revision SET number = number + 1")?.execute([])?;
    Ok(())
}

pub(crate) fn by_id(connection: &Connection, id: CollectionId) -> Result<Collection, StateError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let found = statement.query_row([id.0], read).optional()?;
    found.ok_or_else(|| StateError::not_found("collection", id))
}

fn by_name(connection: &Connection, name: &str) -> Result<Option<Collection>, StateError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE folded = ?1"))?;
    Ok(statement.query_row([fold(name)], read).optional()?)
}

fn check_description(text: &str) -> Result<(), StateError> {
    if text.chars().count() > DESCRIPTION_CHARS_MAX || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(StateError::invalid("collection description", "is too long or holds control characters"));
    }
    Ok(())
}

const SELECT: &str = "SELECT id, name, description, enabled, created FROM collections";

fn read(row: &Row<'_>) -> rusqlite::Result<Collection> {
    Ok(Collection {
        id: CollectionId(row.get(0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        enabled: row.get(3)?,
        created: row.get::<_, Time>(4)?.0,
    })
}
