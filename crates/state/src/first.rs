//! The first start: somebody must be able to log in.

use rusqlite::Connection;
use serde_json::json;
use tidegate_event::Timestamp;

use crate::audit::{self, Audit};
use crate::error::StateError;
use crate::password;
use crate::principal::{Actor, Role};
use crate::secret::{Secret, readable_password};
use crate::state::write;
use crate::user;

const ADMIN: &str = "admin";

/// The login made at the first start; print it once, it is stored nowhere.
#[derive(Clone, Debug)]
pub struct FirstLogin {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// Creates the admin if there is no user at all.
pub(crate) fn create_admin(connection: &mut Connection, now: Timestamp) -> Result<Option<FirstLogin>, StateError> {
    if count(connection)? > 0 {
        return Ok(None);
    }
    let password = readable_password()?;
    let hash = password::hash(password.reveal())?;
    let created = write(connection, |transaction| {
        // Another process may have been first.
        if count(transaction)? > 0 {
            return Ok(false);
        }
        user::insert(transaction, ADMIN, Role::Admin, &hash, now)?;
        let actor = Actor::system();
        let detail = json!({"role": Role::Admin, "first_start": true});
        audit::append(transaction, now, &Audit { actor: &actor, action: "user.create", target: ADMIN, detail })?;
        Ok(true)
    })?;
    Ok(created.then(|| FirstLogin { user: ADMIN.to_owned(), password }))
}

fn count(connection: &Connection) -> Result<i64, StateError> {
    Ok(connection.query_row("SELECT count(*) FROM users", [], |row| row.get(0))?)
}
