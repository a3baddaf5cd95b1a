//! One raw record and a compiled format in, one ECS event out. Owns the intake-format language.
//! It will never know rules, sockets, the clock, or how events are stored.

pub mod cases;
mod catalog;
mod coerce;
mod compile;
mod constant;
mod derive;
mod describe;
pub mod enrich;
mod error;
mod fields;
mod folders;
mod format;
#[doc(hidden)]
pub mod fuzz;
mod json;
mod keys;
mod load;
mod manifest;
mod parser;
mod paths;
mod program;
mod run;
mod stages;
mod taxonomy;
mod template;
mod time;
mod yaml;

pub use catalog::Catalog;
pub use error::{CatalogError, LoadError};
pub use format::Format;
pub use manifest::{Answers, Manifest};
pub use parser::{NO_TIME, Parser, Verdict};
