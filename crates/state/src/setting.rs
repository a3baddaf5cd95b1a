//! Settings that are changed while running, as JSON under a key.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};

use crate::audit::{self, Audit};
use crate::error::StateError;
use crate::name::check_handle;
use crate::principal::Actor;
use crate::state::State;

const VALUE_BYTES_MAX: usize = 256 << 10;
const SETTINGS_MAX: i64 = 10_000;

impl State {
    /// The setting under `key`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn setting(&self, key: &str) -> Result<Option<Value>, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
            let text: Option<String> = statement.query_row([key], |row| row.get(0)).optional()?;
            text.map(|text| parse(key, &text)).transpose()
        })
    }

    /// All settings whose key begins with `prefix`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn settings(&self, prefix: &str) -> Result<BTreeMap<String, Value>, StateError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT key, value FROM settings WHERE substr(key, 1, length(?1)) = ?1")?;
            let rows = statement.query_map([prefix], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            rows.map(|row| {
                let (key, text) = row?;
                let value = parse(&key, &text)?;
                Ok((key, value))
            })
            .collect()
        })
    }

    /// Sets `key` (ASCII letters, digits, `. _ - @ +`) to `value`, or removes it. The audit entry tells the key and
    /// whether it was removed, not the value, which may be a secret.
    ///
    /// # Errors
    /// [`StateError::Invalid`] for the key, a value above 256 KiB, or too many settings.
    pub fn set_setting(&self, key: &str, value: Option<&Value>, actor: &Actor) -> Result<(), StateError> {
        check_handle("setting", key)?;
        let text = value.map(Value::to_string);
        if text.as_ref().is_some_and(|text| text.len() > VALUE_BYTES_MAX) {
            return Err(StateError::invalid("setting", format!("`{key}` is larger than {VALUE_BYTES_MAX} bytes")));
        }
        let now = self.now();
        self.write(|transaction| {
            match &text {
                Some(text) => {
                    let count: i64 =
                        transaction
                            .query_row("SELECT count(*) FROM settings WHERE key <> ?1", [key], |row| row.get(0))?;
                    if count >= SETTINGS_MAX {
                        return Err(StateError::invalid("setting", format!("`{key}` is one too many")));
                    }
                    transaction
                        .execute("INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)", params![key, text])?;
                }
                None => {
                    if transaction.execute("DELETE FROM settings WHERE key = ?1", [key])? == 0 {
                        return Err(StateError::not_found("setting", key));
                    }
                }
            }
            let action = if text.is_some() { "setting.set" } else { "setting.remove" };
            audit::append(transaction, now, &Audit { actor, action, target: key, detail: json!({}) })
        })
    }
}

fn parse(key: &str, text: &str) -> Result<Value, StateError> {
    serde_json::from_str(text).map_err(|error| StateError::invalid("setting", format!("`{key}` is damaged: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditFilter;
    use crate::testing::Fixture;

    #[test]
    fn settings_are_set_read_listed_and_removed() {
        let fixture = Fixture::new();
        let (state, actor) = (&fixture.state, Actor::system());
        assert_eq!(state.setting("rules.a").unwrap(), None);
        state.set_setting("rules.a", Some(&json!({"enabled": true})), &actor).unwrap();
        state.set_setting("rules.a", Some(&json!({"enabled": false})), &actor).unwrap();
        state.set_setting("rules%b", Some(&json!(1)), &actor).unwrap_err();
        state.set_setting("feed.token", Some(&json!("hunter2hunter2")), &actor).unwrap();
        assert_eq!(state.setting("rules.a").unwrap(), Some(json!({"enabled": false})));
        assert_eq!(state.settings("rules.").unwrap().len(), 1);
        assert_eq!(state.settings("").unwrap().len(), 2);
        state.set_setting("rules.a", None, &actor).unwrap();
        assert!(matches!(state.set_setting("rules.a", None, &actor), Err(StateError::NotFound { .. })));
        let big = Value::String("x".repeat(VALUE_BYTES_MAX));
        assert!(matches!(state.set_setting("big", Some(&big), &actor), Err(StateError::Invalid { .. })));
        let trail =
            state.audit(&AuditFilter { action: Some("setting".into()), ..Default::default() }, 10, None).unwrap();
        assert_eq!(trail.len(), 4);
        assert!(!serde_json::to_string(&trail).unwrap().contains("hunter2"));
    }
}
