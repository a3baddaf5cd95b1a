//! How bad a finding is. The Sigma level names, with the number each stands for in an alert's urgency.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Severity of a rule and of what it finds: the `level` of a Sigma rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth recording, not worth a look of its own.
    Informational,
    /// Worth a look together with others.
    Low,
    /// Worth a look.
    Medium,
    /// Look today.
    High,
    /// Look now.
    Critical,
}

impl Severity {
    /// All, mildest first.
    pub const ALL: [Self; 5] = [Self::Informational, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The Sigma level name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The number that goes into an alert's urgency, 0 to 100.
    #[must_use]
    pub const fn score(self) -> u8 {
        match self {
            Self::Informational => 10,
            Self::Low => 30,
            Self::Medium => 50,
            Self::High => 75,
            Self::Critical => 95,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("`{text}` is no severity: informational, low, medium, high or critical"))
    }
}
