//! As much JSON as framings need: where values begin and end, which members an object has, what a string holds.
//! Numbers and words inside records are not judged here; that is the parser's work.

mod cursor;
mod skip;
mod text;

pub(crate) use cursor::{Cursor, Mistake, string_inner};
pub(crate) use skip::{Skip, Skipped, is_blank};
pub(crate) use text::unescape;
