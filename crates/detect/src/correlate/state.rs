//! All groups of one correlation, within bounds.

use std::collections::HashMap;

use super::group::{ENTRIES_PER_GROUP_MAX, Entry, Group, Offer, Open, Report, SHOWN_MAX};
use super::sketch::Sketch;
use super::{Correlation, Dropped};
use crate::bytes::{Damaged, Reader, put_bytes, put_f64, put_i64, put_len, put_u64, put_uuid};
use crate::finding::{EVIDENCE_MAX, Evidence};
use crate::rule::RuleInfo;
use rsigma_parser::CorrelationType as Type;
use tidegate_event::Timestamp;

/// Most groups of a correlation: 20,000 clients or domains at once.
pub(crate) const GROUPS_MAX: usize = 20_000;
/// Most matches that all groups of a correlation remember, 24 bytes each.
pub(crate) const ENTRIES_MAX: usize = 1 << 20;
/// Most groups that count distinct values by a sketch, 8 to 20 KB each.
pub(crate) const SKETCHES_MAX: usize = 1_024;
/// Most events kept to show in all groups of a correlation, unless each has but ten.
const SHOWN_TOTAL_MAX: usize = 1 << 16;
/// Share of groups that go when there are too many: the stalest eighth, so that the search for them is rare.
const EVICTED_SHARE: usize = 8;

/// The state of one correlation.
#[derive(Debug, Default)]
pub(crate) struct State {
    groups: HashMap<Box<str>, Group>,
    entries: usize,
    sketches: usize,
    /// Events kept to show.
    shown: usize,
    /// Groups with something to report, in the order it happened.
    dirty: Vec<Box<str>>,
    /// Reports of groups that have closed or gone since.
    ready: Vec<Report>,
    /// No window becomes complete before.
    due: i64,
    pub(crate) dropped: Dropped,
}

/// What a match did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fired {
    /// The finding.
    pub(crate) id: uuid::Uuid,
    pub(crate) at: i64,
    pub(crate) key: Box<str>,
}

impl State {
    /// Takes a match in. `Some` when a finding begins with it, or goes on and carries something.
    pub(crate) fn offer(
        &mut self,
        key: &str,
        offer: &Offer<'_>,
        watermark: i64,
        correlation: &Correlation,
        rule: &RuleInfo,
    ) -> Option<Fired> {
        let before = watermark.saturating_sub(correlation.span);
        if !self.groups.contains_key(key) {
            if self.groups.len() >= GROUPS_MAX {
                self.evict(before);
            }
            self.groups.insert(key.into(), Group { last: i64::MIN, ..Group::default() });
        }
        if !correlation.eager {
            return self.defer(key, offer, correlation);
        }
        let group = self.groups.get_mut(key)?;
        let most = if self.shown < SHOWN_TOTAL_MAX { SHOWN_MAX } else { EVIDENCE_MAX };
        let (held, shown) = (group.entries.len(), group.evidence.len());
        if group.open.is_none() {
            group.remember(offer.evidence, most, before);
        }
        let found = group.insert(offer.entry, correlation);
        let mut fired = None;
        match (found, &mut group.open) {
            (Some((figure, first, _)), Some(open)) => {
                open.count += 1;
                open.first = open.first.min(first);
                open.last = open.last.max(offer.entry.at);
                open.figure = figure;
                // what is carried may be another value with each event
                if !correlation.carried.is_empty() {
                    fired = Some(Fired { id: open.id, at: offer.entry.at, key: key.into() });
                }
                group.remember_more(offer.evidence);
                mark(group, key, &mut self.dirty);
            }
            (Some((figure, first, size)), None) => {
                let id = crate::finding::finding_id(rule, key, offer.trigger);
                group.evidence.retain(|event| event.at.as_micros() >= first);
                group.evidence.truncate(EVIDENCE_MAX);
                let last = group.last.max(offer.entry.at);
                group.open = Some(Open { id, first, last, count: size as u64, figure });
                mark(group, key, &mut self.dirty);
                fired = Some(Fired { id, at: offer.entry.at, key: key.into() });
            }
            // a late match that satisfies nothing says nothing about the present window
            (None, Some(_)) if offer.entry.at >= group.last => {
                self.ready.extend(group.report(key));
                group.open = None;
                group.evidence.clear();
                group.remember(offer.evidence, most, before);
            }
            (None, _) => {}
        }
        let keep = keep(group, correlation);
        let (_, wanted) = group.forget(before, keep, correlation);
        if group.open.is_none() {
            self.dropped.entries += wanted as u64;
        }
        if group.overflows() && self.sketches < SKETCHES_MAX {
            group.condense(correlation);
            self.sketches += 1;
        }
        self.entries = (self.entries + group.entries.len()).saturating_sub(held);
        self.shown = (self.shown + group.evidence.len()).saturating_sub(shown);
        if self.entries > ENTRIES_MAX {
            self.evict(before);
        }
        fired
    }

    /// Keeps a match until its window is complete.
    fn defer(&mut self, key: &str, offer: &Offer<'_>, correlation: &Correlation) -> Option<Fired> {
        let group = self.groups.get_mut(key)?;
        group.last = group.last.max(offer.entry.at);
        if group.entries.len() >= ENTRIES_PER_GROUP_MAX {
            self.dropped.entries += 1;
            return None;
        }
        let index = group.entries.partition_point(|other| *other <= offer.entry);
        group.entries.insert(index, offer.entry);
        self.entries += 1;
        let most = if self.shown < SHOWN_TOTAL_MAX { SHOWN_MAX } else { EVIDENCE_MAX };
        let shown = group.evidence.len();
        group.remember_for_close(offer.evidence, most, correlation);
        self.shown = (self.shown + group.evidence.len()).saturating_sub(shown);
        let first = group.entries.front().map_or(offer.entry.at, |entry| entry.at);
        self.due = self.due.min(first.saturating_add(correlation.span));
        if self.entries > ENTRIES_MAX {
            self.evict(i64::MIN);
        }
        None
    }

    /// Judges windows that have become complete.
    pub(crate) fn close(&mut self, watermark: i64, correlation: &Correlation, rule: &RuleInfo) -> Vec<Fired> {
        let mut fired = Vec::new();
        if correlation.eager || (watermark != i64::MAX && self.due >= watermark) {
            return fired;
        }
        self.due = i64::MAX;
        let mut keys: Vec<Box<str>> = self.groups.keys().cloned().collect();
        keys.sort_unstable();
        for key in keys {
            let Some(group) = self.groups.get_mut(&key) else { continue };
            let (held, shown) = (group.entries.len(), group.evidence.len());
            for (figure, first, last, size) in group.close(watermark, correlation) {
                let within = |event: &&Evidence| (first..=last).contains(&event.at.as_micros());
                let evidence: Vec<Evidence> =
                    group.evidence.iter().filter(within).take(EVIDENCE_MAX).cloned().collect();
                // the window's start names it: the same on every replay, whichever event came first
                let trigger = uuid::Uuid::from_u128(first.unsigned_abs().into());
                let id = crate::finding::finding_id(rule, &key, trigger);
                let open = Open { id, first, last, count: size as u64, figure };
                self.ready.push(Report { open, key: key.clone(), evidence });
                fired.push(Fired { id, at: last, key: key.clone() });
            }
            let open = group.entries.front().map_or(i64::MAX, |entry| entry.at);
            group.evidence.retain(|event| event.at.as_micros() >= open);
            self.entries = (self.entries + group.entries.len()).saturating_sub(held);
            self.shown = (self.shown + group.evidence.len()).saturating_sub(shown);
            match group.entries.front() {
                Some(entry) => self.due = self.due.min(entry.at.saturating_add(correlation.span)),
                None => {
                    self.groups.remove(&key);
                }
            }
        }
        fired
    }

    /// Findings that began or grew since the last call.
    pub(crate) fn reports(&mut self) -> Vec<Report> {
        let mut out = std::mem::take(&mut self.ready);
        for key in std::mem::take(&mut self.dirty) {
            if let Some(group) = self.groups.get_mut(&key) {
                out.extend(group.report(&key));
            }
        }
        out
    }

    /// Number of groups, for the counters that operators see.
    pub(crate) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Makes room: groups whose windows are over, and when these are few, the stalest eighth.
    fn evict(&mut self, before: i64) {
        let mut order: Vec<(i64, Box<str>)> =
            self.groups.iter().map(|(key, group)| (group.last, key.clone())).collect();
        order.sort_unstable();
        let over = order.partition_point(|(last, _)| *last < before);
        let count = over.max(order.len().div_ceil(EVICTED_SHARE));
        self.dropped.groups += (count - over) as u64;
        for (_, key) in &order[..count] {
            if let Some(mut group) = self.groups.remove(key) {
                self.entries = self.entries.saturating_sub(group.entries.len());
                self.shown = self.shown.saturating_sub(group.evidence.len());
                self.sketches -= usize::from(group.sketch.is_some());
                self.ready.extend(group.report(key));
            }
        }
    }
}

/// How many entries a group may keep. A count that fires needs no more than its threshold to know when it ends.
fn keep(group: &Group, correlation: &Correlation) -> usize {
    let bound = (correlation.condition.bound() as usize).saturating_mul(2).saturating_add(2);
    if group.open.is_some() && correlation.kind == Type::EventCount {
        return bound.clamp(64, ENTRIES_MAX / 8);
    }
    bound.clamp(ENTRIES_PER_GROUP_MAX, ENTRIES_MAX / 8)
}

fn mark(group: &mut Group, key: &str, dirty: &mut Vec<Box<str>>) {
    if !group.dirty {
        group.dirty = true;
        dirty.push(key.into());
    }
}

impl State {
    /// Appends the state. Reports must have been taken before.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let dropped = &self.dropped;
        for number in [dropped.late, dropped.incomplete, dropped.entries, dropped.groups] {
            put_u64(out, number);
        }
        put_i64(out, self.due);
        let mut keys: Vec<&Box<str>> = self.groups.keys().collect();
        keys.sort_unstable();
        put_len(out, keys.len());
        for key in keys {
            put_bytes(out, key.as_bytes());
            write_group(&self.groups[key], out);
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub(crate) fn read(reader: &mut Reader<'_>, correlation: Option<&Correlation>) -> Result<Self, Damaged> {
        let mut state = Self::default();
        let dropped = &mut state.dropped;
        for number in [&mut dropped.late, &mut dropped.incomplete, &mut dropped.entries, &mut dropped.groups] {
            *number = reader.u64()?;
        }
        state.due = reader.i64()?;
        let count = reader.len(20)?;
        if count > GROUPS_MAX {
            return Err(Damaged);
        }
        for _ in 0..count {
            let key: Box<str> = reader.text()?.into();
            let mut group = read_group(reader, correlation.map_or(0, |correlation| correlation.inputs.len()))?;
            if let Some(correlation) = correlation {
                group.rebuild(correlation);
            }
            state.entries += group.entries.len();
            state.shown += group.evidence.len();
            state.sketches += usize::from(group.sketch.is_some());
            state.groups.insert(key, group);
        }
        Ok(state)
    }
}

fn write_group(group: &Group, out: &mut Vec<u8>) {
    put_i64(out, group.last);
    out.push(u8::from(group.open.is_some()));
    if let Some(open) = &group.open {
        put_uuid(out, open.id);
        put_i64(out, open.first);
        put_i64(out, open.last);
        put_u64(out, open.count);
        put_f64(out, open.figure);
    }
    put_len(out, group.evidence.len());
    for event in &group.evidence {
        put_uuid(out, event.event_id);
        put_i64(out, event.at.as_micros());
        put_bytes(out, event.source_ip.as_bytes());
        put_bytes(out, event.name.as_bytes());
    }
    put_len(out, group.entries.len());
    for entry in &group.entries {
        put_i64(out, entry.at);
        put_u64(out, entry.bits);
        out.extend_from_slice(&entry.input.to_le_bytes());
    }
    out.push(u8::from(group.sketch.is_some()));
    if let Some(sketch) = &group.sketch {
        sketch.write(out);
    }
}

fn read_group(reader: &mut Reader<'_>, inputs: usize) -> Result<Group, Damaged> {
    let mut group = Group { last: reader.i64()?, ..Group::default() };
    if reader.u8()? == 1 {
        group.open = Some(Open {
            id: reader.uuid()?,
            first: reader.i64()?,
            last: reader.i64()?,
            count: reader.u64()?,
            figure: reader.f64()?,
        });
    }
    let events = reader.len(32)?;
    if events > SHOWN_MAX {
        return Err(Damaged);
    }
    for _ in 0..events {
        group.evidence.push(Evidence {
            event_id: reader.uuid()?,
            at: Timestamp::from_micros(reader.i64()?),
            source_ip: reader.text()?.to_owned(),
            name: reader.text()?.to_owned(),
        });
    }
    for _ in 0..reader.len(18)? {
        let (at, bits) = (reader.i64()?, reader.u64()?);
        let input = u16::from_le_bytes(reader.take(2)?.try_into().map_err(|_| Damaged)?);
        if inputs > 0 && usize::from(input) >= inputs {
            return Err(Damaged);
        }
        group.entries.push_back(Entry { at, input, bits });
    }
    if !group.entries.iter().is_sorted() {
        return Err(Damaged);
    }
    if reader.u8()? == 1 {
        group.sketch = Some(Sketch::read(reader)?);
    }
    Ok(group)
}
