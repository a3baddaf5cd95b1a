//! A request body or a file goes in, raw records come out: compression undone, framing taken off, nothing parsed.
//! It will never know HTTP, what a record means, or where records go.

mod coding;
mod decode;
mod error;
pub mod file;
mod framing;
mod head;
mod json;
mod limits;
mod member;
mod path;
mod record;
mod split;
mod validation;

pub use coding::Coding;
pub use decode::{decode, decode_into};
pub use error::{BatchError, Cause};
pub use framing::Framing;
pub use head::Head;
pub use limits::Limits;
pub use path::{JsonPath, PathError};
pub use record::{Envelope, Record, Split};
pub use split::{count, split};
pub use validation::is_validation;
