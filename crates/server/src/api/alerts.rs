//! Alerts: what deserves an analyst, and the work on it.

pub(crate) mod assignees;
pub(crate) mod bulk;
pub(crate) mod change;
pub(crate) mod histogram;
pub(crate) mod list;
mod matched;
pub(crate) mod query;
mod select;
pub(crate) mod show;
pub(crate) mod similar;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_state as state;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::detection::{RuleRef, Severity};
use crate::error::ApiError;
use crate::parts::Shared;

/// How far the work on an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AlertStatus {
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

/// What an alert turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// An attack, or the try of one.
    TruePositive,
    /// The rule is right, but what it found is allowed here.
    Benign,
    /// The rule is wrong.
    FalsePositive,
    /// It cannot be told.
    Unknown,
}

/// Urgency in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Urgency {
    /// 0 to 49.
    Low,
    /// 50 to 74.
    Medium,
    /// 75 to 100.
    High,
}

/// An alert in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertLine {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its number, for people to name it by.
    pub(crate) number: i64,
    /// The rule that found it, as it was when it last found something.
    rule: RuleRef,
    /// How far the work is.
    status: AlertStatus,
    /// What it turned out to be.
    verdict: Option<Verdict>,
    /// The name of who works on it.
    assignee: Option<String>,
    /// Severity and criticality in one number, 0 to 100.
    urgency: u8,
    /// The same in a word.
    urgency_level: Urgency,
    /// The highest criticality among the assets that take part.
    criticality: Option<u8>,
    /// How many findings were folded into it.
    occurrences: u64,
    /// How many events are behind it.
    event_count: u64,
    /// It stands for all that its rule finds beyond the number of open alerts that one rule may have.
    overflow: bool,
    /// The time of its first event.
    first_seen: String,
    /// The time of its last event.
    last_seen: String,
    /// When it was raised.
    created: String,
    /// When it last grew or was changed.
    updated: String,
    /// Who did it.
    source: Option<String>,
    /// To whom.
    target: Option<String>,
    /// The name that was asked for.
    name: Option<String>,
    /// What it was grouped by.
    group: BTreeMap<String, String>,
}

impl From<state::Alert> for AlertLine {
    fn from(alert: state::Alert) -> Self {
        let rule = RuleRef {
            id: alert.rule.id,
            name: alert.rule.name,
            severity: Severity::of(alert.severity),
            effort: alert.rule.effort.into(),
            attack: alert.rule.attack,
        };
        Self {
            id: alert.id.0,
            number: alert.number,
            rule,
            status: alert.status.into(),
            verdict: alert.verdict.map(Verdict::from),
            assignee: alert.assignee.map(|assignee| assignee.name),
            urgency: alert.urgency,
            urgency_level: alert.urgency_level.into(),
            criticality: alert.criticality,
            occurrences: alert.findings,
            event_count: alert.occurrences,
            overflow: alert.overflow,
            first_seen: alert.first_seen.to_rfc3339(),
            last_seen: alert.last_seen.to_rfc3339(),
            created: alert.created.to_rfc3339(),
            updated: alert.updated.to_rfc3339(),
            source: alert.source,
            target: alert.target,
            name: alert.name,
            group: alert.group.into_iter().collect(),
        }
    }
}

/// The alert that a path names, by its id or its number.
async fn named(shared: &Shared, name: &str) -> Result<state::Alert, ApiError> {
    if let Ok(number) = name.parse::<i64>() {
        return shared.ask(move |state| state.alert_numbered(number)).await;
    }
    let id = Uuid::parse_str(name).map_err(|_| {
        let name: String = name.chars().take(100).collect();
        ApiError::not_found(format!("no alert `{name}`"))
    })?;
    shared.ask(move |state| state.alert(state::AlertId(id))).await
}

impl From<state::AlertStatus> for AlertStatus {
    fn from(status: state::AlertStatus) -> Self {
        match status {
            state::AlertStatus::Pending => Self::Pending,
            state::AlertStatus::Acknowledged => Self::Acknowledged,
            state::AlertStatus::Ongoing => Self::Ongoing,
            state::AlertStatus::Closed => Self::Closed,
            state::AlertStatus::Rejected => Self::Rejected,
        }
    }
}

impl From<AlertStatus> for state::AlertStatus {
    fn from(status: AlertStatus) -> Self {
        match status {
            AlertStatus::Pending => Self::Pending,
            AlertStatus::Acknowledged => Self::Acknowledged,
            AlertStatus::Ongoing => Self::Ongoing,
            AlertStatus::Closed => Self::Closed,
            AlertStatus::Rejected => Self::Rejected,
        }
    }
}

impl From<state::Verdict> for Verdict {
    fn from(verdict: state::Verdict) -> Self {
        match verdict {
            state::Verdict::TruePositive => Self::TruePositive,
            state::Verdict::Benign => Self::Benign,
            state::Verdict::FalsePositive => Self::FalsePositive,
            state::Verdict::Inconclusive => Self::Unknown,
        }
    }
}

impl From<Verdict> for state::Verdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::TruePositive => Self::TruePositive,
            Verdict::Benign => Self::Benign,
            Verdict::FalsePositive => Self::FalsePositive,
            Verdict::Unknown => Self::Inconclusive,
        }
    }
}

impl From<state::Urgency> for Urgency {
    fn from(urgency: state::Urgency) -> Self {
        match urgency {
            state::Urgency::Low => Self::Low,
            state::Urgency::Medium => Self::Medium,
            state::Urgency::High => Self::High,
        }
    }
}

impl From<Urgency> for state::Urgency {
    fn from(urgency: Urgency) -> Self {
        match urgency {
            Urgency::Low => Self::Low,
            Urgency::Medium => Self::Medium,
            Urgency::High => Self::High,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
