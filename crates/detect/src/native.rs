//! Behaviour over time that single-event rules cannot see: tunnels, generated domains, beacons, tool sessions, domains
//! never seen before, imitations of protected domains.
//!
//! Everything runs on event time and in bounded memory, and what comes out depends only on the order of observations.

mod beacon;
mod bloom;
mod clock;
mod context;
mod distinct;
mod evidence;
mod first_seen;
pub mod labels;
mod lookalike;
mod nxdomain;
mod panes;
mod prevalence;
mod session;
mod settings;
mod snapshot;
mod table;
mod trigram;
mod tunnel;

use std::sync::Arc;

use tidegate_event::{EventId, Timestamp};

use crate::lists::Lists;
use crate::names::HashKey;

pub use evidence::EVENTS_MAX;
pub use settings::{
    BeaconSettings, FirstSeenSettings, LookalikeSettings, NativeSettings, NxdomainSettings, SessionSettings,
    TunnelSettings,
};
pub use snapshot::SnapshotError;
pub use table::TableCounters;
pub use trigram::Trigrams;

use clock::Clock;
use context::Context;
use evidence::Grown;
use snapshot::{Reader, Writer};

/// One DNS query, as the detectors look at it.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Event time.
    pub at: Timestamp,
    /// The event.
    pub event: EventId,
    /// Who asked: device id, else user e-mail, else source address.
    pub device: &'a str,
    /// The source address.
    pub source_ip: &'a str,
    /// The queried name in lower case without a trailing dot.
    pub name: &'a str,
    /// Its registered domain; may be empty.
    pub registered_domain: &'a str,
    /// Name of the query type.
    pub query_type: &'a str,
    /// The answer was that the name does not exist.
    pub nxdomain: bool,
    /// A policy blocked the query.
    pub blocked: bool,
}

/// What a detector has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// The detector, as `tidegate.detector` of its rule file names it.
    pub detector: &'static str,
    /// What it is about: field and value.
    pub group: Vec<(&'static str, String)>,
    /// Time of the first query that counts.
    pub first: Timestamp,
    /// Time of the last one.
    pub last: Timestamp,
    /// Queries so far. When the same thing goes on it is raised again with a larger count: with new words at most once in
    /// [`NativeSettings::reraise_seconds`], and by [`Natives::grown`].
    pub count: u64,
    /// Event, time and name of the first queries, at most [`EVENTS_MAX`].
    pub events: Vec<(EventId, Timestamp, String)>,
    /// Why, in one sentence with the figures.
    pub note: String,
    /// It is a remark that must never become an alert by itself.
    pub informational: bool,
}

/// How full the detectors are and what they had to forget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Queries looked at.
    pub observed: u64,
    /// Queries too old for their window.
    pub late: u64,
    /// Queries whose time was too far ahead and was taken as the present.
    pub clamped: u64,
    /// Pairs of device and domain with few names.
    pub tunnel_candidates: TableCounters,
    /// Pairs of device and domain with many names.
    pub tunnel: TableCounters,
    /// Pairs of device and domain whose day is counted.
    pub tunnel_days: TableCounters,
    /// Devices watched for names that do not exist.
    pub nxdomain: TableCounters,
    /// Pairs watched for regularity.
    pub beacon: TableCounters,
    /// Sessions of tools known by the shape of their names.
    pub session: TableCounters,
    /// Domains whose askers are counted.
    pub prevalence: TableCounters,
    /// Domains compared with the protected ones.
    pub lookalike: TableCounters,
}

impl Counters {
    /// What all detectors together had to forget to stay within their bounds.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.tunnel_candidates.evicted
            + self.tunnel.evicted
            + self.tunnel_days.evicted
            + self.nxdomain.evicted
            + self.beacon.evicted
            + self.session.evicted
            + self.prevalence.evicted
            + self.lookalike.evicted
    }
}

/// All native detectors and their memory.
#[derive(Debug)]
pub struct Natives {
    key: HashKey,
    context: Context,
    clock: Clock,
    observed: u64,
    late: u64,
    grown: Grown,
    prevalence: prevalence::Prevalence,
    tunnel: tunnel::Tunnel,
    nxdomain: nxdomain::Nxdomain,
    beacon: beacon::Beacon,
    session: session::Sessions,
    first_seen: first_seen::FirstSeen,
    lookalike: lookalike::Lookalike,
}

impl Natives {
    /// Detectors with the embedded lists and the default key.
    #[must_use]
    pub fn new(settings: &NativeSettings) -> Self {
        Self::with_lists(settings, Arc::new(Lists::embedded()), HashKey::default())
    }

    /// Detectors with the given lists, whose tags `benign`, `benign-long-name`, `browser-probe` and `dynamic-dns` they
    /// heed. A server draws a key and finds it again in its snapshot.
    #[must_use]
    pub fn with_lists(settings: &NativeSettings, lists: Arc<Lists>, key: HashKey) -> Self {
        Self {
            key,
            clock: Clock::new(settings.lateness_seconds),
            observed: 0,
            late: 0,
            grown: Grown::default(),
            prevalence: prevalence::Prevalence::new(settings),
            tunnel: tunnel::Tunnel::new(settings),
            nxdomain: nxdomain::Nxdomain::new(settings),
            beacon: beacon::Beacon::new(settings),
            session: session::Sessions::new(settings),
            first_seen: first_seen::FirstSeen::new(settings, key),
            lookalike: lookalike::Lookalike::new(settings),
            context: Context::new(lists),
        }
    }

    /// The key of the hashes.
    pub(crate) const fn key(&self) -> HashKey {
        self.key
    }

    /// Looks at one query and appends what it gives away.
    pub fn observe(&mut self, look: &Look<'_>, out: &mut Vec<Raised>) {
        self.observed += 1;
        let Some(at) = self.clock.place(look.at.as_micros().div_euclid(1_000_000)) else {
            self.late += 1;
            return;
        };
        let Some(seen) = self.context.see(self.key, look, at, self.clock.now()) else { return };
        let standing = self.prevalence.observe(&seen);
        let grown = &mut self.grown;
        self.tunnel.observe(&seen, standing, &self.context, out, grown);
        self.nxdomain.observe(&seen, &self.context, out, grown);
        self.beacon.observe(&seen, standing, &self.context, out, grown);
        self.session.observe(&seen, out, grown);
        self.first_seen.observe(&seen, out);
        self.lookalike.observe(&seen, out);
    }

    /// Appends what was raised before and has grown since the last call: same group, same first event, same words, a
    /// larger count and a later last time. Call it at the end of a batch, before a snapshot: growth that was not asked
    /// for is not saved.
    pub fn grown(&mut self, out: &mut Vec<Raised>) {
        self.grown.take(out);
    }

    /// Counters of every detector.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let (tunnel_candidates, tunnel, tunnel_days) = self.tunnel.counters();
        Counters {
            observed: self.observed,
            late: self.late,
            clamped: self.clock.clamped(),
            tunnel_candidates,
            tunnel,
            tunnel_days,
            nxdomain: self.nxdomain.counters(),
            beacon: self.beacon.counters(),
            session: self.session.counters(),
            prevalence: self.prevalence.counters(),
            lookalike: self.lookalike.counters(),
        }
    }

    /// Appends everything remembered.
    pub fn snapshot(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(self.key);
        writer.u64(self.observed);
        writer.u64(self.late);
        self.clock.save(&mut writer);
        self.prevalence.save(&mut writer);
        self.tunnel.save(&mut writer);
        self.nxdomain.save(&mut writer);
        self.beacon.save(&mut writer);
        self.session.save(&mut writer);
        self.first_seen.save(&mut writer);
        self.lookalike.save(&mut writer);
        writer.finish(out);
    }

    /// Takes up a snapshot and its key; on an error nothing changes. Sizes of tables come from the settings: what no longer fits
    /// is forgotten, oldest first.
    ///
    /// # Errors
    /// [`SnapshotError`] when the bytes are damaged or of another version.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let mut reader = Reader::open(bytes)?;
        let (observed, late) = (reader.u64()?, reader.u64()?);
        let clock = self.clock.load(&mut reader)?;
        let prevalence = self.prevalence.load(&mut reader)?;
        let tunnel = self.tunnel.load(&mut reader)?;
        let nxdomain = self.nxdomain.load(&mut reader)?;
        let beacon = self.beacon.load(&mut reader)?;
        let session = self.session.load(&mut reader)?;
        let first_seen = self.first_seen.load(&mut reader)?;
        let lookalike = self.lookalike.load(&mut reader)?;
        reader.finish()?;
        self.key = reader.key;
        (self.observed, self.late, self.clock, self.prevalence) = (observed, late, clock, prevalence);
        (self.tunnel, self.nxdomain, self.beacon) = (tunnel, nxdomain, beacon);
        (self.session, self.first_seen, self.lookalike) = (session, first_seen, lookalike);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
