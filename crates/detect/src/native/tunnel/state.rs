//! A pair of device and domain with many names: counters by slices of twenty seconds over ten minutes.

use super::super::context::{Context, Seen};
use super::super::distinct::Distinct;
use super::super::evidence::{Evidence, Grown};
use super::super::panes::Panes;
use super::super::snapshot::{Reader, SnapshotError, Writer};
use super::super::table::Persist;
use super::super::{Raised, TunnelSettings};
use super::candidate::Candidate;
use super::{DETECTOR, is_address, is_coded, judge};

const PANE_SECONDS: i64 = 20;
const PANES: usize = 30;
/// Seconds of the long window.
pub(super) const WINDOW_SECONDS: i64 = PANE_SECONDS * PANES as i64;
/// Slices of the short window: a minute, whatever the slice it begins in.
const MINUTE_PANES: usize = 4;
/// Distinct names told apart; more than any threshold needs.
const NAMES_MAX: usize = 256;
/// After an hour without a query the story is another one.
const IDLE_SECONDS: i64 = 3600;
/// New names between two judgements.
const JUDGE_EVERY: u32 = 4;

#[derive(Clone, Copy, Debug, Default)]
struct Pane {
    queries: u32,
    odd: u32,
    /// New names, their characters, and what these cost in sixteenths of a bit.
    names: u32,
    characters: u32,
    cost: u32,
}

/// What a window holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measure {
    pub(super) distinct: u32,
    queries: u32,
    odd: u32,
    names: u32,
    characters: u32,
    cost: u32,
}

fn coded(seen: &Seen<'_>, context: &Context, settings: &TunnelSettings) -> bool {
    is_coded(settings, seen.below.len() as u32, context.trigrams.cost(seen.below)) && !is_address(seen.below)
}

fn ratio(part: u32, whole: u32) -> f64 {
    f64::from(part) / f64::from(whole.max(1))
}

impl Measure {
    pub(super) fn distinct_ratio(&self) -> f64 {
        ratio(self.distinct.max(self.names), self.queries)
    }

    pub(super) fn odd_ratio(&self) -> f64 {
        ratio(self.odd, self.queries)
    }

    pub(super) fn bits_per_character(&self) -> f64 {
        ratio(self.cost, self.characters) / 16.0
    }

    pub(super) fn bits_per_name(&self) -> f64 {
        ratio(self.cost, self.names) / 16.0
    }

    pub(super) fn words(&self, window: &str) -> String {
        format!(
            "{} distinct names in {} queries within {window}, {:.0} % of odd types, {:.1} characters a name at {:.1} bits each",
            self.distinct,
            self.queries,
            100.0 * self.odd_ratio(),
            ratio(self.characters, self.names),
            self.bits_per_character()
        )
    }
}

#[derive(Clone, Debug)]
pub(in crate::native) struct State {
    panes: Panes<Pane, PANES>,
    names: Distinct,
    evidence: Evidence,
    benign: bool,
    /// Its day is counted.
    watched: bool,
    unjudged: u32,
    hour: i64,
    bytes: u32,
}

impl State {
    pub(super) fn new(seen: &Seen<'_>, benign: bool) -> Self {
        let panes = Panes::new(seen.at.div_euclid(PANE_SECONDS));
        let evidence = Evidence::new(seen.look.at);
        Self {
            panes,
            names: Distinct::default(),
            evidence,
            benign,
            watched: false,
            unjudged: 0,
            hour: seen.at / 3600,
            bytes: 0,
        }
    }

    /// A benign pair needs no counting.
    pub(super) const fn is_benign(&self) -> bool {
        self.benign
    }

    pub(super) const fn was_raised(&self) -> bool {
        self.evidence.was_raised()
    }

    /// What the pair's day counts of a query: whether it has a new coded name; `None` while the day is not counted.
    pub(super) fn watch(&mut self, coded: bool) -> Option<bool> {
        self.watched |= coded;
        self.watched.then_some(coded)
    }

    /// Counts what the candidate saw, as if it had been now, and this query.
    pub(super) fn take_over(&mut self, candidate: &Candidate, context: &Context, seen: &Seen<'_>) {
        let pane = seen.at.div_euclid(PANE_SECONDS);
        for hash in candidate.names() {
            self.names.note(hash, pane, pane - PANES as i64, NAMES_MAX);
        }
        if let Some(counters) = self.panes.at(pane, pane) {
            counters.queries += u32::from(candidate.queries) - 1;
            counters.odd += u32::from(candidate.odd) - u32::from(seen.odd);
        }
        self.evidence.note(seen.look);
        self.evidence.add(u64::from(candidate.queries) - 1, candidate.first());
        let before = candidate.names().count() as u32;
        if let Some((characters, cost)) = self.count(seen, context)
            && let Some(counters) = self.panes.at(pane, pane)
        {
            // The names before are taken to be like this one.
            counters.names += before;
            counters.characters += before * characters;
            counters.cost += before * cost;
        }
    }

    /// Counts a query; length and cost of its name when it is a new one.
    fn count(&mut self, seen: &Seen<'_>, context: &Context) -> Option<(u32, u32)> {
        let pane = seen.at.div_euclid(PANE_SECONDS);
        let present = seen.now.div_euclid(PANE_SECONDS);
        let counters = self.panes.at(pane, present)?;
        counters.queries += 1;
        counters.odd += u32::from(seen.odd);
        let oldest = self.panes.newest() - PANES as i64 + 1;
        if !self.names.note(seen.name_hash, pane, oldest, NAMES_MAX) || is_address(seen.below) {
            return None;
        }
        let (characters, cost) = (seen.below.len() as u32, context.trigrams.cost(seen.below));
        let counters = self.panes.at(pane, present)?;
        counters.names += 1;
        counters.characters = counters.characters.saturating_add(characters);
        counters.cost = counters.cost.saturating_add(cost);
        let hour = seen.at.div_euclid(3600);
        if hour != self.hour {
            (self.hour, self.bytes) = (hour, 0);
        }
        self.bytes = self.bytes.saturating_add(characters);
        Some((characters, cost))
    }

    /// Counts a query and judges the pair: length and cost of the name when it is a new one, and what is to be told.
    pub(super) fn observe(
        &mut self,
        seen: &Seen<'_>,
        context: &Context,
        settings: &TunnelSettings,
        reraise: i64,
        grown: &mut Grown,
    ) -> (Option<(u32, u32)>, Option<Raised>) {
        if self.evidence.is_stale(seen.look.at, IDLE_SECONDS) {
            self.evidence = Evidence::new(seen.look.at);
        }
        self.evidence.note(seen.look);
        // Coded names are what goes on; a visit to the domain is not.
        if self.evidence.was_raised() && coded(seen, context, settings) {
            self.evidence.grow(DETECTOR, grown);
        }
        // A flood that was told needs no more care until it may be told again.
        if !self.evidence.may_raise(seen.now, reraise) && self.evidence.count() > NAMES_MAX as u64 {
            let soon = seen.now.saturating_add(WINDOW_SECONDS);
            if !self.evidence.may_raise(soon, reraise) {
                return (None, None);
            }
        }
        let name = self.count(seen, context);
        (name, name.and_then(|_| self.verdict(seen, settings, reraise)))
    }

    fn verdict(&mut self, seen: &Seen<'_>, settings: &TunnelSettings, reraise: i64) -> Option<Raised> {
        self.unjudged += 1;
        if self.unjudged < JUDGE_EVERY || !self.evidence.may_raise(seen.now, reraise) {
            return None;
        }
        self.unjudged = 0;
        let reason = judge(settings, &self.measure(MINUTE_PANES), &self.measure(PANES), self.bytes)?;
        let note = format!("{} asked for {reason} below {}", seen.look.device, seen.domain);
        Some(self.evidence.raise(seen.now, DETECTOR, seen.pair_group(), note))
    }

    fn measure(&self, panes: usize) -> Measure {
        let distinct = self.names.since(self.panes.newest() - panes as i64 + 1);
        let mut measure = Measure { distinct, ..Measure::default() };
        for pane in self.panes.last(panes) {
            measure.queries += pane.queries;
            measure.odd += pane.odd;
            measure.names += pane.names;
            measure.characters = measure.characters.saturating_add(pane.characters);
            measure.cost = measure.cost.saturating_add(pane.cost);
        }
        // Names that spell addresses are remembered but not counted.
        measure.distinct = measure.distinct.min(measure.names);
        measure
    }
}

impl Persist for Pane {
    fn save(&self, writer: &mut Writer) {
        for number in [self.queries, self.odd, self.names, self.characters, self.cost] {
            writer.u32(number);
        }
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self {
            queries: reader.u32()?,
            odd: reader.u32()?,
            names: reader.u32()?,
            characters: reader.u32()?,
            cost: reader.u32()?,
        })
    }
}

impl Persist for Box<State> {
    fn save(&self, writer: &mut Writer) {
        self.panes.save(writer);
        self.names.save(writer);
        self.evidence.save(writer);
        writer.u8(u8::from(self.benign));
        writer.u8(u8::from(self.watched));
        writer.u32(self.unjudged);
        writer.i64(self.hour);
        writer.u32(self.bytes);
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self::new(State {
            panes: Panes::load(reader)?,
            names: Distinct::load(reader)?,
            evidence: Evidence::load(reader)?,
            benign: reader.u8()? == 1,
            watched: reader.u8()? == 1,
            unjudged: reader.u32()?,
            hour: reader.i64()?,
            bytes: reader.u32()?,
        }))
    }
}
