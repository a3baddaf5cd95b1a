//! What a finding is made of: first and last time, a count, the first events; when it may be raised again; and how it
//! grows meanwhile.

use tidegate_event::{EventId, Timestamp};

use super::snapshot::{Reader, SnapshotError, Writer};
use super::table::Persist;
use super::{Look, Raised};

/// Events kept with a finding.
pub const EVENTS_MAX: usize = 10;

/// Fields that a finding is about, by their number in snapshots.
const FIELDS: [&str; 4] = ["source.ip", "user.email", "device.id", "dns.question.registered_domain"];

/// Findings that grew since they were last asked for, one entry each.
#[derive(Debug, Default)]
pub(super) struct Grown {
    list: Vec<Raised>,
    /// How often the list was taken.
    taken: u64,
}

impl Grown {
    pub(super) fn take(&mut self, out: &mut Vec<Raised>) {
        self.taken += 1;
        out.append(&mut self.list);
    }
}

/// What was said when it was raised.
#[derive(Clone, Debug)]
struct Told {
    group: Vec<(&'static str, String)>,
    note: String,
    /// Where it stands among the grown: how often these had been taken, and its place. Not saved.
    place: Option<(u64, usize)>,
}

#[derive(Clone, Debug)]
pub(super) struct Evidence {
    first: Timestamp,
    last: Timestamp,
    count: u64,
    events: Vec<(EventId, Timestamp, String)>,
    /// Second of the last raise.
    raised: Option<i64>,
    told: Option<Box<Told>>,
}

impl Evidence {
    pub(super) const fn new(at: Timestamp) -> Self {
        Self { first: at, last: at, count: 0, events: Vec::new(), raised: None, told: None }
    }

    pub(super) fn note(&mut self, look: &Look<'_>) {
        // what was seen before anything counts is no part of it
        self.first = if self.count == 0 { look.at } else { self.first.min(look.at) };
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

    /// Queries counted from before the evidence was kept, and when the first was.
    pub(super) fn add(&mut self, count: u64, first: Timestamp) {
        if count > 0 {
            (self.count, self.first) = (self.count + count, self.first.min(first));
        }
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

    /// Makes the finding and remembers that it was made. It stays about the group that it was first raised for: whoever
    /// changes the address meanwhile does the same thing still.
    pub(super) fn raise(
        &mut self,
        now: i64,
        detector: &'static str,
        group: Vec<(&'static str, String)>,
        note: String,
    ) -> Raised {
        self.raised = Some(now);
        let told = match self.told.take() {
            Some(before) => Told { note, ..*before },
            None => Told { group, note, place: None },
        };
        let raised = self.finding(detector, &told);
        self.told = Some(Box::new(told));
        raised
    }

    /// Whoever does it next is another one: the next finding has a group of its own.
    pub(super) fn forget_group(&mut self) {
        self.told = None;
    }

    /// Tells that a finding that was raised has grown up to here.
    pub(super) fn grow(&mut self, detector: &'static str, grown: &mut Grown) {
        let Some(mut told) = self.told.take() else { return };
        match told.place {
            Some((taken, place)) if taken == grown.taken => {
                if let Some(raised) = grown.list.get_mut(place) {
                    (raised.first, raised.last, raised.count) = (self.first, self.last, self.count);
                    raised.note.clone_from(&told.note);
                    raised.events.extend_from_slice(self.events.get(raised.events.len()..).unwrap_or_default());
                }
            }
            _ => {
                told.place = Some((grown.taken, grown.list.len()));
                grown.list.push(self.finding(detector, &told));
            }
        }
        self.told = Some(told);
    }

    fn finding(&self, detector: &'static str, told: &Told) -> Raised {
        Raised {
            detector,
            group: told.group.clone(),
            first: self.first,
            last: self.last,
            count: self.count,
            events: self.events.clone(),
            note: told.note.clone(),
            informational: false,
        }
    }
}

impl Persist for Told {
    fn save(&self, writer: &mut Writer) {
        writer.u8(self.group.len() as u8);
        for (name, value) in &self.group {
            writer.u8(FIELDS.iter().position(|field| field == name).unwrap_or_default() as u8);
            writer.text(value);
        }
        writer.text(&self.note);
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let mut group = Vec::new();
        for _ in 0..reader.u8()? {
            let field = FIELDS.get(usize::from(reader.u8()?)).ok_or(SnapshotError::Damaged)?;
            group.push((*field, reader.text()?));
        }
        Ok(Self { group, note: reader.text()?, place: None })
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
        writer.u8(u8::from(self.told.is_some()));
        if let Some(told) = &self.told {
            told.save(writer);
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
        if reader.u8()? == 1 {
            evidence.told = Some(Box::new(Told::load(reader)?));
        }
        Ok(evidence)
    }
}
