//! What was planted: the answers to check detections against.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::Scenarios;

/// Whether a detection must fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nature {
    /// It must.
    Attack,
    /// It must not: harmless traffic that looks alike.
    LookAlike,
}

/// One planted scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Planted {
    /// The scenario's name, also for its look-alikes.
    pub scenario: &'static str,
    /// Attack or look-alike.
    pub nature: Nature,
    /// How many times the whole set had been planted before.
    pub cycle: u32,
    /// `DeviceID` of the records.
    pub device_id: String,
    /// `DeviceName` of the records.
    pub device_name: String,
    /// `Email` of the records.
    pub email: String,
    /// `SrcIP` of the records.
    pub source_ip: String,
    /// Time of the first planned record, RFC 3339 with microseconds.
    pub first: String,
    /// Time of the last planned record.
    pub last: String,
    /// Records planned.
    pub planned: u64,
    /// Records written so far.
    pub written: u64,
    /// Different names among the planned records.
    pub distinct_names: u64,
    /// The domain everything is below, when there is one.
    pub domain: String,
    /// Planned records by query type.
    pub types: BTreeMap<&'static str, u64>,
    /// Planned records by resolver decision.
    pub decisions: BTreeMap<&'static str, u64>,
    /// The first names.
    pub sample: Vec<String>,
    /// What it is and which property gives it away, or why it is harmless.
    pub about: &'static str,
    /// Detections that must find it (attack) or must stay silent (look-alike).
    pub detections: &'static [&'static str],
}

/// Counts of everything written, planted or not.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Totals {
    /// All records.
    pub records: u64,
    /// Records of planted scenarios.
    pub planted: u64,
    /// Records with response code 3.
    pub nxdomain: u64,
    /// Records with response code 2 or 5.
    pub failed: u64,
    /// Records that a policy or the provider blocked.
    pub blocked: u64,
    /// Blocked records of a security category outside any scenario: careless clicks.
    pub background_threats_blocked: u64,
}

/// Everything planted so far.
#[derive(Clone, Debug, Serialize)]
pub struct Truth {
    /// The seed of the traffic.
    pub seed: u64,
    /// Counts of everything.
    pub totals: Totals,
    /// What was planted, in order of planting.
    pub planted: Vec<Planted>,
    #[serde(skip)]
    pub(crate) selected: Scenarios,
}

impl Truth {
    /// The truth as indented JSON with a final newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
