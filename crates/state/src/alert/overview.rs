//! Alerts counted: by status and urgency, by rule, and over time.

use std::collections::BTreeMap;

use rusqlite::types::Value as Sql;
use rusqlite::{OptionalExtension, params_from_iter};
use tidegate_event::Timestamp;
use uuid::Uuid;

use super::list::Filter;
use super::{Alert, AlertQuery, AlertStatus, OPEN, SELECT, Urgency, read};
use crate::bounds::unstored;
use crate::database::{Id, Parsed};
use crate::error::StateError;
use crate::state::State;

/// Stretches of time in one answer.
const STRETCHES_MAX: i64 = 10_000;
const DAY_MICROS: i64 = 86_400_000_000;

/// Alerts with a kept event in one stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertStretch {
    /// Its first moment.
    pub start: Timestamp,
    /// How many of each urgency; those that none has are left out.
    pub counts: BTreeMap<Urgency, u64>,
}

impl State {
    /// The alert with this number.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn alert_numbered(&self, number: i64) -> Result<Alert, StateError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE number = ?1"))?;
            let alert = statement.query_row([number], read).optional()?;
            alert.ok_or_else(|| StateError::not_found("alert", number))
        })
    }

    /// How many of the alerts that `query` finds have each status; statuses that none has are left out.
    ///
    /// # Errors
    /// [`StateError::Invalid`] for a filter that is too long.
    pub fn alerts_by_status(&self, query: &AlertQuery) -> Result<BTreeMap<AlertStatus, u64>, StateError> {
        let filter = Filter::of(query)?;
        let sql = format!("SELECT status, count(*) FROM alerts WHERE {} GROUP BY status", filter.sql);
        self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map(params_from_iter(&filter.values), |row| {
                Ok((row.get::<_, Parsed<AlertStatus>>(0)?.0, unstored(row.get(1)?)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How many of the alerts that `query` finds have each urgency; urgencies that none has are left out.
    ///
    /// # Errors
    /// [`StateError::Invalid`] for a filter that is too long.
    pub fn alerts_by_urgency(&self, query: &AlertQuery) -> Result<BTreeMap<Urgency, u64>, StateError> {
        let filter = Filter::of(query)?;
        let sql = format!("SELECT urgency, count(*) FROM alerts WHERE {} GROUP BY urgency", filter.sql);
        self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let rows = statement
                .query_map(params_from_iter(&filter.values), |row| Ok((row.get::<_, u8>(0)?, unstored(row.get(1)?))))?;
            let mut counts = BTreeMap::new();
            for row in rows {
                let (score, count) = row?;
                *counts.entry(Urgency::of(score)).or_default() += count;
            }
            Ok(counts)
        })
    }

    /// How many open alerts each rule has; rules without any are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub fn open_alerts_by_rule(&self) -> Result<BTreeMap<Uuid, u64>, StateError> {
        self.read(|connection| {
            let sql = format!("SELECT rule, count(*) FROM alerts WHERE {OPEN} GROUP BY rule");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([], |row| Ok((row.get::<_, Id>(0)?.0, unstored(row.get(1)?))))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The time of the first kept event, before `to`, of the alerts that `query` finds.
    ///
    /// # Errors
    /// [`StateError::Invalid`] for a filter that is too long.
    pub fn first_event_of_alerts(&self, query: &AlertQuery, to: Timestamp) -> Result<Option<Timestamp>, StateError> {
        let mut filter = Filter::of(query)?;
        let sql = format!("SELECT min(at) FROM alert_events WHERE at < ?1{}", within(query, &filter));
        let mut values = vec![Sql::Integer(to.as_micros())];
        values.append(&mut filter.values);
        self.read(|connection| {
            let first = connection.query_row(&sql, params_from_iter(&values), |row| row.get::<_, Option<i64>>(0))?;
            Ok(first.map(Timestamp::from_micros))
        })
    }

    /// How many of the alerts that `query` finds have a kept event in each stretch of `width_micros`, aligned to 1970 in
    /// UTC (weeks to Monday), from `from` to before `to`, oldest first and by urgency; stretches without any are left out.
    ///
    /// # Errors
    /// [`StateError::Invalid`] for a width of nothing, more than 10,000 stretches, or a filter that is too long.
    pub fn alerts_over_time(
        &self,
        query: &AlertQuery,
        from: Timestamp,
        to: Timestamp,
        width_micros: i64,
    ) -> Result<Vec<AlertStretch>, StateError> {
        if width_micros <= 0 {
            return Err(StateError::invalid("interval", "must be longer than nothing"));
        }
        let length = to.as_micros().saturating_sub(from.as_micros());
        if length / width_micros > STRETCHES_MAX {
            return Err(StateError::invalid("interval", format!("gives more than {STRETCHES_MAX} stretches")));
        }
        let mut filter = Filter::of(query)?;
        // Whole division rounds towards zero, which before 1970 would put two stretches into one.
        let sql = format!(
            "SELECT (at - (((at - ?4) % ?3) + ?3) % ?3) AS start,
                    (SELECT urgency FROM alerts WHERE number = alert) AS score, count(DISTINCT alert)
             FROM alert_events WHERE at >= ?1 AND at < ?2{} GROUP BY start, score ORDER BY start",
            within(query, &filter)
        );
        // 1970-01-05 was a Monday.
        let origin = if width_micros % (7 * DAY_MICROS) == 0 { 4 * DAY_MICROS } else { 0 };
        let mut values = [from.as_micros(), to.as_micros(), width_micros, origin].map(Sql::Integer).to_vec();
        values.append(&mut filter.values);
        self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query(params_from_iter(&values))?;
            let mut stretches: Vec<AlertStretch> = Vec::new();
            while let Some(row) = rows.next()? {
                let start = Timestamp::from_micros(row.get(0)?);
                if stretches.last().is_none_or(|last| last.start != start) {
                    stretches.push(AlertStretch { start, counts: BTreeMap::new() });
                }
                if let Some(last) = stretches.last_mut() {
                    *last.counts.entry(Urgency::of(row.get(1)?)).or_default() += unstored(row.get(2)?);
                }
            }
            Ok(stretches)
        })
    }
}

/// The condition that keeps to events of the alerts that `query` finds. Its marks have no numbers: they go on from the
/// highest before, in order.
fn within(query: &AlertQuery, filter: &Filter) -> String {
    if *query == AlertQuery::default() {
        return String::new();
    }
    format!(" AND alert IN (SELECT number FROM alerts WHERE {})", filter.sql)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{EventRef, FindingRule, NewFinding};
    use crate::testing::{Fixture, START};
    use crate::{AlertChange, Effort, Similarity};

    const HOUR_MICROS: i64 = 3_600_000_000;

    fn finding(number: u128, severity: u8, name: &str, at: Timestamp) -> NewFinding {
        NewFinding {
            id: Uuid::from_u128(number),
            rule: FindingRule {
                id: Uuid::from_u128(u128::from(severity)),
                name: format!("Rule {severity}"),
                effort: Effort::Elementary,
                severity,
                attack: Vec::new(),
            },
            source: Some("alice".into()),
            target: None,
            name: Some(name.into()),
            group: Vec::new(),
            first_seen: at,
            last_seen: at,
            count: 1,
            events: vec![EventRef { at, id: Uuid::from_u128(number), source_ip: None, name: None }],
            matched: Vec::new(),
            note: String::new(),
            similarity: Similarity::Pair,
            hidden_by: None,
        }
    }

    #[test]
    fn alerts_are_counted_by_everything() {
        let fixture = Fixture::new();
        let state = &fixture.state;
        let later = Timestamp::from_micros(START.as_micros() + 3 * HOUR_MICROS);
        let found = [
            finding(1, 95, "a.example", START),
            finding(2, 95, "b.example", START),
            finding(3, 10, "a.example", later),
        ];
        state.raise(&found).unwrap();
        let all = AlertQuery::default();
        let first = state.alert_numbered(1).unwrap();
        assert_eq!(first.name.as_deref(), Some("a.example"));
        assert!(matches!(state.alert_numbered(9), Err(StateError::NotFound { .. })));
        let closed = AlertChange { status: Some(AlertStatus::Closed), ..Default::default() };
        state.change_alert(first.id, &closed, &crate::Actor::system()).unwrap();
        let by_status = state.alerts_by_status(&all).unwrap();
        assert_eq!(by_status, [(AlertStatus::Pending, 2), (AlertStatus::Closed, 1)].into());
        assert_eq!(state.alerts_by_urgency(&all).unwrap().values().sum::<u64>(), 3);
        let low = AlertQuery { severities: vec![10, 30], ..Default::default() };
        assert_eq!(state.alerts_by_urgency(&low).unwrap(), [(Urgency::Low, 1)].into());
        let named = AlertQuery { name: Some("A.example".into()), ..Default::default() };
        assert_eq!(state.alerts_by_status(&named).unwrap().values().sum::<u64>(), 2);
        for (name, found) in [("EXAMPLE", 3), ("ample", 0), (".example", 0), ("x.a.example", 0)] {
            let below = AlertQuery { name: Some(name.into()), ..Default::default() };
            assert_eq!(state.alerts_by_status(&below).unwrap().values().sum::<u64>(), found, "{name}");
        }
        let words = |text: &str| {
            let query = AlertQuery { text: Some(text.into()), ..Default::default() };
            state.alerts_by_status(&query).unwrap().values().sum::<u64>()
        };
        assert_eq!((words("alice 95"), words("95 b.example"), words("alice bob"), words("#3")), (2, 1, 0, 1));
        assert_eq!(state.open_alerts_by_rule().unwrap(), [(Uuid::from_u128(95), 1), (Uuid::from_u128(10), 1)].into());
        let end = Timestamp::from_micros(later.as_micros() + 1);
        let hours = state.alerts_over_time(&all, START, end, HOUR_MICROS).unwrap();
        let sums = |found: &[AlertStretch]| -> Vec<u64> { found.iter().map(|one| one.counts.values().sum()).collect() };
        assert_eq!(sums(&hours), [2, 1]);
        assert_eq!((&hours[0].counts, &hours[1].counts), (&[(Urgency::High, 2)].into(), &[(Urgency::Low, 1)].into()));
        assert_eq!(state.first_event_of_alerts(&all, end).unwrap(), Some(START));
        assert_eq!(state.first_event_of_alerts(&low, end).unwrap(), Some(later));
        assert_eq!(state.first_event_of_alerts(&low, later).unwrap(), None);
        assert!(hours.iter().all(|one| one.start.as_micros() % HOUR_MICROS == 0));
        let found = |query: &AlertQuery| state.alerts_over_time(query, START, end, HOUR_MICROS).unwrap();
        assert_eq!(sums(&found(&low)), [1]);
        assert_eq!(sums(&found(&named)), [1, 1]);
        let both = AlertQuery { text: Some("alice 95".into()), from: Some(START), to: Some(end), ..named };
        assert_eq!(sums(&found(&both)), [1]);
        for width in [0, 1] {
            assert!(matches!(state.alerts_over_time(&all, START, end, width), Err(StateError::Invalid { .. })));
        }
    }
}
