//! The one place that remembers: correlations and behaviour. Sightings in, in journal order; findings out.

mod report;
mod snapshot;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use serde::Serialize;
use tidegate_event::Timestamp;
use uuid::Uuid;

pub use snapshot::RestoreError;

use crate::catalogue::Catalogue;
use crate::correlate::{Dropped, Offer, State, stable_hash};
use crate::finding::{Evidence, Finding, push_part};
use crate::names::HashKey;
use crate::native::{Look, NativeSettings, Natives, Raised};
use crate::sightings::{Datum, Hit, Sighting, Sightings};
use report::Singles;
use rsigma_parser::CorrelationType as Type;

/// What operators see of the memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Events observed.
    pub events: u64,
    /// Events whose time lay after their receipt and was drawn back.
    pub clamped: u64,
    /// Groups that correlations hold at the moment.
    pub groups: u64,
    /// What behavioural detectors had to forget to stay within their bounds.
    pub forgotten: u64,
    /// What correlations left out, by the rule's short name; only those with any.
    pub dropped: Vec<(String, Dropped)>,
}

/// Correlations and behavioural detectors.
#[derive(Debug)]
pub struct Memory {
    catalogue: Arc<Catalogue>,
    /// One for each correlation of the catalogue.
    states: Vec<State>,
    natives: Natives,
    /// The latest event time seen, in microseconds.
    latest: i64,
    events: u64,
    clamped: u64,
    raised: Vec<Raised>,
}

/// The event behind a match, with what correlations need of it.
struct Occasion<'o> {
    at: i64,
    trigger: Uuid,
    evidence: &'o Evidence,
    /// A match whose own lateness was judged further down, in a chain.
    chained: bool,
}

impl Memory {
    /// An empty memory for a catalogue, for scans and tests: the same events give the same findings in every process.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        Self::keyed(catalogue, HashKey::default())
    }

    /// An empty memory for a server: with a key that was drawn, nobody can choose names that push a watched device out
    /// of its table. A snapshot brings its key along, so a restart changes nothing.
    #[must_use]
    pub fn keyed(catalogue: Arc<Catalogue>, key: HashKey) -> Self {
        let natives = detectors(&catalogue, &catalogue.natives, key);
        Self::with(catalogue, natives)
    }

    /// An empty memory whose behavioural detectors are set otherwise than the catalogue says.
    pub(crate) fn with_natives(catalogue: Arc<Catalogue>, settings: &NativeSettings) -> Self {
        let natives = detectors(&catalogue, settings, HashKey::default());
        Self::with(catalogue, natives)
    }

    fn with(catalogue: Arc<Catalogue>, natives: Natives) -> Self {
        let states = catalogue.correlations.iter().map(|_| State::default()).collect();
        Self { catalogue, states, natives, latest: i64::MIN, events: 0, clamped: 0, raised: Vec::new() }
    }

    /// Takes another catalogue: correlations that have not changed keep their state. Behavioural detectors keep theirs
    /// when they accept it.
    pub fn adopt(&mut self, catalogue: Arc<Catalogue>) {
        if Arc::ptr_eq(&self.catalogue, &catalogue) {
            return;
        }
        let mut bytes = Vec::new();
        self.snapshot(&mut bytes);
        let mut next = Self::keyed(catalogue, self.natives.key());
        // what was just written is whole; a detector that refuses its part starts empty
        let _ = next.restore(&bytes);
        *self = next;
    }

    /// Observes a batch. The order of calls, and of events within a batch, decides the result, nothing else: no clock is
    /// read. Events of one batch are taken in order of their times.
    pub fn observe(&mut self, sightings: &Sightings, out: &mut Vec<Finding>) {
        if sightings.catalogue.generation > self.catalogue.generation {
            self.adopt(Arc::clone(&sightings.catalogue));
        }
        self.clamped += sightings.clamped;
        self.events += sightings.list.len() as u64;
        let mut singles = Singles::default();
        let mut order: Vec<&Sighting> = sightings.list.iter().collect();
        if !order.is_sorted_by_key(|sighting| sighting.at) {
            order.sort_by_key(|sighting| (sighting.at, sighting.row));
        }
        for sighting in order {
            self.advance(sighting.at.as_micros());
            self.matches(sighting, sightings, &mut singles);
            self.behaviour(sighting, sightings);
        }
        singles.take(&self.catalogue, out);
        self.reports(out);
    }

    /// Ends a file scan: windows that wait for more events are judged as they are.
    pub fn finish(&mut self, out: &mut Vec<Finding>) {
        self.close(i64::MAX);
        self.reports(out);
    }

    /// Numbers for operators.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let correlations = self.catalogue.correlations.iter().zip(&self.states);
        let dropped = correlations.filter(|(_, state)| state.dropped != Dropped::default());
        Counters {
            events: self.events,
            clamped: self.clamped,
            forgotten: self.natives.counters().forgotten(),
            groups: self.states.iter().map(|state| state.groups() as u64).sum(),
            dropped: dropped
                .map(|(correlation, state)| {
                    (self.catalogue.rules[correlation.rule as usize].slug.to_string(), state.dropped)
                })
                .collect(),
        }
    }

    /// Event time up to which all events are taken to be here.
    #[must_use]
    pub fn watermark(&self) -> Option<Timestamp> {
        (self.latest != i64::MIN).then(|| Timestamp::from_micros(self.watermark_micros()))
    }

    fn watermark_micros(&self) -> i64 {
        self.latest.saturating_sub(self.catalogue.lateness_micros)
    }

    fn advance(&mut self, at: i64) {
        if at > self.latest {
            self.latest = at;
            self.close(self.watermark_micros());
        }
    }

    /// Judges windows that have become complete, bases before what builds upon them.
    fn close(&mut self, watermark: i64) {
        let catalogue = Arc::clone(&self.catalogue);
        for (number, correlation) in catalogue.correlations.iter().enumerate() {
            let rule = &catalogue.rules[correlation.rule as usize];
            let watermark = if watermark == i64::MAX { watermark } else { watermark.saturating_sub(correlation.delay) };
            for fired in self.states[number].close(watermark, correlation, rule) {
                let evidence = Evidence {
                    event_id: fired.id,
                    at: Timestamp::from_micros(fired.at),
                    source_ip: String::new(),
                    name: String::new(),
                };
                // no single event made it fire, so it carries nothing
                self.chain(correlation.rule, &fired, vec![None; correlation.carried.len()], &evidence);
            }
        }
    }

    fn matches(&mut self, sighting: &Sighting, sightings: &Sightings, singles: &mut Singles) {
        let hits = &sightings.hits[sighting.hits.0 as usize..sighting.hits.1 as usize];
        if hits.is_empty() {
            return;
        }
        let catalogue = Arc::clone(&self.catalogue);
        let evidence = Evidence {
            event_id: sighting.event.as_uuid(),
            at: sighting.at,
            source_ip: sightings.read(sighting.source_ip).to_owned(),
            name: sightings.read(sighting.name).to_owned(),
        };
        for hit in hits {
            let Some(rule) = self.translate(hit.rule, &sightings.catalogue) else { continue };
            let values = &sightings.values[hit.values.0 as usize..hit.values.1 as usize];
            if catalogue.reported[rule as usize] {
                singles.add(rule, hit, values, sighting, sightings, &evidence);
            }
            if catalogue.feeds[rule as usize].is_empty() {
                continue;
            }
            let occasion = Occasion {
                at: sighting.at.as_micros(),
                trigger: evidence.event_id,
                evidence: &evidence,
                chained: false,
            };
            let values: Vec<Option<String>> = values.iter().map(|datum| shown(datum, sightings)).collect();
            self.feed(rule, &values, &occasion);
        }
    }

    /// The number of a rule in the memory's catalogue.
    fn translate(&self, rule: u32, from: &Arc<Catalogue>) -> Option<u32> {
        if Arc::ptr_eq(from, &self.catalogue) {
            return Some(rule);
        }
        // judged by an older catalogue: a rule that is gone, or captures other fields now, is not counted
        let (old, new) = (from.rules.get(rule as usize)?, self.catalogue.by_id.get(&from.rules[rule as usize].id)?);
        let fields = |catalogue: &Catalogue, rule: u32| -> Vec<Arc<str>> {
            let slots = catalogue.captures[rule as usize].iter();
            slots.filter_map(|slot| catalogue.slots.get(*slot)).map(|slot| Arc::clone(&slot.name)).collect()
        };
        debug_assert_eq!(old.id, self.catalogue.rules[*new as usize].id);
        (fields(from, rule) == fields(&self.catalogue, *new)).then_some(*new)
    }

    /// Offers a match to every correlation that counts its rule.
    fn feed(&mut self, rule: u32, values: &[Option<String>], occasion: &Occasion<'_>) {
        let catalogue = Arc::clone(&self.catalogue);
        for (number, input) in &catalogue.feeds[rule as usize] {
            let correlation = &catalogue.correlations[*number];
            let watermark = self.watermark_micros().saturating_sub(correlation.delay);
            let state = &mut self.states[*number];
            if !occasion.chained && occasion.at < self.latest.saturating_sub(catalogue.lateness_micros) {
                state.dropped.late += 1;
                continue;
            }
            let source = &correlation.inputs[*input];
            let pick = |positions: &[usize]| -> Option<Vec<&str>> {
                positions.iter().map(|position| values.get(*position)?.as_deref()).collect()
            };
            let (Some(group), Some(counted)) = (pick(&source.group), pick(&source.values)) else {
                state.dropped.incomplete += 1;
                continue;
            };
            let Some(bits) = bits(correlation.kind, &counted) else {
                state.dropped.incomplete += 1;
                continue;
            };
            let mut key = String::new();
            group.iter().for_each(|value| push_part(&mut key, value));
            let entry = crate::correlate::Entry { at: occasion.at, input: *input as u16, bits };
            let offer = Offer { entry, trigger: occasion.trigger, evidence: occasion.evidence };
            let info = &catalogue.rules[correlation.rule as usize];
            if let Some(fired) = state.offer(&key, &offer, watermark, correlation, info) {
                let carried = source.carry.iter().map(|position| values.get(*position).cloned().flatten()).collect();
                self.chain(correlation.rule, &fired, carried, occasion.evidence);
            }
        }
    }

    /// A correlation that fired is a match for the correlations above it.
    fn chain(&mut self, rule: u32, fired: &crate::correlate::Fired, carried: Vec<Option<String>>, evidence: &Evidence) {
        if self.catalogue.feeds[rule as usize].is_empty() {
            return;
        }
        let mut values: Vec<Option<String>> = crate::finding::parts(&fired.key).into_iter().map(Some).collect();
        values.extend(carried);
        self.feed(rule, &values, &Occasion { at: fired.at, trigger: fired.id, evidence, chained: true });
    }

    fn behaviour(&mut self, sighting: &Sighting, sightings: &Sightings) {
        let name = sightings.read(sighting.name);
        if name.is_empty() {
            return;
        }
        let look = Look {
            at: sighting.at,
            event: sighting.event,
            device: sightings.read(sighting.device),
            source_ip: sightings.read(sighting.source_ip),
            name,
            registered_domain: sightings.read(sighting.registered),
            query_type: sightings.read(sighting.query_type),
            nxdomain: sighting.nxdomain,
            blocked: sighting.blocked,
        };
        self.natives.observe(&look, &mut self.raised);
    }

    /// Findings of correlations and of behaviour that began or grew.
    fn reports(&mut self, out: &mut Vec<Finding>) {
        for (number, correlation) in self.catalogue.correlations.iter().enumerate() {
            let reports = self.states[number].reports();
            if self.catalogue.reported[correlation.rule as usize] {
                out.extend(
                    reports.into_iter().map(|report| report::of_correlation(report, correlation, &self.catalogue)),
                );
            }
        }
        self.natives.grown(&mut self.raised);
        let mut places: HashMap<Uuid, usize> = HashMap::new();
        // a remark, such as a domain never seen before, is no finding
        for raised in self.raised.drain(..) {
            let rule = self.catalogue.by_detector.get(raised.detector);
            let Some(rule) = rule.filter(|rule| self.catalogue.reported[**rule as usize]) else { continue };
            let finding = report::of_behaviour(raised, &self.catalogue.rules[*rule as usize]);
            match places.entry(finding.id) {
                // raised and grown within the batch
                Entry::Occupied(place) => {
                    let before = &mut out[*place.get()];
                    if finding.count > before.count {
                        *before = finding;
                    }
                }
                Entry::Vacant(place) => {
                    place.insert(out.len());
                    out.push(finding);
                }
            }
        }
    }
}

/// Empty behavioural detectors over the lists of a catalogue.
fn detectors(catalogue: &Catalogue, settings: &NativeSettings, key: HashKey) -> Natives {
    Natives::with_lists(settings, Arc::clone(&catalogue.lists), key)
}

/// What a correlation keeps of the values that it counts or computes with.
fn bits(kind: Type, values: &[&str]) -> Option<u64> {
    match kind {
        Type::EventCount | Type::Temporal | Type::TemporalOrdered => Some(0),
        Type::ValueCount => Some(stable_hash(values)),
        _ => values.first()?.trim().parse::<f64>().ok().filter(|number| number.is_finite()).map(f64::to_bits),
    }
}

/// A captured value as text.
fn shown(datum: &Datum, sightings: &Sightings) -> Option<String> {
    match datum {
        Datum::Absent => None,
        Datum::Text(span) => Some(sightings.read(*span).to_owned()),
        Datum::Number(number) => Some(number.to_string()),
    }
}

impl Singles {
    fn add(
        &mut self,
        rule: u32,
        hit: &Hit,
        values: &[Datum],
        sighting: &Sighting,
        sightings: &Sightings,
        evidence: &Evidence,
    ) {
        let similar = sightings.catalogue.similar[hit.rule as usize];
        let slots = &sightings.catalogue.captures[hit.rule as usize][..similar];
        let mut group = Vec::with_capacity(similar);
        for (slot, datum) in slots.iter().zip(values) {
            if let (Some(slot), Some(value)) = (sightings.catalogue.slots.get(*slot), shown(datum, sightings)) {
                group.push((Arc::clone(&slot.name), value));
            }
        }
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let target =
            some(sightings.read(sighting.registered)).or_else(|| some(sightings.read(sighting.destination_ip)));
        self.push(rule, group, target, &hit.matched, evidence);
    }
}
