//! Notification targets: where alerts are told, and which of them. What a target's configuration means is known by the
//! crate that delivers; this one keeps it, and keeps its secret apart.

use std::fmt;
use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::alert::{Alert, Urgency, json as read_json};
use crate::audit::{self, Audit};
use crate::bounds::{check_json, check_room, check_text, unstored};
use crate::clock::{rfc3339, rfc3339_or_null};
use crate::database::{Id, Parsed, Time};
use crate::error::StateError;
use crate::name::{check_title, fold};
use crate::outbox::NoticeKind;
use crate::principal::Actor;
use crate::revision::{Topic, bump};
use crate::secret::{SECRET_BYTES_MAX, Secret};
use crate::state::State;

const TARGETS_MAX: i64 = 100;
const CONFIG_BYTES_MAX: usize = 16 << 10;
const TEMPLATE_BYTES_MAX: usize = 16 << 10;
const RULES_MAX: usize = 1_000;

/// Identifies a notification target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TargetId(pub Uuid);

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a target is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetKind {
    /// A signed HTTP request.
    Webhook,
    /// A webhook that speaks Slack's language.
    Slack,
    /// Mail by SMTP.
    Email,
    /// Syslog.
    Syslog,
    /// Lines of JSON in a file.
    File,
}

impl TargetKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Webhook, Self::Slack, Self::Email, Self::Syslog, Self::File];

    /// The kind's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Email => "email",
            Self::Syslog => "syslog",
            Self::File => "file",
        }
    }
}

impl FromStr for TargetKind {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        let why = "must be `webhook`, `slack`, `email`, `syslog` or `file`";
        found.ok_or_else(|| StateError::invalid("target kind", why))
    }
}

/// What a target wants to know. The default is every alert of medium urgency or more, and all of intakes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Routing {
    /// Alerts from this severity on.
    pub severity_min: u8,
    /// Alerts from this urgency on.
    pub urgency_min: Urgency,
    /// Alerts of these rules only; of all, if none is named.
    pub rules: Vec<Uuid>,
    /// Alerts.
    pub alerts: bool,
    /// Silence and lag of intakes.
    pub intakes: bool,
    /// Not more than so many an hour; what is beyond is counted and not sent.
    pub per_hour_max: Option<u32>,
}

impl Default for Routing {
    fn default() -> Self {
        Self {
            severity_min: 0,
            urgency_min: Urgency::Medium,
            rules: Vec::new(),
            alerts: true,
            intakes: true,
            per_hour_max: None,
        }
    }
}

impl Routing {
    /// Whether the target wants to know of this alert.
    pub(crate) fn wants_alert(&self, alert: &Alert) -> bool {
        self.alerts
            && alert.severity >= self.severity_min
            && alert.urgency_level >= self.urgency_min
            && (self.rules.is_empty() || self.rules.contains(&alert.rule.id))
    }

    /// Whether the target wants to know of what befell an intake, or of a try.
    pub(crate) fn wants(&self, kind: NoticeKind) -> bool {
        self.intakes || !kind.is_of_intake()
    }
}

/// What somebody says of a target.
#[derive(Clone, Debug)]
pub struct NewTarget {
    /// Its name, unique in any case.
    pub name: String,
    /// How it is reached; it cannot be changed later.
    pub kind: TargetKind,
    /// Where and how; without the secret.
    pub config: Value,
    /// The signing key, password or secret address. When a target is changed, `None` keeps the old one and an empty
    /// secret removes it.
    pub secret: Option<Secret>,
    /// What it wants to know.
    pub routing: Routing,
    /// The text to send in place of the standard one.
    pub template: Option<String>,
    /// Whether anything is sent.
    pub enabled: bool,
}

/// A notification target, without its secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// Its id.
    pub id: TargetId,
    /// Its name.
    pub name: String,
    /// How it is reached.
    pub kind: TargetKind,
    /// Where and how.
    pub config: Value,
    /// Whether it has a secret.
    pub has_secret: bool,
    /// What it wants to know.
    pub routing: Routing,
    /// The text to send in place of the standard one.
    pub template: Option<String>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// When it was made.
    #[serde(serialize_with = "rfc3339")]
    pub created: Timestamp,
    /// When it was last changed.
    #[serde(serialize_with = "rfc3339")]
    pub updated: Timestamp,
    /// How many notices it received.
    pub delivered: u64,
    /// How many were given up after the last try.
    pub given_up: u64,
    /// How many were not queued: too many an hour, or too many waiting.
    pub held_back: u64,
    /// When it last received one.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub last_ok: Option<Timestamp>,
    /// Why the last try failed; none after a success.
    pub last_error: Option<String>,
    /// When that was.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub failed_at: Option<Timestamp>,
}

impl State {
    /// Creates a target. Whether its configuration can be used is for the caller to check.
    ///
    /// # Errors
    /// [`StateError::Invalid`] or [`StateError::Duplicate`].
    pub fn create_target(&self, new: &NewTarget, actor: &Actor) -> Result<Target, StateError> {
        let config = check(new)?;
        let id = TargetId(Uuid::new_v4());
        let now = self.now();
        self.write(|transaction| {
            let count = transaction.query_row("SELECT count(*) FROM notification_targets", [], |row| row.get(0))?;
            check_room("notification target", count, TARGETS_MAX)?;
            check_free(transaction, &new.name, id)?;
            let sql = "INSERT INTO notification_targets (id, name, folded, kind, config, secret, routing, template,
                       enabled, created, updated, delivered, given_up, held_back)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 0, 0, 0)";
            transaction.execute(
                sql,
                params![
                    Id(id.0),
                    new.name,
                    fold(&new.name),
                    new.kind.as_str(),
                    config,
                    new.secret.as_ref().map(Secret::reveal).filter(|secret| !secret.is_empty()),
                    json!(new.routing).to_string(),
                    new.template,
                    new.enabled,
                    Time(now)
                ],
            )?;
            changed(transaction, now, actor, "target.create", &new.name, detail(new))?;
            by_id(transaction, id)
        })
    }

    /// Replaces what a target says, but for its kind; what waits for it is sent the new way.
    ///
    /// # Errors
    /// [`StateError::NotFound`], [`StateError::Invalid`] or [`StateError::Duplicate`].
    pub fn change_target(&self, id: TargetId, new: &NewTarget, actor: &Actor) -> Result<Target, StateError> {
        let config = check(new)?;
        let now = self.now();
        self.write(|transaction| {
            let old = by_id(transaction, id)?;
            if old.kind != new.kind {
                return Err(StateError::invalid("target kind", "cannot be changed; create another target"));
            }
            check_free(transaction, &new.name, id)?;
            let sql =
                "UPDATE notification_targets SET name = ?2, folded = ?3, config = ?4, routing = ?5, template = ?6,
                       enabled = ?7, updated = ?8 WHERE id = ?1";
            transaction.execute(
                sql,
                params![
                    Id(id.0),
                    new.name,
                    fold(&new.name),
                    config,
                    json!(new.routing).to_string(),
                    new.template,
                    new.enabled,
                    Time(now)
                ],
            )?;
            if let Some(secret) = &new.secret {
                let secret = Some(secret.reveal()).filter(|secret| !secret.is_empty());
                let sql = "UPDATE notification_targets SET secret = ?2 WHERE id = ?1";
                transaction.execute(sql, params![Id(id.0), secret])?;
            }
            changed(transaction, now, actor, "target.change", &new.name, detail(new))?;
            by_id(transaction, id)
        })
    }

    /// Deletes a target with all that waits for it.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn delete_target(&self, id: TargetId, actor: &Actor) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| {
            let target = by_id(transaction, id)?;
            transaction.execute("DELETE FROM notification_targets WHERE id = ?1", [Id(id.0)])?;
            changed(transaction, now, actor, "target.delete", &target.name, json!({"kind": target.kind}))
        })
    }

    /// All targets, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn targets(&self) -> Result<Vec<Target>, StateError> {
        self.read(targets)
    }

    /// The target with this id.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn target(&self, id: TargetId) -> Result<Target, StateError> {
        self.read(|connection| by_id(connection, id))
    }

    /// The secret of a target: for delivering to it, and for nothing else.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn target_secret(&self, id: TargetId) -> Result<Option<Secret>, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT secret FROM notification_targets WHERE id = ?1")?;
            let secret = statement.query_row([Id(id.0)], |row| row.get::<_, Option<String>>(0)).optional()?;
            Ok(secret.ok_or_else(|| StateError::not_found("notification target", id))?.map(Secret::new))
        })
    }
}

pub(crate) fn targets(connection: &Connection) -> Result<Vec<Target>, StateError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY folded"))?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn by_id(connection: &Connection, id: TargetId) -> Result<Target, StateError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let target = statement.query_row([Id(id.0)], read).optional()?;
    target.ok_or_else(|| StateError::not_found("notification target", id))
}

fn check(new: &NewTarget) -> Result<String, StateError> {
    check_title("target name", &new.name)?;
    if let Some(template) = &new.template {
        check_text("template", template, TEMPLATE_BYTES_MAX)?;
    }
    if new.secret.as_ref().is_some_and(|secret| secret.reveal().len() > SECRET_BYTES_MAX) {
        return Err(StateError::invalid("target secret", format!("is longer than {SECRET_BYTES_MAX} bytes")));
    }
    if new.routing.rules.len() > RULES_MAX {
        return Err(StateError::invalid("routing", format!("names more than {RULES_MAX} rules")));
    }
    if !new.config.is_object() {
        return Err(StateError::invalid("target configuration", "must be a JSON object"));
    }
    check_json("target configuration", &new.config, CONFIG_BYTES_MAX)
}

/// What the audit trail tells: an address may hold a token, so the configuration stays out.
fn detail(new: &NewTarget) -> Value {
    json!({"kind": new.kind, "enabled": new.enabled, "routing": new.routing, "secret": new.secret.is_some()})
}

fn changed(
    connection: &Connection,
    now: Timestamp,
    actor: &Actor,
    action: &'static str,
    target: &str,
    detail: Value,
) -> Result<(), StateError> {
    bump(connection, Topic::Targets)?;
    audit::append(connection, now, &Audit { actor, action, target, detail })
}

fn check_free(connection: &Connection, name: &str, but: TargetId) -> Result<(), StateError> {
    let sql = "SELECT 1 FROM notification_targets WHERE folded = ?1 AND id <> ?2";
    match connection.query_row(sql, params![fold(name), Id(but.0)], |_| Ok(())).optional()? {
        Some(()) => Err(StateError::duplicate("notification target", name)),
        None => Ok(()),
    }
}

const SELECT: &str = "SELECT id, name, kind, config, secret IS NOT NULL, routing, template, enabled, created, updated,
    delivered, given_up, held_back, last_ok, last_error, failed_at FROM notification_targets";

fn read(row: &Row<'_>) -> rusqlite::Result<Target> {
    let count = |index| row.get::<_, i64>(index).map(unstored);
    Ok(Target {
        id: TargetId(row.get::<_, Id>(0)?.0),
        name: row.get(1)?,
        kind: row.get::<_, Parsed<_>>(2)?.0,
        config: read_json(row, 3)?,
        has_secret: row.get(4)?,
        routing: read_json(row, 5)?,
        template: row.get(6)?,
        enabled: row.get(7)?,
        created: row.get::<_, Time>(8)?.0,
        updated: row.get::<_, Time>(9)?.0,
        delivered: count(10)?,
        given_up: count(11)?,
        held_back: count(12)?,
        last_ok: row.get::<_, Option<Time>>(13)?.map(|time| time.0),
        last_error: row.get(14)?,
        failed_at: row.get::<_, Option<Time>>(15)?.map(|time| time.0),
    })
}

#[cfg(test)]
mod tests;
