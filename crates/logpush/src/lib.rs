//! Wishes about Logpush jobs come in, calls of the Cloudflare API go out; what Cloudflare says about jobs becomes
//! differences, health and sentences that tell an operator what to do.
//! It will never know our own HTTP server, the disk, or what a log record means.

mod advice;
mod api_url;
mod client;
mod compared;
mod curl;
mod dataset;
mod destination;
mod difference;
mod encoding;
mod error;
mod estimate;
mod health;
mod job;
mod networks;
mod output;
mod plan;
mod reach;
mod request;
mod scope;
mod secret;
mod setup;
mod token;
mod verify;
mod warning;
mod watch;

pub use advice::{advice, explain_delivery};
pub use api_url::ApiUrl;
pub use client::{Client, Retry};
pub use compared::Compared;
pub use curl::{INTAKE_KEY_VARIABLE, TOKEN_VARIABLE, curl};
pub use dataset::{DATASETS, Dataset, Level, dataset, dataset_of_format};
pub use destination::{Destination, Header, Validity};
pub use difference::{Aspect, Difference, Severity, render};
pub use error::{ApiError, LogpushError};
pub use estimate::{Estimate, estimate};
pub use health::{FAILING_AFTER, Health, JobState, LAG_AFTER, Past, Received, SILENT_AFTER, Seen, evaluate, now};
pub use job::{Job, JobId};
pub use networks::{CLOUDFLARE, CLOUDFLARE_PUBLISHED, Network, Networks, REFRESH_PAUSE};
pub use output::{OutputOptions, TIME_FORMAT};
pub use plan::{Plan, plan};
pub use reach::{Probe, Reach, Verdict};
pub use request::{Challenge, JobRequest, JobUpdate, UPLOAD_INTERVAL_SECONDS};
pub use scope::Scope;
pub use secret::{ApiToken, IntakeKey, mask};
pub use setup::{Prepared, Setup, Step, StepName, check_setup};
pub use token::{Permission, TokenState, TokenStatus};
pub use verify::{Wanted, WantedKey, verify};
pub use warning::{Drift, Warning, WarningKind};
pub use watch::{Owner, Report, Round, Told, Watch};
