//! Names that do not exist: a domain generation algorithm looking for its server.
//!
//! D distinct registered domains of one device did not exist within five minutes; Q of its queries failed so, of all N;
//! G of the D look generated (their label costs `generated_bits` a character or more). Raised when
//!
//! - D >= `domains` and Q/N >= `ratio`, unless the labels are short words (less than `word_bits` a character and less
//!   than `word_length` characters in the mean): well-known domains that fail together have another reason, or
//! - D >= `generated_domains` and G/D >= `generated_ratio`, whatever else the device does.
//!
//! Counting registered domains leaves search suffixes, reverse zones and blocklists out by themselves: they are one
//! domain each. Below dynamic DNS providers each name counts. Well-known domains and browsers' probes do not count.

use super::context::{Context, Seen};
use super::distinct::Distinct;
use super::evidence::{Evidence, Grown};
use super::panes::Panes;
use super::snapshot::{Reader, SnapshotError, Writer};
use super::table::{Persist, Table, TableCounters};
use super::{NativeSettings, NxdomainSettings, Raised};

const DETECTOR: &str = "nxdomain-burst";
const PANE_SECONDS: i64 = 30;
const PANES: usize = 10;
/// Distinct domains told apart.
const DOMAINS_MAX: usize = 64;

#[derive(Clone, Copy, Debug, Default)]
struct Pane {
    queries: u32,
    failed: u32,
    domains: u32,
    generated: u32,
    /// Characters of the labels of these domains, and what they cost in sixteenths of a bit.
    characters: u32,
    cost: u32,
}

#[derive(Clone, Debug)]
struct State {
    panes: Panes<Pane, PANES>,
    domains: Distinct,
    evidence: Option<Box<Evidence>>,
    last: i64,
}

#[derive(Debug)]
pub(super) struct Nxdomain {
    settings: NxdomainSettings,
    reraise: i64,
    devices: Table<State>,
}

impl Nxdomain {
    pub(super) fn new(settings: &NativeSettings) -> Self {
        Self {
            reraise: i64::from(settings.reraise_seconds),
            devices: Table::new(settings.nxdomain.devices),
            settings: settings.nxdomain.clone(),
        }
    }

    pub(super) const fn counters(&self) -> TableCounters {
        self.devices.counters()
    }

    pub(super) fn observe(&mut self, seen: &Seen<'_>, context: &Context, out: &mut Vec<Raised>, grown: &mut Grown) {
        if !self.settings.enabled {
            return;
        }
        let (pane, present) = (seen.at.div_euclid(PANE_SECONDS), seen.now.div_euclid(PANE_SECONDS));
        let state = if seen.look.nxdomain {
            self.devices.entry(seen.device, || State::new(pane))
        } else if let Some(state) = self.devices.get_mut(seen.device) {
            state
        } else {
            return;
        };
        let Some(counters) = state.panes.at(pane, present) else { return };
        counters.queries += 1;
        if seen.look.nxdomain
            && state.count(seen, context, &self.settings)
            && let Some(raised) = state.judge(seen, &self.settings, self.reraise, grown)
        {
            out.push(raised);
        }
    }

    pub(super) fn save(&self, writer: &mut Writer) {
        self.devices.save(writer);
    }

    pub(super) fn load(&self, reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self { settings: self.settings.clone(), reraise: self.reraise, devices: self.devices.load(reader)? })
    }
}

impl State {
    fn new(pane: i64) -> Self {
        Self { panes: Panes::new(pane), domains: Distinct::default(), evidence: None, last: i64::MIN / 2 }
    }

    /// Counts a failed query; whether its domain is a new one.
    fn count(&mut self, seen: &Seen<'_>, context: &Context, settings: &NxdomainSettings) -> bool {
        let (pane, present) = (seen.at.div_euclid(PANE_SECONDS), seen.now.div_euclid(PANE_SECONDS));
        let Some(counters) = self.panes.at(pane, present) else { return false };
        counters.failed += 1;
        let hash = if context.is_dynamic(seen.look.name) { seen.name_hash } else { seen.domain_hash };
        let oldest = self.panes.newest() - PANES as i64 + 1;
        if !self.domains.note(hash, pane, oldest, DOMAINS_MAX) {
            return false;
        }
        if context.is_known(seen.look.name) {
            return false;
        }
        let label = if hash == seen.domain_hash { seen.domain } else { seen.look.name };
        let label = label.split('.').next().unwrap_or_default();
        let generated = context.trigrams.bits(label) >= settings.generated_bits;
        let Some(counters) = self.panes.at(pane, present) else { return false };
        counters.domains += 1;
        counters.generated += u32::from(generated);
        counters.characters = counters.characters.saturating_add(label.len() as u32);
        counters.cost = counters.cost.saturating_add(context.trigrams.cost(label));
        // Evidence is for one burst: a quiet window ends it.
        if seen.at.saturating_sub(self.last) >= PANE_SECONDS * PANES as i64 {
            self.evidence = None;
        }
        self.last = self.last.max(seen.at);
        self.evidence.get_or_insert_with(|| Box::new(Evidence::new(seen.look.at))).note(seen.look);
        true
    }

    fn judge(
        &mut self,
        seen: &Seen<'_>,
        settings: &NxdomainSettings,
        reraise: i64,
        grown: &mut Grown,
    ) -> Option<Raised> {
        let sum = |of: fn(&Pane) -> u32| self.panes.last(PANES).map(of).fold(0, u32::saturating_add);
        let (domains, generated) = (sum(|pane| pane.domains), sum(|pane| pane.generated));
        if domains < settings.domains.min(settings.generated_domains) {
            return None;
        }
        let (queries, failed) = (sum(|pane| pane.queries), sum(|pane| pane.failed));
        let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole.max(1));
        let (characters, cost) = (sum(|pane| pane.characters), sum(|pane| pane.cost));
        let words =
            share(cost, characters) / 16.0 < settings.word_bits && share(characters, domains) < settings.word_length;
        let burst = domains >= settings.domains && share(failed, queries) >= settings.ratio && !words;
        let coded = domains >= settings.generated_domains && share(generated, domains) >= settings.generated_ratio;
        let evidence = self.evidence.as_mut()?;
        if !(burst || coded) {
            return None;
        }
        if !evidence.may_raise(seen.now, reraise) {
            evidence.grow(DETECTOR, grown);
            return None;
        }
        let note = format!(
            "{} asked for {domains} domains that do not exist within five minutes, {generated} of them look generated; \
             {failed} of its {queries} queries failed so",
            seen.look.device
        );
        Some(evidence.raise(seen.now, DETECTOR, seen.device_group(), note))
    }
}

impl Persist for Pane {
    fn save(&self, writer: &mut Writer) {
        for number in [self.queries, self.failed, self.domains, self.generated, self.characters, self.cost] {
            writer.u32(number);
        }
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self {
            queries: reader.u32()?,
            failed: reader.u32()?,
            domains: reader.u32()?,
            generated: reader.u32()?,
            characters: reader.u32()?,
            cost: reader.u32()?,
        })
    }
}

impl Persist for State {
    fn save(&self, writer: &mut Writer) {
        self.panes.save(writer);
        self.domains.save(writer);
        writer.i64(self.last);
        writer.u8(u8::from(self.evidence.is_some()));
        if let Some(evidence) = &self.evidence {
            evidence.save(writer);
        }
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let (panes, domains, last) = (Panes::load(reader)?, Distinct::load(reader)?, reader.i64()?);
        let evidence = if reader.u8()? == 1 { Some(Box::new(Evidence::load(reader)?)) } else { None };
        Ok(Self { panes, domains, evidence, last })
    }
}
