//! Batch bytes go in exactly as received; durable, ordered, replayable batches come out.
//! It will never know what a batch holds.
//!
//! A directory holds `segment-*` files, allocated ahead and used again; `node`, the id of the data directory; `lock`;
//! `mark`, which may lag; `receipts-*`, by which a batch that is sent again is recognised after its segment is gone; and
//! `quarantine/` with the bytes that were found damaged.

mod directory;
mod disk;
mod entry;
mod error;
mod frame;
mod journal;
mod options;
mod quarantine;
mod reader;
mod receipt_files;
mod receipts;
mod recover;
mod recycle;
mod report;
mod scan;
mod segment;
mod shared;
#[cfg(test)]
mod tests;
mod window;
mod writer;

pub use entry::{Batch, Entry, Receipt};
pub use error::{FullCause, JournalError};
pub use journal::Journal;
pub use options::{BODY_BYTES_MAX, HEAD_BYTES_MAX, Options};
pub use reader::Reader;
pub use report::{OpenReport, Quarantined, Stats};
