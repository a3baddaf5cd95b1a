//! The write path: batches from the journal go in; events in the store, counted and without duplicates, and findings
//! come out.
//! It will never know HTTP or SQL.

mod counters;
mod detection;
mod moment;
mod normalise;
mod ordered;
mod unique;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tidegate_batch::Limits;
use tidegate_event::{IntakeId, Position, Status};
use tidegate_formats::Catalog;
use tidegate_formats::enrich::EnrichOptions;
use tidegate_journal::{Batch, Journal, JournalError, Reader};
use tidegate_store::Store;

pub use counters::{Counters, Counts};
use detection::Watch;
pub use detection::{Detection, Judged, Rules};
pub use moment::{EARLIEST, FUTURE_MAX_MICROS};
pub use normalise::IntakeInfo;
use normalise::{Normalised, Shared, Worker};
use ordered::{Feed, Next, Results};
pub use unique::{GENERATION_MAX, Unique, UniqueKey, WINDOW_MICROS};

/// Bytes of compressed bodies that workers may hold at once. Their text is several times as large.
const WEIGHT_MAX: usize = 16 << 20;
/// How often a thread that waits for work looks whether it shall stop.
const WAIT: Duration = Duration::from_millis(100);
/// After so long without a batch, what detection remembers is handed over for keeping.
const IDLE: Duration = Duration::from_secs(1);
/// How long the feed waits before it reads on after the journal refused a read.
const RETRY: Duration = Duration::from_secs(1);

/// Told of one batch's figures.
pub type Counted = Box<dyn Fn(Position, IntakeId, &Counts) + Send>;

/// What the pipeline works with.
pub struct Parts {
    /// Where batches come from.
    pub journal: Arc<Journal>,
    /// The formats that records are parsed with.
    pub catalog: Arc<Catalog>,
    /// Where events go.
    pub store: Arc<Store>,
    /// The name and format of an intake; `None` for one that never existed.
    pub intake: Box<dyn Fn(IntakeId) -> Option<IntakeInfo> + Send>,
    /// Told of every batch's figures before its events are published, so that nothing in the table is uncounted. A position
    /// is told again after a crash: whoever keeps sums remembers the last one.
    pub counted: Counted,
    /// Figures since start.
    pub counters: Arc<Counters>,
    /// The unique ids of the last hour that are in the table already.
    pub unique: Unique,
    /// What events are judged by; `None` switches detection off.
    pub detection: Option<Detection>,
    /// Numbers.
    pub options: Options,
}

/// The pipeline's numbers.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads that parse.
    pub threads: usize,
    /// Bounds on a batch; the intake's.
    pub limits: Limits,
    /// Enrichment beside parsing; `None` switches it off.
    pub enrich: Option<EnrichOptions>,
}

impl Default for Options {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self { threads, limits: Limits::default(), enrich: Some(EnrichOptions::default()) }
    }
}

/// The running write path. Dropping it stops it where it is; the journal has the rest.
pub struct Pipeline {
    stop: Arc<AtomicBool>,
    published: Arc<AtomicU64>,
    failure: Arc<Mutex<Option<String>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Pipeline {
    /// Starts to read the journal after the last batch that the store has committed and detection has seen.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub fn start(parts: Parts) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let committed = parts.store.committed();
        let published = Arc::new(AtomicU64::new(committed.0));
        let failure = Arc::new(Mutex::new(None));
        let shared = Arc::new(Shared {
            node: parts.journal.node(),
            catalog: parts.catalog,
            store: Arc::clone(&parts.store),
            limits: parts.options.limits,
            enrich: parts.options.enrich,
            rules: parts.detection.as_ref().map(|detection| Arc::clone(&detection.rules)),
        });
        let worker_shared = Arc::clone(&shared);
        let ordered::Pool { feed, results, mut threads } = ordered::pool(
            parts.options.threads.max(1),
            WEIGHT_MAX,
            move || Worker::new(Arc::clone(&worker_shared)),
            |worker: &mut Worker, (batch, info): (Batch, IntakeInfo)| worker.normalise(&batch, &info),
        )?;
        let observed = parts.detection.as_ref().map_or(committed, |detection| detection.observed);
        let reader = parts.journal.reader(committed.min(observed));
        let feed_stop = Arc::clone(&stop);
        let intake = parts.intake;
        threads.push(Builder::new().name("feed".into()).spawn(move || run_feed(reader, &feed, &*intake, &feed_stop))?);
        let publisher = Publisher {
            store: parts.store,
            counters: parts.counters,
            counted: parts.counted,
            unique: parts.unique,
            published: Arc::clone(&published),
            failure: Arc::clone(&failure),
            committed,
            watch: parts.detection.map(Watch::new),
        };
        threads.push(Builder::new().name("publish".into()).spawn(move || publisher.run(&results))?);
        Ok(Self { stop, published, failure, threads })
    }

    /// The last batch whose events can be found by a search.
    #[must_use]
    pub fn published(&self) -> Position {
        Position(self.published.load(Ordering::Acquire))
    }

    /// Why the pipeline stands still, when it does.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops after the batches that are under way; what they hold is published.
    pub fn stop(mut self) {
        self.join();
    }

    fn join(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            // A worker's panic was logged where it happened; the journal still has its batch.
            let _ = thread.join();
        }
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.join();
    }
}

/// Journal to workers.
fn run_feed(
    mut reader: Reader,
    feed: &Feed<(Batch, IntakeInfo), Normalised>,
    intake: &dyn Fn(IntakeId) -> Option<IntakeInfo>,
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::Acquire) {
        let batch = match reader.next(WAIT) {
            Ok(Some(batch)) => batch,
            Ok(None) => continue,
            Err(JournalError::Closed) => return,
            Err(error) => {
                tracing::error!("cannot read the journal, trying again: {error}");
                std::thread::sleep(RETRY);
                continue;
            }
        };
        let info = intake(batch.intake).unwrap_or_else(|| {
            tracing::error!(intake.id = %batch.intake, "a batch came in by an intake that is not in the state database");
            IntakeInfo { name: batch.intake.to_string(), format: String::new() }
        });
        let weight = batch.body.len();
        if !feed.put((batch, info), weight) {
            return;
        }
    }
}

/// Workers to store, in journal order.
struct Publisher {
    store: Arc<Store>,
    counters: Arc<Counters>,
    counted: Counted,
    unique: Unique,
    published: Arc<AtomicU64>,
    failure: Arc<Mutex<Option<String>>>,
    /// Batches up to here are in the table already: only detection wants to see them again.
    committed: Position,
    watch: Option<Watch>,
}

impl Publisher {
    fn run(mut self, results: &Results<Normalised>) {
        loop {
            let mut batch = match results.next(IDLE) {
                Next::Result(batch) => batch,
                Next::Idle => {
                    // A journal that is full waits for this: nothing comes before it has room again.
                    if let Some(watch) = &mut self.watch {
                        watch.snapshot();
                    }
                    continue;
                }
                Next::Over => break,
            };
            if batch.position <= self.committed {
                self.forget_duplicates(&mut batch);
                if let (Some(watch), Some(sightings)) = (&mut self.watch, &batch.sightings) {
                    watch.observe(batch.position, batch.counts.bytes, sightings);
                }
                continue;
            }
            self.drop_duplicates(&mut batch);
            (self.counted)(batch.position, batch.intake, &batch.counts);
            if let Err(error) = self.store.publish(batch.events, batch.position) {
                let sentence = format!("events cannot be published any more, restart tidegate: {error}");
                tracing::error!("{sentence}");
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(sentence);
                return;
            }
            if let (Some(watch), Some(sightings)) = (&mut self.watch, &batch.sightings) {
                watch.observe(batch.position, batch.counts.bytes, sightings);
            }
            self.counters.add(batch.intake, &batch.counts);
            self.published.store(batch.position.0, Ordering::Release);
        }
        // A clean end: the next start need not judge anything again.
        if let Some(watch) = &mut self.watch {
            watch.snapshot();
        }
    }

    /// Takes the records out of a batch's sightings that were duplicates when it came first.
    fn forget_duplicates(&self, batch: &mut Normalised) {
        let mut again = HashSet::new();
        let repeats: HashSet<usize> = batch
            .keys
            .iter()
            .filter(|(_, key, _)| !again.insert(*key) || !self.unique.was_first(*key, batch.received))
            .map(|(row, ..)| *row)
            .collect();
        if let Some(sightings) = &mut batch.sightings {
            sightings.retain(|row| !repeats.contains(&row));
        }
    }

    fn drop_duplicates(&mut self, batch: &mut Normalised) {
        let mut keep: Option<Vec<bool>> = None;
        for &(row, key, status) in &batch.keys {
            if !self.unique.insert(key, batch.received) {
                keep.get_or_insert_with(|| vec![true; batch.events.rows()])[row] = false;
                batch.counts.duplicates += 1;
                match status {
                    Status::Warning => batch.counts.warning -= 1,
                    _ => batch.counts.valid -= 1,
                }
            }
        }
        if let Some(keep) = keep {
            batch.events.retain(&keep);
            if let Some(sightings) = &mut batch.sightings {
                sightings.retain(|row| keep[row]);
            }
        }
    }
}
