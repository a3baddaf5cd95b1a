//! Detection in the stream: workers judge events by the rules of the moment; one memory sees them in journal order, and
//! what it finds goes to whoever raises alerts.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tidegate_detect::{Catalogue, Counters, Finding, Memory, Sightings};
use tidegate_event::Position;

/// How often the memory is written down. What was judged since is judged again after a crash.
const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(60);
/// After so many bytes of batches it is written down, too: the journal holds them until then.
const SNAPSHOT_BYTES: u64 = 256 << 20;

/// How often operators see new figures.
const FIGURES_INTERVAL: Duration = Duration::from_secs(1);

/// The rules of the moment. A reload swaps one pointer; batches under way end with the rules they began with.
#[derive(Debug)]
pub struct Rules(RwLock<Arc<Catalogue>>);

impl Rules {
    /// Rules to begin with.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        Self(RwLock::new(catalogue))
    }

    /// The catalogue that events are judged by now.
    #[must_use]
    pub fn current(&self) -> Arc<Catalogue> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Judges what comes from now on by another catalogue.
    pub fn swap(&self, catalogue: Arc<Catalogue>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = catalogue;
    }
}

/// What detection hands on, in journal order.
#[derive(Debug)]
pub enum Judged {
    /// Findings, to be raised as alerts. After a crash the same ones come again, with the same ids.
    Findings(Vec<Finding>),
    /// The memory as it was after a batch. It may be kept once all findings before it are: then everything up to here
    /// need not be judged again.
    Snapshot(Position, Vec<u8>),
}

/// What the pipeline needs to judge events.
pub struct Detection {
    /// The rules.
    pub rules: Arc<Rules>,
    /// The memory, restored if there was one.
    pub memory: Memory,
    /// The last batch that the memory has seen.
    pub observed: Position,
    /// Where findings and snapshots go. Bounded: when nobody takes them, the pipeline waits and the journal fills.
    pub judged: SyncSender<Judged>,
    /// Where the memory's figures are put for operators.
    pub figures: Arc<Mutex<Counters>>,
}

/// The memory at work, on the publishing thread.
pub(crate) struct Watch {
    memory: Memory,
    observed: Position,
    saved: Position,
    /// Bytes of batches that were judged since.
    unsaved_bytes: u64,
    judged: SyncSender<Judged>,
    last_snapshot: Instant,
    figures: Arc<Mutex<Counters>>,
    last_figures: Instant,
}

impl Watch {
    pub(crate) fn new(detection: Detection) -> Self {
        let Detection { memory, observed, judged, figures, .. } = detection;
        let now = Instant::now();
        Self {
            memory,
            observed,
            saved: observed,
            unsaved_bytes: 0,
            judged,
            last_snapshot: now,
            figures,
            last_figures: now,
        }
    }

    /// Shows a batch to the memory, unless it has seen it in an earlier life.
    pub(crate) fn observe(&mut self, position: Position, bytes: u64, sightings: &Sightings) {
        if position <= self.observed {
            return;
        }
        let mut findings = Vec::new();
        self.memory.observe(sightings, &mut findings);
        self.observed = position;
        self.unsaved_bytes += bytes;
        if !findings.is_empty() {
            // The other side ends after this one; without it nothing could be raised anyway.
            let _ = self.judged.send(Judged::Findings(findings));
        }
        if self.last_figures.elapsed() >= FIGURES_INTERVAL {
            self.last_figures = Instant::now();
            *self.figures.lock().unwrap_or_else(PoisonError::into_inner) = self.memory.counters();
        }
        if self.last_snapshot.elapsed() >= SNAPSHOT_INTERVAL || self.unsaved_bytes >= SNAPSHOT_BYTES {
            self.snapshot();
        }
    }

    /// Hands the memory over for keeping.
    pub(crate) fn snapshot(&mut self) {
        self.last_snapshot = Instant::now();
        self.unsaved_bytes = 0;
        if self.saved < self.observed {
            let mut bytes = Vec::new();
            self.memory.snapshot(&mut bytes);
            self.saved = self.observed;
            let _ = self.judged.send(Judged::Snapshot(self.observed, bytes));
        }
    }
}
