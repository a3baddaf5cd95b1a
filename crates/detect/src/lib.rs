//! Events in, findings out: Sigma rules, correlations on event time, lists, indicators and behaviour.
//! It will never know where events come from, where findings go, or what time it is.
//!
//! Judging one event ([`Judge`]) needs no memory and runs on as many threads as there are; what it saw travels as
//! [`Sightings`] to the one [`Memory`], which sees events in journal order and reports [`Finding`]s. Memory is a
//! function of what it observed, so a restored snapshot and a replay change nothing.

mod bytes;
pub mod cases;
mod catalogue;
pub mod check;
mod correlate;
mod effort;
mod embedded;
mod finding;
pub mod intel;
mod judge;
pub mod lists;
mod memory;
pub mod names;
pub mod native;
pub mod navigator;
mod outline;
mod problem;
mod rule;
pub mod scan;
mod settings;
mod severity;
mod sightings;
mod sigma;
mod source;
mod stored;
mod yaml;

pub use catalogue::{Catalogue, CatalogueParts, RULES_MAX};
pub use correlate::Dropped;
pub use effort::Effort;
pub use finding::{EVIDENCE_MAX, Evidence, Finding, counted, finding_id};
pub use judge::{Judge, Row};
pub use memory::{Counters, Memory, RestoreError};
pub use outline::{Outline, Piece, Plain, outline};
pub use problem::{Grade, Problem};
pub use rule::{RuleId, RuleInfo, RuleKind};
pub use settings::{LATENESS_SECONDS, RuleSettings, SKEW_SECONDS, SettingValue, Settings};
pub use severity::Severity;
pub use sightings::Sightings;
pub use source::{RuleSource, RuleSources};
pub use stored::{lend, restore};
