//! The audit trail: who changed what, when and from where. Entries are only ever added.

use std::net::IpAddr;

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde_json::Value;
use tidegate_event::Timestamp;

use crate::clock::rfc3339;
use crate::database::{Parsed, Time};
use crate::error::StateError;
use crate::principal::Actor;
use crate::state::State;

const ENTRIES_MAX: usize = 1_000;
const DETAIL_BYTES_MAX: usize = 16 << 10;
/// Whoever reaches the login page can cause these entries, so their number is bounded as well as their age.
const FAILED_LOGINS_MAX: i64 = 100_000;
pub(crate) const LOGIN_FAILED: &str = "login.fail";

/// What somebody did, to be written down.
#[derive(Clone, Debug)]
pub struct Audit<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// What was done, as `noun.verb`: `rule.enable`.
    pub action: &'static str,
    /// To what: a name people know.
    pub target: &'a str,
    /// More about it. Never a secret.
    pub detail: Value,
}

/// One entry of the trail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditEntry {
    /// Ascends with every entry; the cursor for [`State::audit`].
    pub id: i64,
    /// When.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// The name of who did it.
    pub actor: String,
    /// How they were known: `session`, `token NAME`, `command line`, `login`, `system`.
    pub via: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub target: String,
    /// More about it.
    pub detail: Value,
    /// From where.
    pub address: Option<IpAddr>,
}

/// Which entries to list; an empty filter lists all.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only what this name did.
    pub actor: Option<String>,
    /// Only this action, or every action of a noun: `intake.create` or `intake`.
    pub action: Option<String>,
    /// Only what was done to this.
    pub target: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not at or after.
    pub to: Option<Timestamp>,
}

impl State {
    /// Writes an entry, for changes that this crate does not make itself.
    ///
    /// # Errors
    /// [`StateError::Invalid`] when the detail is larger than 16 KiB; or when the database fails.
    pub fn record(&self, audit: &Audit<'_>) -> Result<(), StateError> {
        if audit.detail.to_string().len() > DETAIL_BYTES_MAX {
            return Err(StateError::invalid("audit detail", format!("is larger than {DETAIL_BYTES_MAX} bytes")));
        }
        let now = self.now();
        self.write(|transaction| append(transaction, now, audit))
    }

    /// Lists entries, newest first: at most `limit` (1,000 at most), only those with an id below `before` when given.
    ///
    /// # Errors
    /// When the database fails.
    pub fn audit(
        &self,
        filter: &AuditFilter,
        limit: usize,
        before: Option<i64>,
    ) -> Result<Vec<AuditEntry>, StateError> {
        let limit = i64::try_from(limit.min(ENTRIES_MAX)).unwrap_or(i64::MAX);
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, at, actor, via, action, target, detail, address FROM audit
                 WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR actor = ?2)
                   AND (?3 IS NULL OR action = ?3 OR substr(action, 1, length(?3) + 1) = ?3 || '.')
                   AND (?4 IS NULL OR target = ?4) AND (?5 IS NULL OR at >= ?5) AND (?6 IS NULL OR at < ?6)
                 ORDER BY id DESC LIMIT ?7",
            )?;
            let rows = statement.query_map(
                params![
                    before,
                    filter.actor,
                    filter.action,
                    filter.target,
                    filter.from.map(Time),
                    filter.to.map(Time),
                    limit
                ],
                read,
            )?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Adds an entry in the caller's transaction, so that change and entry stand or fall together.
pub(crate) fn append(connection: &Connection, now: Timestamp, audit: &Audit<'_>) -> Result<(), StateError> {
    let Actor { name, via, address, .. } = audit.actor;
    let mut statement = connection.prepare_cached(
        "INSERT INTO audit (at, actor, via, action, target, detail, address) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let address = address.map(|address| address.to_string());
    let detail = audit.detail.to_string();
    statement.execute(params![Time(now), name, via, audit.action, audit.target, detail, address])?;
    Ok(())
}

/// Drops entries from before `from`, and the oldest failed logins beyond their number.
pub(crate) fn prune(connection: &Connection, from: Timestamp) -> Result<(), StateError> {
    connection.execute("DELETE FROM audit WHERE at < ?1", [Time(from)])?;
    connection.execute(
        "DELETE FROM audit WHERE action = ?1 AND id <=
           (SELECT id FROM audit WHERE action = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        params![LOGIN_FAILED, FAILED_LOGINS_MAX],
    )?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    let detail: String = row.get(6)?;
    Ok(AuditEntry {
        id: row.get(0)?,
        at: row.get::<_, Time>(1)?.0,
        actor: row.get(2)?,
        via: row.get(3)?,
        action: row.get(4)?,
        target: row.get(5)?,
        detail: serde_json::from_str(&detail).unwrap_or(Value::String(detail)),
        address: row.get::<_, Option<Parsed<IpAddr>>>(7)?.map(|address| address.0),
    })
}

#[cfg(test)]
mod tests;
