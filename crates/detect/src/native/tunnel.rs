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
//! Zones tagged `benign` or `benign-long-name` are left out, and so are names that spell an address. A pair costs
//! little until its fifth distinct name; only then does it get counters.

mod candidate;
mod state;

use super::context::{Context, Seen};
use super::snapshot::{Reader, SnapshotError, Writer};
use super::table::{Table, TableCounters};
use super::{NativeSettings, Raised, TunnelSettings};
use candidate::{Candidate, Step};
use state::{Measure, State};

/// The detector's name.
const DETECTOR: &str = "tunnel";

#[derive(Debug)]
pub(super) struct Tunnel {
    settings: TunnelSettings,
    reraise: i64,
    candidates: Table<Candidate>,
    pairs: Table<Box<State>>,
}

impl Tunnel {
    pub(super) fn new(settings: &NativeSettings) -> Self {
        Self {
            reraise: i64::from(settings.reraise_seconds),
            candidates: Table::new(settings.tunnel.candidates),
            pairs: Table::new(settings.tunnel.pairs),
            settings: settings.tunnel.clone(),
        }
    }

    pub(super) const fn counters(&self) -> (TableCounters, TableCounters) {
        (self.candidates.counters(), self.pairs.counters())
    }

    pub(super) fn observe(&mut self, seen: &Seen<'_>, context: &Context, out: &mut Vec<Raised>) {
        if !self.settings.enabled || seen.below.is_empty() {
            return;
        }
        if let Some(state) = self.pairs.get_mut(seen.pair) {
            if state.is_benign() {
                return;
            }
            if let Some(raised) = state.observe(seen, context, &self.settings, self.reraise) {
                out.push(raised);
            }
            return;
        }
        let candidate = self.candidates.entry(seen.pair, || Candidate::new(seen.at));
        if candidate.observe(seen) == Step::Promote {
            let benign = context.is_benign(seen.look.name);
            let mut state = State::new(seen, benign);
            state.take_over(candidate, context, seen);
            self.candidates.remove(seen.pair);
            self.pairs.entry(seen.pair, || Box::new(state));
        }
    }

    pub(super) fn save(&self, writer: &mut Writer) {
        self.candidates.save(writer);
        self.pairs.save(writer);
    }

    pub(super) fn load(&self, reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self {
            settings: self.settings.clone(),
            reraise: self.reraise,
            candidates: self.candidates.load(reader)?,
            pairs: self.pairs.load(reader)?,
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

/// Whether the part below a domain spells an address: four decimal labels, or many of one hexadecimal digit.
fn is_address(below: &str) -> bool {
    let decimal =
        |label: &str| label.len() <= 3 && !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
    below.split('.').take(4).filter(|label| decimal(label)).count() == 4
        || below.split('.').filter(|label| label.len() == 1).count() >= 16
}
