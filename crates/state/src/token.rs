//! API tokens: what a program holds to act for a user.

use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::audit::{self, Audit};
use crate::clock::{after, rfc3339, rfc3339_or_null};
use crate::database::{Id, Parsed, Time};
use crate::error::StateError;
use crate::name::{check_title, fold};
use crate::principal::{Actor, Principal, Role, UserId, Via};
use crate::secret::{Purpose, Secret};
use crate::state::State;
use crate::user;

const TOKENS_MAX: i64 = 100;
/// The time of last use is written at most so often: it costs a write.
const USED_EVERY: std::time::Duration = std::time::Duration::from_mins(5);

/// Identifies an API token in lists; it is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TokenId(pub Uuid);

impl std::fmt::Display for TokenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// An API token without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiToken {
    /// Its id.
    pub id: TokenId,
    /// For whom it acts.
    pub user: UserId,
    /// Its name, unique among the user's tokens.
    pub name: String,
    /// The most it may do.
    pub role: Role,
    /// The last four characters of its secret.
    pub hint: String,
    /// When it was made.
    #[serde(serialize_with = "rfc3339")]
    pub created: Timestamp,
    /// When it ends.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub expires: Option<Timestamp>,
    /// When it was last used, to five minutes.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub last_used: Option<Timestamp>,
}

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    /// Its name.
    pub name: &'a str,
    /// The most it may do: not more than its owner, nor than who makes it.
    pub role: Role,
    /// When it ends; never, if `None`.
    pub expires: Option<Timestamp>,
}

impl State {
    /// Creates a token for a user; the secret is shown this once.
    ///
    /// # Errors
    /// [`StateError::NotFound`] for the user, [`StateError::Duplicate`] for the name, [`StateError::Invalid`] for a role
    /// above the owner's or the maker's, or an end in the past.
    pub fn create_token(
        &self,
        user: UserId,
        token: &NewToken<'_>,
        actor: &Actor,
    ) -> Result<(ApiToken, Secret), StateError> {
        check_title("token name", token.name)?;
        let secret = Purpose::ApiToken.draw()?;
        let now = self.now();
        if token.expires.is_some_and(|expires| expires <= now) {
            return Err(StateError::invalid("token expiry", "is in the past"));
        }
        let made = ApiToken {
            id: TokenId(Uuid::new_v4()),
            user,
            name: token.name.to_owned(),
            role: token.role,
            hint: secret.hint(),
            created: now,
            expires: token.expires,
            last_used: None,
        };
        self.write(|transaction| {
            let owner = user::by_id(transaction, user)?;
            let role_max = owner.role.min(actor.role);
            if token.role > role_max {
                return Err(StateError::invalid("token role", format!("must not be above `{role_max}`")));
            }
            let sql = "SELECT count(*), count(*) FILTER (WHERE folded = ?2) FROM tokens WHERE user = ?1";
            let (count, same): (i64, i64) =
                transaction
                    .query_row(sql, params![Id(user.0), fold(token.name)], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if same > 0 {
                return Err(StateError::duplicate("token", token.name));
            }
            if count >= TOKENS_MAX {
                return Err(StateError::invalid("token", format!("is one too many: `{}` has {count}", owner.name)));
            }
            transaction.execute(
                "INSERT INTO tokens (id, digest, user, name, folded, role, hint, created, expires)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    Id(made.id.0),
                    Purpose::ApiToken.digest(secret.reveal()),
                    Id(user.0),
                    made.name,
                    fold(&made.name),
                    made.role.as_str(),
                    made.hint,
                    Time(now),
                    made.expires.map(Time)
                ],
            )?;
            let detail = json!({"user": owner.name, "role": made.role, "hint": made.hint,
                "expires": made.expires.map(Timestamp::to_rfc3339)});
            audit::append(transaction, now, &Audit { actor, action: "token.create", target: &made.name, detail })
        })?;
        Ok((made, secret))
    }

    /// For whom this token acts; `None` when it is none, is over or revoked, or its user is disabled.
    ///
    /// # Errors
    /// When the database fails.
    pub fn token(&self, secret: &str) -> Result<Option<Principal>, StateError> {
        if !Purpose::ApiToken.is_shape_of(secret) {
            return Ok(None);
        }
        let digest = Purpose::ApiToken.digest(secret);
        let now = self.now();
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT tokens.id, tokens.name, tokens.role, last_used, users.id, users.name, users.role
                 FROM tokens JOIN users ON users.id = tokens.user
                 WHERE digest = ?1 AND (expires IS NULL OR expires > ?2) AND enabled = 1",
            )?;
            let found = statement.query_row(params![digest, Time(now)], principal).optional()?;
            let Some((principal, id, last_used)) = found else { return Ok(None) };
            if last_used.is_none_or(|last_used| now >= after(last_used, USED_EVERY)) {
                let mut touch = connection.prepare_cached("UPDATE tokens SET last_used = ?2 WHERE id = ?1")?;
                touch.execute(params![Id(id.0), Time(now)])?;
            }
            Ok(Some(principal))
        })
    }

    /// The tokens of a user, or of all users, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn tokens(&self, user: Option<UserId>) -> Result<Vec<ApiToken>, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, user, name, role, hint, created, expires, last_used FROM tokens
                 WHERE ?1 IS NULL OR user = ?1 ORDER BY folded, created",
            )?;
            let rows = statement.query_map([user.map(|user| Id(user.0))], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Ends a token of a user.
    ///
    /// # Errors
    /// [`StateError::NotFound`] when the user has no such token.
    pub fn revoke_token(&self, user: UserId, id: TokenId, actor: &Actor) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| {
            let sql = "DELETE FROM tokens WHERE id = ?1 AND user = ?2 RETURNING name";
            let name: Option<String> =
                transaction.query_row(sql, [Id(id.0), Id(user.0)], |row| row.get(0)).optional()?;
            let name = name.ok_or_else(|| StateError::not_found("token", id))?;
            let detail = json!({"user": user::by_id(transaction, user)?.name});
            audit::append(transaction, now, &Audit { actor, action: "token.revoke", target: &name, detail })
        })
    }
}

fn principal(row: &Row<'_>) -> rusqlite::Result<(Principal, TokenId, Option<Timestamp>)> {
    let id = TokenId(row.get::<_, Id>(0)?.0);
    let (granted, present) = (row.get::<_, Parsed<Role>>(2)?.0, row.get::<_, Parsed<Role>>(6)?.0);
    let principal = Principal {
        user: UserId(row.get::<_, Id>(4)?.0),
        name: row.get(5)?,
        role: granted.min(present),
        via: Via::Token { id, name: row.get(1)? },
    };
    Ok((principal, id, row.get::<_, Option<Time>>(3)?.map(|time| time.0)))
}

fn read(row: &Row<'_>) -> rusqlite::Result<ApiToken> {
    Ok(ApiToken {
        id: TokenId(row.get::<_, Id>(0)?.0),
        user: UserId(row.get::<_, Id>(1)?.0),
        name: row.get(2)?,
        role: row.get::<_, Parsed<Role>>(3)?.0,
        hint: row.get(4)?,
        created: row.get::<_, Time>(5)?.0,
        expires: row.get::<_, Option<Time>>(6)?.map(|time| time.0),
        last_used: row.get::<_, Option<Time>>(7)?.map(|time| time.0),
    })
}

#[cfg(test)]
mod tests;
