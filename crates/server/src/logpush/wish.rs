//! What is wished of jobs, and what came of it.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use tidegate_state::Secret;
use utoipa::ToSchema;

use super::job::{LogpushIntake, LogpushJob, LogpushScope, LogpushSeverity};

/// A header that Cloudflare sends along.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogpushHeader {
    /// Its name, such as `CF-Access-Client-Id`.
    pub name: String,
    /// Its value.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String)]
    pub value: Secret,
}

/// A job to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogpushWish {
    /// The account or zone whose logs it sends.
    pub scope: LogpushScope,
    /// What it sends: `gateway_dns` if absent.
    #[serde(default)]
    pub dataset: Option<String>,
    /// The name of the intake that it sends to; made when there is none. Needed to make a job.
    #[serde(default)]
    pub intake: Option<String>,
    /// The key of an intake that is there already.
    #[serde(default, deserialize_with = "secret_or_none")]
    #[schema(value_type = Option<String>)]
    pub key: Option<Secret>,
    /// Gives an intake that is there a new key; the old one is taken for a day more.
    #[serde(default)]
    pub rotate_key: bool,
    /// Where Cloudflare reaches this server: what is configured if absent.
    #[serde(default)]
    pub public_url: Option<String>,
    /// Exactly the request of the public guide for gateway_dns.
    #[serde(default)]
    pub compat: bool,
    /// Leaves out the try of the public address from here, for networks that cannot reach it from inside.
    #[serde(default)]
    pub skip_address: bool,
    /// Headers that Cloudflare sends along, such as those of an Access service token.
    #[serde(default)]
    pub headers: Vec<LogpushHeader>,
    /// A Cloudflare API token for this call alone: neither kept nor logged. The server's own if absent.
    #[serde(default, deserialize_with = "secret_or_none")]
    #[schema(value_type = Option<String>)]
    pub token: Option<Secret>,
    /// Shows the request and makes nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// Which job is to be looked at, and what it should be.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogpushLook {
    /// A Cloudflare API token for this call alone: neither kept nor logged. The server's own if absent.
    #[serde(default, deserialize_with = "secret_or_none")]
    #[schema(value_type = Option<String>)]
    pub token: Option<Secret>,
    /// Where the job lives; needed for one that is not watched.
    #[serde(default)]
    pub scope: Option<LogpushScope>,
    /// Where Cloudflare reaches this server: what is configured if absent.
    #[serde(default)]
    pub public_url: Option<String>,
    /// The key that the job should carry; any that an intake takes if absent.
    #[serde(default, deserialize_with = "secret_or_none")]
    #[schema(value_type = Option<String>)]
    pub key: Option<Secret>,
}

/// A job to be made what it should be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogpushUpdate {
    /// How the job was seen: `seen` of the comparison.
    pub seen: String,
    /// A Cloudflare API token for this call alone: neither kept nor logged. The server's own if absent.
    #[serde(default, deserialize_with = "secret_or_none")]
    #[schema(value_type = Option<String>)]
    pub token: Option<Secret>,
    /// Where the job lives; needed for one that is not watched.
    #[serde(default)]
    pub scope: Option<LogpushScope>,
    /// Where Cloudflare reaches this server: what is configured if absent.
    #[serde(default)]
    pub public_url: Option<String>,
    /// The key that the job should carry.
    #[serde(default, deserialize_with = "secret_or_none")]
    #[schema(value_type = Option<String>)]
    pub key: Option<Secret>,
    /// Gives the intake a new key and puts that into the job; the old one is taken for a day more.
    #[serde(default)]
    pub rotate_key: bool,
    /// The name of the intake to send to, when no intake takes the job's key.
    #[serde(default)]
    pub intake: Option<String>,
    /// Headers that Cloudflare sends along, in place of those of the same name.
    #[serde(default)]
    pub headers: Vec<LogpushHeader>,
}

/// What a step before creation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogpushStepName {
    /// Whether account or zone fits the dataset.
    Scope,
    /// Whether the token works.
    Token,
    /// Whether the token may do what is needed.
    Permissions,
    /// Whether the public address takes the validation upload over trusted TLS.
    Address,
    /// Which fields Cloudflare offers.
    Fields,
    /// Which jobs there are already.
    Jobs,
    /// Whether Cloudflare's own validation upload arrives.
    Destination,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogpushStepState {
    /// Well.
    Ok,
    /// Not well: no job is made.
    Failed,
    /// It could not be told, which does not keep a job from being made.
    Unknown,
}

/// A step before creation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogpushStep {
    /// What it is about.
    pub step: LogpushStepName,
    /// How it went.
    pub state: LogpushStepState,
    /// How it went in words, and what to do.
    pub sentence: String,
}

/// What the steps found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogpushChecked {
    /// Whether a job can be made.
    pub ready: bool,
    /// The steps, in order; those after a failed one that they need are missing.
    pub steps: Vec<LogpushStep>,
    /// How many fields Cloudflare offers.
    pub offered: usize,
    /// The fields that the job would send.
    pub sent: Vec<String>,
}

/// A job that was made, or would be.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogpushMade {
    /// Whether all steps went well.
    pub ready: bool,
    /// The steps.
    pub steps: Vec<LogpushStep>,
    /// The request to Cloudflare, secrets hidden; none when a step failed.
    #[schema(value_type = Option<Object>)]
    pub request: Option<Value>,
    /// The same as a shell command, with the secrets as variables.
    pub curl: Option<String>,
    /// The job; none in a dry run.
    pub job: Option<LogpushJob>,
    /// The intake that it sends to.
    pub intake: Option<LogpushIntake>,
    /// The key of an intake that was made or got a new one, shown this once.
    pub key: Option<String>,
}

/// One difference between a job and what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogpushDifference {
    /// What it is about, such as `sample_rate`.
    pub aspect: String,
    /// How much it matters.
    pub severity: LogpushSeverity,
    /// What the job has, secrets hidden.
    pub is: String,
    /// What it should have.
    pub wanted: String,
    /// Why it matters.
    pub why: String,
    /// Whether an update mends it.
    pub mended: bool,
    /// Whether an update mends it when it is given a key, or may rotate it.
    pub needs_key: bool,
}

/// An update that was not sent yet.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogpushPlan {
    /// The request to Cloudflare, secrets hidden.
    #[schema(value_type = Object)]
    pub request: Value,
    /// The same as a shell command, with the secrets as variables.
    pub curl: String,
}

/// A job compared with what it should be.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogpushComparison {
    /// The job as it is now.
    pub job: LogpushJob,
    /// How it differs, the gravest first.
    pub differences: Vec<LogpushDifference>,
    /// What an update would send; none when it would change nothing.
    pub update: Option<LogpushPlan>,
    /// How the job was seen, for the update.
    pub seen: String,
}

/// What an update did.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogpushUpdated {
    /// Whether anything was to be changed.
    pub changed: bool,
    /// The job as it is now.
    pub job: LogpushJob,
    /// What was mended.
    pub mended: Vec<LogpushDifference>,
    /// What stays, because it cannot be changed or is a choice.
    pub left: Vec<LogpushDifference>,
    /// What was sent to Cloudflare, secrets hidden.
    #[schema(value_type = Object)]
    pub request: Value,
    /// The intake's new key, shown this once.
    pub key: Option<String>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// A secret, or none for `null` and an empty text.
fn secret_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()).map(Secret::new))
}
