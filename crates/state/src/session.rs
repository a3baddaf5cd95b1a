//! Sessions: what a browser holds after logging in.

use std::net::IpAddr;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::audit::{self, Audit};
use crate::clock::{after, before, rfc3339};
use crate::database::{Id, Parsed, Time};
use crate::error::StateError;
use crate::principal::{Actor, Principal, Role, UserId, Via};
use crate::secret::{Purpose, Secret, csrf_of, same};
use crate::state::State;
use crate::user;

/// Sessions one user may have open; the one unused for longest makes room for the next.
const SESSIONS_MAX: i64 = 20;
const AGENT_CHARS_MAX: usize = 200;
/// The time of last use is written at most so often: it costs a write.
const SEEN_EVERY: Duration = Duration::from_mins(1);

/// Identifies a session in lists; it is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SessionId(pub Uuid);

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a session was opened from.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// Its address.
    pub address: Option<IpAddr>,
    /// What it calls itself (`User-Agent`).
    pub agent: Option<String>,
}

/// An open session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// When it was opened.
    #[serde(serialize_with = "rfc3339")]
    pub created: Timestamp,
    /// When it was last used, to the minute.
    #[serde(serialize_with = "rfc3339")]
    pub seen: Timestamp,
    /// When it ends at the latest.
    #[serde(serialize_with = "rfc3339")]
    pub expires: Timestamp,
    /// From where it was opened.
    pub address: Option<IpAddr>,
    /// What opened it.
    pub agent: Option<String>,
}

impl State {
    /// Opens a session for a user whose password was just checked; it ends after `ttl`, or earlier when it is not used
    /// for [`crate::Options::session_idle`]. The secret belongs in a cookie.
    ///
    /// # Errors
    /// [`StateError::NotFound`] when the user is gone or disabled.
    pub fn open_session(&self, user: UserId, ttl: Duration, client: &Client) -> Result<Secret, StateError> {
        let secret = Purpose::Session.draw()?;
        let now = self.now();
        let agent = client
            .agent
            .as_ref()
            .map(|agent| agent.chars().filter(|c| !c.is_control()).take(AGENT_CHARS_MAX).collect::<String>());
        self.write(|transaction| {
            if !user::by_id(transaction, user)?.enabled {
                return Err(StateError::not_found("user", user));
            }
            transaction.execute(
                "DELETE FROM sessions WHERE user = ?1 AND id NOT IN
                   (SELECT id FROM sessions WHERE user = ?1 ORDER BY seen DESC LIMIT ?2)",
                params![Id(user.0), SESSIONS_MAX - 1],
            )?;
            transaction.execute(
                "INSERT INTO sessions (id, digest, user, created, seen, expires, address, agent)
                 VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7)",
                params![
                    Id(Uuid::new_v4()),
                    Purpose::Session.digest(secret.reveal()),
                    Id(user.0),
                    Time(now),
                    Time(after(now, ttl)),
                    client.address.map(|address| address.to_string()),
                    agent
                ],
            )?;
            Ok(())
        })?;
        Ok(secret)
    }

    /// Whose session this secret opens; `None` when it is none, is over, or its user is disabled.
    ///
    /// # Errors
    /// When the database fails.
    pub fn session(&self, secret: &str) -> Result<Option<Principal>, StateError> {
        if !Purpose::Session.is_shape_of(secret) {
            return Ok(None);
        }
        let digest = Purpose::Session.digest(secret);
        let now = self.now();
        let idle = before(now, self.options.session_idle);
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT sessions.id, users.id, users.name, users.role, sessions.seen
                 FROM sessions JOIN users ON users.id = sessions.user
                 WHERE digest = ?1 AND expires > ?2 AND seen > ?3 AND enabled = 1",
            )?;
            let found = statement.query_row(params![digest, Time(now), Time(idle)], principal).optional()?;
            let Some((principal, id, seen)) = found else { return Ok(None) };
            if now >= after(seen, SEEN_EVERY) {
                let mut touch = connection.prepare_cached("UPDATE sessions SET seen = ?2 WHERE id = ?1")?;
                touch.execute(params![Id(id.0), Time(now)])?;
            }
            Ok(Some(principal))
        })
    }

    /// The token that requests which change something must carry beside the session's cookie.
    #[must_use]
    pub fn csrf_token(&self, session: &str) -> String {
        csrf_of(session)
    }

    /// Whether `token` is the session's CSRF token.
    #[must_use]
    pub fn csrf_matches(&self, session: &str, token: &str) -> bool {
        same(csrf_of(session).as_bytes(), token.as_bytes())
    }

    /// A user's open sessions, the last used first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sessions(&self, user: UserId) -> Result<Vec<Session>, StateError> {
        let now = self.now();
        let idle = before(now, self.options.session_idle);
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, user, created, seen, expires, address, agent FROM sessions
                 WHERE user = ?1 AND expires > ?2 AND seen > ?3 ORDER BY seen DESC",
            )?;
            let rows = statement.query_map(params![Id(user.0), Time(now), Time(idle)], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Ends a session of a user: logging out, or closing one left open elsewhere.
    ///
    /// # Errors
    /// [`StateError::NotFound`] when the user has no such session.
    pub fn close_session(&self, user: UserId, id: SessionId, actor: &Actor) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| {
            let closed =
                transaction.execute("DELETE FROM sessions WHERE id = ?1 AND user = ?2", [Id(id.0), Id(user.0)])?;
            if closed == 0 {
                return Err(StateError::not_found("session", id));
            }
            closed_by(transaction, now, user, 1, actor)
        })
    }

    /// Ends all sessions of a user but `keep`; returns how many.
    ///
    /// # Errors
    /// [`StateError::NotFound`] when there is no such user.
    pub fn close_sessions(&self, user: UserId, keep: Option<SessionId>, actor: &Actor) -> Result<usize, StateError> {
        let now = self.now();
        self.write(|transaction| {
            let closed = transaction.execute(
                "DELETE FROM sessions WHERE user = ?1 AND id IS NOT ?2",
                params![Id(user.0), keep.map(|id| Id(id.0))],
            )?;
            closed_by(transaction, now, user, closed, actor)?;
            Ok(closed)
        })
    }
}

fn closed_by(
    connection: &Connection,
    now: Timestamp,
    user: UserId,
    closed: usize,
    actor: &Actor,
) -> Result<(), StateError> {
    let target = user::by_id(connection, user)?.name;
    let detail = json!({"sessions_closed": closed});
    audit::append(connection, now, &Audit { actor, action: "session.close", target: &target, detail })
}

fn principal(row: &Row<'_>) -> rusqlite::Result<(Principal, SessionId, Timestamp)> {
    let id = SessionId(row.get::<_, Id>(0)?.0);
    let principal = Principal {
        user: UserId(row.get::<_, Id>(1)?.0),
        name: row.get(2)?,
        role: row.get::<_, Parsed<Role>>(3)?.0,
        via: Via::Session { id },
    };
    Ok((principal, id, row.get::<_, Time>(4)?.0))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: SessionId(row.get::<_, Id>(0)?.0),
        user: UserId(row.get::<_, Id>(1)?.0),
        created: row.get::<_, Time>(2)?.0,
        seen: row.get::<_, Time>(3)?.0,
        expires: row.get::<_, Time>(4)?.0,
        address: row.get::<_, Option<Parsed<IpAddr>>>(5)?.map(|address| address.0),
        agent: row.get(6)?,
    })
}

#[cfg(test)]
mod tests;
