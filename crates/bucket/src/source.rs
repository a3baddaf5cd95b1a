//! One followed bucket: looks for new objects and hands each over once.

mod group;
mod page;

use std::time::Duration;

use futures::StreamExt;
use tidegate_event::Timestamp;
use tidegate_state::{BucketMark, BucketStep};

use crate::cursor::Frontier;
use crate::error::BucketError;
use crate::options::{CONCURRENCY_MAX, Options};
use crate::positions::Positions;
use crate::recover::recover_one;
use crate::shelf::{Object, Shelf};
use crate::sink::Sink;

/// Objects of one bucket that are remembered. Keys that tell their time are forgotten `look_back` later, so this is met
/// only by very many objects a day or by keys without a time.
pub const OBJECTS_MAX: u64 = 1_000_000;
/// How often everything is listed, also what lies below the floor.
const SWEEP_EVERY: Duration = Duration::from_hours(1);
/// The first pause after a look that failed; it doubles.
const PAUSE_MIN: Duration = Duration::from_secs(5);
/// The longest pause after looks that failed, unless the interval is longer.
const PAUSE_MAX: Duration = Duration::from_mins(5);

/// What one look through a bucket brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// Objects that were listed.
    pub listed: u64,
    /// Objects that were taken, with those that the intake had already.
    pub taken: u64,
    /// Records in them.
    pub records: u64,
    /// Objects that were given up.
    pub rejected: u64,
    /// Objects that are tried again later.
    pub waiting: u64,
}

/// A followed bucket. Progress blocks for a moment, so give it a thread (and runtime) of its own. Dropping it, or a look
/// before its end, is like the end of the process: the next one goes on where it was.
pub struct Source<P, S> {
    shelf: Box<dyn Shelf>,
    positions: P,
    sink: S,
    options: Options,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    is_recovered: bool,
    swept: Option<Timestamp>,
    failures: u32,
}

/// One look on its way.
struct Look {
    now: Timestamp,
    /// Whether everything is listed, not only what lies above the floor.
    is_sweep: bool,
    mark: BucketMark,
    frontier: Frontier,
    /// Objects remembered, at least.
    remembered: u64,
    /// Objects read well.
    read: u64,
    /// Reads that failed since the last one that did not.
    failed_in_a_row: usize,
    /// When the oldest of the objects changed that lie below the floor and are not taken yet.
    waits_since: Option<Timestamp>,
    /// Objects that could not be read, and how often that failed before.
    unread: Vec<(Object, u32, BucketError)>,
    polled: Polled,
}

impl<P: Positions, S: Sink> Source<P, S> {
    /// Follows `shelf`.
    pub fn new(
        shelf: Box<dyn Shelf>,
        positions: P,
        sink: S,
        options: Options,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        let options = Options { concurrency: options.concurrency.clamp(1, CONCURRENCY_MAX), ..options };
        let clock = Box::new(clock);
        Self { shelf, positions, sink, options, clock, is_recovered: false, swept: None, failures: 0 }
    }

    /// Looks through the bucket once and takes what is new.
    ///
    /// # Errors
    /// [`BucketError`]: why the look ended early. It is written down, too. What was taken until then stays taken.
    pub async fn poll(&mut self) -> Result<Polled, BucketError> {
        let outcome = self.look_through().await;
        self.failures = if outcome.is_ok() { 0 } else { self.failures.saturating_add(1) };
        let told = outcome.as_ref().map(|_| ()).map_err(ToString::to_string);
        let noted = self.positions.step(&BucketStep { polled: Some(told), ..BucketStep::default() });
        let polled = outcome?;
        noted?;
        Ok(polled)
    }

    /// How long to wait before the next look: the interval, or a pause that grows while looks fail.
    #[must_use]
    pub fn pause(&self) -> Duration {
        match self.failures.checked_sub(1) {
            None => self.options.interval,
            Some(before) => (PAUSE_MIN * (1 << before.min(10))).min(PAUSE_MAX.max(self.options.interval)),
        }
    }

    async fn look_through(&mut self) -> Result<Polled, BucketError> {
        self.recover()?;
        let now = (self.clock)();
        let mark = self.positions.mark()?;
        let is_sweep = self.swept.is_none_or(|at| now.as_micros().abs_diff(at.as_micros()) >= micros(SWEEP_EVERY));
        let after = Some(mark.floor.clone()).filter(|floor| !is_sweep && !floor.is_empty());
        let mut look = Look {
            now,
            is_sweep,
            frontier: Frontier::new(&mark.floor),
            remembered: self.positions.count()?,
            mark,
            read: 0,
            failed_in_a_row: 0,
            waits_since: None,
            unread: Vec::new(),
            polled: Polled::default(),
        };
        let mut from = after.clone().unwrap_or_default();
        let mut pages = self.shelf.list(after.as_deref());
        while let Some(page) = pages.next().await {
            let page = page?;
            let Some(last) = page.last() else { continue };
            check_order(&from, &page)?;
            self.page(&mut look, &page, &from).await?;
            last.key.clone_into(&mut from);
        }
        drop(pages);
        self.forget_gone(&look, &from)?;
        self.settle_unread(&mut look)?;
        if is_sweep {
            self.swept = Some(now);
        }
        Ok(look.polled)
    }

    /// Once after a start: finds out how the batches ended that were about to be stored.
    fn recover(&mut self) -> Result<(), BucketError> {
        if self.is_recovered {
            return Ok(());
        }
        recover_one(&self.positions, |token, at| self.sink.holds(token, at))?;
        self.is_recovered = true;
        Ok(())
    }
}

/// Positions rely on it, and S3 promises it.
fn check_order(from: &str, page: &[Object]) -> Result<(), BucketError> {
    let keys = page.iter().map(|object| object.key.as_str());
    if !std::iter::once(from).filter(|from| !from.is_empty()).chain(keys).is_sorted_by(|left, right| left < right) {
        let sentence = "the server does not list objects in the order of their keys, which S3 promises (directory buckets \
                        of S3 Express do not)";
        return Err(BucketError::Listing(sentence.to_owned()));
    }
    Ok(())
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// `time` moved back.
fn before(time: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_micros(time.as_micros().saturating_sub(i64::try_from(micros(by)).unwrap_or(i64::MAX)))
}

impl<P, S> std::fmt::Debug for Source<P, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("options", &self.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
