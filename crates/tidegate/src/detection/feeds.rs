//! Fetches feeds when they are due, one at a time, and keeps what they bring.

mod run;
mod settings;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate_detect::lists::Lists;
use tidegate_event::Timestamp;
use tidegate_feeds::{FetchOptions, Fetcher};
use tidegate_state::{Feed, FeedId, FeedRun, State, StateError};
use tokio::runtime::Runtime;

use super::runner::{Bell, Handle, one_thread};
pub(crate) use run::sentences;

/// How often the runner looks for a feed that has become due.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// Feeds that may be asked for out of turn at a time.
const WANTED_MAX: usize = 500;
/// Once a day what has long run out is dropped.
const PRUNE_EVERY: Duration = Duration::from_hours(24);
/// Indicators are told about by alerts for so long after they ran out.
const KEPT_AFTER_MICROS: i64 = 90 * 86_400_000_000;

/// Feeds that are to be fetched whenever they are due.
#[derive(Debug, Default)]
pub(crate) struct Wanted(Mutex<VecDeque<FeedId>>);

impl Wanted {
    /// Asks for a feed.
    pub(crate) fn add(&self, id: FeedId) {
        let mut wanted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !wanted.contains(&id) && wanted.len() < WANTED_MAX {
            wanted.push_back(id);
        }
    }

    fn next(&self) -> Option<FeedId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// The benign list of the moment.
pub(crate) type ListsNow = Box<dyn Fn() -> Arc<Lists> + Send>;

/// Fetches feeds.
pub(crate) struct Feeds {
    pub(super) state: Arc<State>,
    lists: ListsNow,
    pub(super) bell: Arc<Bell>,
    fetcher: Fetcher,
    runtime: Runtime,
}

impl Feeds {
    /// What fetches feeds, with what it fetches in `spool` while it is read.
    pub(crate) fn new(
        state: Arc<State>,
        lists: ListsNow,
        bell: Arc<Bell>,
        spool: &std::path::Path,
    ) -> io::Result<Self> {
        let fetcher = Fetcher::new(FetchOptions::new(spool)).map_err(io::Error::other)?;
        Ok(Self { state, lists, bell, fetcher, runtime: one_thread()? })
    }

    /// Fetches feeds in the background; `changed` is told when indicators have come or gone.
    pub(crate) fn start(self, wanted: Arc<Wanted>, changed: impl Fn() + Send + 'static) -> io::Result<Handle> {
        let bell = Arc::clone(&self.bell);
        Handle::start("feeds", bell, move || {
            let mut pruned: Option<std::time::Instant> = None;
            while !self.bell.stops() {
                match self.next(&wanted) {
                    Ok(Some(feed)) => {
                        if self.run(&feed).is_some_and(|run| matches!(run, FeedRun::Read { .. })) {
                            changed();
                        }
                        continue;
                    }
                    Ok(None) => {}
                    Err(error) => tracing::error!("feeds cannot be read: {error}"),
                }
                if pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY) {
                    pruned = Some(std::time::Instant::now());
                    self.prune();
                }
                self.bell.wait(LOOK_EVERY);
            }
        })
    }

    /// The feed to fetch now.
    fn next(&self, wanted: &Wanted) -> Result<Option<Feed>, StateError> {
        while let Some(id) = wanted.next() {
            match self.state.take_feed(id) {
                Ok(feed) => return Ok(Some(feed)),
                Err(error @ (StateError::NotFound { .. } | StateError::Invalid { .. })) => {
                    tracing::info!(feed = %id, "a feed is not fetched now: {error}");
                }
                Err(error) => return Err(error),
            }
        }
        self.state.take_due_feed()
    }

    /// Fetches a feed that was taken, and writes down how it went. Nothing when even that failed.
    pub(crate) fn run(&self, feed: &Feed) -> Option<FeedRun> {
        let run = match self.runtime.block_on(self.bell.unless_stopped(self.fetch(feed))) {
            Some(Ok(run)) => run,
            Some(Err(error)) => FeedRun::Failed(error.to_string()),
            None => FeedRun::Failed("the server was stopped while it was fetched".to_owned()),
        };
        tell(feed, &run);
        match self.state.finish_feed(feed.id, &run) {
            Ok(_) => Some(run),
            Err(StateError::NotFound { .. }) => None,
            Err(error) => {
                tracing::error!("how the feed `{}` went cannot be written down: {error}", feed.name);
                None
            }
        }
    }

    fn prune(&self) {
        let until = Timestamp::from_micros(Timestamp::now().as_micros() - KEPT_AFTER_MICROS);
        match self.state.prune_indicators(until) {
            Ok(0) => {}
            Ok(count) => tracing::info!("{count} indicators that ran out more than 90 days ago are dropped"),
            Err(error) => tracing::warn!("indicators that ran out are not dropped: {error}"),
        }
    }
}

/// One sentence a run.
fn tell(feed: &Feed, run: &FeedRun) {
    let name = &feed.name;
    match run {
        FeedRun::Unchanged => tracing::info!(feed = %feed.id, "feed `{name}` has not changed"),
        FeedRun::Read { accepted, refused, report, .. } => {
            let count = |what: &str| report.get(what).and_then(serde_json::Value::as_u64).unwrap_or(0);
            tracing::info!(
                feed = %feed.id,
                "feed `{name}` holds {accepted} indicators, {} of them new; {refused} were refused and {} ended",
                count("added"), count("ended")
            );
        }
        FeedRun::Failed(why) => tracing::warn!(feed = %feed.id, "feed `{name}` brought nothing: {why}"),
    }
}
