//! Pairs of device and domain over a day: tunnels so slow that no window of minutes sees them.
//!
//! After the thresholds of RITA, which counts distinct names below a domain over 24 hours and rates 500 as low. Counted
//! are coded names only, by linear counting over 1,024 bits (good to some 3 % at 500), in four slices of six hours.

use super::super::context::Seen;
use super::super::evidence::{Evidence, Grown};
use super::super::panes::Panes;
use super::super::prevalence::{Standing, linear};
use super::super::snapshot::{Reader, SnapshotError, Writer};
use super::super::table::{Persist, Table, TableCounters};
use super::super::{Raised, TunnelSettings};
use super::DETECTOR;

const HOUR_SECONDS: i64 = 3600;
const PANE_HOURS: i64 = 6;
const PANE_SECONDS: i64 = PANE_HOURS * HOUR_SECONDS;
const PANES: usize = 4;
const DAY_SECONDS: i64 = PANE_SECONDS * PANES as i64;
const WORDS: usize = 16;
const BITS: f64 = (WORDS * 64) as f64;
/// So few devices are rare however small the organisation is.
const DEVICES_RARE: f64 = 3.5;

#[derive(Clone, Copy, Debug, Default)]
struct Pane {
    queries: u32,
    /// Bit n: a coded name was new in the slice's hour n.
    hours: u8,
    names: [u64; WORDS],
}

#[derive(Clone, Debug)]
struct Day {
    panes: Panes<Pane, PANES>,
    evidence: Evidence,
}

/// What the day of a pair came to.
struct Measure {
    distinct: f64,
    queries: u32,
    hours: u32,
}

/// The days of all pairs that ask for coded names again and again.
#[derive(Debug)]
pub(super) struct Days(Table<Box<Day>>);

impl Days {
    pub(super) fn new(settings: &TunnelSettings) -> Self {
        Self(Table::new(settings.slow_pairs))
    }

    pub(super) const fn counters(&self) -> TableCounters {
        self.0.counters()
    }

    /// Counts a query of a pair; `coded` says that its name is a coded one, new in the pair's window of minutes. Only
    /// such a name makes a day begin.
    pub(super) fn observe(
        &mut self,
        seen: &Seen<'_>,
        coded: bool,
        standing: Standing,
        settings: &TunnelSettings,
        reraise: i64,
        grown: &mut Grown,
    ) -> Option<Raised> {
        let day =
            if coded { self.0.entry(seen.pair, || Box::new(Day::new(seen))) } else { self.0.get_mut(seen.pair)? };
        let new = day.count(seen, coded)?;
        if !new {
            return None;
        }
        let measure = day.measure();
        let rare = standing.devices < DEVICES_RARE || standing.share <= settings.prevalence_max;
        let enough = measure.distinct >= f64::from(settings.names_per_day)
            && measure.distinct >= settings.distinct_ratio * f64::from(measure.queries)
            && measure.hours >= settings.hours_per_day;
        if !(rare && enough) {
            return None;
        }
        if !day.evidence.may_raise(seen.now, reraise.max(DAY_SECONDS)) {
            day.evidence.grow(DETECTOR, grown);
            return None;
        }
        let note = format!(
            "{} asked for some {:.0} distinct coded names in {} queries, in {} hours of a day, below {}",
            seen.look.device, measure.distinct, measure.queries, measure.hours, seen.domain
        );
        Some(day.evidence.raise(seen.now, DETECTOR, seen.pair_group(), note))
    }

    pub(super) fn save(&self, writer: &mut Writer) {
        self.0.save(writer);
    }

    pub(super) fn load(&self, reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self(self.0.load(reader)?))
    }
}

impl Day {
    fn new(seen: &Seen<'_>) -> Self {
        Self { panes: Panes::new(seen.at.div_euclid(PANE_SECONDS)), evidence: Evidence::new(seen.look.at) }
    }

    /// Whether the name is new in its slice; `None` when the slice has passed.
    fn count(&mut self, seen: &Seen<'_>, coded: bool) -> Option<bool> {
        let pane = self.panes.at(seen.at.div_euclid(PANE_SECONDS), seen.now.div_euclid(PANE_SECONDS))?;
        pane.queries = pane.queries.saturating_add(1);
        if !coded {
            return Some(false);
        }
        pane.hours |= 1 << seen.at.div_euclid(HOUR_SECONDS).rem_euclid(PANE_HOURS);
        let (word, bit) = ((seen.name_hash >> 58) as usize % WORDS, 1 << (seen.name_hash >> 48 & 63));
        let new = pane.names[word] & bit == 0;
        pane.names[word] |= bit;
        if self.evidence.is_stale(seen.look.at, DAY_SECONDS) {
            self.evidence = Evidence::new(seen.look.at);
        }
        self.evidence.note(seen.look);
        Some(new)
    }

    fn measure(&self) -> Measure {
        let (mut names, mut queries, mut hours) = ([0_u64; WORDS], 0_u32, 0);
        for pane in self.panes.last(PANES) {
            queries = queries.saturating_add(pane.queries);
            hours += pane.hours.count_ones();
            names.iter_mut().zip(&pane.names).for_each(|(all, own)| *all |= own);
        }
        Measure { distinct: linear(BITS, names.iter().map(|word| word.count_zeros()).sum()), queries, hours }
    }
}

impl Persist for Pane {
    fn save(&self, writer: &mut Writer) {
        writer.u32(self.queries);
        writer.u8(self.hours);
        self.names.iter().for_each(|word| writer.u64(*word));
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let mut pane = Self { queries: reader.u32()?, hours: reader.u8()?, names: [0; WORDS] };
        for word in &mut pane.names {
            *word = reader.u64()?;
        }
        Ok(pane)
    }
}

impl Persist for Box<Day> {
    fn save(&self, writer: &mut Writer) {
        self.panes.save(writer);
        self.evidence.save(writer);
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self::new(Day { panes: Panes::load(reader)?, evidence: Evidence::load(reader)? }))
    }
}
