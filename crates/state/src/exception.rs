//! Alert filters: exceptions, written in the events query language, under which findings raise no alert. This crate
//! keeps their text; whoever knows the language compiles [`State::active_alert_filters`] and says in
//! [`crate::NewFinding::hidden_by`] which filter an event met.

use std::fmt;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::audit::{self, Audit};
use crate::bounds::{COMMENT_BYTES_MAX, check_filled, check_room, check_text, stored, unstored};
use crate::clock::{rfc3339, rfc3339_or_null};
use crate::database::{Id, Time};
use crate::error::StateError;
use crate::name::{check_title, fold};
use crate::principal::Actor;
use crate::revision::{Topic, bump};
use crate::state::State;

const FILTERS_MAX: i64 = 1_000;
const CONDITION_BYTES_MAX: usize = 8 << 10;

/// Identifies an alert filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlertFilterId(pub Uuid);

impl fmt::Display for AlertFilterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What somebody writes down as an exception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAlertFilter {
    /// Its name, unique in any case.
    pub name: String,
    /// The rule that it is for; every rule, if none.
    pub rule: Option<Uuid>,
    /// Which events raise nothing, in the events query language.
    pub condition: String,
    /// Why.
    pub comment: String,
    /// Whether it hides anything at present.
    pub enabled: bool,
    /// When it ends; never, if none.
    pub expires: Option<Timestamp>,
}

/// An exception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlertFilter {
    /// Its id.
    pub id: AlertFilterId,
    /// Its name.
    pub name: String,
    /// The rule that it is for; every rule, if none.
    pub rule: Option<Uuid>,
    /// Which events raise nothing.
    pub condition: String,
    /// Why.
    pub comment: String,
    /// Whether it hides anything at present.
    pub enabled: bool,
    /// Who wrote it last.
    pub author: String,
    /// When it was made.
    #[serde(serialize_with = "rfc3339")]
    pub created: Timestamp,
    /// When it was last changed.
    #[serde(serialize_with = "rfc3339")]
    pub updated: Timestamp,
    /// When it ends.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub expires: Option<Timestamp>,
    /// How many occurrences it hid.
    pub hidden: u64,
    /// When it last hid one.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub last_hidden: Option<Timestamp>,
}

impl State {
    /// Creates an alert filter. Whether the condition is written correctly is for the caller to check.
    ///
    /// # Errors
    /// [`StateError::Invalid`] or [`StateError::Duplicate`].
    pub fn create_alert_filter(&self, new: &NewAlertFilter, actor: &Actor) -> Result<AlertFilter, StateError> {
        let now = self.now();
        check(new)?;
        if new.expires.is_some_and(|expires| expires <= now) {
            return Err(StateError::invalid("alert filter expiry", "is in the past"));
        }
        let id = AlertFilterId(Uuid::new_v4());
        self.write(|transaction| {
            let count = transaction.query_row("SELECT count(*) FROM alert_filters", [], |row| row.get(0))?;
            check_room("alert filter", count, FILTERS_MAX)?;
            check_free(transaction, &new.name, id)?;
            let sql = "INSERT INTO alert_filters (id, name, folded, rule, condition, comment, enabled, author, created,
                       updated, expires, hidden) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, 0)";
            transaction.execute(
                sql,
                params![
                    Id(id.0),
                    new.name,
                    fold(&new.name),
                    new.rule.map(Id),
                    new.condition,
                    new.comment,
                    new.enabled,
                    actor.name,
                    Time(now),
                    new.expires.map(Time)
                ],
            )?;
            changed(transaction, now, actor, "alert_filter.create", &new.name, detail(new))?;
            by_id(transaction, id)
        })
    }

    /// Replaces what an alert filter says; its counters go on.
    ///
    /// # Errors
    /// [`StateError::NotFound`], [`StateError::Invalid`] or [`StateError::Duplicate`].
    pub fn change_alert_filter(
        &self,
        id: AlertFilterId,
        new: &NewAlertFilter,
        actor: &Actor,
    ) -> Result<AlertFilter, StateError> {
        let now = self.now();
        check(new)?;
        self.write(|transaction| {
            by_id(transaction, id)?;
            check_free(transaction, &new.name, id)?;
            let sql = "UPDATE alert_filters SET name = ?2, folded = ?3, rule = ?4, condition = ?5, comment = ?6,
                       enabled = ?7, author = ?8, updated = ?9, expires = ?10 WHERE id = ?1";
            transaction.execute(
                sql,
                params![
                    Id(id.0),
                    new.name,
                    fold(&new.name),
                    new.rule.map(Id),
                    new.condition,
                    new.comment,
                    new.enabled,
                    actor.name,
                    Time(now),
                    new.expires.map(Time)
                ],
            )?;
            changed(transaction, now, actor, "alert_filter.change", &new.name, detail(new))?;
            by_id(transaction, id)
        })
    }

    /// Deletes an alert filter: what it would have hidden raises alerts again.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn delete_alert_filter(&self, id: AlertFilterId, actor: &Actor) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| {
            let filter = by_id(transaction, id)?;
            transaction.execute("DELETE FROM alert_filters WHERE id = ?1", [Id(id.0)])?;
            let detail = json!({"condition": filter.condition, "hidden": filter.hidden});
            changed(transaction, now, actor, "alert_filter.delete", &filter.name, detail)
        })
    }

    /// All alert filters, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn alert_filters(&self) -> Result<Vec<AlertFilter>, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY folded"))?;
            let rows = statement.query_map([], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The alert filter with this id.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn alert_filter(&self, id: AlertFilterId) -> Result<AlertFilter, StateError> {
        self.read(|connection| by_id(connection, id))
    }

    /// The filters that hide something now, oldest first: what to compile when [`Topic::AlertFilters`] moved. A filter
    /// that ends meanwhile hides nothing more, also if it is still named in a finding.
    ///
    /// # Errors
    /// When the database fails.
    pub fn active_alert_filters(&self) -> Result<Vec<AlertFilter>, StateError> {
        let now = self.now();
        let mut filters = self.alert_filters()?;
        filters.retain(|filter| filter.enabled && filter.expires.is_none_or(|expires| expires > now));
        filters.sort_by_key(|filter| (filter.created, filter.id));
        Ok(filters)
    }
}

/// Counts what a filter hides; false when it is not there, not for this rule, disabled or over.
pub(crate) fn hide(
    connection: &Connection,
    id: AlertFilterId,
    rule: Uuid,
    more: u64,
    now: Timestamp,
) -> Result<bool, StateError> {
    let sql = "UPDATE alert_filters SET hidden = hidden + ?2, last_hidden = ?3
               WHERE id = ?1 AND enabled = 1 AND (expires IS NULL OR expires > ?3) AND (rule IS NULL OR rule = ?4)";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.execute(params![Id(id.0), stored(more), Time(now), Id(rule)])? > 0)
}

fn check(new: &NewAlertFilter) -> Result<(), StateError> {
    check_title("alert filter name", &new.name)?;
    check_filled("alert filter condition", &new.condition, CONDITION_BYTES_MAX)?;
    if new.condition.trim() == "*" && new.rule.is_none() {
        return Err(StateError::invalid("alert filter condition", "would hide every alert of every rule"));
    }
    check_text("alert filter comment", &new.comment, COMMENT_BYTES_MAX)
}

fn detail(new: &NewAlertFilter) -> Value {
    json!({"rule": new.rule, "condition": new.condition, "enabled": new.enabled,
        "expires": new.expires.map(Timestamp::to_rfc3339)})
}

fn changed(
    connection: &Connection,
    now: Timestamp,
    actor: &Actor,
    action: &'static str,
    target: &str,
    detail: Value,
) -> Result<(), StateError> {
    bump(connection, Topic::AlertFilters)?;
    audit::append(connection, now, &Audit { actor, action, target, detail })
}

fn check_free(connection: &Connection, name: &str, but: AlertFilterId) -> Result<(), StateError> {
    let sql = "SELECT 1 FROM alert_filters WHERE folded = ?1 AND id <> ?2";
    match connection.query_row(sql, params![fold(name), Id(but.0)], |_| Ok(())).optional()? {
        Some(()) => Err(StateError::duplicate("alert filter", name)),
        None => Ok(()),
    }
}

fn by_id(connection: &Connection, id: AlertFilterId) -> Result<AlertFilter, StateError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let filter = statement.query_row([Id(id.0)], read).optional()?;
    filter.ok_or_else(|| StateError::not_found("alert filter", id))
}

const SELECT: &str = "SELECT id, name, rule, condition, comment, enabled, author, created, updated, expires, hidden,
    last_hidden FROM alert_filters";

fn read(row: &Row<'_>) -> rusqlite::Result<AlertFilter> {
    Ok(AlertFilter {
        id: AlertFilterId(row.get::<_, Id>(0)?.0),
        name: row.get(1)?,
        rule: row.get::<_, Option<Id>>(2)?.map(|id| id.0),
        condition: row.get(3)?,
        comment: row.get(4)?,
        enabled: row.get(5)?,
        author: row.get(6)?,
        created: row.get::<_, Time>(7)?.0,
        updated: row.get::<_, Time>(8)?.0,
        expires: row.get::<_, Option<Time>>(9)?.map(|time| time.0),
        hidden: unstored(row.get(10)?),
        last_hidden: row.get::<_, Option<Time>>(11)?.map(|time| time.0),
    })
}

#[cfg(test)]
mod tests;
