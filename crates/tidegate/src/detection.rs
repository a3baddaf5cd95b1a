//! Detection in a data directory: rules, lists and indicators are loaded and loaded again when they change; what the
//! pipeline finds becomes alerts; the memory survives a restart.

mod answers;
pub(crate) mod feeds;
mod filters;
pub(crate) mod intelligence;
mod keep;
mod notices;
mod raise;
pub(crate) mod retrohunt;
mod rulebook;
pub(crate) mod runner;
mod runners;
mod search;
mod service;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use eyre::eyre;
use tidegate_detect::Memory;
use tidegate_detect::names::HashKey;
use tidegate_event::Position;
use tidegate_formats::Catalog;
use tidegate_journal::Journal;
use tidegate_query::Engine;
use tidegate_state::State;
use tidegate_store::Store;

use crate::config::Config;
use crate::exit::Failure;
use filters::Filters;
use intelligence::Intelligence;
use keep::Kept;
use raise::Desk;
pub(crate) use rulebook::{Rulebook, Sources};
pub(crate) use runners::Runners;
use service::Service;

/// Batches whose findings may wait to be stored.
const JUDGED_MAX: usize = 64;
/// How often settings and indicators are looked at for changes.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

/// Detection at work.
pub(crate) struct Detection {
    pub(crate) rulebook: Arc<Rulebook>,
    saved: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    desk: Option<JoinHandle<()>>,
    watch: Option<JoinHandle<()>>,
    intelligence: Intelligence,
    engine: Arc<Engine>,
    own: std::path::PathBuf,
    figures: Arc<Mutex<tidegate_detect::Counters>>,
}

/// The rooms that detection works with.
pub(crate) struct Rooms<'r> {
    pub(crate) catalog: &'r Catalog,
    pub(crate) journal: &'r Arc<Journal>,
    pub(crate) state: &'r Arc<State>,
    pub(crate) store: &'r Arc<Store>,
    pub(crate) engine: &'r Arc<Engine>,
}

impl Detection {
    /// Loads everything and starts the threads beside the pipeline; the second part is for the pipeline.
    pub(crate) fn start(config: &Config, rooms: &Rooms<'_>) -> Result<(Self, tidegate_pipeline::Detection), Failure> {
        let sources = Sources {
            rules: [config.detect.rules.clone(), vec![own_rules(&config.data.dir)]].concat(),
            lists: config.detect.lists.clone(),
        };
        let rulebook = Rulebook::load(Arc::clone(rooms.catalog.registry()), sources, Arc::clone(rooms.state));
        let rulebook = Arc::new(rulebook);
        let kept = Kept::new(&config.data.dir);
        let (memory, observed) = memory(&kept, &rulebook, rooms.store.committed());
        let (send, judged) = sync_channel(JUDGED_MAX);
        let saved = Arc::new(AtomicU64::new(observed.0));
        let (journal, store, reached) = (Arc::clone(rooms.journal), Arc::downgrade(rooms.store), Arc::clone(&saved));
        let on_saved = move || {
            if let Some(store) = store.upgrade() {
                journal.commit(store.committed().min(Position(reached.load(Ordering::Acquire))));
            }
        };
        let desk = Desk {
            state: Arc::clone(rooms.state),
            engine: Arc::clone(rooms.engine),
            kept,
            saved: Arc::clone(&saved),
            on_saved: Box::new(on_saved),
            filters: Filters::default(),
        };
        let stop = Arc::new(AtomicBool::new(false));
        let desk = Builder::new().name("alerts".into()).spawn(move || desk.run(&judged))?;
        let (book, stopped) = (Arc::clone(&rulebook), Arc::clone(&stop));
        let watch = Builder::new().name("rules".into()).spawn(move || follow(&book, &stopped))?;
        let figures = Arc::new(Mutex::new(memory.counters()));
        let for_pipeline = tidegate_pipeline::Detection {
            rules: Arc::clone(rulebook.rules()),
            memory,
            observed,
            judged: send,
            figures: Arc::clone(&figures),
        };
        let intelligence =
            Intelligence::new(Arc::clone(rooms.state), Arc::clone(&rulebook), runners::notifier(config)?);
        let (engine, own) = (Arc::clone(rooms.engine), own_rules(&config.data.dir));
        Ok((
            Self { rulebook, saved, stop, desk: Some(desk), watch: Some(watch), intelligence, engine, own, figures },
            for_pipeline,
        ))
    }

    /// What answers the server.
    pub(crate) fn service(&self) -> Arc<dyn tidegate_server::detection::Detection> {
        let (rulebook, engine) = (Arc::clone(&self.rulebook), Arc::clone(&self.engine));
        let answers = answers::Answers { rulebook, engine, own: self.own.clone() };
        Arc::new(Service { answers, intelligence: self.intelligence.clone() })
    }

    /// What tells operators how the memory is doing.
    pub(crate) fn figures(&self) -> Arc<Mutex<tidegate_detect::Counters>> {
        Arc::clone(&self.figures)
    }

    /// What knows of feeds, hunts and notices.
    pub(crate) fn intelligence(&self) -> &Intelligence {
        &self.intelligence
    }

    /// Up to here everything that was found is stored and the memory is on disk.
    pub(crate) fn saved(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.saved)
    }

    /// Waits until everything that the pipeline found is stored. The pipeline must have stopped.
    pub(crate) fn finish(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in [self.desk.take(), self.watch.take()].into_iter().flatten() {
            let _ = thread.join();
        }
    }
}

/// Where rules that were written in the pages lie.
pub(crate) fn own_rules(data: &Path) -> std::path::PathBuf {
    data.join("rules")
}

/// The memory as it was kept, and the last batch it has seen.
fn memory(kept: &Kept, rulebook: &Rulebook, committed: Position) -> (Memory, Position) {
    let mut memory = Memory::keyed(rulebook.rules().current(), HashKey::drawn());
    match kept.load() {
        Ok(Some((observed, bytes))) => match memory.restore(&bytes) {
            Ok(()) => return (memory, observed),
            Err(error) => tracing::error!("the memory of detection cannot be used, it starts empty: {error}"),
        },
        Ok(None) => {}
        Err(error) => tracing::error!("the memory of detection cannot be read, it starts empty: {error}"),
    }
    (memory, committed)
}

/// Loads the rules again when what they depend on has changed.
fn follow(rulebook: &Rulebook, stop: &AtomicBool) {
    let mut waited = Duration::ZERO;
    while !stop.load(Ordering::Acquire) {
        std::thread::sleep(WATCH_INTERVAL / 20);
        waited += WATCH_INTERVAL / 20;
        if waited >= WATCH_INTERVAL {
            waited = Duration::ZERO;
            if let Err(error) = rulebook.refresh() {
                tracing::error!("{:#}", eyre!(error).wrap_err("rules are not loaded again, those of before stay"));
            }
        }
    }
}
