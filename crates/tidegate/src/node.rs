//! One data directory at work: journal, state, store, query engine and pipeline, opened in the right order and stopped in
//! the right order. `serve`, `demo` and `import` share it.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use eyre::{WrapErr, eyre};
use tidegate_event::{Position, Timestamp, names};
use tidegate_formats::Catalog;
use tidegate_formats::enrich::{EnrichOptions, Enricher};
use tidegate_journal::{Journal, JournalError};
use tidegate_pipeline::{Counters, IntakeInfo, Parts, Pipeline, Unique};
use tidegate_query::Engine;
use tidegate_server::{FieldInfo, Figure, FormatInfo, Gauges, Readings};
use tidegate_state::{FirstLogin, State};
use tidegate_store::{Schema, Store};

use crate::config::Config;
use crate::describe::describe_with;
use crate::detection::{Detection, Rooms, Runners};
use crate::exit::Failure;

/// The journal's folder in a data directory.
const JOURNAL: &str = "journal";
/// The Delta table's folder in a data directory. Other engines read it there.
const EVENTS: &str = "events";
/// How long a clean stop waits for the pipeline before it leaves the rest to the next start.
const DRAIN_MAX: Duration = Duration::from_secs(60);

/// Everything that works on one data directory.
pub(crate) struct Node {
    pub(crate) journal: Arc<Journal>,
    pub(crate) state: Arc<State>,
    pub(crate) store: Arc<Store>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) detection: Option<Detection>,
    runners: Option<Runners>,
}

/// Where the table lies.
pub(crate) fn events_dir(data: &Path) -> std::path::PathBuf {
    data.join(EVENTS)
}

/// Loads the embedded formats and the user's; a mistake in one is logged and the others work.
pub(crate) fn load_catalog(dirs: &[std::path::PathBuf]) -> Result<Arc<Catalog>, Failure> {
    let (catalog, mistakes) = Catalog::load(dirs).map_err(|error| Failure::Config(eyre!(error)))?;
    for mistake in mistakes {
        tracing::error!("a format is not loaded: {mistake}");
    }
    Ok(Arc::new(catalog))
}

/// The columns for everything that the loaded formats and enrichment may produce.
fn schema_of(catalog: &Catalog, enrich: Option<&EnrichOptions>) -> Result<Schema, Failure> {
    let registry = catalog.registry();
    let mut targets = Vec::new();
    for format in catalog.iter() {
        targets.extend_from_slice(format.targets());
        if let Some(options) = enrich {
            let enricher = Enricher::new(registry, format.manifest(), options);
            targets.extend(enricher.map_err(|error| Failure::Config(eyre!(error)))?.targets());
        }
    }
    targets.extend(registry.id(names::TAGS));
    Ok(Schema::from_fields(registry, targets.into_iter()))
}

impl Node {
    /// Opens or creates a data directory and starts the write path.
    pub(crate) fn open(config: &Config) -> Result<(Self, Option<FirstLogin>), Failure> {
        let data = &config.data.dir;
        crate::place::make_private(data)
            .with_context(|| format!("cannot create the data directory `{}`", data.display()))?;
        let catalog = load_catalog(&config.formats.dirs)?;
        // The journal's lock comes first: it tells two processes on one directory apart.
        let (journal, report) = Journal::open(&data.join(JOURNAL), config.journal.clone()).map_err(journal_failure)?;
        let journal = Arc::new(journal);
        say_report(&report);
        let (state, first) = State::open_with(&data.join(tidegate_state::FILE_NAME), config.state.clone())
            .map_err(|error| eyre!(error))?;
        let state = Arc::new(state);
        // Before anything is stored: receipts expire behind the newest batch.
        let (stored, not) = tidegate_bucket::recover(&journal, &state).map_err(|error| eyre!(error))?;
        if stored + not > 0 {
            tracing::info!(
                "of objects that were being taken from buckets, {stored} are stored and {not} are taken anew"
            );
        }
        let store = Store::open(
            &events_dir(data),
            schema_of(&catalog, config.pipeline.enrich.as_ref())?,
            journal.node(),
            config.store.clone(),
        )
        .map_err(|error| eyre!(error))?;
        let store = Arc::new(store);
        let engine = Engine::new(Arc::clone(&store), config.query.clone()).map_err(|error| eyre!(error))?;
        let engine = Arc::new(engine.with_describe(describe_with(&catalog)));
        let rooms = Rooms { catalog: &catalog, journal: &journal, state: &state, store: &store, engine: &engine };
        let (detection, watching) = match config.detect.enabled.then(|| Detection::start(config, &rooms)).transpose()? {
            Some((detection, watching)) => (Some(detection), Some(watching)),
            None => (None, None),
        };
        commit_behind(&journal, &store, detection.as_ref());
        let counters = Arc::new(Counters::new());
        for (intake, counts) in state.counts_of_all(None).map_err(|error| eyre!(error))? {
            counters.recall(intake, counts.last_batch, counts.last_event);
        }
        let unique = recent_unique(&engine, &catalog);
        let pipeline = start_pipeline(config, &journal, &catalog, &store, &state, &counters, unique, watching)?;
        let pipeline = Arc::new(pipeline);
        Ok((Self { journal, state, store, engine, catalog, counters, pipeline, detection, runners: None }, first))
    }

    /// Starts what works beside the pipeline: notices, and where events are judged feeds and hunts.
    pub(crate) fn begin(&mut self, config: &Config) -> Result<(), Failure> {
        let intelligence = self.detection.as_ref().map(Detection::intelligence);
        self.runners = Some(Runners::start(config, &self.state, &self.engine, intelligence)?);
        Ok(())
    }

    /// Waits until everything in the journal can be found. `false` when it took too long or was to be given up.
    pub(crate) fn until_found(&self, wait_max: Duration, give_up: impl Fn() -> bool) -> bool {
        let started = Instant::now();
        while self.pipeline.published() < self.journal.stats().last {
            if give_up() || started.elapsed() > wait_max || self.pipeline.failure().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    /// Waits until everything in the journal can be found and is in the table. `false` when it took too long.
    pub(crate) fn drain(&self, wait_max: Duration) -> bool {
        if !self.until_found(wait_max, || false) {
            return false;
        }
        match self.store.flush() {
            Ok(()) => true,
            Err(error) => {
                tracing::error!("the last events are not in the table yet, the journal has them: {error}");
                false
            }
        }
    }

    /// Stops cleanly: what was acknowledged is in the table, or stays in the journal for the next start.
    pub(crate) fn stop(mut self) {
        if let Some(mut runners) = self.runners.take() {
            runners.stop();
        }
        if self.drain(DRAIN_MAX) {
            tracing::info!("everything received is in the table");
        } else {
            tracing::warn!("some batches are left in the journal; the next start reads them");
        }
        let Self { pipeline, detection, journal, store, .. } = self;
        match Arc::try_unwrap(pipeline) {
            Ok(pipeline) => pipeline.stop(),
            // A request that still looks at it keeps it; its threads end with the process.
            Err(_) => return,
        }
        if let Some(mut detection) = detection {
            detection.finish();
            let saved = Position(detection.saved().load(std::sync::atomic::Ordering::Acquire));
            journal.commit(store.committed().min(saved));
        }
    }

    /// What the server tells about the formats.
    pub(crate) fn formats(&self) -> Vec<FormatInfo> {
        let registry = self.catalog.registry();
        let field = |id: &tidegate_event::FieldId| {
            let field = registry.field(*id);
            FieldInfo { name: field.name.to_string(), kind: format!("{:?}", field.kind).to_lowercase() }
        };
        let info = |format: &Arc<tidegate_formats::Format>| FormatInfo {
            name: format.name().to_owned(),
            uuid: format.manifest().uuid.clone(),
            title: format.manifest().name.clone(),
            description: format.manifest().description.clone(),
            fields: format.targets().iter().map(field).collect(),
        };
        self.catalog.iter().map(info).collect()
    }

    /// Figures and troubles for `/metrics` and `/readyz`.
    pub(crate) fn gauges(&self, acme: Option<Arc<tidegate_acme::Acme>>) -> Gauges {
        let (journal, store, pipeline) =
            (Arc::clone(&self.journal), Arc::clone(&self.store), Arc::clone(&self.pipeline));
        let (detection, state) = (self.detection.as_ref().map(Detection::figures), Arc::clone(&self.state));
        let replayed_to = journal.stats().last;
        Gauges::new(move || {
            let mut troubles = Vec::new();
            let published = pipeline.published();
            if published < replayed_to {
                troubles.push(format!("replaying the journal: batch {} of {}", published.0, replayed_to.0));
            }
            troubles.extend(pipeline.failure());
            let stats = store.stats();
            if let Some(error) = &stats.flush_failure {
                troubles.push(format!("the table cannot be written: {error}"));
            }
            let behind = journal.stats().last.0.saturating_sub(published.0);
            let mut all = figures(&stats, behind);
            if let Some(detection) = &detection {
                all.extend(detection_figures(&detection.lock().unwrap_or_else(PoisonError::into_inner)));
            }
            if let Ok(buckets) = state.buckets()
                && !buckets.is_empty()
            {
                all.extend(bucket_figures(&buckets));
            }
            if let Some(acme) = &acme {
                let (figures, trouble) = crate::edge::certificate_readings(acme);
                all.extend(figures);
                troubles.extend(trouble);
            }
            Readings { figures: all, troubles }
        })
    }
}

fn figures(stats: &tidegate_store::Stats, behind: u64) -> Vec<Figure> {
    let gauge = |name, help, value: f64| Figure { name, help, cumulative: false, value };
    let count = |name, help, value: f64| Figure { name, help, cumulative: true, value };
    vec![
        gauge("pipeline_batches_behind", "Batches in the journal whose events cannot be found yet.", behind as f64),
        gauge("store_tail_rows", "Events that are searchable but not in the table yet.", stats.tail_rows as f64),
        gauge("store_tail_bytes", "Memory that the tail takes.", stats.tail_bytes as f64),
        gauge("store_files", "Data files of the table.", stats.table_files as f64),
        gauge("store_rows", "Events in the table.", stats.table_rows as f64),
        gauge("store_bytes", "Bytes of the table's data files.", stats.table_bytes as f64),
        count("store_flushes_total", "Commits of the tail to the table.", stats.flushes as f64),
        count("store_compactions_total", "Compactions of data files.", stats.compactions as f64),
        count("store_checkpoints_total", "Checkpoints of the table's log.", stats.checkpoints as f64),
        count("store_expired_files_total", "Files that retention took out of the table.", stats.expired_files as f64),
        count("store_vacuumed_files_total", "Files deleted from disk.", stats.vacuumed_files as f64),
        count("store_publish_waits_total", "Times that the pipeline waited for the table.", stats.publish_waits as f64),
        gauge(
            "store_maintenance_failing",
            "1 while compaction, checkpoints or retention fail; the log says why.",
            f64::from(u8::from(stats.maintenance_failure.is_some())),
        ),
    ]
}

fn detection_figures(counters: &tidegate_detect::Counters) -> Vec<Figure> {
    let gauge = |name, help, value: u64| Figure { name, help, cumulative: false, value: value as f64 };
    let count = |name, help, value: u64| Figure { name, help, cumulative: true, value: value as f64 };
    let dropped = |part: fn(&tidegate_detect::Dropped) -> u64| counters.dropped.iter().map(|(_, all)| part(all)).sum();
    vec![
        count("detection_events_total", "Events that correlations and behaviour were shown.", counters.events),
        count("detection_clamped_total", "Events whose time lay after their receipt.", counters.clamped),
        gauge("detection_groups", "Groups that correlations hold.", counters.groups),
        count("detection_late_total", "Matches too late for their correlation.", dropped(|all| all.late)),
        count("detection_incomplete_total", "Matches without a field to group by.", dropped(|all| all.incomplete)),
        count(
            "detection_dropped_total",
            "Matches and groups that correlations forgot to stay within their bounds.",
            dropped(|all| all.entries + all.groups),
        ),
        count(
            "detection_forgotten_total",
            "What behavioural detectors forgot to stay within their bounds.",
            counters.forgotten,
        ),
    ]
}

fn bucket_figures(buckets: &[tidegate_state::Bucket]) -> Vec<Figure> {
    let gauge = |name, help, value: f64| Figure { name, help, cumulative: false, value };
    let sum = |part: fn(&tidegate_state::BucketCounts) -> u64| buckets.iter().map(|bucket| part(&bucket.counts)).sum();
    let count = |name, help, value: u64| Figure { name, help, cumulative: true, value: value as f64 };
    let failing = buckets.iter().filter(|bucket| bucket.failing.is_some()).count();
    vec![
        count("bucket_objects_total", "Objects taken from buckets, ever.", sum(|counts| counts.objects)),
        count("bucket_records_total", "Records in them.", sum(|counts| counts.records)),
        count("bucket_rejected_total", "Objects that were given up.", sum(|counts| counts.rejected)),
        gauge("bucket_failing", "Buckets of which every look fails; `/api/v1/buckets` says why.", failing as f64),
    ]
}

/// The table and the memory of detection are the authorities on what need not be read again; a journal that was lost goes
/// on behind them.
fn commit_behind(journal: &Arc<Journal>, store: &Store, detection: Option<&Detection>) {
    let saved = detection.map(Detection::saved);
    let reached = move |committed: Position| match &saved {
        Some(saved) => committed.min(Position(saved.load(std::sync::atomic::Ordering::Acquire))),
        None => committed,
    };
    journal.commit(reached(store.committed()));
    let behind = Arc::downgrade(journal);
    store.on_commit(Box::new(move |position| {
        if let Some(journal) = behind.upgrade() {
            journal.commit(reached(position));
        }
    }));
}

fn journal_failure(error: JournalError) -> Failure {
    Failure::Work(eyre!(error))
}

fn say_report(report: &tidegate_journal::OpenReport) {
    if report.replayable > 0 {
        tracing::info!(
            batches = report.replayable,
            "replaying {} batches that are not in the table yet",
            report.replayable
        );
    }
    if report.torn_bytes > 0 {
        tracing::warn!(
            bytes = report.torn_bytes,
            "cut {} bytes that were written but never acknowledged",
            report.torn_bytes
        );
    }
    for range in &report.quarantined {
        tracing::error!(
            segment = %range.segment.display(),
            "stepped over {} damaged bytes at offset {}: batches {} to {} may be lost",
            range.bytes, range.offset, range.first.0, range.last.0
        );
    }
}

/// The unique ids of the last hour that are in the table, so that a repeat across a restart is known.
fn recent_unique(engine: &Engine, catalog: &Catalog) -> Unique {
    let mut unique = Unique::default();
    let names: std::collections::BTreeSet<&str> =
        catalog.iter().filter_map(|format| format.manifest().unique_id.as_deref()).collect();
    let now = Timestamp::now();
    let since = Timestamp::from_micros(now.as_micros() - tidegate_pipeline::WINDOW_MICROS);
    for name in names {
        let found = engine.recent_values(name, since, 2 * tidegate_pipeline::GENERATION_MAX, |intake, id, received| {
            if let Ok(intake) = intake.parse::<uuid::Uuid>() {
                unique.insert(tidegate_pipeline::UniqueKey::new(intake, id), received);
            }
        });
        if let Err(error) = found {
            tracing::warn!("records repeated across this restart are not recognised: {error}");
        }
    }
    unique
}

#[expect(clippy::too_many_arguments, reason = "each is a room, and this is where they meet")]
fn start_pipeline(
    config: &Config,
    journal: &Arc<Journal>,
    catalog: &Arc<Catalog>,
    store: &Arc<Store>,
    state: &Arc<State>,
    counters: &Arc<Counters>,
    unique: Unique,
    detection: Option<tidegate_pipeline::Detection>,
) -> Result<Pipeline, Failure> {
    let intakes = Arc::clone(state);
    let books = Arc::clone(state);
    Pipeline::start(Parts {
        journal: Arc::clone(journal),
        catalog: Arc::clone(catalog),
        store: Arc::clone(store),
        intake: Box::new(move |id| {
            let intake = intakes.intake(id)?;
            Some(IntakeInfo { name: intake.name.clone(), format: intake.format.clone() })
        }),
        counted: Box::new(move |position, intake, counts| {
            let counts = tidegate_state::Counts {
                valid: counts.valid,
                warning: counts.warning,
                invalid: counts.invalid,
                duplicates: counts.duplicates,
                bytes: counts.bytes,
                batches: counts.batches,
                last_batch: counts.last_batch,
                last_event: counts.last_event,
            };
            if let Err(error) = books.add_counts(position, &[(intake, counts)]) {
                tracing::error!(
                    batch.position = position.0,
                    "a batch is missing in the intake's daily figures: {error}"
                );
            }
        }),
        counters: Arc::clone(counters),
        unique,
        detection,
        options: config.pipeline.clone(),
    })
    .map_err(|error| Failure::Work(eyre!(error).wrap_err("cannot start the pipeline")))
}
