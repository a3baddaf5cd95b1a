//! What a user likes their pages to be: one small JSON object each, whose meaning only the pages know. Not audited, since
//! it is their own and changes with every column they move.

use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};

use crate::bounds::check_json;
use crate::database::Id;
use crate::error::StateError;
use crate::principal::UserId;
use crate::state::State;
use crate::user;

const PREFERENCES_BYTES_MAX: usize = 32 << 10;

impl State {
    /// A user's preferences; an empty object when they never set any.
    ///
    /// # Errors
    /// When the database fails.
    pub fn preferences(&self, user: UserId) -> Result<Value, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT value FROM preferences WHERE user = ?1")?;
            let text: Option<String> = statement.query_row([Id(user.0)], |row| row.get(0)).optional()?;
            Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_else(|| json!({})))
        })
    }

    /// Sets a user's preferences, in place of the old ones.
    ///
    /// # Errors
    /// [`StateError::NotFound`]; [`StateError::Invalid`] for what is no object or larger than 32 KiB.
    pub fn set_preferences(&self, user: UserId, preferences: &Value) -> Result<(), StateError> {
        if !preferences.is_object() {
            return Err(StateError::invalid("preferences", "must be a JSON object"));
        }
        let text = check_json("preferences", preferences, PREFERENCES_BYTES_MAX)?;
        self.write(|transaction| {
            user::by_id(transaction, user)?;
            let sql = "INSERT OR REPLACE INTO preferences (user, value) VALUES (?1, ?2)";
            transaction.execute(sql, params![Id(user.0), text])?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;
    use crate::testing::Fixture;

    #[test]
    fn everybody_has_their_own_preferences_within_bounds() {
        let fixture = Fixture::new();
        let (alice, bob) = (fixture.user("alice", Role::Viewer).id, fixture.user("bob", Role::Viewer).id);
        assert_eq!(fixture.state.preferences(alice).unwrap(), json!({}));
        fixture.state.set_preferences(alice, &json!({"theme": "dark"})).unwrap();
        fixture.state.set_preferences(alice, &json!({"columns": ["source.ip"]})).unwrap();
        assert_eq!(fixture.state.preferences(alice).unwrap(), json!({"columns": ["source.ip"]}));
        assert_eq!(fixture.state.preferences(bob).unwrap(), json!({}));
        let big = json!({"x": "y".repeat(PREFERENCES_BYTES_MAX)});
        for bad in [json!([1]), big] {
            assert!(matches!(fixture.state.set_preferences(alice, &bad), Err(StateError::Invalid { .. })));
        }
        fixture.state.delete_user(alice, &crate::Actor::system()).unwrap();
        assert_eq!(fixture.state.preferences(alice).unwrap(), json!({}));
        let gone = fixture.state.set_preferences(alice, &json!({}));
        assert!(matches!(gone, Err(StateError::NotFound { .. })));
    }
}
