//! The objects that Logpush writes below a prefix of a bucket go in; batches in the journal come out, each object once.
//! It will never know HTTP requests of ours, what a record means, or who looks at its progress.
//!
//! # Exactly once
//!
//! An object is a key and a version (its ETag; size and time of change where a server gives none). Each goes through four
//! steps, and a process may die between any two of them:
//!
//! 1. its bytes are read and looked into;
//! 2. [`BucketState::Begun`](tidegate_state::BucketState) is written: the key, the token by which the journal will know the
//!    batch (a hash of intake, head and body), and the time at which it will say it was received;
//! 3. the journal stores the batch with that time, and says so after `fdatasync`;
//! 4. `Done` is written.
//!
//! Before 2 and after 4 there is nothing to decide. In between, the next start asks the journal, before anything is stored,
//! whether it has the token ([`recover()`]): if so the object is done, else it is taken anew. The journal forgets tokens 24
//! hours behind its newest batch, and step 4 comes seconds after step 3, so the answer is right however long the process was
//! down. Within one process, a step 3 whose outcome did not reach step 4 is repeated, and the journal answers it with the
//! first receipt. With `journal.dedupe_window` set to zero, this argument falls, and a crash may store an object twice.
//!
//! # Which objects are new
//!
//! Keys of Logpush begin with the time of their batch, so "everything behind the last key" nearly works, and loses what
//! comes late. Instead every object is remembered, until it lies `look_back` behind the newest: then the *floor* (a key)
//! moves above it, and listing begins there. An unknown object above the floor is new. Once an hour everything is listed,
//! and an unknown object below the floor is new when it was changed after every object that was forgotten. What remains
//! unseen is only an object below the floor that pretends to have been changed `look_back` ago.

mod credentials;
mod cursor;
mod error;
mod explain;
mod name;
mod options;
mod place;
mod positions;
mod recover;
mod shelf;
mod sink;
mod source;
mod stores;

pub use credentials::Credentials;
pub use error::BucketError;
pub use options::{CONCURRENCY_MAX, Options};
pub use place::Place;
pub use positions::{Kept, Positions};
pub use recover::recover;
pub use shelf::{Object, ReadError, Shelf};
pub use sink::{Batch, JournalSink, Refused, Sink, Taken};
pub use source::{OBJECTS_MAX, Polled, Source};
pub use stores::open;
