//! What the binary hands to the server, and what handlers share.

use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::server::ResolvesServerCert;
use serde::Serialize;
use tidegate_event::Timestamp;
use tidegate_journal::Journal;
use tidegate_pipeline::Counters;
use tidegate_query::Engine;
use tidegate_state::{State, StateError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::ToSchema;

use crate::detection::{Changed, Detection, DetectionError};
use crate::error::ApiError;
use crate::intake::body::{Budget, Patience};
use crate::intake::{Intakes, Taken};
use crate::logpush::{Arrivals, Arrived, Logpush, LogpushFailure};
use crate::options::Options;
use crate::traffic::Traffic;

/// Bytes of request bodies held at the same time whose senders showed no credential.
const STRANGERS_BYTES_MAX: usize = 32 << 20;

/// How long a query waits for its turn.
const TURN_TIME_MAX: Duration = Duration::from_secs(10);

/// Everything the server works with; the binary builds it.
pub struct ServerParts {
    /// Where batches go.
    pub journal: Arc<Journal>,
    /// Intakes, users, credentials, audit trail.
    pub state: Arc<State>,
    /// Searches.
    pub engine: Arc<Engine>,
    /// What became of each intake's records.
    pub counters: Arc<Counters>,
    /// The formats that are loaded, by name.
    pub formats: Vec<FormatInfo>,
    /// What knows rules and intelligence; without it these calls answer that there is no such thing.
    pub detection: Option<Arc<dyn Detection>>,
    /// What knows the jobs at Cloudflare; without it these calls answer that there is no such thing.
    pub logpush: Option<Arc<dyn Logpush>>,
    /// Asked for the figures of the rooms that the server does not know.
    pub gauges: Gauges,
    /// What has the certificates, where they are not in files.
    pub certificates: Option<Arc<dyn ResolvesServerCert>>,
    /// Whose batches are taken.
    pub senders: Senders,
    /// Addresses and bounds.
    pub options: Options,
    /// The program's version.
    pub version: &'static str,
}

impl fmt::Debug for ServerParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerParts").field("options", &self.options).finish_non_exhaustive()
    }
}

/// What the server tells about a format.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FormatInfo {
    /// Its name, such as `cloudflare-gateway-dns`.
    pub name: String,
    /// Its UUID in the manifest.
    pub uuid: String,
    /// Its name for people.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// The fields its events may have.
    pub fields: Vec<FieldInfo>,
}

/// What the server tells about a field.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldInfo {
    /// Its dotted name, such as `dns.question.name`.
    pub name: String,
    /// Its type, such as `keyword`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A figure of another room, such as the rows of the store's tail.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Figure {
    /// Its name in `/metrics` without the prefix `tidegate_`, such as `store_tail_rows`.
    pub name: &'static str,
    /// What it counts, a sentence.
    pub help: &'static str,
    /// It only ever grows while the process lives.
    pub cumulative: bool,
    /// Its value.
    pub value: f64,
}

/// Figures and troubles of the rooms that the server does not know.
pub struct Gauges(Box<dyn Fn() -> Readings + Send + Sync>);

/// One look at the other rooms.
#[derive(Debug, Clone, Default)]
pub struct Readings {
    /// Their figures.
    pub figures: Vec<Figure>,
    /// What keeps the server from being ready, a sentence each: replaying, or a store that cannot write.
    pub troubles: Vec<String>,
}

impl Gauges {
    /// Gauges that `read` answers. It is called by health checks, so it must not wait.
    #[must_use]
    pub fn new(read: impl Fn() -> Readings + Send + Sync + 'static) -> Self {
        Self(Box::new(read))
    }

    pub(crate) fn read(&self) -> Readings {
        (self.0)()
    }
}

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gauges")
    }
}

/// The addresses whose batches are taken.
#[derive(Default)]
pub struct Senders(Option<Box<dyn Fn(IpAddr) -> bool + Send + Sync>>);

impl Senders {
    /// Everybody who has a key.
    #[must_use]
    pub fn anybody() -> Self {
        Self::default()
    }

    /// Those with a key for whose address `allows` is true. It is asked for each batch, so it must not wait.
    #[must_use]
    pub fn only(allows: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(allows)))
    }

    /// Whether a batch from there is taken. Where there is a choice, an unknown address is none of those.
    pub(crate) fn allow(&self, address: Option<IpAddr>) -> bool {
        self.0.as_ref().is_none_or(|allows| address.is_some_and(allows))
    }
}

impl fmt::Debug for Senders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Senders(some)" } else { "Senders(anybody)" })
    }
}

/// What every handler can reach.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Context>);

/// See [`Shared`].
#[derive(Debug)]
pub(crate) struct Context {
    parts: ServerParts,
    /// Bytes of bodies of those who showed a credential.
    pub(crate) budget: Budget,
    /// Bytes of bodies of those who did not: they must not be able to use up what the others need.
    pub(crate) strangers: Budget,
    pub(crate) patience: Patience,
    pub(crate) intakes: Intakes,
    pub(crate) traffic: Traffic,
    /// Queries that may run at the same time.
    turns: Arc<Semaphore>,
    /// Only names of this machine are accepted in `Host`.
    pub(crate) loopback_only: bool,
    pub(crate) started: Timestamp,
    pub(crate) clock: Instant,
}

impl Deref for Shared {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.0
    }
}

impl Deref for Context {
    type Target = ServerParts;

    fn deref(&self) -> &ServerParts {
        &self.parts
    }
}

impl Shared {
    pub(crate) fn new(parts: ServerParts, loopback_only: bool) -> Self {
        Self(Arc::new(Context {
            budget: Budget::new(parts.options.bodies_bytes_max),
            strangers: Budget::new(parts.options.bodies_bytes_max.min(STRANGERS_BYTES_MAX)),
            patience: Patience::new(&parts.options),
            intakes: Intakes::new(&parts.options),
            traffic: Traffic::default(),
            turns: Arc::new(Semaphore::new(parts.options.queries_max.clamp(1, Semaphore::MAX_PERMITS))),
            loopback_only,
            started: Timestamp::now(),
            clock: Instant::now(),
            parts,
        }))
    }

    /// Waits for its turn to run a query; the turn is over when the answer is dropped.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let turns = Arc::clone(&self.turns);
        match tokio::time::timeout(TURN_TIME_MAX, turns.acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(ApiError::unavailable("busy", "too many queries are running", 5)),
        }
    }

    /// Asks what knows rules and intelligence, off the async threads.
    pub(crate) async fn detect<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Detection) -> Result<T, DetectionError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let Some(detection) = self.detection.clone() else {
            return Err(ApiError::not_found("this build has no detection"));
        };
        match tokio::task::spawn_blocking(move || work(&*detection)).await {
            Ok(outcome) => outcome.map_err(ApiError::from),
            Err(error) => Err(ApiError::internal(error)),
        }
    }

    /// As [`Shared::detect`]; nothing when there is no detection.
    pub(crate) async fn detect_if_any<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Detection) -> Result<T, DetectionError> + Send + 'static,
    ) -> Result<Option<T>, ApiError> {
        match self.detection {
            Some(_) => self.detect(work).await.map(Some),
            None => Ok(None),
        }
    }

    /// Asks what knows the jobs at Cloudflare, off the async threads.
    pub(crate) async fn cloudflare<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Logpush) -> Result<T, LogpushFailure> + Send + 'static,
    ) -> Result<T, ApiError> {
        let Some(side) = self.logpush.clone() else {
            return Err(ApiError::not_found("this server does not know the Cloudflare side"));
        };
        match tokio::task::spawn_blocking(move || work(&*side)).await {
            Ok(outcome) => outcome.map_err(ApiError::from),
            Err(error) => Err(ApiError::internal(error)),
        }
    }

    /// What each intake was sent since the start.
    pub(crate) fn arrivals(&self) -> Arrivals {
        let window = self.clock.elapsed();
        let taken = self.intakes.tally.snapshot().into_iter();
        let arrived = |taken: Taken| Arrived { sent_bytes: taken.bytes, text_bytes: taken.text_bytes, window };
        taken.map(|(intake, taken)| (intake, arrived(taken))).collect()
    }

    /// Lets what was compiled from the control plane follow a change that was made there.
    pub(crate) async fn tell(&self, what: Changed) -> Result<(), ApiError> {
        self.detect_if_any(move |detection| detection.changed(what)).await.map(|_| ())
    }

    /// Asks the control plane, off the async threads.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&State) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let state = Arc::clone(&self.state);
        match tokio::task::spawn_blocking(move || work(&state)).await {
            Ok(outcome) => outcome.map_err(ApiError::from),
            Err(error) => Err(ApiError::internal(error)),
        }
    }
}
