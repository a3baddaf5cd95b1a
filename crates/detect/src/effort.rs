//! How much tuning a rule asks of those who turn it on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a rule costs its users: from "turn it on and forget" to "only with tuning and an analyst's patience".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// No false positives expected anywhere.
    Elementary,
    /// Rare false positives.
    Intermediate,
    /// Some organisations need an exception or two. The default ceiling.
    #[default]
    Advanced,
    /// Finds what many organisations do on purpose; off until somebody wants it.
    Master,
}

impl Effort {
    /// All, least effort first.
    pub const ALL: [Self; 4] = [Self::Elementary, Self::Intermediate, Self::Advanced, Self::Master];

    /// The name, as rules and the command line write it.
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
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|effort| effort.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("`{text}` is no effort: elementary, intermediate, advanced or master"))
    }
}
