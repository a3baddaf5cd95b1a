//! What a user may change about rules without touching their files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::effort::Effort;
use crate::rule::RuleId;
use crate::severity::Severity;

/// One value of a rule's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SettingValue {
    /// On or off.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// Any number.
    Number(f64),
    /// A text, such as a time span `10m`.
    Text(String),
    /// Several texts, such as an allowlist.
    List(Vec<String>),
}

impl SettingValue {
    /// The number it is.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Whole(number) => Some(*number as f64),
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// What it is, for a sentence.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Flag(_) => "true or false",
            Self::Whole(_) | Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
        }
    }

    /// Whether a value of this kind may stand where `other` stands.
    #[must_use]
    pub const fn fits(&self, other: &Self) -> bool {
        use SettingValue::{Flag, List, Number, Text, Whole};
        matches!(
            (self, other),
            (Flag(_), Flag(_)) | (Whole(_) | Number(_), Whole(_) | Number(_)) | (Text(_), Text(_)) | (List(_), List(_))
        )
    }
}

/// Changes to one rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleSettings {
    /// On or off, whatever its effort.
    pub enabled: Option<bool>,
    /// Another severity.
    pub severity: Option<Severity>,
    /// Another effort: whether it is on by default follows from that.
    pub effort: Option<Effort>,
    /// Values of the rule's own settings: lengths, counts, allowlists.
    #[serde(flatten)]
    pub values: BTreeMap<String, SettingValue>,
}

/// Seconds an event may be late before correlations leave it out: Logpush sends a batch within a minute and retries
/// for some minutes more.
pub const LATENESS_SECONDS: u32 = 15 * 60;
/// Seconds an event's time may lie after its receipt before it is drawn back to it.
pub const SKEW_SECONDS: u32 = 5 * 60;

/// Which rules are on, and how they are tuned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Rules up to this effort are on.
    pub effort: Effort,
    /// Changes to single rules, by id, short name or title.
    pub rules: BTreeMap<String, RuleSettings>,
    /// Seconds an event may be late before correlations leave it out.
    pub lateness_seconds: u32,
    /// Seconds an event's time may lie after its receipt before it is drawn back to it.
    pub skew_seconds: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            effort: Effort::default(),
            rules: BTreeMap::new(),
            lateness_seconds: LATENESS_SECONDS,
            skew_seconds: SKEW_SECONDS,
        }
    }
}

impl Settings {
    /// The changes to a rule; the id goes before the short name, that before the title.
    #[must_use]
    pub fn of(&self, id: RuleId, slug: &str, name: &str) -> Option<&RuleSettings> {
        self.rules.get(&id.to_string()).or_else(|| self.rules.get(slug)).or_else(|| self.rules.get(name))
    }
}
