//! Users: who may look, and what they may do.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::{Value, json};
use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::audit::{self, Audit};
use crate::clock::{rfc3339, rfc3339_or_null};
use crate::database::{Id, Parsed, Time};
use crate::error::StateError;
use crate::name::{check_handle, fold};
use crate::password;
use crate::principal::{Actor, Role, UserId};
use crate::secret::Secret;
use crate::session::SessionId;
use crate::state::State;

const USERS_MAX: i64 = 10_000;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// The name they log in with, in any case.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may do it at present.
    pub enabled: bool,
    /// When they were made.
    #[serde(serialize_with = "rfc3339")]
    pub created: Timestamp,
    /// When they last logged in.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub last_login: Option<Timestamp>,
}

impl User {
    /// Whether alerts can be given to them.
    pub(crate) fn works_on_alerts(&self) -> bool {
        self.enabled && self.role.allows(Role::Analyst)
    }
}

impl State {
    /// Creates a user.
    ///
    /// # Errors
    /// [`StateError::Invalid`] for the name or a weak password, [`StateError::Duplicate`] for the name.
    pub fn create_user(&self, name: &str, password: &Secret, role: Role, actor: &Actor) -> Result<User, StateError> {
        check_handle("user name", name)?;
        password::check(password.reveal(), name)?;
        let hash = self.gate.pass(|| password::hash(password.reveal()))??;
        let now = self.now();
        self.write(|transaction| {
            if by_name(transaction, name)?.is_some() {
                return Err(StateError::duplicate("user", name));
            }
            let count: i64 = transaction.query_row("SELECT count(*) FROM users", [], |row| row.get(0))?;
            if count >= USERS_MAX {
                return Err(StateError::invalid("user", format!("is one too many: there are {USERS_MAX} already")));
            }
            let id = insert(transaction, name, role, &hash, now)?;
            audit(transaction, now, actor, "user.create", name, json!({"role": role}))?;
            by_id(transaction, id)
        })
    }

    /// All users, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn users(&self) -> Result<Vec<User>, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY folded"))?;
            let rows = statement.query_map([], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The names of those who may work on alerts, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub fn assignees(&self) -> Result<Vec<String>, StateError> {
        let able = self.users()?.into_iter().filter(User::works_on_alerts);
        Ok(able.map(|user| user.name).collect())
    }

    /// The user with this id.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn user(&self, id: UserId) -> Result<User, StateError> {
        self.read(|connection| by_id(connection, id))
    }

    /// The user of this name, in any case.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn user_by_name(&self, name: &str) -> Result<User, StateError> {
        self.read(|connection| by_name(connection, name))?.ok_or_else(|| StateError::not_found("user", name))
    }

    /// Gives a user a new password and closes their sessions, but for `keep`: the one in which they changed it
    /// themselves. API tokens stay; revoke those that may have leaked.
    ///
    /// # Errors
    /// [`StateError::NotFound`]; [`StateError::Invalid`] for a weak password.
    pub fn set_password(
        &self,
        id: UserId,
        password: &Secret,
        keep: Option<SessionId>,
        actor: &Actor,
    ) -> Result<(), StateError> {
        password::check(password.reveal(), &self.user(id)?.name)?;
        let hash = self.gate.pass(|| password::hash(password.reveal()))??;
        let now = self.now();
        self.write(|transaction| {
            let user = by_id(transaction, id)?;
            transaction.execute("UPDATE users SET password = ?2 WHERE id = ?1", params![Id(id.0), hash])?;
            let closed = transaction.execute(
                "DELETE FROM sessions WHERE user = ?1 AND id IS NOT ?2",
                params![Id(id.0), keep.map(|session| Id(session.0))],
            )?;
            audit(transaction, now, actor, "user.password", &user.name, json!({"sessions_closed": closed}))
        })
    }

    /// Gives a user another role; their tokens never exceed it.
    ///
    /// # Errors
    /// [`StateError::NotFound`]; [`StateError::LastAdmin`].
    pub fn set_role(&self, id: UserId, role: Role, actor: &Actor) -> Result<User, StateError> {
        let now = self.now();
        self.write(|transaction| {
            let user = by_id(transaction, id)?;
            if role != Role::Admin {
                keep_an_admin(transaction, &user)?;
            }
            transaction.execute("UPDATE users SET role = ?2 WHERE id = ?1", params![Id(id.0), role.as_str()])?;
            audit(transaction, now, actor, "user.role", &user.name, json!({"from": user.role, "to": role}))?;
            by_id(transaction, id)
        })
    }

    /// Lets a user in again, or keeps them out: closes their sessions and suspends their tokens.
    ///
    /// # Errors
    /// [`StateError::NotFound`]; [`StateError::LastAdmin`].
    pub fn set_user_enabled(&self, id: UserId, enabled: bool, actor: &Actor) -> Result<User, StateError> {
        let now = self.now();
        self.write(|transaction| {
            let user = by_id(transaction, id)?;
            if !enabled {
                keep_an_admin(transaction, &user)?;
                transaction.execute("DELETE FROM sessions WHERE user = ?1", [Id(id.0)])?;
            }
            transaction.execute("UPDATE users SET enabled = ?2 WHERE id = ?1", params![Id(id.0), enabled])?;
            let action = if enabled { "user.enable" } else { "user.disable" };
            audit(transaction, now, actor, action, &user.name, json!({}))?;
            by_id(transaction, id)
        })
    }

    /// Deletes a user with their sessions and tokens. The audit trail keeps their name.
    ///
    /// # Errors
    /// [`StateError::NotFound`]; [`StateError::LastAdmin`].
    pub fn delete_user(&self, id: UserId, actor: &Actor) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| {
            let user = by_id(transaction, id)?;
            keep_an_admin(transaction, &user)?;
            transaction.execute("DELETE FROM users WHERE id = ?1", [Id(id.0)])?;
            audit(transaction, now, actor, "user.delete", &user.name, json!({"role": user.role}))
        })
    }
}

/// Refuses when nobody but `user` is an enabled admin.
fn keep_an_admin(connection: &Connection, user: &User) -> Result<(), StateError> {
    if user.role != Role::Admin || !user.enabled {
        return Ok(());
    }
    let others: i64 = connection.query_row(
        "SELECT count(*) FROM users WHERE role = 'admin' AND enabled = 1 AND id <> ?1",
        [Id(user.id.0)],
        |row| row.get(0),
    )?;
    if others == 0 { Err(StateError::LastAdmin { name: user.name.clone() }) } else { Ok(()) }
}

/// Adds a user, whose name must have been checked.
pub(crate) fn insert(
    connection: &Connection,
    name: &str,
    role: Role,
    hash: &str,
    now: Timestamp,
) -> Result<UserId, StateError> {
    let id = UserId(Uuid::new_v4());
    connection.execute(
        "INSERT INTO users (id, name, folded, role, password, enabled, created) VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6)",
        params![Id(id.0), name, fold(name), role.as_str(), hash, Time(now)],
    )?;
    Ok(id)
}

pub(crate) fn by_id(connection: &Connection, id: UserId) -> Result<User, StateError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let user = statement.query_row([Id(id.0)], read).optional()?;
    user.ok_or_else(|| StateError::not_found("user", id))
}

fn by_name(connection: &Connection, name: &str) -> Result<Option<User>, StateError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE folded = ?1"))?;
    Ok(statement.query_row([fold(name)], read).optional()?)
}

const SELECT: &str = "SELECT id, name, role, enabled, created, last_login FROM users";

fn read(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: UserId(row.get::<_, Id>(0)?.0),
        name: row.get(1)?,
        role: row.get::<_, Parsed<Role>>(2)?.0,
        enabled: row.get(3)?,
        created: row.get::<_, Time>(4)?.0,
        last_login: row.get::<_, Option<Time>>(5)?.map(|time| time.0),
    })
}

fn audit(
    connection: &Connection,
    now: Timestamp,
    actor: &Actor,
    action: &'static str,
    target: &str,
    detail: Value,
) -> Result<(), StateError> {
    audit::append(connection, now, &Audit { actor, action, target, detail })
}

#[cfg(test)]
mod tests;
