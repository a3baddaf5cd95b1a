//! A job as it is told.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Whether jobs belong to an account or to a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogpushLevel {
    /// An account.
    Account,
    /// A zone.
    Zone,
}

/// Where jobs live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogpushScope {
    /// Whether it is an account or a zone.
    pub level: LogpushLevel,
    /// Its identifier at Cloudflare.
    pub id: String,
}

/// A dataset for which there is a format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogpushDataset {
    /// Cloudflare's name for it, such as `gateway_dns`.
    pub name: String,
    /// Our format's name.
    pub format: String,
    /// Where its jobs live.
    pub level: LogpushLevel,
    /// Whether the token wants `Zero Trust: PII Read` beside `Logs: Edit`.
    pub personal: bool,
}

/// How a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogpushState {
    /// It delivers.
    Healthy,
    /// It has not delivered anything yet.
    Starting,
    /// Its uploads fail.
    Failing,
    /// It is off.
    Disabled,
    /// It was there and is not any more.
    Gone,
    /// It could not be looked at.
    Unknown,
}

/// How much something matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogpushSeverity {
    /// Worth knowing.
    Note,
    /// Something is lost, or later than it could be.
    Warning,
    /// Events do not arrive, or rules that count are wrong.
    Breaking,
}

/// What a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogpushWarningKind {
    /// Uploads fail for half an hour or longer.
    Failing,
    /// The job is off.
    Disabled,
    /// The job is not there any more.
    Gone,
    /// The job is behind.
    Lag,
    /// The job delivers, but its intake hears nothing.
    Silent,
    /// No intake takes the key that the job carries.
    Key,
    /// Fields came or went.
    Drift,
    /// Only a share of the records is sent.
    Sampled,
}

/// Something that somebody should know of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogpushWarning {
    /// What it is about.
    pub kind: LogpushWarningKind,
    /// How much it matters.
    pub severity: LogpushSeverity,
    /// What is wrong.
    pub sentence: String,
    /// What to do.
    pub advice: String,
    /// When it was first noticed.
    pub since: Option<String>,
}

/// What a month will bring, if it goes on like this.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LogpushEstimate {
    /// Gigabytes, uncompressed as Cloudflare counts.
    pub gigabytes_a_month: f64,
    /// Dollars after what is free; accounts with a contract of their own pay by that.
    pub dollars_a_month: f64,
    /// From how much time it is drawn.
    pub measured_seconds: u64,
    /// The same in words.
    pub sentence: String,
}

/// The intake that a job sends to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogpushIntake {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// A job that sends here.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LogpushJob {
    /// Its number at Cloudflare.
    pub id: u64,
    /// Where it lives.
    pub scope: LogpushScope,
    /// Its name.
    pub name: Option<String>,
    /// What it sends.
    pub dataset: Option<String>,
    /// Our format for that; none when we have none.
    pub format: Option<String>,
    /// The intake whose key it carries; none when no intake takes the key.
    pub intake: Option<LogpushIntake>,
    /// Where it sends, secrets hidden.
    pub destination: String,
    /// Whether it is on.
    pub enabled: bool,
    /// How it is.
    pub state: LogpushState,
    /// Up to when logs were delivered.
    pub last_complete: Option<String>,
    /// When an upload failed last; none when it works.
    pub last_error: Option<String>,
    /// Why, in Cloudflare's words, secrets hidden.
    pub error_message: Option<String>,
    /// Since when it fails.
    pub failing_since: Option<String>,
    /// How far `last_complete` lies back.
    pub lag_seconds: Option<u64>,
    /// What somebody should know.
    pub warnings: Vec<LogpushWarning>,
    /// What it brings in a month.
    pub estimate: Option<LogpushEstimate>,
    /// When it was looked at.
    pub checked_at: String,
}

/// An account or zone that could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogpushTrouble {
    /// Which.
    pub scope: LogpushScope,
    /// Why, and what to do.
    pub sentence: String,
}

/// What the watch knows.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LogpushOverview {
    /// Whether jobs are watched: there are a token and an account or zone.
    pub watching: bool,
    /// How the watch is, or what to set so that it begins.
    pub sentence: String,
    /// Whether the server has a token, so that calls need none.
    pub token_known: bool,
    /// The accounts and zones that are watched.
    pub scopes: Vec<LogpushScope>,
    /// Where Cloudflare reaches this server.
    pub public_url: Option<String>,
    /// When jobs were last looked at.
    pub checked_at: Option<String>,
    /// Accounts and zones that could not be asked at that time.
    pub errors: Vec<LogpushTrouble>,
    /// The jobs that send here.
    pub jobs: Vec<LogpushJob>,
    /// What all of them bring in a month.
    pub estimate: Option<LogpushEstimate>,
}
