//! One group of a correlation: its matches in time order, and whether it is firing.

use std::collections::{HashMap, VecDeque};

use rsigma_parser::CorrelationType as Type;
use uuid::Uuid;

use super::Correlation;
use super::sketch::Sketch;
use crate::finding::{EVIDENCE_MAX, Evidence};

/// Most matches that a group remembers; what is older is forgotten and counted.
pub(crate) const ENTRIES_PER_GROUP_MAX: usize = 4_096;
/// Most events that a group keeps to show before it fires. A window of more shows the first ten of the last so many.
pub(crate) const SHOWN_MAX: usize = 64;
/// Distinct values up to which counts are exact.
pub(crate) const EXACT_MAX: usize = 128;

/// A match, as a group remembers it. Ordered by time, then by the rules' order, so that matches of the same moment
/// stand in the order a `temporal_ordered` rule wants, however they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) at: i64,
    pub(crate) input: u16,
    /// A hash to be counted, or the bits of a number.
    pub(crate) bits: u64,
}

/// A group that is firing.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) id: Uuid,
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) count: u64,
    pub(crate) figure: f64,
}

/// A match offered to a correlation.
#[derive(Debug)]
pub(crate) struct Offer<'o> {
    pub(crate) entry: Entry,
    /// The event, or the finding of a correlation below.
    pub(crate) trigger: Uuid,
    pub(crate) evidence: &'o Evidence,
}

/// A correlation that fired: the state of a finding.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) open: Open,
    pub(crate) key: Box<str>,
    pub(crate) evidence: Vec<Evidence>,
}

/// A group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) entries: VecDeque<Entry>,
    pub(crate) window: Window,
    pub(crate) sketch: Option<Sketch>,
    pub(crate) open: Option<Open>,
    /// In time order.
    pub(crate) evidence: Vec<Evidence>,
    /// Time of the last match.
    pub(crate) last: i64,
    /// Fired or grew since it was last reported.
    pub(crate) dirty: bool,
}

/// What the window that ends with the last match holds, kept as matches come and go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    /// Entries before this one are outside.
    pub(crate) start: usize,
    tally: HashMap<u64, u32>,
    inputs: Vec<u32>,
    /// Sum in millionths, so that taking away is exact.
    sum: i128,
    /// For each rule of an ordered correlation: the latest start of a sequence that has come so far.
    starts: Vec<i64>,
}

/// No sequence has come so far.
const NEVER: i64 = i64::MIN;

impl Window {
    fn push(&mut self, entry: Entry, correlation: &Correlation) {
        match correlation.kind {
            Type::ValueCount => *self.tally.entry(entry.bits).or_default() += 1,
            Type::ValueSum => self.sum += millionths(entry.bits),
            Type::Temporal | Type::TemporalOrdered => {
                let (inputs, input) = (correlation.inputs.len(), usize::from(entry.input));
                self.inputs.resize(inputs, 0);
                self.starts.resize(inputs, NEVER);
                self.inputs[input] += 1;
                self.starts[input] = if input == 0 { entry.at } else { self.starts[input - 1] };
            }
            _ => {}
        }
    }

    fn pop(&mut self, entry: Entry, correlation: &Correlation) {
        match correlation.kind {
            Type::ValueCount => {
                if let Some(count) = self.tally.get_mut(&entry.bits) {
                    *count -= 1;
                    if *count == 0 {
                        self.tally.remove(&entry.bits);
                    }
                }
            }
            Type::ValueSum => self.sum -= millionths(entry.bits),
            Type::Temporal | Type::TemporalOrdered => {
                if let Some(count) = self.inputs.get_mut(usize::from(entry.input)) {
                    *count = count.saturating_sub(1);
                }
            }
            _ => {}
        }
    }

    /// The number that the window shows, and whether it meets the condition; `size` is its number of entries.
    fn judge(&self, end: i64, size: usize, correlation: &Correlation) -> (f64, bool) {
        let condition = &correlation.condition;
        let figure = match correlation.kind {
            Type::ValueCount => self.tally.len() as f64,
            Type::ValueSum => self.sum as f64 / 1e6,
            Type::Temporal => {
                let seen =
                    seen(self.inputs.iter().enumerate().filter(|(_, count)| **count > 0).map(|(input, _)| input));
                return (size as f64, condition.seen(seen, correlation.inputs.len()));
            }
            Type::TemporalOrdered => {
                let start = self.starts.last().copied().unwrap_or(NEVER);
                return (size as f64, start != NEVER && start >= end.saturating_sub(correlation.span));
            }
            _ => size as f64,
        };
        (figure, condition.met(figure))
    }
}

fn seen(inputs: impl Iterator<Item = usize>) -> u64 {
    inputs.fold(0, |seen, input| seen | 1 << input)
}

fn millionths(bits: u64) -> i128 {
    (f64::from_bits(bits) * 1e6).round() as i128
}

impl Group {
    /// Takes a match in; the window it satisfies, if any: its figure, first time and size.
    pub(crate) fn insert(&mut self, entry: Entry, correlation: &Correlation) -> Option<(f64, i64, usize)> {
        self.last = self.last.max(entry.at);
        if let Some(sketch) = &mut self.sketch {
            sketch.add(entry.at, entry.bits, correlation.span);
            let figure = sketch.estimate(entry.at, correlation.span).round();
            // which of them came first is forgotten: none before the window
            let first = entry.at.saturating_sub(correlation.span);
            return correlation.condition.met(figure).then_some((figure, first, figure as usize));
        }
        if self.entries.back().is_none_or(|last| *last <= entry) {
            self.entries.push_back(entry);
            self.window.push(entry, correlation);
            advance(&mut self.window, &self.entries, entry.at, correlation);
            let (start, size) = (self.window.start, self.entries.len() - self.window.start);
            let (figure, met) = self.window.judge(entry.at, size, correlation);
            return met.then(|| (figure, self.entries[start].at, size));
        }
        let index = self.entries.partition_point(|other| *other <= entry);
        self.entries.insert(index, entry);
        let found = self.judge_late(entry, correlation);
        self.rebuild(correlation);
        found
    }

    /// Judges every window that a late match falls into.
    fn judge_late(&self, late: Entry, correlation: &Correlation) -> Option<(f64, i64, usize)> {
        let from = self.entries.partition_point(|entry| entry.at < late.at.saturating_sub(correlation.span));
        let mut window = Window { start: from, ..Window::default() };
        let mut found = None;
        for (index, entry) in self.entries.iter().enumerate().skip(from) {
            if entry.at > late.at.saturating_add(correlation.span) {
                break;
            }
            window.push(*entry, correlation);
            advance(&mut window, &self.entries, entry.at, correlation);
            let moment_goes_on = self.entries.get(index + 1).is_some_and(|next| next.at == entry.at);
            if entry.at < late.at || moment_goes_on {
                continue;
            }
            let size = index + 1 - window.start;
            let (figure, met) = window.judge(entry.at, size, correlation);
            if met {
                found = Some((figure, self.entries[window.start].at, size));
            }
        }
        found
    }

    /// Computes the window anew from the entries.
    pub(crate) fn rebuild(&mut self, correlation: &Correlation) {
        let Some(last) = self.entries.back() else {
            self.window = Window::default();
            return;
        };
        // a sequence may have begun before the window; its starts come from all entries
        let mut window = Window::default();
        for entry in &self.entries {
            window.push(*entry, correlation);
        }
        advance(&mut window, &self.entries, last.at, correlation);
        self.window = window;
    }

    /// Forgets the oldest entries: those before `before`, and all but the last `keep`. Returns how many went that were
    /// still wanted.
    pub(crate) fn forget(&mut self, before: i64, keep: usize, correlation: &Correlation) -> (usize, usize) {
        let (mut gone, mut wanted) = (0, 0);
        while let Some(entry) = self.entries.front() {
            let old = entry.at < before;
            if !old && self.entries.len() <= keep {
                break;
            }
            if self.window.start == 0 {
                self.window.pop(*entry, correlation);
            } else {
                self.window.start -= 1;
            }
            self.entries.pop_front();
            gone += 1;
            wanted += usize::from(!old);
        }
        if let Some(sketch) = &mut self.sketch {
            sketch.forget(before, correlation.span);
        }
        (gone, wanted)
    }

    /// Whether distinct values are too many to remember.
    pub(crate) fn overflows(&self) -> bool {
        self.sketch.is_none() && self.window.tally.len() > EXACT_MAX
    }

    /// Turns remembered values into a sketch; returns how many entries that freed.
    pub(crate) fn condense(&mut self, correlation: &Correlation) -> usize {
        let mut sketch = Sketch::default();
        for entry in &self.entries {
            sketch.add(entry.at, entry.bits, correlation.span);
        }
        self.sketch = Some(sketch);
        self.window = Window::default();
        let freed = self.entries.len();
        self.entries = VecDeque::new();
        freed
    }

    /// Takes the complete windows out of a group whose condition needs them complete: (figure, first, last, size) of
    /// each that meets the condition.
    pub(crate) fn close(&mut self, watermark: i64, correlation: &Correlation) -> Vec<(f64, i64, i64, usize)> {
        let mut out = Vec::new();
        while let Some(first) = self.entries.front().map(|entry| entry.at) {
            let end = first.saturating_add(correlation.span);
            if watermark != i64::MAX && end >= watermark {
                break;
            }
            let size = self.entries.partition_point(|entry| entry.at <= end);
            let window: Vec<Entry> = self.entries.drain(..size).collect();
            let last = window.last().map_or(first, |entry| entry.at);
            let (figure, met) = judge_complete(&window, correlation);
            if met {
                out.push((figure, first, last, size));
            }
        }
        out
    }

    /// Keeps an event to show before it fires: the last `most`, none from before `before`.
    pub(crate) fn remember(&mut self, evidence: &Evidence, most: usize, before: i64) {
        self.show(evidence);
        let outside = self.evidence.partition_point(|event| event.at.as_micros() < before);
        let over = self.evidence.len().saturating_sub(most);
        self.evidence.drain(..outside.max(over));
    }

    /// Keeps an event that a finding grew by, when it is one of the first ten.
    pub(crate) fn remember_more(&mut self, evidence: &Evidence) {
        let late = self.evidence.last().is_some_and(|last| evidence.at < last.at);
        if late || self.evidence.len() < EVIDENCE_MAX {
            self.show(evidence);
            self.evidence.truncate(EVIDENCE_MAX);
        }
    }

    /// Keeps an event to show until its window is complete: the first ten of each.
    pub(crate) fn remember_for_close(&mut self, evidence: &Evidence, most: usize, correlation: &Correlation) {
        self.show(evidence);
        if self.evidence.len() <= most {
            return;
        }
        let (mut next, mut end, mut shown) = (0, i64::MIN, 0);
        let entries = &self.entries;
        self.evidence.retain(|event| {
            let at = event.at.as_micros();
            while at > end
                && let Some(first) = entries.get(next)
            {
                end = first.at.saturating_add(correlation.span);
                next = entries.partition_point(|entry| entry.at <= end);
                shown = 0;
            }
            shown += 1;
            shown <= EVIDENCE_MAX
        });
        self.evidence.truncate(most);
    }

    fn show(&mut self, evidence: &Evidence) {
        let index = self.evidence.partition_point(|event| event.at <= evidence.at);
        self.evidence.insert(index, evidence.clone());
    }

    /// What there is to report.
    pub(crate) fn report(&mut self, key: &str) -> Option<Report> {
        if !std::mem::take(&mut self.dirty) {
            return None;
        }
        Some(Report { open: self.open.clone()?, key: key.into(), evidence: self.evidence.clone() })
    }
}

/// Moves the start of a window that ends at `end`.
fn advance(window: &mut Window, entries: &VecDeque<Entry>, end: i64, correlation: &Correlation) {
    while let Some(entry) = entries.get(window.start) {
        if entry.at >= end.saturating_sub(correlation.span) {
            break;
        }
        window.pop(*entry, correlation);
        window.start += 1;
    }
}

/// The number that a complete window shows, and whether it meets the condition.
fn judge_complete(window: &[Entry], correlation: &Correlation) -> (f64, bool) {
    let condition = &correlation.condition;
    let numbers = || -> Vec<f64> {
        let mut numbers: Vec<f64> = window.iter().map(|entry| f64::from_bits(entry.bits)).collect();
        numbers.sort_by(f64::total_cmp);
        numbers
    };
    let figure = match correlation.kind {
        Type::EventCount => window.len() as f64,
        Type::ValueCount => {
            let mut values: Vec<u64> = window.iter().map(|entry| entry.bits).collect();
            values.sort_unstable();
            values.dedup();
            values.len() as f64
        }
        Type::ValueSum => window.iter().map(|entry| millionths(entry.bits)).sum::<i128>() as f64 / 1e6,
        Type::ValueAvg => numbers().iter().sum::<f64>() / window.len() as f64,
        Type::ValueMedian => {
            let numbers = numbers();
            let middle = numbers.len() / 2;
            if numbers.len().is_multiple_of(2) {
                f64::midpoint(numbers[middle - 1], numbers[middle])
            } else {
                numbers[middle]
            }
        }
        Type::ValuePercentile => {
            let super::Condition::Threshold { percentile, .. } = condition else { return (0.0, false) };
            let numbers = numbers();
            // nearest rank: the smallest number that so many per cent of all do not exceed
            let rank = (percentile / 100.0 * numbers.len() as f64).ceil().max(1.0) as usize;
            numbers[rank.min(numbers.len()) - 1]
        }
        Type::Temporal | Type::TemporalOrdered => {
            let seen = seen(window.iter().map(|entry| usize::from(entry.input)));
            return (window.len() as f64, condition.seen(seen, correlation.inputs.len()));
        }
    };
    (figure, condition.met(figure))
}
