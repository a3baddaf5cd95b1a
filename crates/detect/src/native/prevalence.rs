//! How many devices ask for a domain, and since when it is known.
//!
//! Devices are counted by linear counting over 128 bits a domain (good to some 100 devices, which is all that "rare"
//! needs) and over 16,384 bits for the organisation, anew each day with the day before kept.

use super::NativeSettings;
use super::context::Seen;
use super::snapshot::{Reader, SnapshotError, Writer};
use super::table::{Persist, Table, TableCounters};

const DAY_SECONDS: i64 = 86_400;
const ACTIVE_WORDS: usize = 256;

/// How a domain stands in the organisation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// Second of the first query.
    pub(super) since: i64,
    /// Devices that asked, about.
    pub(super) devices: f64,
    /// Share of the active devices, 0 to 1.
    pub(super) share: f64,
}

#[derive(Clone, Copy, Debug)]
struct Domain {
    since: i64,
    devices: u128,
}

#[derive(Clone, Debug)]
pub(super) struct Prevalence {
    domains: Table<Domain>,
    day: i64,
    today: Vec<u64>,
    yesterday: Vec<u64>,
    active: f64,
    unsure: u32,
}

/// Things seen, by the bits that stayed empty of `bits`.
pub(super) fn linear(bits: f64, empty: u32) -> f64 {
    -bits * (f64::from(empty.max(1)) / bits).ln()
}

impl Prevalence {
    pub(super) fn new(settings: &NativeSettings) -> Self {
        Self {
            domains: Table::new(settings.prevalence_domains),
            day: 0,
            today: vec![0; ACTIVE_WORDS],
            yesterday: vec![0; ACTIVE_WORDS],
            active: 1.0,
            unsure: 0,
        }
    }

    pub(super) const fn counters(&self) -> TableCounters {
        self.domains.counters()
    }

    pub(super) fn observe(&mut self, seen: &Seen<'_>) -> Standing {
        self.count_device(seen);
        let domain = self.domains.entry(seen.domain_hash, || Domain { since: seen.at, devices: 0 });
        domain.devices |= 1 << (seen.device >> 57);
        domain.since = domain.since.min(seen.at);
        let devices = linear(128.0, domain.devices.count_zeros());
        Standing { since: domain.since, devices, share: devices / self.active.max(1.0) }
    }

    fn count_device(&mut self, seen: &Seen<'_>) {
        let day = seen.at.div_euclid(DAY_SECONDS);
        if day > self.day {
            let today = std::mem::replace(&mut self.today, vec![0; ACTIVE_WORDS]);
            self.yesterday = if day == self.day + 1 { today } else { vec![0; ACTIVE_WORDS] };
            self.day = day;
        }
        let (word, bit) = ((seen.device >> 48) as usize & (ACTIVE_WORDS - 1), seen.device >> 32 & 63);
        let before = self.today[word];
        self.today[word] |= 1 << bit;
        self.unsure += u32::from(before != self.today[word]);
        if self.unsure > 0 && (self.unsure >= 16 || self.active < 1000.0) {
            self.unsure = 0;
            let full = |words: &[u64]| words.iter().map(|word| word.count_zeros()).sum::<u32>();
            let bits = (ACTIVE_WORDS * 64) as f64;
            self.active = linear(bits, full(&self.today)).max(linear(bits, full(&self.yesterday)));
        }
    }

    pub(super) fn save(&self, writer: &mut Writer) {
        self.domains.save(writer);
        writer.i64(self.day);
        writer.u32(self.unsure);
        writer.u64(self.active.to_bits());
        for word in self.today.iter().chain(&self.yesterday) {
            writer.u64(*word);
        }
    }

    pub(super) fn load(&self, reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let mut loaded = Self { domains: self.domains.load(reader)?, ..self.clone() };
        (loaded.day, loaded.unsure) = (reader.i64()?, reader.u32()?);
        loaded.active = f64::from_bits(reader.u64()?);
        for word in loaded.today.iter_mut().chain(&mut loaded.yesterday) {
            *word = reader.u64()?;
        }
        Ok(loaded)
    }
}

impl Persist for Domain {
    fn save(&self, writer: &mut Writer) {
        writer.i64(self.since);
        writer.u64(self.devices as u64);
        writer.u64((self.devices >> 64) as u64);
    }

    fn load(reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let since = reader.i64()?;
        let (low, high) = (reader.u64()?, reader.u64()?);
        Ok(Self { since, devices: u128::from(low) | u128::from(high) << 64 })
    }
}
