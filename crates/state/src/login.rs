//! Logging in with name and password.

use std::net::IpAddr;
use std::sync::{MutexGuard, PoisonError};

use rusqlite::{OptionalExtension, params};
use serde_json::json;

use crate::audit::{self, Audit, LOGIN_FAILED};
use crate::clock::before;
use crate::database::{Id, Time};
use crate::error::StateError;
use crate::name::fold;
use crate::password;
use crate::principal::{Actor, UserId};
use crate::secret::Secret;
use crate::state::State;
use crate::throttle::Throttle;
use crate::user::{self, User};

/// After so many audit entries, old failed logins are dropped without waiting for the daily round.
const PRUNE_EVERY: i64 = 4_096;

impl State {
    /// The user whose name and password these are. Takes as long for an unknown or disabled user as for a wrong
    /// password. Failures from one address on one name, or on many names, are slowed down. Blocks for tens of
    /// milliseconds.
    ///
    /// # Errors
    /// [`StateError::BadLogin`] whatever is wrong; [`StateError::Throttled`] after too many failures, without a check.
    pub fn verify_login(&self, name: &str, password: &Secret, address: Option<IpAddr>) -> Result<User, StateError> {
        let folded = fold(&name.chars().take(64).collect::<String>());
        let now = self.now();
        self.throttle().attempt(&folded, address, now)?;
        let stored = self.read(|connection| {
            let sql = "SELECT id, password FROM users WHERE folded = ?1 AND enabled = 1";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement
                .query_row([&folded], |row| Ok((UserId(row.get::<_, Id>(0)?.0), row.get::<_, String>(1)?)))
                .optional()?)
        })?;
        let hash = stored.as_ref().map(|(_, hash)| hash.as_str());
        let checked = self.gate.pass(|| password::verify(password.reveal(), hash));
        let right = checked.inspect_err(|_| self.throttle().retract(&folded, address))?;
        match stored.filter(|_| right) {
            Some((id, hash)) => {
                let user = self.admit(id, &hash, address)?;
                self.throttle().succeed(&folded, address);
                Ok(user)
            }
            None => {
                self.refuse(name, address)?;
                Err(StateError::BadLogin)
            }
        }
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the login, unless the user was disabled or got another password while theirs was being checked.
    fn admit(&self, id: UserId, hash: &str, address: Option<IpAddr>) -> Result<User, StateError> {
        let now = self.now();
        self.write(|transaction| {
            let noted = transaction.execute(
                "UPDATE users SET last_login = ?2 WHERE id = ?1 AND enabled = 1 AND password = ?3",
                params![Id(id.0), Time(now), hash],
            )?;
            if noted == 0 {
                return Err(StateError::BadLogin);
            }
            let user = user::by_id(transaction, id)?;
            let actor = Actor::anonymous(&user.name, address);
            let entry = Audit { actor: &actor, action: "login.succeed", target: &user.name, detail: json!({}) };
            audit::append(transaction, now, &entry)?;
            Ok(user)
        })
    }

    fn refuse(&self, name: &str, address: Option<IpAddr>) -> Result<(), StateError> {
        let now = self.now();
        let actor = Actor::anonymous(name, address);
        self.write(|transaction| {
            let entry = Audit { actor: &actor, action: LOGIN_FAILED, target: &actor.name, detail: json!({}) };
            audit::append(transaction, now, &entry)?;
            if transaction.last_insert_rowid() % PRUNE_EVERY == 0 {
                audit::prune(transaction, before(now, self.options.audit_age_max))?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
