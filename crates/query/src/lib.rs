//! A query comes in, in the events query language or SQL; rows, histograms, top values and exports go out, over the
//! table and its unflushed tail as one. It will never know HTTP, rules, or how an event came to be.
//!
//! [`Engine`] runs queries; [`language`] is the events query language, which needs no engine.

mod aggregate;
mod cell;
mod coverage;
mod engine;
mod error;
mod events;
mod export;
mod files;
mod histogram;
mod interval;
mod kernel;
pub mod language;
mod lookup;
mod predicate;
mod recent;
mod run;
mod scope;
mod search;
mod sql;
mod top;
mod values;

pub use aggregate::{Aggregation, AggregationResult, Function, Group, GroupValue};
pub use coverage::{FieldCoverage, FieldsResult};
pub use engine::{Describe, Engine, Options};
pub use error::Error;
pub use export::{Export, ExportStream, Format};
pub use histogram::{BUCKETS_MAX, Bucket, Histogram, HistogramResult, Split};
pub use scope::Scope;
pub use search::{Cursor, LIMIT_MAX, Order, Row, Search, SearchResult};
pub use sql::{SqlColumn, SqlRows};
pub use top::{SIZE_MAX, TopValues, TopValuesResult, ValueCount};
