//! Which indicators alerts are about.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, params};
use tidegate_event::Timestamp;

use crate::bounds::unstored;
use crate::collection::CollectionId;
use crate::database::Time;
use crate::error::StateError;
use crate::state::State;

/// Alerts that are looked at, those that grew last first.
const ALERTS_MAX: i64 = 20_000;
/// Labels of a name that are looked at, from its end.
const LABELS_MAX: usize = 32;
const DAY_MICROS: i64 = 86_400_000_000;

/// How often a value was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Events behind alerts about it or, for a name, about one below it.
    pub events: u64,
    /// The time of the last of them.
    pub last: Option<Timestamp>,
}

impl State {
    /// How often alerts are about each of these values, whatever rule raised them: by name, target or source. Values that
    /// no alert is about are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub fn alerts_about(&self, values: &[&str]) -> Result<HashMap<String, Met>, StateError> {
        let mut met: HashMap<String, Met> = HashMap::new();
        if values.is_empty() {
            return Ok(met);
        }
        let wanted: std::collections::HashSet<&str> = values.iter().copied().collect();
        self.read(|connection| {
            each_alert(connection, None, |entities, events, last| {
                let mut found: Vec<&str> = Vec::new();
                for entity in entities {
                    found.extend(parents(entity).filter_map(|value| wanted.get(value)));
                }
                found.sort_unstable();
                found.dedup();
                for value in found {
                    let met = met.entry(value.to_owned()).or_default();
                    met.events = met.events.saturating_add(events);
                    met.last = met.last.max(Some(last));
                }
                Ok(())
            })
        })?;
        Ok(met)
    }

    /// Events behind alerts of the last `days` days of event time that are about indicators of each collection; those
    /// without any are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub fn collections_met(&self, days: u32) -> Result<BTreeMap<CollectionId, u64>, StateError> {
        let from = Timestamp::from_micros(self.now().as_micros() - i64::from(days) * DAY_MICROS);
        let mut met = BTreeMap::new();
        self.read(|connection| {
            let mut find = connection.prepare_cached("SELECT DISTINCT collection FROM indicators WHERE value = ?1")?;
            each_alert(connection, Some(from), |entities, events, _| {
                let mut found: Vec<CollectionId> = Vec::new();
                for value in entities.iter().flat_map(|entity| parents(entity)) {
                    for collection in find.query_map([value], |row| row.get(0))? {
                        found.push(CollectionId(collection?));
                    }
                }
                found.sort_unstable();
                found.dedup();
                for collection in found {
                    let sum: &mut u64 = met.entry(collection).or_default();
                    *sum = sum.saturating_add(events);
                }
                Ok(())
            })
        })?;
        Ok(met)
    }

    /// When an indicator last came into each collection; empty ones are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub fn collections_seen(&self) -> Result<BTreeMap<CollectionId, Timestamp>, StateError> {
        self.read(|connection| {
            let sql = "SELECT collection, max(seen) FROM indicators GROUP BY collection";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| Ok((CollectionId(row.get(0)?), row.get::<_, Time>(1)?.0)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Tells name, target and source of alerts in small letters, the number of events, and the time of the last one.
fn each_alert(
    connection: &Connection,
    from: Option<Timestamp>,
    mut tell: impl FnMut(&[String], u64, Timestamp) -> Result<(), StateError>,
) -> Result<(), StateError> {
    let sql = "SELECT lower(name), lower(target), lower(source), occurrences, last_seen FROM alerts
               WHERE ?1 IS NULL OR last_seen >= ?1 ORDER BY updated DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![from.map(Time), ALERTS_MAX])?;
    while let Some(row) = rows.next()? {
        let mut entities: Vec<String> = Vec::new();
        for index in 0..3 {
            entities.extend(row.get::<_, Option<String>>(index)?);
        }
        tell(&entities, unstored(row.get(3)?), row.get::<_, Time>(4)?.0)?;
    }
    Ok(())
}

/// A name and all that it is below; an address is itself.
fn parents(entity: &str) -> impl Iterator<Item = &str> {
    let entity = entity.trim_end_matches('.');
    let is_address = entity.parse::<std::net::IpAddr>().is_ok();
    std::iter::successors(Some(entity), move |name| match name.split_once('.') {
        Some((_, rest)) if !is_address => Some(rest),
        _ => None,
    })
    .take(LABELS_MAX)
    .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Fixture, START};
    use crate::{Actor, Effort, FindingRule, NewFinding, NewIndicator, Similarity};
    use uuid::Uuid;

    #[test]
    fn alerts_are_laid_to_the_indicators_above_their_names() {
        let fixture = Fixture::new();
        let state = &fixture.state;
        let collection = state.collection_named("Hand", &Actor::system()).unwrap();
        let kept =
            |value: &str| NewIndicator { value: value.into(), kind: "name", scope: "domain", ..Default::default() };
        state.upsert_indicators(collection.id, None, &[kept("evil.example"), kept("quiet.example")]).unwrap();
        let finding = |number: u128, name: &str, count: u64| NewFinding {
            id: Uuid::from_u128(number),
            rule: FindingRule {
                id: Uuid::nil(),
                name: "Intelligence".into(),
                effort: Effort::Elementary,
                severity: 75,
                attack: Vec::new(),
            },
            source: Some("192.0.2.1".into()),
            target: None,
            name: Some(name.into()),
            group: Vec::new(),
            first_seen: START,
            last_seen: START,
            count,
            events: Vec::new(),
            matched: Vec::new(),
            note: String::new(),
            similarity: Similarity::Pair,
            hidden_by: None,
        };
        let found = [finding(1, "a.b.Evil.example", 3), finding(2, "evil.example", 4), finding(3, "good.example", 9)];
        state.raise(&found).unwrap();
        let met = state.alerts_about(&["evil.example", "quiet.example", "192.0.2.1"]).unwrap();
        assert_eq!(met["evil.example"], Met { events: 7, last: Some(START) });
        assert_eq!(met["192.0.2.1"].events, 16);
        assert!(!met.contains_key("quiet.example"));
        assert_eq!(state.collections_met(7).unwrap(), [(collection.id, 7)].into());
        fixture.advance(std::time::Duration::from_hours(8 * 24));
        assert!(state.collections_met(7).unwrap().is_empty());
        assert_eq!(state.collections_seen().unwrap(), [(collection.id, START)].into());
        assert!(state.alerts_about(&[]).unwrap().is_empty());
    }

    #[test]
    fn parents_of_names_and_addresses() {
        assert_eq!(parents("a.b.c.").collect::<Vec<_>>(), ["a.b.c", "b.c", "c"]);
        assert_eq!(parents("192.0.2.1").collect::<Vec<_>>(), ["192.0.2.1"]);
        assert_eq!(parents("2001:db8::1").count(), 1);
        assert_eq!(parents("").count(), 0);
        assert_eq!(parents(&"a.".repeat(500)).count(), LABELS_MAX);
    }
}
