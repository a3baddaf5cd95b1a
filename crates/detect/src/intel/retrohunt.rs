//! Looking for new indicators in stored events: which questions to ask, in which order, and how far one has come.
//!
//! The plan is a function of the indicators and the range, so a hunt that was interrupted makes the same plan again and
//! goes on at the step where it was.

use std::net::IpAddr;

use tidegate_event::Timestamp;

use super::compiled::Indicators;
use super::indicator::Indicator;
use super::value::{Network, Scope, Value};

/// Events up to so long after the end of an indicator's validity count in a hunt: five days.
pub const RETROHUNT_AFTER_MICROS: i64 = 5 * DAY_MICROS;
/// More values are not asked for in one question.
pub const CHUNK_VALUES_MAX: usize = 500;
/// The range of one chunk is cut in at most so many questions.
const SLICES_MAX: i64 = 128;
const DAY_MICROS: i64 = 86_400_000_000;

/// An indicator to hunt for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What the caller knows it by.
    pub number: u64,
    /// The indicator.
    pub indicator: Indicator,
}

/// What to hunt in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanOptions {
    /// No stored event is older.
    pub from: Timestamp,
    /// Events at or after this were judged when they came. Keep it the same when a hunt goes on.
    pub until: Timestamp,
    /// So many values at most in one question (never above [`CHUNK_VALUES_MAX`]).
    pub chunk_values: usize,
    /// So much time at most in one question.
    pub slice_micros: i64,
}

/// The questions of a hunt.
#[derive(Clone, Debug)]
pub struct RetrohuntPlan {
    chunks: Vec<Chunk>,
    steps: u64,
    passed_over: usize,
}

#[derive(Clone, Debug)]
struct Chunk {
    from: i64,
    until: i64,
    slice: i64,
    first_step: u64,
    targets: Vec<Target>,
}

/// One question: events of this range that meet any of the conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number from 0.
    pub index: u64,
    /// Events at or after this.
    pub from: Timestamp,
    /// Events before this.
    pub until: Timestamp,
    /// What to look for.
    pub conditions: Conditions,
}

/// What to look for: events that meet any of these. It finds a little too much (indicators of one question differ in
/// validity), so judge what was found with [`RetrohuntPlan::judges`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `dns.question.name` is one of these.
    pub names: Vec<String>,
    /// `dns.question.registered_domain` is one of these.
    pub registered_domains: Vec<String>,
    /// `dns.question.name` ends in a dot and one of these.
    pub parents: Vec<String>,
    /// `source.ip` or `dns.resolved_ip` is one of these.
    pub addresses: Vec<IpAddr>,
    /// `source.ip` or `dns.resolved_ip` lies in one of these.
    pub networks: Vec<Network>,
}

/// How far a hunt has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The step to do next.
    pub next: u64,
    /// All steps.
    pub steps: u64,
    /// Events that were found.
    pub hits: u64,
}

impl RetrohuntPlan {
    /// Plans a hunt. Each indicator is looked for from the beginning of its validity until five days after its end, as
    /// far as events are stored.
    #[must_use]
    pub fn new(targets: Vec<Target>, options: &PlanOptions) -> Self {
        let all = targets.len();
        let mut dated: Vec<(i64, i64, Target)> = targets
            .into_iter()
            .map(|target| {
                let (from, until) = window(&target.indicator, options);
                (from, until, target)
            })
            .filter(|(from, until, _)| from < until)
            .collect();
        // Those of like range go together; the number makes the order the same each time.
        dated.sort_by_key(|(from, until, target)| {
            (from.div_euclid(DAY_MICROS), until.div_euclid(DAY_MICROS), target.number)
        });
        let passed_over = all - dated.len();
        let chunk_values = options.chunk_values.clamp(1, CHUNK_VALUES_MAX);
        let mut chunks: Vec<Chunk> = Vec::with_capacity(dated.len() / chunk_values + 1);
        let mut steps = 0;
        let mut rest = dated.into_iter().peekable();
        while rest.peek().is_some() {
            let mut chunk = Chunk { from: i64::MAX, until: i64::MIN, slice: 0, first_step: steps, targets: Vec::new() };
            for (from, until, target) in rest.by_ref().take(chunk_values) {
                chunk.from = chunk.from.min(from);
                chunk.until = chunk.until.max(until);
                chunk.targets.push(target);
            }
            let length = chunk.until.saturating_sub(chunk.from);
            chunk.slice = options.slice_micros.max(length / SLICES_MAX + 1).max(1);
            steps += chunk.steps();
            chunks.push(chunk);
        }
        Self { chunks, steps, passed_over }
    }

    /// How many questions there are.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// How many indicators have no stored event in their range.
    #[must_use]
    pub const fn passed_over(&self) -> usize {
        self.passed_over
    }

    /// The question with this number.
    #[must_use]
    pub fn step(&self, index: u64) -> Option<Step> {
        let chunk = self.chunk(index)?;
        let slice = i64::try_from(index - chunk.first_step).ok()?;
        let from = chunk.from.saturating_add(chunk.slice.saturating_mul(slice));
        let until = from.saturating_add(chunk.slice).min(chunk.until);
        let conditions = conditions(&chunk.targets);
        Some(Step { index, from: Timestamp::from_micros(from), until: Timestamp::from_micros(until), conditions })
    }

    /// Judges the events that the question with this number found: indicators of that question, each with the range in
    /// which it is hunted for. Their numbers are those of the targets.
    #[must_use]
    pub fn judges(&self, index: u64) -> Option<Indicators> {
        let chunk = self.chunk(index)?;
        let mut builder = Indicators::builder();
        for Target { number, indicator } in &chunk.targets {
            let mut indicator = indicator.clone();
            indicator.valid_until = indicator.valid_until.map(later);
            // The number as source keeps two targets with the same value apart.
            builder.add(*number, "", &number.to_string(), &indicator);
        }
        Some(builder.build().0)
    }

    fn chunk(&self, index: u64) -> Option<&Chunk> {
        let after = self.chunks.partition_point(|chunk| chunk.first_step <= index);
        let chunk = self.chunks.get(after.checked_sub(1)?)?;
        (index < chunk.first_step + chunk.steps()).then_some(chunk)
    }
}

impl Chunk {
    fn steps(&self) -> u64 {
        let length = self.until.saturating_sub(self.from).max(0);
        u64::try_from(length / self.slice + i64::from(length % self.slice != 0)).unwrap_or(0)
    }
}

impl Progress {
    /// Nothing done yet.
    #[must_use]
    pub const fn of(plan: &RetrohuntPlan) -> Self {
        Self { next: 0, steps: plan.steps, hits: 0 }
    }

    /// A step was done. Only the one that is next counts, so a step that is reported twice is counted once.
    pub fn done(&mut self, index: u64, hits: u64) -> bool {
        let counts = index == self.next && index < self.steps;
        if counts {
            self.next += 1;
            self.hits = self.hits.saturating_add(hits);
        }
        counts
    }

    /// Whether all is done.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.next >= self.steps
    }

    /// How much is done, 0 to 100.
    #[must_use]
    pub fn percent(&self) -> u8 {
        match self.steps {
            0 => 100,
            steps => u8::try_from(u128::from(self.next.min(steps)) * 100 / u128::from(steps)).unwrap_or(100),
        }
    }
}

fn later(until: Timestamp) -> Timestamp {
    Timestamp::from_micros(until.as_micros().saturating_add(RETROHUNT_AFTER_MICROS))
}

fn window(indicator: &Indicator, options: &PlanOptions) -> (i64, i64) {
    let from = indicator.valid_from.map_or(options.from, |from| from.max(options.from));
    let until = indicator.valid_until.map_or(options.until, |until| later(until).min(options.until));
    (from.as_micros(), until.as_micros())
}

fn conditions(targets: &[Target]) -> Conditions {
    let mut found = Conditions::default();
    for Target { indicator, .. } in targets {
        match &indicator.value {
            Value::Name(name) => {
                found.names.push(name.clone());
                match indicator.scope {
                    Scope::Exact => {}
                    Scope::Domain if has_public_suffix(name) => found.registered_domains.push(name.clone()),
                    // An event has no registered domain without a suffix that the list knows.
                    Scope::Domain => found.parents.push(name.clone()),
                    Scope::Subtree => found.parents.push(name.clone()),
                }
            }
            Value::Address(address) => found.addresses.push(*address),
            Value::Network(network) => found.networks.push(*network),
        }
    }
    found.tidy();
    found
}

fn has_public_suffix(name: &str) -> bool {
    psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.typ() == Some(psl::Type::Icann))
}

impl Conditions {
    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { names, registered_domains, parents, addresses, networks } = self;
        names.is_empty()
            && registered_domains.is_empty()
            && parents.is_empty()
            && addresses.is_empty()
            && networks.is_empty()
    }

    fn tidy(&mut self) {
        fn once<T: Ord>(list: &mut Vec<T>) {
            list.sort_unstable();
            list.dedup();
        }
        once(&mut self.names);
        once(&mut self.registered_domains);
        once(&mut self.parents);
        once(&mut self.addresses);
        once(&mut self.networks);
    }
}

#[cfg(test)]
mod tests;
