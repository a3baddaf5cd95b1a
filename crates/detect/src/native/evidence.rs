//! What a finding is made of: first and last time, a count, the first events; and when it may be raised again.

use tidegate_event::{EventId, Timestamp};

use super::snapshot::{Reader, SnapshotError, Writer};
use super::table::Persist;
use super::{Look, Raised};

/// Events kept with a finding.
pub const EVENTS_MAX: usize = 10;

#[derive(Clone, Debug)]
pub(super) struct Evidence {
    first: Timestamp,
    last: Timestamp,
    count: u64,
    events: Vec<(EventId, Timestamp, String)>,
    /// Second of the last raise.
    raised: Option<i64>,
}

impl Evidence {
    pub(super) const fn new(at: Timestamp) -> Self {
        Self { first: at, last: at, count: 0, events: Vec::new(), raised: None }
    }

    pub(super) fn note(&mut self, look: &Look<'_>) {
        self.first = self.first.min(look.at);
        self.last = self.last.max(look.at);
        self.count += 1;
        if self.events.len() < EVENTS_MAX {
            self.events.push((look.event, look.at, look.name.to_owned()));
        }
    }

    /// Whether nothing was noted for a while before a moment.
    pub(super) fn is_stale(&self, at: Timestamp, seconds: i64) -> bool {
        at.as_micros().saturating_sub(self.last.as_micros()) / 1_000_000 >= seconds
    }

    /// Queries counted from before the evidence was kept.
    pub(super) const fn add(&mut self, count: u64) {
        self.count += count;
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) const fn was_raised(&self) -> bool {
        self.raised.is_some()
    }

    /// Whether it may be raised: never yet, or long enough ago.
    pub(super) fn may_raise(&self, now: i64, reraise_seconds: i64) -> bool {
        self.raised.is_none_or(|before| {
            now.saturating_sub(before) >= reraise_seconds || now < before.saturating_sub(reraise_seconds)
        })
    }

    /// Makes the finding and remembers that it was made.
    pub(super) fn raise(
        &mut self,
        now: i64,
        detector: &'static str,
        group: Vec<(&'static str, String)>,
        note: String,
    ) -> Raised {
        self.raised = Some(now);
        Raised {
            detector,
            group,
            first: self.first,
            last: self.last,
            count: self.count,
            events: self.events.clone(),
            note,
            informational: false,
        }
    }
}

impl Persist for Evidence {
    fn save(&self, writer: &mut Writer) {
        writer.i64(self.first.as_micros());
        writer.i64(self.last.as_micros());
        writer.u64(self.count);
        writer.u8(u8::from(self.raised.is_some()));
        writer.i64(self.raised.unwrap_or_default());
        writer.u32(self.events.len() as u32);
        for (event, at, name) in &self.events {
            writer.event(*event);
            writer.i64(at.as_micros());
            writer.text(name);
        }
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let first = Timestamp::from_micros(reader.i64()?);
        let mut evidence = Self::new(first);
        evidence.last = Timestamp::from_micros(reader.i64()?);
        evidence.count = reader.u64()?;
        let raised = reader.u8()? == 1;
        let before = reader.i64()?;
        evidence.raised = raised.then_some(before);
        for _ in 0..reader.count(28)?.min(EVENTS_MAX) {
            evidence.events.push((reader.event()?, Timestamp::from_micros(reader.i64()?), reader.text()?));
        }
        Ok(evidence)
    }
}
