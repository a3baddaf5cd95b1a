//! What the server asks of the Cloudflare side. The binary answers, because only it knows a client of Cloudflare's API.

mod job;
mod wish;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use thiserror::Error;
use tidegate_event::IntakeId;
use tidegate_state::{Actor, StateError};

use crate::error::ApiError;

pub use job::{
    LogpushDataset, LogpushEstimate, LogpushIntake, LogpushJob, LogpushLevel, LogpushOverview, LogpushScope,
    LogpushSeverity, LogpushState, LogpushTrouble, LogpushWarning, LogpushWarningKind,
};
pub use wish::{
    LogpushChecked, LogpushComparison, LogpushDifference, LogpushHeader, LogpushLook, LogpushMade, LogpushPlan,
    LogpushStep, LogpushStepName, LogpushStepState, LogpushUpdate, LogpushUpdated, LogpushWish,
};

/// Jobs at Cloudflare, as the server asks for them. [`Logpush::overview`] and [`Logpush::datasets`] answer from memory;
/// every other method may block for as long as Cloudflare takes, so the server calls it off the async threads.
pub trait Logpush: Send + Sync {
    /// What the watch knows, and what a month will cost given what arrived.
    fn overview(&self, arrived: &Arrivals) -> LogpushOverview;

    /// The datasets for which there are formats.
    fn datasets(&self) -> Vec<LogpushDataset>;

    /// The steps before a job can be made. Nothing is changed.
    ///
    /// # Errors
    /// [`LogpushFailure::Invalid`] for a wish that cannot be; a step that fails is no error.
    fn check(&self, wish: &LogpushWish) -> Result<LogpushChecked, LogpushFailure>;

    /// Makes a job, and its intake when there is none of this name; with `dry_run` neither.
    ///
    /// # Errors
    /// [`LogpushFailure`]; [`LogpushFailure::NotReady`] for a step that failed, save in a dry run.
    fn create(&self, wish: &LogpushWish, actor: &Actor) -> Result<LogpushMade, LogpushFailure>;

    /// Compares a job with what it should be.
    ///
    /// # Errors
    /// [`LogpushFailure`].
    fn verify(&self, id: u64, look: &LogpushLook) -> Result<LogpushComparison, LogpushFailure>;

    /// Changes a job into what it should be, if it still is as it was seen.
    ///
    /// # Errors
    /// [`LogpushFailure`]; [`LogpushFailure::Changed`] when somebody else changed it.
    fn update(&self, id: u64, wish: &LogpushUpdate, actor: &Actor) -> Result<LogpushUpdated, LogpushFailure>;

    /// Deletes a job.
    ///
    /// # Errors
    /// [`LogpushFailure`].
    fn delete(&self, id: u64, scope: Option<&LogpushScope>, actor: &Actor) -> Result<(), LogpushFailure>;
}

/// What each intake was sent since the process started.
pub type Arrivals = BTreeMap<IntakeId, Arrived>;

/// What an intake was sent in a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// Bytes as sent.
    pub sent_bytes: u64,
    /// Bytes without the compression: what Cloudflare counts.
    pub text_bytes: u64,
    /// How long the time is.
    pub window: Duration,
}

/// Why the Cloudflare side did not do what was asked. Each sentence says what to do.
#[derive(Debug, Error)]
pub enum LogpushFailure {
    /// There is no token: neither in the request nor in the configuration.
    #[error("{0}")]
    NoToken(String),
    /// It cannot be accepted.
    #[error("{0}")]
    Invalid(String),
    /// There is no such job, account or zone.
    #[error("{0}")]
    NotFound(String),
    /// Somebody else changed the job.
    #[error("{0}")]
    Changed(String),
    /// A step before creation failed.
    #[error("{0}")]
    NotReady(String),
    /// Cloudflare refused, or cannot be reached.
    #[error("{0}")]
    Cloudflare(String),
    /// The control plane refused or failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// Our own fault; for the log only.
    #[error("{0}")]
    Internal(String),
}

impl From<LogpushFailure> for ApiError {
    fn from(failure: LogpushFailure) -> Self {
        match failure {
            LogpushFailure::NoToken(message) => Self::new(StatusCode::BAD_REQUEST, "no_token", message),
            LogpushFailure::Invalid(message) => Self::new(StatusCode::BAD_REQUEST, "invalid", message),
            LogpushFailure::NotFound(message) => Self::not_found(message),
            LogpushFailure::Changed(message) => Self::new(StatusCode::CONFLICT, "changed", message),
            LogpushFailure::NotReady(message) => Self::new(StatusCode::CONFLICT, "not_ready", message),
            LogpushFailure::Cloudflare(message) => Self::new(StatusCode::BAD_GATEWAY, "cloudflare", message),
            LogpushFailure::State(error) => error.into(),
            LogpushFailure::Internal(message) => Self::internal(message),
        }
    }
}
