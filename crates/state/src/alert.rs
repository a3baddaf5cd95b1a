//! Alerts: what deserves an analyst, folded from many findings.

use std::fmt;
use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::audit::{self, Audit};
use crate::bounds::unstored;
use crate::clock::{rfc3339, rfc3339_or_null};
use crate::database::{Id, Parsed, Time};
use crate::error::StateError;
use crate::finding::{EventRef, FindingRule, Similarity};
use crate::principal::{Actor, UserId};

mod change;
mod list;
mod overview;
mod raise;
mod similar;
mod timeline;

pub use change::{AlertChange, AlertEntry, BulkDone};
pub use list::{AlertCounts, AlertPage, AlertQuery, AlertSort};
pub use overview::AlertStretch;
pub use raise::{Folded, Outcome};
pub use similar::{Endings, SimilarAlert};
pub use timeline::{HourHits, RuleHits, TimelineOf};

/// Identifies an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlertId(pub Uuid);

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far the work on an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertStatus {
    /// Nobody looked yet.
    Pending,
    /// Somebody will.
    Acknowledged,
    /// Somebody does.
    Ongoing,
    /// The work is done.
    Closed,
    /// It was none.
    Rejected,
}

impl AlertStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Acknowledged, Self::Ongoing, Self::Closed, Self::Rejected];

    /// Whether work remains; findings that are alike go to the alert only then.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Acknowledged | Self::Ongoing)
    }

    /// The status's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Acknowledged => "acknowledged",
            Self::Ongoing => "ongoing",
            Self::Closed => "closed",
            Self::Rejected => "rejected",
        }
    }
}

impl FromStr for AlertStatus {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        let why = "must be `pending`, `acknowledged`, `ongoing`, `closed` or `rejected`";
        found.ok_or_else(|| StateError::invalid("status", why))
    }
}

/// What an alert turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// An attack, or the try of one.
    TruePositive,
    /// The rule is right, but what it found is allowed here: a test, an administrator.
    Benign,
    /// The rule is wrong.
    FalsePositive,
    /// It cannot be told.
    Inconclusive,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::TruePositive, Self::Benign, Self::FalsePositive, Self::Inconclusive];

    /// The verdict's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TruePositive => "true_positive",
            Self::Benign => "benign",
            Self::FalsePositive => "false_positive",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl FromStr for Verdict {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        let found = Self::ALL.into_iter().find(|verdict| verdict.as_str() == text);
        let why = "must be `true_positive`, `benign`, `false_positive` or `inconclusive`";
        found.ok_or_else(|| StateError::invalid("verdict", why))
    }
}

/// Urgency in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// 0 to 49.
    Low,
    /// 50 to 74.
    Medium,
    /// 75 to 100.
    High,
}

impl Urgency {
    /// The word for a number.
    #[must_use]
    pub const fn of(score: u8) -> Self {
        match score {
            0..=49 => Self::Low,
            50..=74 => Self::Medium,
            _ => Self::High,
        }
    }

    /// The numbers that it stands for, both ends included.
    #[must_use]
    pub const fn range(self) -> (u8, u8) {
        match self {
            Self::Low => (0, 49),
            Self::Medium => (50, 74),
            Self::High => (75, 100),
        }
    }
}

/// A user who works on an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assignee {
    /// Their id.
    pub id: UserId,
    /// Their name.
    pub name: String,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// Its number, for people to name it by.
    pub number: i64,
    /// The rule that found it, as it was when it last found something.
    pub rule: FindingRule,
    /// Who did it.
    pub source: Option<String>,
    /// To whom.
    pub target: Option<String>,
    /// The name that was asked for.
    pub name: Option<String>,
    /// The fields by which the rule grouped events, with their values.
    pub group: Vec<(String, String)>,
    /// The fields and values that made the rule fire last.
    pub matched: Vec<(String, String)>,
    /// Why, in one sentence; may be empty.
    pub note: String,
    /// What was folded into it.
    pub similarity: Similarity,
    /// Whether it stands for all that its rule finds beyond the number of open alerts that one rule may have.
    pub overflow: bool,
    /// The highest severity among its findings.
    pub severity: u8,
    /// The highest criticality among the assets that take part.
    pub criticality: Option<u8>,
    /// Severity and criticality in one number.
    pub urgency: u8,
    /// The same in a word.
    pub urgency_level: Urgency,
    /// How far the work is.
    pub status: AlertStatus,
    /// What it turned out to be.
    pub verdict: Option<Verdict>,
    /// Who works on it.
    pub assignee: Option<Assignee>,
    /// When it was raised.
    #[serde(serialize_with = "rfc3339")]
    pub created: Timestamp,
    /// When it last grew or was changed.
    #[serde(serialize_with = "rfc3339")]
    pub updated: Timestamp,
    /// When it was closed or rejected.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub closed: Option<Timestamp>,
    /// The time of its first event.
    #[serde(serialize_with = "rfc3339")]
    pub first_seen: Timestamp,
    /// The time of its last event.
    #[serde(serialize_with = "rfc3339")]
    pub last_seen: Timestamp,
    /// How many findings were folded into it; receivers of notices know them as the API's `occurrences`.
    #[serde(rename = "occurrences")]
    pub findings: u64,
    /// How many events are behind it, of which only some are kept.
    #[serde(rename = "event_count")]
    pub occurrences: u64,
}

pub(super) const SELECT: &str =
    "SELECT number, alerts.id, similarity, overflow, rule, rule_name, effort, attack, source,
    target, alerts.name, grouped, matched, note, severity, criticality, urgency, status, verdict, assignee, users.name,
    alerts.created, updated, closed, first_seen, last_seen, findings, occurrences
    FROM alerts LEFT JOIN users ON users.id = assignee";
pub(super) const OPEN: &str = "status IN ('pending', 'acknowledged', 'ongoing')";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Alert> {
    let count = |index| row.get::<_, i64>(index).map(unstored);
    let severity: u8 = row.get(14)?;
    let urgency: u8 = row.get(16)?;
    let assignee = match (row.get::<_, Option<Id>>(19)?, row.get::<_, Option<String>>(20)?) {
        (Some(id), Some(name)) => Some(Assignee { id: UserId(id.0), name }),
        _ => None,
    };
    Ok(Alert {
        number: row.get(0)?,
        id: AlertId(row.get::<_, Id>(1)?.0),
        similarity: row.get::<_, Parsed<Similarity>>(2)?.0,
        overflow: row.get(3)?,
        rule: FindingRule {
            id: row.get::<_, Id>(4)?.0,
            name: row.get(5)?,
            effort: row.get::<_, Parsed<_>>(6)?.0,
            severity,
            attack: json(row, 7)?,
        },
        source: row.get(8)?,
        target: row.get(9)?,
        name: row.get(10)?,
        group: json(row, 11)?,
        matched: json(row, 12)?,
        note: row.get(13)?,
        severity,
        criticality: row.get(15)?,
        urgency,
        urgency_level: Urgency::of(urgency),
        status: row.get::<_, Parsed<_>>(17)?.0,
        verdict: row.get::<_, Option<Parsed<_>>>(18)?.map(|verdict| verdict.0),
        assignee,
        created: row.get::<_, Time>(21)?.0,
        updated: row.get::<_, Time>(22)?.0,
        closed: row.get::<_, Option<Time>>(23)?.map(|time| time.0),
        first_seen: row.get::<_, Time>(24)?.0,
        last_seen: row.get::<_, Time>(25)?.0,
        findings: count(26)?,
        occurrences: count(27)?,
    })
}

/// A column that holds JSON, which we wrote ourselves.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let text: String = row.get(index)?;
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(error)))
}

pub(super) fn by_id(connection: &Connection, id: AlertId) -> Result<Alert, StateError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE alerts.id = ?1"))?;
    let alert = statement.query_row([Id(id.0)], read).optional()?;
    alert.ok_or_else(|| StateError::not_found("alert", id))
}

pub(crate) fn events(connection: &Connection, number: i64) -> Result<Vec<EventRef>, StateError> {
    let sql = "SELECT at, event, source_ip, name FROM alert_events WHERE alert = ?1 ORDER BY at, event";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([number], |row| {
        Ok(EventRef {
            at: row.get::<_, Time>(0)?.0,
            id: row.get::<_, Id>(1)?.0,
            source_ip: row.get(2)?,
            name: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Drops alerts that were closed before `closed_before`, and what is known of findings from before `findings_before`.
pub(crate) fn prune(
    connection: &Connection,
    closed_before: Timestamp,
    findings_before: Timestamp,
) -> Result<(), StateError> {
    connection.execute("DELETE FROM alerts WHERE closed < ?1", [Time(closed_before)])?;
    connection.execute("DELETE FROM findings WHERE at < ?1", [Time(findings_before)])?;
    let beyond = "DELETE FROM findings WHERE at < (SELECT at FROM findings ORDER BY at DESC LIMIT 1 OFFSET ?1)";
    connection.execute(beyond, [raise::FINDINGS_KNOWN_MAX])?;
    Ok(())
}

fn record(
    connection: &Connection,
    now: Timestamp,
    actor: &Actor,
    action: &'static str,
    target: &str,
    detail: Value,
) -> Result<(), StateError> {
    audit::append(connection, now, &Audit { actor, action, target, detail })
}

/// One line of an alert's history.
fn remember(connection: &Connection, number: i64, now: Timestamp, line: &change::Line<'_>) -> Result<(), StateError> {
    let sql = "INSERT INTO alert_history (alert, at, actor, kind, was, became, comment)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let change::Line { actor, kind, was, became, comment } = line;
    connection.prepare_cached(sql)?.execute(params![number, Time(now), actor, kind, was, became, comment])?;
    Ok(())
}

#[cfg(test)]
mod tests;
