//! A generator and a sender together: history at full speed first, then traffic as time goes by.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use tidegate_event::Timestamp;

use crate::batch::{Batch, Packer};
use crate::generator::Generator;
use crate::sender::{SendError, Sender};
use crate::truth::Truth;

/// Batches that may wait for the sending thread.
const QUEUE: usize = 4;
/// Longest a sleep goes without a look at the stop flag.
const NAP: Duration = Duration::from_millis(100);

/// Tells and passes time, so that tests need not wait.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// Lets time pass.
    fn sleep(&self, duration: Duration);
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// How far a feed is.
#[derive(Clone, Copy, Debug, Default)]
pub struct FeedProgress {
    /// Records delivered.
    pub records: u64,
    /// Batches delivered.
    pub batches: u64,
    /// Compressed bytes delivered.
    pub bytes: u64,
    /// Records up to this moment are delivered.
    pub until: Timestamp,
}

impl FeedProgress {
    const fn add(&mut self, batch: &Batch) {
        self.records += batch.records as u64;
        self.batches += 1;
        self.bytes += batch.body.len() as u64;
    }
}

/// A generator that delivers: its history first, then as time goes by.
#[derive(Debug)]
pub struct Feed {
    generator: Generator,
    sender: Sender,
    progress: FeedProgress,
}

impl Feed {
    /// A feed that starts where the generator stands.
    #[must_use]
    pub const fn new(generator: Generator, sender: Sender) -> Self {
        let until = generator.config().start;
        Self { generator, sender, progress: FeedProgress { records: 0, batches: 0, bytes: 0, until } }
    }

    /// Changes the rate from here on: a history is usually thinner than what follows.
    pub fn set_rate(&mut self, rate_eps: f64) {
        self.generator.set_rate(rate_eps);
    }

    /// What was planted so far.
    #[must_use]
    pub const fn truth(&self) -> &Truth {
        self.generator.truth()
    }

    /// Delivers everything up to a moment at full speed, making the next batches while one is on its way.
    ///
    /// # Errors
    /// [`SendError`] of the batch that could not be delivered.
    pub fn backfill(
        &mut self,
        until: Timestamp,
        batch_records_max: usize,
        stop: &AtomicBool,
        mut progress: impl FnMut(&FeedProgress),
    ) -> Result<FeedProgress, SendError> {
        let (generator, sender) = (&mut self.generator, &self.sender);
        let mut packer = Packer::new(batch_records_max, 1);
        let (queue, waiting) = sync_channel(QUEUE);
        let mut state = self.progress;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed)
                    && let Some(batch) = packer.next(generator, until)
                    && queue.send(batch).is_ok()
                {}
            });
            for batch in waiting {
                sender.post(&batch)?;
                state.add(&batch);
                progress(&state);
            }
            Ok(())
        })?;
        state.until = until;
        self.progress = state;
        Ok(state)
    }

    /// Delivers what has happened since, every interval, until the flag is set or the moment is reached.
    ///
    /// # Errors
    /// [`SendError`] of the batch that could not be delivered.
    pub fn live(
        &mut self,
        clock: &dyn Clock,
        until: Option<Timestamp>,
        stop: &AtomicBool,
        mut progress: impl FnMut(&FeedProgress),
    ) -> Result<FeedProgress, SendError> {
        let mut packer = Packer::new(self.sender.options().records_max, self.sender.options().level);
        while !stop.load(Ordering::Relaxed) {
            let now = until.map_or_else(|| clock.now(), |until| clock.now().min(until));
            while let Some(batch) = packer.next(&mut self.generator, now) {
                self.sender.post(&batch)?;
                self.progress.add(&batch);
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
            self.progress.until = now;
            progress(&self.progress);
            if until.is_some_and(|until| now >= until) {
                break;
            }
            let mut left = self.sender.options().interval;
            while !left.is_zero() && !stop.load(Ordering::Relaxed) {
                let nap = left.min(NAP);
                clock.sleep(nap);
                left -= nap;
            }
        }
        Ok(self.progress)
    }
}
