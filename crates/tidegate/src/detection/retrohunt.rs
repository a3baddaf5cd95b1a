//! Hunts for indicators in stored events, one at a time: question by question through the query engine, each answer
//! written down before the next is asked, so that a hunt goes on where it was.

mod find;
mod question;
mod raise;
mod sketch;
mod targets;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tidegate_detect::intel::{PlanOptions, RetrohuntPlan};
use tidegate_event::Timestamp;
use tidegate_pipeline::Rules;
use tidegate_query::Engine;
use tidegate_state::{HuntState, Retrohunt, State, StateError};
use tokio::runtime::Runtime;

use super::runner::{Bell, Handle, one_thread};
use sketch::Sketches;

/// How often the runner looks for a hunt that another process made.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Wait after the database failed.
const RETRY: Duration = Duration::from_secs(5);
/// Indicators asked for at a time; the question has a bound in bytes, too.
const CHUNK_VALUES: usize = 250;
const DAY_MICROS: i64 = 86_400_000_000;
/// Events of so much time are looked at at once.
const SLICE_MICROS: i64 = DAY_MICROS;
/// The beginning of what is stored is drawn back to a multiple of this, so that a plan stays the same while the oldest
/// events are deleted.
const GRID_MICROS: i64 = 8 * DAY_MICROS;
/// How far back a hunt goes that does not say: further than any event is kept by default.
const BACK_MICROS: i64 = 400 * DAY_MICROS;
const NAME_CHARS_MAX: usize = 64;
/// How often it is written down how far a hunt is in which nothing is found.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// A pause after each question, as a part of the time that it took: people who search go first.
const PAUSE_PART: u32 = 4;
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Why a hunt did not come to its end.
#[derive(Debug, Error)]
pub(crate) enum HuntError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error("{0}")]
    Query(#[from] tidegate_query::Error),
    /// It cannot be made.
    #[error("{0}")]
    Impossible(String),
}

/// Hunts.
pub(crate) struct Hunts {
    state: Arc<State>,
    engine: Arc<Engine>,
    rules: Arc<Rules>,
    bell: Arc<Bell>,
    runtime: Runtime,
}

impl Hunts {
    /// What hunts; nothing happens before it is started or run.
    pub(crate) fn new(state: Arc<State>, engine: Arc<Engine>, rules: Arc<Rules>, bell: Arc<Bell>) -> io::Result<Self> {
        Ok(Self { state, engine, rules, bell, runtime: one_thread()? })
    }

    /// Hunts in the background.
    pub(crate) fn start(self) -> io::Result<Handle> {
        let bell = Arc::clone(&self.bell);
        Handle::start("hunts", bell, move || {
            while !self.bell.stops() {
                match self.state.next_retrohunt() {
                    Ok(Some(hunt)) => {
                        if !self.work(&hunt, &mut |_, _, _| ()) {
                            self.bell.wait(RETRY);
                        }
                    }
                    Ok(None) => self.bell.wait(LOOK_EVERY),
                    Err(error) => {
                        tracing::error!("hunts cannot be read: {error}");
                        self.bell.wait(RETRY);
                    }
                }
            }
        })
    }

    /// Works on a hunt until its end and says how it went in one sentence. `progress` is told the step, all steps and the
    /// hits so far. `false` when the control plane failed, and it should be tried again a little later.
    pub(crate) fn work(&self, hunt: &Retrohunt, progress: &mut dyn FnMut(u64, u64, u64)) -> bool {
        let name = &hunt.name;
        let failed = match self.runtime.block_on(self.bell.unless_stopped(self.run(hunt, progress))) {
            // It goes on at the next start.
            None => return true,
            Some(Ok(())) => None,
            Some(Err(HuntError::State(error))) => {
                tracing::error!(hunt = %hunt.id, "the hunt `{name}` waits: {error}");
                return false;
            }
            Some(Err(error)) => Some(error.to_string()),
        };
        if let Some(why) = &failed {
            tracing::warn!(hunt = %hunt.id, "the hunt `{name}` failed: {why}");
            if let Err(error) = self.state.end_retrohunt(hunt.id, Some(why)) {
                tracing::error!(hunt = %hunt.id, "the end of the hunt `{name}` is not written down: {error}");
                return matches!(error, StateError::NotFound { .. });
            }
            return true;
        }
        if let Ok(hunt) = self.state.retrohunt(hunt.id)
            && hunt.state == HuntState::Done
        {
            tracing::info!(hunt = %hunt.id, "the hunt `{name}` found {} events", hunt.hits);
        }
        true
    }

    async fn run(&self, hunt: &Retrohunt, progress: &mut dyn FnMut(u64, u64, u64)) -> Result<(), HuntError> {
        let options = PlanOptions {
            from: self.begin(hunt.from).await?,
            until: hunt.until,
            chunk_values: CHUNK_VALUES,
            slice_micros: SLICE_MICROS,
        };
        let plan = RetrohuntPlan::new(self.targets(hunt)?, &options);
        let steps = plan.steps();
        if hunt.steps != 0 && hunt.steps != steps {
            let why = "what it looks for, or what is stored, has changed since it began; begin it again";
            return Err(HuntError::Impossible(why.to_owned()));
        }
        if steps == 0 {
            return Ok(self.state.end_retrohunt(hunt.id, None)?);
        }
        let (mut hits, mut sketches, mut written) = (hunt.hits, Sketches::default(), Instant::now());
        for index in hunt.step..steps {
            let began = Instant::now();
            let found = self.find(&plan, index, &mut sketches).await?;
            // Steps that cannot find anything are written down together.
            if found.is_none() && index + 1 < steps && written.elapsed() < WRITE_EVERY {
                continue;
            }
            written = Instant::now();
            let found = found.unwrap_or_default();
            self.raise(&found).await?;
            hits += found.events();
            progress(index + 1, steps, hits);
            if !self.state.advance_retrohunt(hunt.id, index, steps, &found.hits())? {
                return Ok(());
            }
            tokio::time::sleep((began.elapsed() / PAUSE_PART).min(PAUSE_MAX)).await;
        }
        Ok(())
    }

    /// Where there is anything to look at: not before the oldest event.
    async fn begin(&self, from: Timestamp) -> Result<Timestamp, HuntError> {
        let Some(oldest) = self.oldest(from).await? else { return Ok(from) };
        let grid = oldest.as_micros().div_euclid(GRID_MICROS) * GRID_MICROS;
        Ok(from.max(Timestamp::from_micros(grid)))
    }
}

/// The stretch of a hunt that does not say.
pub(crate) fn all_time() -> (Timestamp, Timestamp) {
    let now = Timestamp::now();
    (Timestamp::from_micros(now.as_micros().saturating_sub(BACK_MICROS)), now)
}

/// The name of the hunt for what was brought into a collection or by a feed.
pub(crate) fn name_of(source: &str) -> String {
    let name: String = format!("New in {source}").chars().take(NAME_CHARS_MAX).collect();
    name.trim_end().to_owned()
}
