//! Takes a body apart into records. One walk for each kind of framing; a [`Sink`] collects the records or counts them.

mod array;
mod documents;
mod lines;
mod sink;
mod structured;
mod whole;

pub(crate) use lines::{is_blank_line, without_carriage_return};
use sink::{Collector, Counter, Sink};
pub(crate) use whole::WRAPPER_NAMES;

use crate::error::BatchError;
use crate::framing::Framing;
use crate::json::Mistake;
use crate::limits::Limits;
use crate::record::Split;

/// Splits `text` (decompressed) into its records. Deterministic: the same text and framing give the same records, always.
///
/// # Errors
/// [`BatchError::Json`] when the JSON that `framing` requires around the records is damaged, [`BatchError::Path`],
/// [`BatchError::TooManyRecords`]. A damaged record is no error: it comes out as it stands.
pub fn split<'a>(framing: &Framing, text: &'a [u8], limits: &Limits) -> Result<Split<'a>, BatchError> {
    let mut collector = Collector::new(limits);
    walk(framing, text, &mut collector)?;
    Ok(collector.into_split())
}

/// How many records [`split`] would give, without keeping them.
///
/// # Errors
/// As [`split`].
pub fn count(framing: &Framing, text: &[u8], limits: &Limits) -> Result<u32, BatchError> {
    let mut counter = Counter::new(limits);
    walk(framing, text, &mut counter)?;
    Ok(counter.records())
}

fn walk<'a>(framing: &Framing, text: &'a [u8], sink: &mut impl Sink<'a>) -> Result<(), BatchError> {
    let whole = text;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let result = match framing {
        Framing::Plain => lines::plain(text, sink),
        Framing::Lines => lines::lines(text, sink),
        Framing::Jsons { path: None } => documents::documents(text, sink),
        Framing::Jsons { path: Some(path) } => documents::documents_at(path, text, sink),
        Framing::Batch => structured::batch(text, sink),
        Framing::Array { intake_key } => array::array(intake_key.as_deref(), text, sink),
        Framing::Single => structured::single(text, sink),
    };
    result.map_err(|stop| match stop {
        Stop::Mistake(mistake) => mistake.moved(whole.len() - text.len()).in_text(whole),
        Stop::Refused(error) => error,
    })
}

/// Why a walk ended early.
#[derive(Debug)]
enum Stop {
    /// The JSON is wrong; where and why, but not yet in words.
    Mistake(Mistake),
    /// Anything else.
    Refused(BatchError),
}

impl From<Mistake> for Stop {
    fn from(mistake: Mistake) -> Self {
        Self::Mistake(mistake)
    }
}

impl From<BatchError> for Stop {
    fn from(error: BatchError) -> Self {
        Self::Refused(error)
    }
}

#[cfg(test)]
mod tests;
