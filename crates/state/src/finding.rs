//! What detection found, as it is handed to [`crate::State::raise`]: plain data, so that this crate need not know rules.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::bounds::{FIELD_BYTES_MAX, clip};
use crate::clock::rfc3339;
use crate::error::StateError;
use crate::exception::AlertFilterId;

/// References to events that one finding brings along.
const EVENTS_MAX: usize = 10;
const PAIRS_MAX: usize = 32;
const ATTACK_MAX: usize = 32;
const NOTE_BYTES_MAX: usize = 2 << 10;
/// Severity, criticality and urgency end here.
pub(crate) const SCORE_MAX: u8 = 100;

/// One finding. The same finding may come again, with a larger count when it grew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFinding {
    /// Its id, the same whenever the same events are judged again.
    pub id: Uuid,
    /// The rule that found it.
    pub rule: FindingRule,
    /// Who did it: an address, a user or a device.
    pub source: Option<String>,
    /// To whom: an address or a registered domain.
    pub target: Option<String>,
    /// The name that was asked for, where one name stands for the finding.
    pub name: Option<String>,
    /// The fields by which the rule grouped events, with their values.
    pub group: Vec<(String, String)>,
    /// The time of its first event.
    pub first_seen: Timestamp,
    /// The time of its last event.
    pub last_seen: Timestamp,
    /// How many events are behind it; zero is taken for one.
    pub count: u64,
    /// The first of these events, ten at most.
    pub events: Vec<EventRef>,
    /// The fields and values that made the rule fire.
    pub matched: Vec<(String, String)>,
    /// Why, in one sentence; empty when the matched values say it all.
    pub note: String,
    /// What else counts as the same alert.
    pub similarity: Similarity,
    /// The alert filter that its event met, if any.
    pub hidden_by: Option<AlertFilterId>,
}

/// What an alert keeps of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingRule {
    /// The rule's id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its effort.
    pub effort: Effort,
    /// Its severity, 0 to 100.
    pub severity: u8,
    /// ATT&CK techniques, such as `T1071.004`.
    pub attack: Vec<String>,
}

/// An event behind an alert: enough to find it and to show it in a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct EventRef {
    /// When it happened.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// Its id.
    pub id: Uuid,
    /// Its `source.ip`.
    pub source_ip: Option<String>,
    /// Its `dns.question.name`.
    pub name: Option<String>,
}

/// How much attention a rule wants from those who work with its alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Right nearly always.
    Elementary,
    /// Right mostly.
    Intermediate,
    /// Wants a look at what surrounds it.
    #[default]
    Advanced,
    /// Wants tuning to the house first.
    Master,
}

impl Effort {
    /// All levels, from the least to the most work.
    pub const ALL: [Self; 4] = [Self::Elementary, Self::Intermediate, Self::Advanced, Self::Master];

    /// The level's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Elementary => "elementary",
            Self::Intermediate => "intermediate",
            Self::Advanced => "advanced",
            Self::Master => "master",
        }
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Effort {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        let found = Self::ALL.into_iter().find(|level| level.as_str() == text);
        found.ok_or_else(|| {
            StateError::invalid("effort", "must be `elementary`, `intermediate`, `advanced` or `master`")
        })
    }
}

/// What counts as the same alert. Findings of different rules never do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Similarity {
    /// The same source, target and name.
    #[default]
    Pair,
    /// The same values of the fields that the rule groups by.
    Group,
}

impl Similarity {
    /// The strategy's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Group => "group",
        }
    }
}

impl FromStr for Similarity {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        let all = [Self::Pair, Self::Group];
        let found = all.into_iter().find(|similarity| similarity.as_str() == text);
        found.ok_or_else(|| StateError::invalid("similarity", "must be `pair` or `group`"))
    }
}

impl NewFinding {
    /// The finding within all bounds: names are chosen by strangers, and a long one must not cost the alert.
    pub(crate) fn bounded(&self) -> Self {
        let mut finding = self.clone();
        finding.count = finding.count.max(1);
        finding.last_seen = finding.last_seen.max(finding.first_seen);
        finding.rule.severity = finding.rule.severity.min(SCORE_MAX);
        finding.rule.attack.truncate(ATTACK_MAX);
        finding.events.truncate(EVENTS_MAX);
        finding.group.truncate(PAIRS_MAX);
        finding.matched.truncate(PAIRS_MAX);
        clip(&mut finding.note, NOTE_BYTES_MAX);
        clip(&mut finding.rule.name, FIELD_BYTES_MAX);
        let whole = [&mut finding.source, &mut finding.target, &mut finding.name];
        let of_events = finding.events.iter_mut().flat_map(|event| [&mut event.source_ip, &mut event.name]);
        let of_pairs = finding.group.iter_mut().chain(&mut finding.matched).flat_map(|(field, value)| [field, value]);
        for text in whole.into_iter().chain(of_events).flatten().chain(of_pairs).chain(&mut finding.rule.attack) {
            clip(text, FIELD_BYTES_MAX);
        }
        finding
    }

    /// Everybody and everything that takes part, for comparison with assets.
    pub(crate) fn entities(&self) -> impl Iterator<Item = &str> {
        let whole = [&self.source, &self.target, &self.name].into_iter().flatten();
        let addresses = self.events.iter().filter_map(|event| event.source_ip.as_ref());
        whole.chain(self.group.iter().map(|(_, value)| value)).chain(addresses).map(String::as_str)
    }
}
