//! Events come in; a Delta Lake table and the tail that is not in it yet go out, always consistent with each other.
//! It will never know HTTP, formats, rules, or what a query asks.

mod column;
mod commit;
mod compact;
mod datafile;
pub mod decode;
mod encode;
mod error;
mod file;
mod flush;
mod fold;
mod graveyard;
mod layout;
mod maintain;
mod nulls;
mod options;
mod retain;
mod schema;
mod snapshot;
mod stats;
mod store;
mod table;
mod tail;

pub use column::{Column, ColumnKind};
pub use encode::{EncodedBatch, Encoder, Meta};
pub use error::StoreError;
pub use file::{DataFile, Range};
pub use fold::fold;
pub use options::Options;
pub use schema::{DAY, EXTRA, NAME_ORIGINAL, Schema};
pub use snapshot::Snapshot;
pub use stats::Stats;
pub use store::Store;
