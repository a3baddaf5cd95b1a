//! The vocabulary every other room speaks: ECS fields and their types go in, typed events, ids and times come out.
//! It will never know Arrow, HTTP, async, or any vendor.

mod event;
mod field;
mod id;
pub mod json;
pub mod names;
mod registry;
mod time;
mod value;

pub use event::Event;
pub use field::{Field, FieldId, FieldType};
pub use id::{EventId, IntakeId, NodeId, Position};
pub use registry::{Registry, RegistryBuilder};
pub use time::{TimeError, Timestamp};
pub use value::Value;

/// How a record ended: parsed, parsed with a remark, or kept only as raw text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Parsed without remark.
    Valid,
    /// Parsed, with a remark in `tidegate.reason`.
    Warning,
    /// Not parsed; raw text and reason are kept.
    Invalid,
}

impl Status {
    /// The value of `tidegate.status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Warning => "warning",
            Self::Invalid => "invalid",
        }
    }
}
