//! Domains the organisation asks for the first time in five weeks: one filter a week, the oldest given up.
//!
//! A remark for hunting and for other rules, never an alert by itself. Filters err to one side only: now and then a new
//! domain is taken for a known one.

use super::bloom::Bloom;
use super::context::Seen;
use super::evidence::Evidence;
use super::snapshot::{Reader, SnapshotError, Writer};
use super::{FirstSeenSettings, NativeSettings, Raised};
use crate::names::HashKey;

const DETECTOR: &str = "first-seen";
const WEEK_SECONDS: i64 = 7 * 86_400;
const DAY_SECONDS: i64 = 86_400;
/// Weeks remembered.
const WEEKS: usize = 5;

#[derive(Debug)]
pub(super) struct FirstSeen {
    settings: FirstSeenSettings,
    key: HashKey,
    /// The newest week first; made when the first domain comes.
    weeks: Vec<Bloom>,
    week: i64,
    began: Option<i64>,
}

impl FirstSeen {
    pub(super) fn new(settings: &NativeSettings, key: HashKey) -> Self {
        Self { settings: settings.first_seen.clone(), key, weeks: Vec::new(), week: 0, began: None }
    }

    pub(super) fn observe(&mut self, seen: &Seen<'_>, out: &mut Vec<Raised>) {
        if !self.settings.enabled || seen.look.nxdomain {
            return;
        }
        let began = *self.began.get_or_insert(seen.at);
        self.turn(seen.now.div_euclid(WEEK_SECONDS));
        // A hash of its own: bits of the table's hashes must not be those of the filter.
        let hash = self.key.pair(seen.domain_hash, 0x6669_7273_7473_6565);
        let known = self.weeks.iter().position(|week| week.contains(hash));
        if known != Some(0) {
            self.weeks[0].add(hash);
        }
        if known.is_some() || seen.at.saturating_sub(began) < i64::from(self.settings.learning_days) * DAY_SECONDS {
            return;
        }
        let mut evidence = Evidence::new(seen.look.at);
        evidence.note(seen.look);
        let group = vec![("dns.question.registered_domain", seen.domain.to_owned())];
        let note = format!("{} was not asked for in the last five weeks", seen.domain);
        out.push(Raised { informational: true, ..evidence.raise(seen.now, DETECTOR, group, note) });
    }

    fn turn(&mut self, week: i64) {
        if self.weeks.is_empty() {
            self.week = week;
            self.weeks.push(Bloom::new(self.settings.domains_per_week));
        }
        let ahead = week.saturating_sub(self.week).clamp(0, WEEKS as i64);
        for _ in 0..ahead {
            self.weeks.truncate(WEEKS - 1);
            self.weeks.insert(0, Bloom::new(self.settings.domains_per_week));
        }
        self.week = self.week.max(week);
    }

    pub(super) fn save(&self, writer: &mut Writer) {
        writer.i64(self.week);
        writer.u8(u8::from(self.began.is_some()));
        writer.i64(self.began.unwrap_or_default());
        writer.u8(self.weeks.len() as u8);
        self.weeks.iter().for_each(|week| week.save(writer));
    }

    pub(super) fn load(&self, reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let week = reader.i64()?;
        let has_begun = reader.u8()? == 1;
        let began = reader.i64()?;
        let size = Bloom::new(self.settings.domains_per_week);
        let weeks = (0..reader.u8()?.min(WEEKS as u8)).map(|_| size.load(reader)).collect::<Result<_, _>>()?;
        Ok(Self { settings: self.settings.clone(), key: reader.key, weeks, week, began: has_begun.then_some(began) })
    }
}
