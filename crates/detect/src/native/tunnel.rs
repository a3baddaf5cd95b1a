//! Tunnels: many distinct, coded names below one domain, asked for by one device.
//!
//! With U distinct names, Q queries, o the share of odd query types, s bits a character and m characters of a name's
//! part below its domain, over a window of one minute (1) or ten (10), a pair of device and domain is raised when
//! U/Q >= `distinct_ratio` and the names are coded (s >= `bits_per_character` and s*m >= `bits_per_name`) and
//!
//! - U1 >= `names_per_minute`, or
//! - U1 >= `odd_names_per_minute` (or U10 >= twice that) and o >= `odd_ratio`, or
//! - U10 >= `names_per_ten_minutes`, or
//! - the distinct names of an hour hold `bytes_per_hour` bytes and U10 >= `odd_names_per_minute`.
//!
//! What stays below all of them for hours is raised when within a day some `names_per_day` distinct names were coded, in
//! `hours_per_day` hours or more, at `distinct_ratio` of the pair's queries, and few devices ask for the domain.
//!
//! Zones tagged `benign` or `benign-long-name` are left out, and so are names that spell an address. A pair costs
//! little until its fifth distinct name; only then does it get counters.

mod candidate;
mod day;
mod state;

use super::context::{Context, Seen};
use super::evidence::Grown;
use super::prevalence::Standing;
use super::snapshot::{Reader, SnapshotError, Writer};
use super::table::{Table, TableCounters};
use super::{NativeSettings, Raised, TunnelSettings};
use candidate::{Candidate, Step};
use day::Days;
use state::{Measure, State};

/// The detector's name.
const DETECTOR: &str = "tunnel";

#[derive(Debug)]
pub(super) struct Tunnel {
    settings: TunnelSettings,
    reraise: i64,
    candidates: Table<Candidate>,
    pairs: Table<Box<State>>,
    days: Days,
}

impl Tunnel {
    pub(super) fn new(settings: &NativeSettings) -> Self {
        Self {
            reraise: i64::from(settings.reraise_seconds),
            candidates: Table::new(settings.tunnel.candidates),
            pairs: Table::new(settings.tunnel.pairs),
            days: Days::new(&settings.tunnel),
            settings: settings.tunnel.clone(),
        }
    }

    /// Of pairs with few names, pairs with many, and days.
    pub(super) const fn counters(&self) -> (TableCounters, TableCounters, TableCounters) {
        (self.candidates.counters(), self.pairs.counters(), self.days.counters())
    }

    pub(super) fn observe(
        &mut self,
        seen: &Seen<'_>,
        standing: Standing,
        context: &Context,
        out: &mut Vec<Raised>,
        grown: &mut Grown,
    ) {
        if !self.settings.enabled || seen.below.is_empty() {
            return;
        }
        let settings = &self.settings;
        let coded = if let Some(state) = self.pairs.get_mut(seen.pair) {
            if state.is_benign() {
                return;
            }
            let (name, raised) = state.observe(seen, context, settings, self.reraise, grown);
            let told = raised.is_some() || state.was_raised();
            out.extend(raised);
            if told {
                return;
            }
            state.watch(name.is_some_and(|(characters, cost)| is_coded(settings, characters, cost)))
        } else {
            let candidate = self.candidates.entry(seen.pair, || Candidate::new(seen.at, seen.look.at));
            match candidate.observe(seen) {
                Step::Promote => {
                    let benign = context.is_benign(seen.look.name);
                    let mut state = State::new(seen, benign);
                    state.take_over(candidate, context, seen);
                    self.candidates.remove(seen.pair);
                    self.pairs.entry(seen.pair, || Box::new(state));
                    return;
                }
                Step::Known => candidate.watch(false, || false),
                Step::New => {
                    let cost = context.trigrams.cost(seen.below);
                    let coded = is_coded(settings, seen.below.len() as u32, cost) && !is_address(seen.below);
                    candidate.watch(coded, || context.is_benign(seen.look.name))
                }
            }
        };
        if let Some(coded) = coded {
            out.extend(self.days.observe(seen, coded, standing, settings, self.reraise, grown));
        }
    }

    pub(super) fn save(&self, writer: &mut Writer) {
        self.candidates.save(writer);
        self.pairs.save(writer);
        self.days.save(writer);
    }

    pub(super) fn load(&self, reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self {
            settings: self.settings.clone(),
            reraise: self.reraise,
            candidates: self.candidates.load(reader)?,
            pairs: self.pairs.load(reader)?,
            days: self.days.load(reader)?,
        })
    }
}

/// Which threshold a window is over, in words; `None` when it is over none.
fn judge(settings: &TunnelSettings, minute: &Measure, window: &Measure, bytes: u32) -> Option<String> {
    let (fast, slow, odd) = (settings.names_per_minute, settings.names_per_ten_minutes, settings.odd_names_per_minute);
    let is_odd = |measure: &Measure| measure.odd_ratio() >= settings.odd_ratio;
    let coded = |measure: &Measure| {
        measure.distinct_ratio() >= settings.distinct_ratio
            && measure.bits_per_character() >= settings.bits_per_character
            && measure.bits_per_name() >= settings.bits_per_name
    };
    if coded(minute) && (minute.distinct >= fast || (minute.distinct >= odd && is_odd(minute))) {
        return Some(minute.words("a minute"));
    }
    let volume = bytes >= settings.bytes_per_hour && window.distinct >= odd;
    let many = window.distinct >= slow || (window.distinct >= 2 * odd && is_odd(window));
    (coded(window) && (many || volume))
        .then(|| format!("{}, {bytes} bytes of names this hour", window.words("ten minutes")))
}

/// Whether one name looks coded, by its length and what it costs in sixteenths of a bit.
fn is_coded(settings: &TunnelSettings, characters: u32, cost: u32) -> bool {
    let bits = f64::from(cost) / 16.0;
    bits >= settings.bits_per_name && bits >= settings.bits_per_character * f64::from(characters)
}

/// Whether the part below a domain spells an address: four decimal labels, or many of one hexadecimal digit.
fn is_address(below: &str) -> bool {
    let decimal =
        |label: &str| label.len() <= 3 && !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
    below.split('.').take(4).filter(|label| decimal(label)).count() == 4
        || below.split('.').filter(|label| label.len() == 1).count() >= 16
}
