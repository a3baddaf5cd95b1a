//! Alerts over time: hits by hour and by rule.

use std::collections::BTreeMap;

use rusqlite::params;
use serde::Serialize;
use tidegate_event::Timestamp;
use uuid::Uuid;

use super::AlertId;
use crate::bounds::unstored;
use crate::clock::{rfc3339, rfc3339_or_null};
use crate::database::{Id, Time};
use crate::error::StateError;
use crate::state::State;

const HOUR_MICROS: i64 = 3_600_000_000;
/// Hours in one answer: somewhat more than a year.
const HOURS_MAX: i64 = 400 * 24;

/// Whose hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimelineOf {
    /// Those of all alerts.
    All,
    /// Those of one alert.
    Alert(AlertId),
    /// Those of one rule's alerts.
    Rule(Uuid),
}

/// Hits within one hour; hours without any are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HourHits {
    /// When the hour begins.
    #[serde(serialize_with = "rfc3339")]
    pub hour: Timestamp,
    /// Occurrences in it.
    pub hits: u64,
    /// Alerts that had any.
    pub alerts: u64,
}

/// What one rule found lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuleHits {
    /// Alerts that grew.
    pub alerts: u64,
    /// Occurrences.
    pub hits: u64,
    /// The time of the last event behind an alert of the rule.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub last_seen: Option<Timestamp>,
}

impl State {
    /// Hits by hour of event time from `from` to before `to`, oldest first. When a finding grows, what was added counts
    /// in the hour of its last event.
    ///
    /// # Errors
    /// [`StateError::Invalid`] for more than 400 days.
    pub fn alert_timeline(&self, of: TimelineOf, from: Timestamp, to: Timestamp) -> Result<Vec<HourHits>, StateError> {
        let first = from.as_micros().div_euclid(HOUR_MICROS);
        let end = to.as_micros().saturating_add(HOUR_MICROS - 1).div_euclid(HOUR_MICROS);
        if end.saturating_sub(first) > HOURS_MAX {
            return Err(StateError::invalid("time range", format!("is longer than {} days", HOURS_MAX / 24)));
        }
        let (alert, rule) = match of {
            TimelineOf::All => (None, None),
            TimelineOf::Alert(id) => (Some(Id(id.0)), None),
            TimelineOf::Rule(id) => (None, Some(Id(id))),
        };
        let sql = "SELECT hour, sum(hits), count(*) FROM alert_hours JOIN alerts ON number = alert
                   WHERE hour >= ?1 AND hour < ?2 AND (?3 IS NULL OR id = ?3) AND (?4 IS NULL OR rule = ?4)
                   GROUP BY hour ORDER BY hour";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![first, end, alert, rule], |row| {
                let hour = row.get::<_, i64>(0)?.saturating_mul(HOUR_MICROS);
                let (hits, alerts) = (unstored(row.get(1)?), unstored(row.get(2)?));
                Ok(HourHits { hour: Timestamp::from_micros(hour), hits, alerts })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// What each rule found in the last `days` days of event time, now included.
    ///
    /// # Errors
    /// When the database fails.
    pub fn rule_hits(&self, days: u32) -> Result<BTreeMap<Uuid, RuleHits>, StateError> {
        let from = self.now().as_micros().div_euclid(HOUR_MICROS) - i64::from(days) * 24;
        let sql = "SELECT rule, count(DISTINCT number), sum(hits), max(last_seen) FROM alert_hours
                   JOIN alerts ON number = alert WHERE hour > ?1 GROUP BY rule";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([from], |row| {
                let (alerts, hits) = (unstored(row.get(1)?), unstored(row.get(2)?));
                let last_seen = Some(row.get::<_, Time>(3)?.0);
                Ok((row.get::<_, Id>(0)?.0, RuleHits { alerts, hits, last_seen }))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
