//! Sessions of tools that the shape of their names gives away, per device and registered domain:
//!
//! - Sliver: `sliver_messages` names that decode to messages within the window;
//! - Cobalt Strike: `cobalt_strike_strict_names` of the strict shapes, or more than `cobalt_strike_names` of any;
//! - EvilProxy: `evilproxy_labels` distinct dashless UUIDs, or one and a `login.` host.

use super::context::Seen;
use super::distinct::Distinct;
use super::evidence::{Evidence, Grown};
use super::labels::{cobalt_strike, evilproxy, sliver};
use super::snapshot::{Reader, SnapshotError, Writer};
use super::table::{Persist, Table, TableCounters};
use super::{NativeSettings, Raised, SessionSettings};

/// Distinct names told apart; more than any threshold needs.
const NAMES_MAX: usize = 64;
const TOOLS: [&str; 3] = ["sliver", "cobalt-strike", "evilproxy"];
const SLIVER: usize = 0;
const COBALT_STRIKE: usize = 1;
const EVILPROXY: usize = 2;

#[derive(Clone, Debug)]
struct State {
    begun: i64,
    names: Distinct,
    strict: u32,
    login: bool,
    evidence: Evidence,
}

#[derive(Debug)]
pub(super) struct Sessions {
    settings: SessionSettings,
    reraise: i64,
    sessions: Table<Box<State>>,
}

/// The tool a name looks like, and whether its shape is strict.
fn tool(seen: &Seen<'_>) -> Option<(usize, bool)> {
    let name = seen.look.name;
    if sliver(name).is_some() {
        return Some((SLIVER, true));
    }
    if let Some(shape) = cobalt_strike(name) {
        return Some((COBALT_STRIKE, shape.is_strict()));
    }
    if evilproxy(name, seen.domain) {
        return Some((EVILPROXY, true));
    }
    (seen.below == "login").then_some((EVILPROXY, false))
}

impl Sessions {
    pub(super) fn new(settings: &NativeSettings) -> Self {
        Self {
            reraise: i64::from(settings.reraise_seconds),
            sessions: Table::new(settings.session.sessions),
            settings: settings.session.clone(),
        }
    }

    pub(super) const fn counters(&self) -> TableCounters {
        self.sessions.counters()
    }

    pub(super) fn observe(&mut self, seen: &Seen<'_>, out: &mut Vec<Raised>, grown: &mut Grown) {
        if !self.settings.enabled || seen.below.is_empty() {
            return;
        }
        let Some((tool, strict)) = tool(seen) else { return };
        let key = seen.pair.wrapping_add((tool as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let state = self.sessions.entry(key, || Box::new(State::new(seen)));
        let window = i64::from(self.settings.window_seconds);
        if (seen.at - state.begun).abs() >= window && !state.is_raised_recently(seen.now, self.reraise) {
            **state = State::new(seen);
        }
        let names = state.note(seen, strict, window);
        if !state.evidence.may_raise(seen.now, self.reraise) {
            state.evidence.grow(TOOLS[tool], grown);
        } else if state.is_over(tool, names, &self.settings) {
            let note = format!(
                "{} asked for {names} names below {} that {} makes, {} of a shape hardly anything else has{}",
                seen.look.device,
                seen.domain,
                ["Sliver", "Cobalt Strike", "EvilProxy"][tool],
                state.strict,
                if state.login { ", and its login host" } else { "" }
            );
            out.push(state.evidence.raise(seen.now, TOOLS[tool], seen.pair_group(), note));
        }
    }

    pub(super) fn save(&self, writer: &mut Writer) {
        self.sessions.save(writer);
    }

    pub(super) fn load(&self, reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self { settings: self.settings.clone(), reraise: self.reraise, sessions: self.sessions.load(reader)? })
    }
}

impl State {
    fn new(seen: &Seen<'_>) -> Self {
        let evidence = Evidence::new(seen.look.at);
        Self { begun: seen.at, names: Distinct::default(), strict: 0, login: false, evidence }
    }

    fn is_raised_recently(&self, now: i64, reraise: i64) -> bool {
        self.evidence.was_raised() && !self.evidence.may_raise(now, reraise)
    }

    /// Counts a name and says how many distinct ones there are (tasks of Cobalt Strike repeat: all its queries count).
    fn note(&mut self, seen: &Seen<'_>, strict: bool, window: i64) -> u32 {
        self.evidence.note(seen.look);
        if seen.below == "login" {
            self.login = true;
        } else if self.names.note(seen.name_hash, seen.at, seen.at - window, NAMES_MAX) {
            self.strict += u32::from(strict);
        }
        self.names.since(seen.at - window)
    }

    fn is_over(&self, tool: usize, names: u32, settings: &SessionSettings) -> bool {
        match tool {
            SLIVER => names >= settings.sliver_messages,
            COBALT_STRIKE => {
                self.strict >= settings.cobalt_strike_strict_names
                    || self.evidence.count() > u64::from(settings.cobalt_strike_names)
            }
            _ => names >= settings.evilproxy_labels || (names >= 1 && self.login),
        }
    }
}

impl Persist for Box<State> {
    fn save(&self, writer: &mut Writer) {
        writer.i64(self.begun);
        self.names.save(writer);
        writer.u32(self.strict);
        writer.u8(u8::from(self.login));
        self.evidence.save(writer);
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self::new(State {
            begun: reader.i64()?,
            names: Distinct::load(reader)?,
            strict: reader.u32()?,
            login: reader.u8()? == 1,
            evidence: Evidence::load(reader)?,
        }))
    }
}
