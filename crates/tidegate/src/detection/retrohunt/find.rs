//! One step of a hunt: asks its questions, and judges every event that the answers hold.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_detect::intel::{IndicatorId, Indicators, RetrohuntPlan};
use tidegate_detect::names::last_two_labels;
use tidegate_event::{Timestamp, names};
use tidegate_query::language::TimeRange;
use tidegate_query::{Cursor, Error, LIMIT_MAX, Order, Row, Scope, Search};
use tidegate_state::HuntHit;
use uuid::Uuid;

use super::question::{ADDRESSES, questions};
use super::sketch::Sketches;
use super::{HuntError, Hunts};

/// A hunt with more steps reads each day once to know which of them can find anything.
const STEPS_WITHOUT_SKETCH: u64 = 8;
/// Events of one step that are judged; what is beyond is not counted.
const EVENTS_MAX: usize = 200_000;
/// Events that an alert can be raised for, in one step.
const ALERTING_MAX: usize = 10_000;
/// Events that a found indicator names.
const EXAMPLES_MAX: usize = 10;
/// A question about less time than this is not cut in two any more.
const RANGE_MIN: Duration = Duration::from_secs(60);
/// Addresses of one answer that are looked up, as when events come in.
const ADDRESSES_MAX: usize = 64;

const FIELDS: [&str; 8] = [
    names::TAGS,
    "dns.question.name",
    "dns.question.registered_domain",
    ADDRESSES[0],
    ADDRESSES[1],
    ADDRESSES[2],
    names::TIMESTAMP,
    names::EVENT_ID,
];

/// What a step found.
#[derive(Debug, Default)]
pub(super) struct Found {
    hits: BTreeMap<i64, HuntHit>,
    /// Events that were not judged by these indicators when they came.
    pub(super) alerting: Vec<Sight>,
}

/// An event that met an indicator.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    pub(super) id: Uuid,
    pub(super) at: Timestamp,
    pub(super) source_ip: String,
    pub(super) destination_ip: String,
    pub(super) name: String,
    pub(super) registered: String,
    /// What it met, and what the indicators say of it.
    pub(super) met: Vec<String>,
    pub(super) tags: Vec<String>,
}

impl Found {
    /// How many events were met, counted for each indicator.
    pub(super) fn events(&self) -> u64 {
        self.hits.values().map(|hit| hit.count).sum()
    }

    /// What to write down.
    pub(super) fn hits(&self) -> Vec<HuntHit> {
        self.hits.values().cloned().collect()
    }
}

impl Hunts {
    /// Does one step; `None` when no event of its range can meet any of it.
    pub(super) async fn find(
        &self,
        plan: &RetrohuntPlan,
        index: u64,
        sketches: &mut Sketches,
    ) -> Result<Option<Found>, HuntError> {
        let Some(step) = plan.step(index) else { return Ok(None) };
        let conditions = match plan.steps() > STEPS_WITHOUT_SKETCH {
            true => sketches.present(&self.engine, (step.from, step.until), &step.conditions).await,
            false => step.conditions,
        };
        let Some(judges) = plan.judges(index).filter(|_| !conditions.is_empty()) else { return Ok(None) };
        let mut looker = Looker { judges, found: Found::default(), seen: HashSet::new() };
        for question in questions(&conditions, self.engine.fields_known()) {
            // Ranges still to be asked about, the latest first.
            let mut ranges = vec![(step.from, step.until)];
            while let Some((from, until)) = ranges.pop() {
                if looker.seen.len() >= EVENTS_MAX {
                    tracing::warn!("a hunt met more than {EVENTS_MAX} events in one stretch; the rest is not counted");
                    return Ok(Some(looker.found));
                }
                if !self.ask(&question, from, until, &mut looker).await? {
                    let half = (until.as_micros() - from.as_micros()) / 2;
                    if half < i64::try_from(RANGE_MIN.as_micros()).unwrap_or(i64::MAX) {
                        return Err(HuntError::Impossible("the events of one minute take too long to look at".into()));
                    }
                    let middle = Timestamp::from_micros(from.as_micros() + half);
                    ranges.push((middle, until));
                    ranges.push((from, middle));
                }
            }
        }
        Ok(Some(looker.found))
    }

    /// Reads page after page; `false` when the range is too long for the time that a query has.
    async fn ask(
        &self,
        query: &str,
        from: Timestamp,
        until: Timestamp,
        looker: &mut Looker,
    ) -> Result<bool, HuntError> {
        let range = TimeRange { start: Some(from), end: Some(until) };
        let known = self.engine.fields_known();
        let fields: Vec<String> =
            FIELDS.iter().filter(|field| known.get(field).is_some()).map(|field| (*field).to_owned()).collect();
        let mut after: Option<Cursor> = None;
        loop {
            let search = Search {
                scope: Scope { query: query.to_owned(), range, now: until },
                limit: LIMIT_MAX,
                order: Order::Oldest,
                after: after.take(),
                fields: Some(fields.clone()),
            };
            let page = match self.engine.search(search).await {
                Ok(page) if !page.partial => page,
                Ok(_) | Err(Error::Timeout(_) | Error::Memory) => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            page.rows.iter().for_each(|row| looker.look(row));
            match page.next {
                Some(next) if looker.seen.len() < EVENTS_MAX => after = Some(next),
                _ => return Ok(true),
            }
        }
    }

    /// The time of the oldest event at or after `from`.
    pub(super) async fn oldest(&self, from: Timestamp) -> Result<Option<Timestamp>, HuntError> {
        let range = TimeRange { start: Some(from), end: None };
        let search = Search {
            scope: Scope { query: String::new(), range, now: from },
            limit: 1,
            order: Order::Oldest,
            fields: Some(vec![names::EVENT_ID.to_owned()]),
            ..Search::default()
        };
        Ok(self.engine.search(search).await?.rows.first().map(|row| row.timestamp))
    }
}

/// Judges events, each once.
struct Looker {
    judges: Indicators,
    found: Found,
    seen: HashSet<Uuid>,
}

impl Looker {
    fn look(&mut self, row: &Row) {
        let (Ok(id), Ok(event)) = (row.id.parse::<Uuid>(), serde_json::from_str::<Value>(row.event.get())) else {
            return;
        };
        if !self.seen.insert(id) {
            return;
        }
        let at = row.timestamp;
        let hits = self.judge(&event, at);
        if hits.is_empty() {
            return;
        }
        let mut sight = sight(&event, id, at);
        for hit in hits {
            let Some(known) = self.judges.get(hit) else { continue };
            let Ok(number) = i64::try_from(known.number()) else { continue };
            let value = known.value().to_string();
            sight.tags.extend(known.tags().map(str::to_lowercase));
            sight.met.push(value.clone());
            self.count(number, value, &sight);
        }
        // One that was tagged when it came has raised its alert then.
        let judged = texts(&event, names::TAGS).any(|tag| tag == "indicator");
        if !judged && self.found.alerting.len() < ALERTING_MAX {
            self.found.alerting.push(sight);
        }
    }

    fn judge(&self, event: &Value, at: Timestamp) -> Vec<IndicatorId> {
        let text = |field| texts(event, field).next().unwrap_or_default();
        let name = text("dns.question.name").trim_end_matches('.').to_ascii_lowercase();
        let mut hits = Vec::new();
        if !name.is_empty() {
            let registered = Some(text("dns.question.registered_domain")).filter(|text| !text.is_empty());
            let registered = registered.unwrap_or_else(|| last_two_labels(&name));
            hits.extend_from_slice(&self.judges.match_name(&name, registered, at));
        }
        for field in ADDRESSES {
            for address in texts(event, field).take(ADDRESSES_MAX).filter_map(|text| text.parse::<IpAddr>().ok()) {
                hits.extend_from_slice(&self.judges.match_ip(address, at));
            }
        }
        hits.sort_unstable();
        hits.dedup();
        hits
    }

    fn count(&mut self, number: i64, value: String, sight: &Sight) {
        let example = || {
            json!({
                "event_id": sight.id.to_string(), "timestamp": sight.at.to_rfc3339(),
                "source_ip": sight.source_ip, "name": sight.name,
            })
        };
        let hit = self.found.hits.entry(number).or_insert_with(|| HuntHit {
            indicator: number,
            value,
            count: 0,
            first: sight.at,
            last: sight.at,
            events: json!([]),
        });
        hit.count += 1;
        hit.first = hit.first.min(sight.at);
        hit.last = hit.last.max(sight.at);
        if let Some(examples) = hit.events.as_array_mut()
            && examples.len() < EXAMPLES_MAX
        {
            examples.push(example());
        }
    }
}

fn sight(event: &Value, id: Uuid, at: Timestamp) -> Sight {
    let text = |field| texts(event, field).next().unwrap_or_default().to_owned();
    Sight {
        id,
        at,
        source_ip: text("source.ip"),
        destination_ip: text("destination.ip"),
        name: text("dns.question.name"),
        registered: text("dns.question.registered_domain"),
        met: Vec::new(),
        tags: Vec::new(),
    }
}

/// The texts of a field in a nested event: the value, or the items of a list.
fn texts<'e>(event: &'e Value, field: &str) -> impl Iterator<Item = &'e str> + use<'e> {
    let value = field.split('.').try_fold(event, |value, part| value.get(part));
    let (one, many) = match value {
        Some(Value::Array(items)) => (None, items.as_slice()),
        other => (other, <&[Value]>::default()),
    };
    one.into_iter().chain(many).filter_map(Value::as_str)
}
