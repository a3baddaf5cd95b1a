//! Working on alerts: status, verdict, assignee, comments, and the history of all of it.

use rusqlite::types::Value as Sql;
use rusqlite::{OptionalExtension, Transaction, params, params_from_iter};
use serde::Serialize;
use serde_json::json;
use tidegate_event::Timestamp;

use super::list::Filter;
use super::{Alert, AlertId, AlertQuery, AlertStatus, SELECT, Verdict, by_id, read, record, remember};
use crate::bounds::{COMMENT_BYTES_MAX, check_filled, check_room, check_text};
use crate::clock::rfc3339;
use crate::database::{Id, Time};
use crate::error::StateError;
use crate::principal::{Actor, UserId};
use crate::state::State;
use crate::user;

/// Alerts that one call may change.
const CHANGED_MAX: usize = 10_000;
/// Lines of one alert's history.
const HISTORY_MAX: i64 = 1_000;

/// What to change of alerts; `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertChange {
    /// How far the work is.
    pub status: Option<AlertStatus>,
    /// What it turned out to be; the inner `None` takes the verdict back.
    pub verdict: Option<Option<Verdict>>,
    /// Who works on it; the inner `None` makes it nobody.
    pub assignee: Option<Option<UserId>>,
    /// Why, or a comment alone.
    pub comment: Option<String>,
}

/// What a change of many alerts did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BulkDone {
    /// How many were changed.
    pub changed: u64,
    /// How many were so already.
    pub unchanged: u64,
    /// Those that could not be changed, with the reason.
    pub refused: Vec<(AlertId, String)>,
}

/// One line of an alert's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlertEntry {
    /// Ascends.
    pub id: i64,
    /// When.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What was changed: `status`, `verdict`, `assignee`, `comment`, `urgency`.
    pub kind: String,
    /// What it was.
    pub was: Option<String>,
    /// What it became.
    pub became: Option<String>,
    /// Why, or the comment.
    pub comment: Option<String>,
}

/// A line to write.
pub(super) struct Line<'a> {
    pub(super) actor: &'a str,
    pub(super) kind: &'a str,
    pub(super) was: Option<&'a str>,
    pub(super) became: Option<&'a str>,
    pub(super) comment: Option<&'a str>,
}

impl State {
    /// Changes one alert.
    ///
    /// # Errors
    /// [`StateError::NotFound`] for the alert or the assignee; [`StateError::Invalid`] for the comment, for an assignee who
    /// may not work on alerts, or for opening an alert again while a newer one of its kind is open.
    pub fn change_alert(&self, id: AlertId, change: &AlertChange, actor: &Actor) -> Result<Alert, StateError> {
        check(change)?;
        let now = self.now();
        self.write(|transaction| {
            check_assignee(transaction, change)?;
            let alert = by_id(transaction, id)?;
            if apply(transaction, now, &alert, change, actor)? {
                record(
                    transaction,
                    now,
                    actor,
                    "alert.change",
                    &alert.number.to_string(),
                    detail(transaction, change)?,
                )?;
            }
            by_id(transaction, id)
        })
    }

    /// Changes every alert that `query` finds (10,000 at most) and writes one audit entry. Alerts that cannot be changed
    /// are named and do not hinder the others.
    ///
    /// # Errors
    /// [`StateError::Invalid`] when the query finds too many, for the comment, or for an assignee who may not work on
    /// alerts; [`StateError::NotFound`] for the assignee.
    pub fn change_alerts(
        &self,
        query: &AlertQuery,
        change: &AlertChange,
        actor: &Actor,
    ) -> Result<BulkDone, StateError> {
        check(change)?;
        let filter = Filter::of(query)?;
        let now = self.now();
        self.write(|transaction| {
            check_assignee(transaction, change)?;
            let mut done = BulkDone::default();
            for alert in matching(transaction, &filter)? {
                match apply(transaction, now, &alert, change, actor) {
                    Ok(true) => done.changed += 1,
                    Ok(false) => done.unchanged += 1,
                    Err(StateError::Invalid { what, why }) => done.refused.push((alert.id, format!("{what} {why}"))),
                    Err(error) => return Err(error),
                }
            }
            if done.changed > 0 {
                let mut detail = detail(transaction, change)?;
                detail["changed"] = json!(done.changed);
                record(transaction, now, actor, "alert.change", &format!("{} alerts", done.changed), detail)?;
            }
            Ok(done)
        })
    }

    /// The history of an alert, oldest first.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn alert_history(&self, id: AlertId) -> Result<Vec<AlertEntry>, StateError> {
        let sql = "SELECT id, at, actor, kind, was, became, comment FROM alert_history WHERE alert = ?1 ORDER BY id";
        self.read(|connection| {
            let number = by_id(connection, id)?.number;
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([number], |row| {
                Ok(AlertEntry {
                    id: row.get(0)?,
                    at: row.get::<_, Time>(1)?.0,
                    actor: row.get(2)?,
                    kind: row.get(3)?,
                    was: row.get(4)?,
                    became: row.get(5)?,
                    comment: row.get(6)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn check(change: &AlertChange) -> Result<(), StateError> {
    let alone = change.status.is_none() && change.verdict.is_none() && change.assignee.is_none();
    match &change.comment {
        Some(comment) if alone => check_filled("comment", comment, COMMENT_BYTES_MAX),
        Some(comment) => check_text("comment", comment, COMMENT_BYTES_MAX),
        None => Ok(()),
    }
}

fn check_assignee(transaction: &Transaction<'_>, change: &AlertChange) -> Result<(), StateError> {
    let Some(Some(id)) = change.assignee else { return Ok(()) };
    let user = user::by_id(transaction, id)?;
    if user.works_on_alerts() {
        return Ok(());
    }
    let why = if user.enabled { "only looks at alerts, as viewers do" } else { "is disabled" };
    Err(StateError::invalid("assignee", format!("`{}` {why}", user.name)))
}

fn matching(transaction: &Transaction<'_>, filter: &Filter) -> Result<Vec<Alert>, StateError> {
    let sql = format!("{SELECT} WHERE {} ORDER BY number LIMIT {}", filter.sql, CHANGED_MAX + 1);
    let mut statement = transaction.prepare(&sql)?;
    let rows = statement.query_map(params_from_iter::<&[Sql]>(&filter.values), read)?;
    let alerts: Vec<_> = rows.collect::<Result<_, _>>()?;
    if alerts.len() > CHANGED_MAX {
        return Err(StateError::invalid("selection", format!("has more than {CHANGED_MAX} alerts")));
    }
    Ok(alerts)
}

/// What the audit trail tells; the comment stays in the alert's history.
fn detail(transaction: &Transaction<'_>, change: &AlertChange) -> Result<serde_json::Value, StateError> {
    let assignee = match change.assignee {
        Some(Some(id)) => json!(user::by_id(transaction, id)?.name),
        Some(None) => json!(""),
        None => json!(null),
    };
    let verdict = change.verdict.map(|verdict| verdict.map_or("", Verdict::as_str));
    Ok(json!({"status": change.status, "verdict": verdict, "assignee": assignee,
        "comment": change.comment.is_some()}))
}

/// Applies a change to one alert and writes its history; false when nothing changed.
fn apply(
    transaction: &Transaction<'_>,
    now: Timestamp,
    alert: &Alert,
    change: &AlertChange,
    actor: &Actor,
) -> Result<bool, StateError> {
    let mut comment = change.comment.as_deref().filter(|comment| !comment.trim().is_empty());
    let mut changed = false;
    let lines: i64 = transaction
        .prepare_cached("SELECT count(*) FROM alert_history WHERE alert = ?1")?
        .query_row([alert.number], |row| row.get(0))?;
    check_room("alert history entry", lines, HISTORY_MAX)?;
    let mut line = |kind, was: Option<&str>, became: Option<&str>| -> Result<(), StateError> {
        let comment = comment.take();
        changed = true;
        remember(transaction, alert.number, now, &Line { actor: &actor.name, kind, was, became, comment })
    };
    if let Some(status) = change.status.filter(|status| *status != alert.status) {
        set_status(transaction, now, alert, status)?;
        line("status", Some(alert.status.as_str()), Some(status.as_str()))?;
    }
    if let Some(verdict) = change.verdict.filter(|verdict| *verdict != alert.verdict) {
        let sql = "UPDATE alerts SET verdict = ?2 WHERE number = ?1";
        transaction.prepare_cached(sql)?.execute(params![alert.number, verdict.map(Verdict::as_str)])?;
        line("verdict", alert.verdict.map(Verdict::as_str), verdict.map(Verdict::as_str))?;
    }
    if let Some(assignee) = change.assignee.filter(|new| *new != alert.assignee.as_ref().map(|old| old.id)) {
        let became = assignee.map(|id| user::by_id(transaction, id)).transpose()?;
        let sql = "UPDATE alerts SET assignee = ?2 WHERE number = ?1";
        transaction.prepare_cached(sql)?.execute(params![alert.number, assignee.map(|id| Id(id.0))])?;
        let was = alert.assignee.as_ref().map(|assignee| assignee.name.as_str());
        line("assignee", was, became.as_ref().map(|user| user.name.as_str()))?;
    }
    // A comment that no change took along stands for itself.
    if change.comment.as_ref().is_some_and(|text| !text.trim().is_empty()) && !changed {
        let comment = change.comment.as_deref();
        let line = Line { actor: &actor.name, kind: "comment", was: None, became: None, comment };
        remember(transaction, alert.number, now, &line)?;
        changed = true;
    }
    if changed {
        let sql = "UPDATE alerts SET updated = ?2 WHERE number = ?1";
        transaction.prepare_cached(sql)?.execute(params![alert.number, Time(now)])?;
    }
    Ok(changed)
}

fn set_status(
    transaction: &Transaction<'_>,
    now: Timestamp,
    alert: &Alert,
    status: AlertStatus,
) -> Result<(), StateError> {
    if status.is_open() && !alert.status.is_open() {
        let sql = "SELECT open.number FROM alerts open JOIN alerts old ON open.likeness = old.likeness
                   WHERE old.number = ?1 AND open.status IN ('pending', 'acknowledged', 'ongoing')";
        let newer: Option<i64> =
            transaction.prepare_cached(sql)?.query_row([alert.number], |row| row.get(0)).optional()?;
        if let Some(newer) = newer {
            let why = format!("{} cannot be opened again: alert {newer} of the same kind is open", alert.number);
            return Err(StateError::invalid("alert", why));
        }
    }
    let closed =
        if status.is_open() { None } else { Some(alert.closed.filter(|_| !alert.status.is_open()).unwrap_or(now)) };
    transaction.prepare_cached("UPDATE alerts SET status = ?2, closed = ?3 WHERE number = ?1")?.execute(params![
        alert.number,
        status.as_str(),
        closed.map(Time)
    ])?;
    Ok(())
}
