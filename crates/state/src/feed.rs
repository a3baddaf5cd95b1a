//! Feeds of indicators: where they are, when they are due, and how the last run went.

mod run;

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::audit::{self, Audit};
use crate::clock::{rfc3339, rfc3339_or_null};
use crate::collection::{self, CollectionId};
use crate::database::{Id, Parsed, Time};
use crate::error::StateError;
use crate::name::{check_title, fold};
use crate::principal::Actor;
use crate::secret::Secret;
use crate::state::State;
use crate::words::words;
pub use run::FeedRun;

const FEEDS_MAX: i64 = 500;
const URL_BYTES_MAX: usize = 2 << 10;
const SECRET_BYTES_MAX: usize = 4 << 10;
const SETTINGS_BYTES_MAX: usize = 16 << 10;
const INTERVAL_MIN: Duration = Duration::from_mins(5);
const INTERVAL_MAX: Duration = Duration::from_hours(31 * 24);

/// Identifies a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FeedId(pub Uuid);

impl std::fmt::Display for FeedId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

words! {
    /// How a feed is fetched.
    FeedKind, "feed kind",
    /// One file behind a URL.
    Http => "http",
    /// A TAXII 2.1 collection.
    Taxii => "taxii"
}

words! {
    /// How the last run of a feed went.
    FeedState, "feed state",
    /// It was never run.
    New => "new",
    /// It is running.
    Running => "running",
    /// It brought indicators.
    Ok => "ok",
    /// The feed has not changed since the run before.
    Unchanged => "unchanged",
    /// It failed; see the error.
    Failed => "failed"
}

/// How we prove to a feed who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedAuth {
    /// Not at all.
    None,
    /// User name and password.
    Basic(String, Secret),
    /// A bearer token.
    Bearer(Secret),
    /// A header of the feed's own, such as `Auth-Key`.
    Header(String, Secret),
    /// A parameter of the address, such as `auth-key`.
    Query(String, Secret),
}

/// A feed to be made, or the new settings of one.
#[derive(Clone, Debug)]
pub struct NewFeed<'a> {
    /// Its name.
    pub name: &'a str,
    /// How it is fetched.
    pub kind: FeedKind,
    /// Where it is.
    pub url: &'a str,
    /// Where its indicators go.
    pub collection: CollectionId,
    /// How it is read: format, columns, tags, confidence, how long indicators count. Never a secret.
    pub settings: Value,
    /// How we prove who we are. When a feed is changed, `None` keeps what it was.
    pub auth: Option<FeedAuth>,
    /// How often it is fetched.
    pub interval: Duration,
    /// Whether it is fetched.
    pub enabled: bool,
}

/// A feed, without its secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Feed {
    /// Its id.
    pub id: FeedId,
    /// Its name, unique.
    pub name: String,
    /// How it is fetched.
    pub kind: FeedKind,
    /// Where it is.
    pub url: String,
    /// Where its indicators go.
    pub collection: CollectionId,
    /// How it is read.
    pub settings: Value,
    /// `none`, `basic`, `bearer`, `header` or `query`.
    pub auth: String,
    /// The name of the user, the header or the parameter.
    pub auth_name: Option<String>,
    /// How often it is fetched, in seconds.
    pub interval_s: u64,
    /// Whether it is fetched.
    pub enabled: bool,
    /// When it was made.
    #[serde(serialize_with = "rfc3339")]
    pub created: Timestamp,
    /// How the last run went.
    pub state: FeedState,
    /// Why the last run failed.
    pub error: Option<String>,
    /// How many runs failed in a row.
    pub failures: u32,
    /// When the last run began.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub started: Option<Timestamp>,
    /// When the last run ended.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub finished: Option<Timestamp>,
    /// When a run last succeeded.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub succeeded: Option<Timestamp>,
    /// When it is to be fetched again.
    #[serde(serialize_with = "rfc3339")]
    pub due: Timestamp,
    /// What the server called the last version.
    pub etag: Option<String>,
    /// When the server changed it last, in its words.
    pub last_modified: Option<String>,
    /// TAXII: where the last run ended.
    pub added_after: Option<String>,
    /// Indicators that the last run with news brought.
    pub accepted: u64,
    /// Indicators that it refused.
    pub refused: u64,
    /// What it said in detail.
    pub report: Option<Value>,
}

impl State {
    /// Creates a feed.
    ///
    /// # Errors
    /// [`StateError::Duplicate`] or [`StateError::Invalid`] for what it holds; [`StateError::NotFound`] for the collection.
    pub fn create_feed(&self, new: &NewFeed<'_>, actor: &Actor) -> Result<Feed, StateError> {
        let settings = check(new)?;
        let now = self.now();
        let id = FeedId(Uuid::new_v4());
        self.write(|transaction| {
            let count: i64 = transaction.query_row("SELECT count(*) FROM feeds", [], |row| row.get(0))?;
            if count >= FEEDS_MAX {
                return Err(StateError::invalid("feed", format!("is one too many: there are {count}")));
            }
            check_free(transaction, new.name, None)?;
            collection::by_id(transaction, new.collection)?;
            let (auth, auth_name, secret) = parts(new.auth.as_ref().unwrap_or(&FeedAuth::None));
            transaction.execute(
                "INSERT INTO feeds (id, name, folded, kind, url, collection, settings, auth, auth_name, secret,
                   interval_s, enabled, created, state, due)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'new', ?13)",
                params![
                    Id(id.0),
                    new.name,
                    fold(new.name),
                    new.kind.as_str(),
                    new.url,
                    new.collection.0,
                    settings,
                    auth,
                    auth_name,
                    secret,
                    seconds(new.interval),
                    new.enabled,
                    Time(now)
                ],
            )?;
            audit::append(
                transaction,
                now,
                &Audit { actor, action: "feed.create", target: new.name, detail: told(new) },
            )?;
            by_id(transaction, id)
        })
    }

    /// Changes a feed. What a server said about the last version is forgotten, so the next run reads it anew.
    ///
    /// # Errors
    /// As [`State::create_feed`].
    pub fn change_feed(&self, id: FeedId, new: &NewFeed<'_>, actor: &Actor) -> Result<Feed, StateError> {
        let settings = check(new)?;
        let now = self.now();
        self.write(|transaction| {
            check_free(transaction, new.name, Some(id))?;
            collection::by_id(transaction, new.collection)?;
            let sql = "UPDATE feeds SET name = ?2, folded = ?3, kind = ?4, url = ?5, collection = ?6, settings = ?7,
                         interval_s = ?8, enabled = ?9, due = ?10, etag = NULL, last_modified = NULL, added_after = NULL
                       WHERE id = ?1";
            let changed = transaction.execute(
                sql,
                params![
                    Id(id.0),
                    new.name,
                    fold(new.name),
                    new.kind.as_str(),
                    new.url,
                    new.collection.0,
                    settings,
                    seconds(new.interval),
                    new.enabled,
                    Time(now)
                ],
            )?;
            if changed == 0 {
                return Err(StateError::not_found("feed", id));
            }
            if let Some(auth) = &new.auth {
                let (auth, auth_name, secret) = parts(auth);
                let sql = "UPDATE feeds SET auth = ?2, auth_name = ?3, secret = ?4 WHERE id = ?1";
                transaction.execute(sql, params![Id(id.0), auth, auth_name, secret])?;
            }
            audit::append(
                transaction,
                now,
                &Audit { actor, action: "feed.change", target: new.name, detail: told(new) },
            )?;
            by_id(transaction, id)
        })
    }

    /// Deletes a feed. Its indicators stay in their collection.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn delete_feed(&self, id: FeedId, actor: &Actor) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| {
            let sql = "DELETE FROM feeds WHERE id = ?1 RETURNING name";
            let name: Option<String> = transaction.query_row(sql, [Id(id.0)], |row| row.get(0)).optional()?;
            let name = name.ok_or_else(|| StateError::not_found("feed", id))?;
            audit::append(transaction, now, &Audit { actor, action: "feed.delete", target: &name, detail: json!({}) })
        })
    }

    /// All feeds, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn feeds(&self) -> Result<Vec<Feed>, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY folded"))?;
            let rows = statement.query_map([], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One feed.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn feed(&self, id: FeedId) -> Result<Feed, StateError> {
        self.read(|connection| by_id(connection, id))
    }

    /// How we prove to a feed who we are: for fetching it, and for nothing else.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn feed_auth(&self, id: FeedId) -> Result<FeedAuth, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT auth, auth_name, secret FROM feeds WHERE id = ?1")?;
            let read = |row: &Row<'_>| {
                let secret = Secret::new(row.get::<_, Option<String>>(2)?.unwrap_or_default());
                let name = row.get::<_, Option<String>>(1)?.unwrap_or_default();
                Ok(match row.get::<_, String>(0)?.as_str() {
                    "basic" => FeedAuth::Basic(name, secret),
                    "bearer" => FeedAuth::Bearer(secret),
                    "header" => FeedAuth::Header(name, secret),
                    "query" => FeedAuth::Query(name, secret),
                    _ => FeedAuth::None,
                })
            };
            statement.query_row([Id(id.0)], read).optional()?.ok_or_else(|| StateError::not_found("feed", id))
        })
    }
}

fn check(new: &NewFeed<'_>) -> Result<String, StateError> {
    check_title("feed name", new.name)?;
    let web = new.url.starts_with("https://") || new.url.starts_with("http://");
    if !web || new.url.len() > URL_BYTES_MAX || new.url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(StateError::invalid("feed url", "must be an http or https address without spaces"));
    }
    let authority = new.url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    if authority.contains('@') {
        return Err(StateError::invalid("feed url", "must not hold a password: give it as authentication"));
    }
    if new.interval < INTERVAL_MIN || new.interval > INTERVAL_MAX {
        return Err(StateError::invalid("feed interval", "must be 5 minutes to 31 days"));
    }
    if let Some(auth) = &new.auth {
        check_auth(auth)?;
    }
    let settings = new.settings.to_string();
    if settings.len() > SETTINGS_BYTES_MAX {
        return Err(StateError::invalid("feed settings", format!("are larger than {SETTINGS_BYTES_MAX} bytes")));
    }
    Ok(settings)
}

fn check_auth(auth: &FeedAuth) -> Result<(), StateError> {
    let (_, name, secret) = parts(auth);
    if secret.is_some_and(|secret| {
        secret.is_empty() || secret.len() > SECRET_BYTES_MAX || secret.chars().any(char::is_control)
    }) {
        return Err(StateError::invalid("feed secret", "is empty, too long or holds control characters"));
    }
    if name.is_some_and(|name| name.is_empty() || name.len() > 256 || name.chars().any(char::is_control)) {
        return Err(StateError::invalid("feed user or header", "is empty, too long or holds control characters"));
    }
    Ok(())
}

fn check_free(connection: &Connection, name: &str, but: Option<FeedId>) -> Result<(), StateError> {
    let sql = "SELECT id FROM feeds WHERE folded = ?1";
    let other = connection.query_row(sql, [fold(name)], |row| row.get::<_, Id>(0)).optional()?;
    match other {
        Some(other) if Some(FeedId(other.0)) != but => Err(StateError::duplicate("feed", name)),
        _ => Ok(()),
    }
}

fn parts(auth: &FeedAuth) -> (&'static str, Option<&str>, Option<&str>) {
    match auth {
        FeedAuth::None => ("none", None, None),
        FeedAuth::Basic(user, secret) => ("basic", Some(user), Some(secret.reveal())),
        FeedAuth::Bearer(secret) => ("bearer", None, Some(secret.reveal())),
        FeedAuth::Header(name, secret) => ("header", Some(name), Some(secret.reveal())),
        FeedAuth::Query(name, secret) => ("query", Some(name), Some(secret.reveal())),
    }
}

fn seconds(interval: Duration) -> i64 {
    i64::try_from(interval.as_secs()).unwrap_or(i64::MAX)
}

/// What the audit trail tells. The URL may hold a key in its query, which is left out.
fn told(new: &NewFeed<'_>) -> Value {
    let url = new.url.split(['?', '#']).next().unwrap_or_default();
    let auth = new.auth.as_ref().map(|auth| parts(auth).0);
    json!({"url": url, "kind": new.kind, "enabled": new.enabled, "auth": auth})
}

fn by_id(connection: &Connection, id: FeedId) -> Result<Feed, StateError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    statement.query_row([Id(id.0)], read).optional()?.ok_or_else(|| StateError::not_found("feed", id))
}

const SELECT: &str = "SELECT id, name, kind, url, collection, settings, auth, auth_name, interval_s, enabled, created, state,
    error, failures, started, finished, succeeded, due, etag, last_modified, added_after, accepted, refused, report FROM feeds";

fn read(row: &Row<'_>) -> rusqlite::Result<Feed> {
    let time = |index| row.get::<_, Option<Time>>(index).map(|time| time.map(|time| time.0));
    let number = |index| row.get::<_, i64>(index).map(|number| u64::try_from(number).unwrap_or(0));
    let settings: String = row.get(5)?;
    let report: Option<String> = row.get(23)?;
    Ok(Feed {
        id: FeedId(row.get::<_, Id>(0)?.0),
        name: row.get(1)?,
        kind: row.get::<_, Parsed<FeedKind>>(2)?.0,
        url: row.get(3)?,
        collection: CollectionId(row.get(4)?),
        settings: serde_json::from_str(&settings).unwrap_or_default(),
        auth: row.get(6)?,
        auth_name: row.get(7)?,
        interval_s: number(8)?,
        enabled: row.get(9)?,
        created: row.get::<_, Time>(10)?.0,
        state: row.get::<_, Parsed<FeedState>>(11)?.0,
        error: row.get(12)?,
        failures: row.get(13)?,
        started: time(14)?,
        finished: time(15)?,
        succeeded: time(16)?,
        due: row.get::<_, Time>(17)?.0,
        etag: row.get(18)?,
        last_modified: row.get(19)?,
        added_after: row.get(20)?,
        accepted: number(21)?,
        refused: number(22)?,
        report: report.and_then(|report| serde_json::from_str(&report).ok()),
    })
}

#[cfg(test)]
mod tests;
