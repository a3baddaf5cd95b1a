//! What the house wants of each rule: on or off, and settings that differ from the rule's own.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::alert::json as read_json;
use crate::audit::{self, Audit};
use crate::bounds::{COMMENT_BYTES_MAX, check_json, check_room, check_text};
use crate::clock::rfc3339;
use crate::database::{Id, Time};
use crate::error::StateError;
use crate::finding::Effort;
use crate::principal::Actor;
use crate::revision::{Topic, bump};
use crate::state::State;

const RULES_MAX: i64 = 20_000;
const SETTINGS_BYTES_MAX: usize = 16 << 10;
const LEVEL_KEY: &str = "rules.effort";

/// What to want of a rule; the default leaves everything as the rule says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewRuleSetting {
    /// On or off whatever its effort; none lets effort decide.
    pub enabled: Option<bool>,
    /// Settings that differ from the rule's own, by name.
    pub settings: Map<String, Value>,
    /// Why.
    pub comment: String,
}

/// What is wanted of a rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleSetting {
    /// The rule.
    pub rule: Uuid,
    /// On or off whatever its effort; none lets effort decide.
    pub enabled: Option<bool>,
    /// Settings that differ from the rule's own.
    pub settings: Map<String, Value>,
    /// Why.
    pub comment: String,
    /// When it was last changed.
    #[serde(serialize_with = "rfc3339")]
    pub updated: Timestamp,
    /// Who changed it.
    pub author: String,
}

impl State {
    /// The effort level of the organisation: rules up to it are on. Advanced, until somebody says otherwise.
    ///
    /// # Errors
    /// When the database fails.
    pub fn effort_level(&self) -> Result<Effort, StateError> {
        let level = self.setting(LEVEL_KEY)?;
        Ok(level.as_ref().and_then(Value::as_str).and_then(|level| level.parse().ok()).unwrap_or_default())
    }

    /// Sets the effort level of the organisation.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_effort_level(&self, level: Effort, actor: &Actor) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| {
            let sql = "INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)";
            transaction.execute(sql, params![LEVEL_KEY, json!(level).to_string()])?;
            changed(transaction, now, actor, "rule.effort", level.as_str(), json!({}))
        })
    }

    /// What is wanted of every rule about which somebody said something. Read it again when [`Topic::Rules`] moved.
    ///
    /// # Errors
    /// When the database fails.
    pub fn rule_settings(&self) -> Result<BTreeMap<Uuid, RuleSetting>, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(SELECT)?;
            let rows = statement.query_map([], |row| read(row).map(|setting| (setting.rule, setting)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// What is wanted of one rule, if anything.
    ///
    /// # Errors
    /// When the database fails.
    pub fn rule_setting(&self, rule: Uuid) -> Result<Option<RuleSetting>, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE rule = ?1"))?;
            Ok(statement.query_row([Id(rule)], read).optional()?)
        })
    }

    /// Says what is wanted of a rule, in place of what was said before. Whether the rule and its settings exist is for
    /// the caller to check.
    ///
    /// # Errors
    /// [`StateError::Invalid`] for texts and lists beyond their bounds.
    pub fn set_rule_setting(&self, rule: Uuid, new: &NewRuleSetting, actor: &Actor) -> Result<RuleSetting, StateError> {
        let settings = check(new)?;
        let now = self.now();
        self.write(|transaction| {
            let sql = "SELECT count(*) FROM rule_settings WHERE rule <> ?1";
            check_room("rule setting", transaction.query_row(sql, [Id(rule)], |row| row.get(0))?, RULES_MAX)?;
            let sql = "INSERT OR REPLACE INTO rule_settings (rule, enabled, settings, comment, updated, author)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            transaction.execute(sql, params![Id(rule), new.enabled, settings, new.comment, Time(now), actor.name])?;
            let detail = json!({"enabled": new.enabled, "settings": new.settings});
            changed(transaction, now, actor, "rule.set", &rule.to_string(), detail)?;
            let mut statement = transaction.prepare_cached(&format!("{SELECT} WHERE rule = ?1"))?;
            Ok(statement.query_row([Id(rule)], read)?)
        })
    }

    /// Takes back what was said of a rule.
    ///
    /// # Errors
    /// [`StateError::NotFound`] when nothing was said.
    pub fn reset_rule_setting(&self, rule: Uuid, actor: &Actor) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| {
            if transaction.execute("DELETE FROM rule_settings WHERE rule = ?1", [Id(rule)])? == 0 {
                return Err(StateError::not_found("rule setting", rule));
            }
            changed(transaction, now, actor, "rule.reset", &rule.to_string(), json!({}))
        })
    }
}

fn check(new: &NewRuleSetting) -> Result<String, StateError> {
    check_text("rule comment", &new.comment, COMMENT_BYTES_MAX)?;
    check_json("rule settings", &Value::Object(new.settings.clone()), SETTINGS_BYTES_MAX)
}

fn changed(
    connection: &Connection,
    now: Timestamp,
    actor: &Actor,
    action: &'static str,
    target: &str,
    detail: Value,
) -> Result<(), StateError> {
    bump(connection, Topic::Rules)?;
    audit::append(connection, now, &Audit { actor, action, target, detail })
}

const SELECT: &str = "SELECT rule, enabled, settings, comment, updated, author FROM rule_settings";

fn read(row: &Row<'_>) -> rusqlite::Result<RuleSetting> {
    Ok(RuleSetting {
        rule: row.get::<_, Id>(0)?.0,
        enabled: row.get(1)?,
        settings: read_json(row, 2)?,
        comment: row.get(3)?,
        updated: row.get::<_, Time>(4)?.0,
        author: row.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditFilter;
    use crate::testing::Fixture;

    #[test]
    fn what_is_wanted_of_rules_is_kept_and_noticed() {
        let fixture = Fixture::new();
        let (state, actor) = (&fixture.state, Actor::system());
        let rule = Uuid::from_u128(1);
        let before = state.revision(Topic::Rules).unwrap();
        assert_eq!(state.effort_level().unwrap(), Effort::Advanced);
        state.set_effort_level(Effort::Master, &actor).unwrap();
        assert_eq!(state.effort_level().unwrap(), Effort::Master);
        let settings = json!({"length": 62}).as_object().unwrap().clone();
        let new = NewRuleSetting { enabled: Some(false), settings, comment: "loud".into() };
        let set = state.set_rule_setting(rule, &new, &actor).unwrap();
        assert_eq!((set.enabled, &set.settings), (Some(false), &new.settings));
        assert_eq!(state.rule_settings().unwrap()[&rule], set);
        assert_eq!(fixture.second().revision(Topic::Rules).unwrap(), before + 2);
        state.reset_rule_setting(rule, &actor).unwrap();
        assert_eq!(state.rule_setting(rule).unwrap(), None);
        assert!(matches!(state.reset_rule_setting(rule, &actor), Err(StateError::NotFound { .. })));
        let trail = state.audit(&AuditFilter { action: Some("rule".into()), ..Default::default() }, 9, None).unwrap();
        assert_eq!(trail.len(), 3);
    }

    #[test]
    fn bounds_hold() {
        let fixture = Fixture::new();
        let try_set = |new: NewRuleSetting| fixture.state.set_rule_setting(Uuid::nil(), &new, &Actor::system());
        let bad = [
            NewRuleSetting { comment: "x".repeat(COMMENT_BYTES_MAX + 1), ..Default::default() },
            NewRuleSetting {
                settings: json!({"x": "y".repeat(SETTINGS_BYTES_MAX)}).as_object().unwrap().clone(),
                ..Default::default()
            },
        ];
        for new in bad {
            assert!(matches!(try_set(new), Err(StateError::Invalid { .. })));
        }
    }
}
