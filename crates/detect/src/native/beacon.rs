//! Regular queries of one device for a domain that few others ask for.
//!
//! Of the intervals between queries (at most the last 96, those of zero seconds left out):
//!
//! - ts = ((1 - |B|) + (m - MAD)/m) / 2, with Bowley's skewness B = (Q1 + Q3 - 2 Q2)/(Q3 - Q1), 0 when Q3 - Q1 < 6 or
//!   Q2 is Q1 or Q3; m the median, MAD the median distance from it (0 at least);
//! - hist = 1 - the coefficient of variation of the hourly counts between first and last hour (0 at least), 24 hours;
//! - dur = hours between first and last query / 24 (1 at most), 0 below 6.
//!
//! ts must be 0.8 at least;
//! score = 0.6 ts + 0.2 hist + 0.2 dur, + 0.15 when less than 2 % of the devices or only one asks for the domain,
//! + 0.15 when the domain is known for less than 7 days, - 0.15 from 30 days on; 1 at most. The idea is RITA's, whose
//!   score also knows sizes; DNS has none, and resolvers' caches round intervals to the lifetime of the answer.

use super::context::{Context, Seen};
use super::evidence::{Evidence, Grown};
use super::prevalence::Standing;
use super::snapshot::{Reader, SnapshotError, Writer};
use super::table::{Persist, Table, TableCounters};
use super::{BeaconSettings, NativeSettings, Raised};
use crate::finding::counted;

const DETECTOR: &str = "beacon";
const INTERVALS_MAX: usize = 96;
const HOURS: usize = 24;
const DAY_SECONDS: i64 = 86_400;
/// New intervals between two judgements.
const JUDGE_EVERY: u32 = 12;
/// An interquartile range below it is the grain of the clock.
const RANGE_MIN: f64 = 6.0;
/// Least regularity of the intervals alone, whatever else speaks for a beacon.
const REGULARITY_MIN: f64 = 0.8;
/// Least median interval: quicker repetitions are retries.
const MEDIAN_MIN: f64 = 5.0;
/// Devices of a domain that stay few in a small organisation.
const DEVICES_FEW: f64 = 3.5;

#[derive(Clone, Debug)]
struct State {
    first: i64,
    last: i64,
    intervals: Vec<u16>,
    next: u16,
    unjudged: u32,
    hour: i64,
    hours: [u16; HOURS],
    evidence: Evidence,
}

#[derive(Debug)]
pub(super) struct Beacon {
    settings: BeaconSettings,
    reraise: i64,
    pairs: Table<Box<State>>,
}

impl Beacon {
    pub(super) fn new(settings: &NativeSettings) -> Self {
        Self {
            reraise: i64::from(settings.reraise_seconds),
            pairs: Table::new(settings.beacon.pairs),
            settings: settings.beacon.clone(),
        }
    }

    pub(super) const fn counters(&self) -> TableCounters {
        self.pairs.counters()
    }

    pub(super) fn observe(
        &mut self,
        seen: &Seen<'_>,
        standing: Standing,
        context: &Context,
        out: &mut Vec<Raised>,
        grown: &mut Grown,
    ) {
        if !self.settings.enabled || (standing.devices > DEVICES_FEW && standing.share > self.settings.prevalence_max) {
            return;
        }
        let state = if let Some(state) = self.pairs.get_mut(seen.pair) {
            state
        } else if context.is_benign(seen.look.name) {
            return;
        } else {
            self.pairs.entry(seen.pair, || Box::new(State::new(seen)))
        };
        if !state.note(seen) || state.intervals.len() < self.settings.intervals as usize {
            return;
        }
        state.unjudged += 1;
        if state.unjudged < JUDGE_EVERY {
            return;
        }
        state.unjudged = 0;
        let Some(note) = state.judge(seen, standing, &self.settings) else { return };
        if state.evidence.may_raise(seen.now, self.reraise) {
            out.push(state.evidence.raise(seen.now, DETECTOR, seen.pair_group(), note));
        } else {
            state.evidence.grow(DETECTOR, grown);
        }
    }

    pub(super) fn save(&self, writer: &mut Writer) {
        self.pairs.save(writer);
    }

    pub(super) fn load(&self, reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self { settings: self.settings.clone(), reraise: self.reraise, pairs: self.pairs.load(reader)? })
    }
}

impl State {
    fn new(seen: &Seen<'_>) -> Self {
        Self {
            first: seen.at,
            last: seen.at,
            intervals: Vec::new(),
            next: 0,
            unjudged: 0,
            hour: seen.at.div_euclid(3600),
            hours: [0; HOURS],
            evidence: Evidence::new(seen.look.at),
        }
    }

    /// Counts a query; whether it made an interval.
    fn note(&mut self, seen: &Seen<'_>) -> bool {
        // After a day of silence, or when the clock went back, it is another story.
        if (seen.at - self.last).abs() > DAY_SECONDS || self.last > seen.now {
            *self = Self::new(seen);
        }
        self.count_hour(seen.at.div_euclid(3600));
        let interval = seen.at - self.last;
        if interval <= 0 {
            return false;
        }
        self.evidence.note(seen.look);
        self.last = seen.at;
        let interval = u16::try_from(interval).unwrap_or(u16::MAX);
        if self.intervals.len() < INTERVALS_MAX {
            self.intervals.push(interval);
        } else {
            self.intervals[usize::from(self.next) % INTERVALS_MAX] = interval;
            self.next = (self.next + 1) % INTERVALS_MAX as u16;
        }
        true
    }

    fn count_hour(&mut self, hour: i64) {
        while self.hour < hour {
            self.hour += 1;
            self.hours[self.hour.rem_euclid(HOURS as i64) as usize] = 0;
        }
        if hour > self.hour - HOURS as i64 {
            let bin = &mut self.hours[hour.rem_euclid(HOURS as i64) as usize];
            *bin = bin.saturating_add(1);
        }
    }

    /// Why it is a beacon, if it is one.
    fn judge(&self, seen: &Seen<'_>, standing: Standing, settings: &BeaconSettings) -> Option<String> {
        let (ts, median) = regularity(&self.intervals);
        if median < MEDIAN_MIN || ts < REGULARITY_MIN {
            return None;
        }
        let hours = (self.last - self.first) as f64 / 3600.0;
        let dur = if hours < 6.0 { 0.0 } else { (hours / 24.0).min(1.0) };
        let known = seen.now - standing.since;
        let rare = if standing.share < 0.02 || standing.devices < 1.5 { 0.15 } else { 0.0 };
        let age = if known < 7 * DAY_SECONDS { 0.15 } else { -0.15 * f64::from(u8::from(known >= 30 * DAY_SECONDS)) };
        let score = (0.6 * ts + 0.2 * self.histogram(hours) + 0.2 * dur + rare + age).min(1.0);
        if score < settings.score {
            return None;
        }
        Some(format!(
            "{} asks for {} about every {median:.0} s; score {score:.2} of 1, asked for by about {}",
            seen.look.device,
            seen.domain,
            counted(standing.devices.round().max(1.0) as u64, "device")
        ))
    }

    /// One less the coefficient of variation of the hourly counts.
    fn histogram(&self, hours: f64) -> f64 {
        let bins = (hours as usize + 1).min(HOURS);
        let counts =
            (0..bins as i64).map(|back| f64::from(self.hours[(self.hour - back).rem_euclid(HOURS as i64) as usize]));
        let mean = counts.clone().sum::<f64>() / bins as f64;
        if bins < 3 || mean <= 0.0 {
            return 0.0;
        }
        let variance = counts.map(|count| (count - mean).powi(2)).sum::<f64>() / bins as f64;
        (1.0 - variance.sqrt() / mean).max(0.0)
    }
}

/// The score of the intervals and their median.
fn regularity(intervals: &[u16]) -> (f64, f64) {
    let mut sorted: Vec<u16> = intervals.to_vec();
    sorted.sort_unstable();
    let at = |share: f64| f64::from(sorted[((sorted.len() - 1) as f64 * share).round() as usize]);
    let (low, median, high) = (at(0.25), at(0.5), at(0.75));
    let range = high - low;
    let skew =
        if range < RANGE_MIN || median <= low || median >= high { 0.0 } else { (low + high - 2.0 * median) / range };
    let mut distances: Vec<u16> = sorted.iter().map(|interval| interval.abs_diff(median as u16)).collect();
    distances.sort_unstable();
    let spread = ((median - f64::from(distances[distances.len() / 2])) / median.max(1.0)).max(0.0);
    (0.5 * ((1.0 - skew.abs()) + spread), median)
}

impl Persist for Box<State> {
    fn save(&self, writer: &mut Writer) {
        for number in [self.first, self.last, self.hour] {
            writer.i64(number);
        }
        writer.u16(self.next);
        writer.u32(self.unjudged);
        self.hours.iter().for_each(|hour| writer.u16(*hour));
        writer.u32(self.intervals.len() as u32);
        self.intervals.iter().for_each(|interval| writer.u16(*interval));
        self.evidence.save(writer);
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let (first, last, hour) = (reader.i64()?, reader.i64()?, reader.i64()?);
        let (next, unjudged) = (reader.u16()?, reader.u32()?);
        let mut hours = [0; HOURS];
        for bin in &mut hours {
            *bin = reader.u16()?;
        }
        let mut intervals = Vec::new();
        for _ in 0..reader.count(2)? {
            intervals.push(reader.u16()?);
        }
        if intervals.len() > INTERVALS_MAX {
            return Err(SnapshotError::Damaged);
        }
        let evidence = Evidence::load(reader)?;
        Ok(Self::new(State { first, last, intervals, next, unjudged, hour, hours, evidence }))
    }
}
