//! Sigma detections: rule files in, a matcher over borrowed events out. The only module that names the Sigma library.

mod aggregation;
mod document;
mod engine;
mod fields;
mod filter;
mod logsource;
mod outline;
mod prepare;
mod view;

pub(crate) use document::{Body, Document, RULE_FILE_BYTES_MAX, read};
pub(crate) use engine::{Candidate, Engine, Match};
pub(crate) use fields::{Slots, ecs_name};
pub(crate) use filter::apply as apply_filter;
pub(crate) use logsource::{Kind, Origin, OriginFields, applicable};
pub(crate) use outline::outline;
pub(crate) use prepare::{placeholders, prepare};
pub(crate) use view::{FactFields, Facts, View};
