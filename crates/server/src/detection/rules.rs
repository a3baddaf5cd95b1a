//! Rules as the server tells of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_state as state;
use utoipa::ToSchema;
use uuid::Uuid;

/// How bad what a rule finds is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// 10
    Informational,
    /// 30
    Low,
    /// 50
    Medium,
    /// 75
    High,
    /// 95
    Critical,
}

impl Severity {
    /// All of them, the mildest first.
    pub const ALL: [Self; 5] = [Self::Informational, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Its number.
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

    /// The mildest severity that is not below a number.
    #[must_use]
    pub fn at_least(score: u8) -> Self {
        Self::ALL.into_iter().find(|severity| severity.score() >= score).unwrap_or(Self::Critical)
    }

    /// The highest severity that a number reaches.
    #[must_use]
    pub fn of(score: u8) -> Self {
        let reached = Self::ALL.into_iter().rev().find(|severity| severity.score() <= score);
        reached.unwrap_or(Self::Informational)
    }
}

/// How much attention a rule wants from those who work with its alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Right nearly always.
    Elementary,
    /// Right mostly.
    Intermediate,
    /// Wants a look at what surrounds it.
    Advanced,
    /// Wants tuning to the house first.
    Master,
}

impl From<state::Effort> for Effort {
    fn from(effort: state::Effort) -> Self {
        match effort {
            state::Effort::Elementary => Self::Elementary,
            state::Effort::Intermediate => Self::Intermediate,
            state::Effort::Advanced => Self::Advanced,
            state::Effort::Master => Self::Master,
        }
    }
}

impl From<Effort> for state::Effort {
    fn from(effort: Effort) -> Self {
        match effort {
            Effort::Elementary => Self::Elementary,
            Effort::Intermediate => Self::Intermediate,
            Effort::Advanced => Self::Advanced,
            Effort::Master => Self::Master,
        }
    }
}

/// What decides whether a rule fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleKind {
    /// A Sigma detection over one event.
    Sigma,
    /// A Sigma correlation over what other rules match.
    Correlation,
    /// A behavioural detector that is code.
    Native,
}

/// Where a rule comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleOrigin {
    /// It comes with the program.
    Builtin,
    /// Somebody made it by the API.
    User,
    /// It lies in the folder of rules.
    Folder,
}

/// A rule in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleRef {
    /// Its id.
    pub id: Uuid,
    /// Its title.
    pub name: String,
    /// How bad what it finds is.
    pub severity: Severity,
    /// How much attention it wants.
    pub effort: Effort,
    /// ATT&CK techniques, such as `T1071.004`.
    pub attack: Vec<String>,
}

/// A rule without its text.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleInfo {
    /// The rule in short.
    #[serde(flatten)]
    pub rule: RuleRef,
    /// What it finds and why that matters.
    pub description: String,
    /// What decides whether it fires.
    pub kind: RuleKind,
    /// Where it comes from.
    pub origin: RuleOrigin,
    /// Whether it raises alerts.
    pub enabled: bool,
    /// Whether it would if nobody had said anything about it.
    pub default_enabled: bool,
    /// It cannot be switched off.
    pub always: bool,
    /// Its tags as written.
    pub tags: Vec<String>,
    /// Why it did not load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A rule with its text.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleDetail {
    /// The rule without its text.
    #[serde(flatten)]
    pub info: RuleInfo,
    /// Its text.
    pub yaml: String,
    /// Where its facts come from.
    pub references: Vec<String>,
    /// What else makes it fire.
    pub false_positives: Vec<String>,
    /// The events it is tested with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cases: Option<RuleCases>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// When it was written, as its text says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// When it was changed, as its text says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// What can be tuned.
    pub settings: Vec<Tuning>,
    /// What it looks at, as a query over events; one that cannot be said finds more. Empty when that is every event.
    pub search: String,
}

/// Events a rule is tested with.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct RuleCases {
    /// Each of these, an event or a list of events, makes it fire.
    pub fire: Vec<Value>,
    /// None of these does.
    pub silent: Vec<Value>,
}

/// A setting of a rule.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Tuning {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// What the rule itself says.
    pub default: Value,
    /// What it does.
    pub description: String,
}

/// What is right and wrong with a rule's text.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleCheck {
    /// Whether the rule can be used.
    pub valid: bool,
    /// Mistakes and remarks, in the order of the text.
    pub problems: Vec<RuleProblem>,
    /// The rule, as far as it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
    /// The fields of events that it looks at.
    pub fields: Vec<String>,
}

/// A mistake or a remark.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleProblem {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// How it is to be taken.
    pub severity: Grade,
    /// A sentence.
    pub message: String,
}

/// How a problem is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// The rule cannot be used.
    Error,
    /// The rule works; something about it deserves a look.
    Warning,
}

/// What a rule would have found.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct RulePreview {
    /// Events behind what it would have found.
    pub event_count: u64,
    /// What it would have found.
    pub finding_count: u64,
    /// Events it was shown.
    pub scanned: u64,
    /// It was not shown all: the bound of events or of time was met.
    pub partial: bool,
    /// How long it took.
    pub took_ms: u64,
    /// The first fifty findings.
    pub findings: Vec<PreviewFinding>,
}

/// A finding of a preview.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PreviewFinding {
    /// The time of its first event.
    pub first_seen: String,
    /// The time of its last event.
    pub last_seen: String,
    /// Events behind it.
    pub count: u64,
    /// What it was grouped by.
    pub group: BTreeMap<String, String>,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The name that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The first ten events.
    pub events: Vec<EventLine>,
}

/// An event in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventLine {
    /// Its `event.id`.
    pub event_id: Uuid,
    /// Its `@timestamp`.
    pub timestamp: String,
    /// Its `source.ip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// Its `dns.question.name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_and_numbers() {
        for severity in Severity::ALL {
            assert_eq!(Severity::of(severity.score()), severity);
        }
        assert_eq!(Severity::of(0), Severity::Informational);
        assert_eq!(Severity::of(74), Severity::Medium);
        assert_eq!(Severity::of(100), Severity::Critical);
        assert_eq!(Severity::at_least(0), Severity::Informational);
        assert_eq!(Severity::at_least(31), Severity::Medium);
    }
}
