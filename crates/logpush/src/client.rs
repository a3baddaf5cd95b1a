//! The calls of the API.

mod envelope;
mod exchange;

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api_url::ApiUrl;
use crate::destination::{Destination, Validity};
use crate::error::LogpushError;
use crate::job::{Job, JobId};
use crate::request::{Challenge, JobRequest, JobUpdate};
use crate::scope::Scope;
use crate::secret::ApiToken;

/// Pages of a list that are asked for.
const PAGES_MAX: u64 = 100;
/// Fields of a dataset that are kept.
const FIELDS_MAX: usize = 2_000;
/// Longest name of a dataset that is put into an address.
const DATASET_CHARS_MAX: usize = 64;

/// How often and how patiently a call is made again when Cloudflare says 429 or 5xx.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Calls in all, the first included.
    pub attempts_max: u32,
    /// The pause before the second; it doubles each time. `Retry-After` counts instead where it is given.
    pub pause: Duration,
    /// No pause is longer, whatever `Retry-After` says.
    pub pause_max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts_max: 4, pause: Duration::from_millis(500), pause_max: Duration::from_secs(60) }
    }
}

/// Speaks to the Cloudflare API with one token.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    api: ApiUrl,
    token: ApiToken,
    retry: Retry,
}

/// What Cloudflare says when asked for an ownership challenge: it wrote a file to the destination.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct OwnershipFile {
    #[serde(default)]
    filename: String,
    #[serde(default, deserialize_with = "crate::job::or_default")]
    message: String,
    #[serde(default)]
    valid: bool,
}

impl Client {
    /// A client with this token.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when the system's certificates cannot be read.
    pub fn new(api: ApiUrl, token: ApiToken) -> Result<Self, LogpushError> {
        Ok(Self { http: exchange::http()?, api, token, retry: Retry::default() })
    }

    /// The same client with another patience.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Where it asks.
    #[must_use]
    pub const fn api(&self) -> &ApiUrl {
        &self.api
    }

    /// All jobs of an account or zone.
    ///
    /// # Errors
    /// As every call: see [`LogpushError`].
    pub async fn jobs(&self, scope: &Scope) -> Result<Vec<Job>, LogpushError> {
        self.list("list the jobs", &format!("{}/logpush/jobs", scope.path())).await
    }

    /// The jobs of a dataset.
    ///
    /// # Errors
    /// As every call: see [`LogpushError`].
    pub async fn jobs_of(&self, scope: &Scope, dataset: &str) -> Result<Vec<Job>, LogpushError> {
        self.list(&format!("list the jobs of the dataset `{dataset}`"), &of_dataset(scope, dataset, "jobs")?).await
    }

    /// A job.
    ///
    /// # Errors
    /// As every call: see [`LogpushError`].
    pub async fn job(&self, scope: &Scope, id: JobId) -> Result<Job, LogpushError> {
        self.ask(&format!("read job {id}"), Method::GET, &one(scope, id), None).await
    }

    /// Makes a job. After an answer that leaves open whether it was made, it is looked for before it is made again.
    ///
    /// # Errors
    /// As every call: see [`LogpushError`].
    pub async fn create_job(&self, scope: &Scope, request: &JobRequest) -> Result<Job, LogpushError> {
        const ACTION: &str = "create the job";
        let path = format!("{}/logpush/jobs", scope.path());
        let body = request.body();
        let mut attempt = 1;
        loop {
            let error = match self.try_once(ACTION, &Method::POST, &path, Some(&body), attempt).await {
                Ok(answer) => return envelope::result(ACTION, answer.value),
                Err(error) => error,
            };
            let Some(pause) = self.pause_after(&error, attempt) else { return Err(error.error) };
            tokio::time::sleep(pause).await;
            if error.error.status().is_some_and(|status| status >= 500) {
                let jobs = self.jobs_of(scope, &request.dataset).await?;
                let made = jobs.into_iter().find(|job| job.destination_conf == request.destination);
                if let Some(made) = made {
                    return Ok(made);
                }
            }
            attempt += 1;
        }
    }

    /// Changes a job.
    ///
    /// # Errors
    /// As every call: see [`LogpushError`].
    pub async fn update_job(&self, scope: &Scope, id: JobId, update: &JobUpdate) -> Result<Job, LogpushError> {
        self.ask(&format!("change job {id}"), Method::PUT, &one(scope, id), Some(&update.body())).await
    }

    /// Changes a job that still is as it was `seen`.
    ///
    /// # Errors
    /// [`LogpushError::Changed`] when someone else changed it meanwhile; else as every call.
    pub async fn update_if_unchanged(
        &self,
        scope: &Scope,
        seen: &Job,
        update: &JobUpdate,
    ) -> Result<Job, LogpushError> {
        let now = self.job(scope, seen.id).await?;
        let changes = seen.changes(&now);
        if !changes.is_empty() {
            return Err(LogpushError::Changed { id: seen.id, what: changes.join(", ") });
        }
        self.update_job(scope, seen.id, update).await
    }

    /// Deletes a job.
    ///
    /// # Errors
    /// As every call: see [`LogpushError`].
    pub async fn delete_job(&self, scope: &Scope, id: JobId) -> Result<(), LogpushError> {
        self.value(&format!("delete job {id}"), Method::DELETE, &one(scope, id), None).await.map(|_| ())
    }

    /// The fields that a dataset offers, each with its type or description.
    ///
    /// # Errors
    /// As every call: see [`LogpushError`].
    pub async fn fields(&self, scope: &Scope, dataset: &str) -> Result<BTreeMap<String, String>, LogpushError> {
        let action = format!("list the fields of the dataset `{dataset}`");
        let result = self.value(&action, Method::GET, &of_dataset(scope, dataset, "fields")?, None).await?;
        let Value::Object(fields) = result else {
            return Err(LogpushError::Unexpected { action, cause: "the fields are no object".to_owned() });
        };
        let plain = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Ok(fields.into_iter().take(FIELDS_MAX).map(|(name, kind)| (name, plain(kind))).collect())
    }

    /// The fields that a job of the dataset sends when it names none.
    ///
    /// # Errors
    /// As every call: see [`LogpushError`].
    pub async fn default_fields(&self, scope: &Scope, dataset: &str) -> Result<Vec<String>, LogpushError> {
        let action = format!("list the default fields of the dataset `{dataset}`");
        match self.value(&action, Method::GET, &of_dataset(scope, dataset, "fields/default")?, None).await? {
            Value::Object(fields) => Ok(fields.into_iter().take(FIELDS_MAX).map(|(name, _)| name).collect()),
            Value::Array(names) => {
                Ok(names.iter().take(FIELDS_MAX).filter_map(Value::as_str).map(str::to_owned).collect())
            }
            Value::String(names) => Ok(names.split(',').take(FIELDS_MAX).map(|name| name.trim().to_owned()).collect()),
            _ => Err(LogpushError::Unexpected { action, cause: "the fields are no list".to_owned() }),
        }
    }

    /// Lets Cloudflare send its validation upload.
    ///
    /// # Errors
    /// As every call: see [`LogpushError`].
    pub async fn validate_destination(&self, scope: &Scope, to: &Destination) -> Result<Validity, LogpushError> {
        let path = format!("{}/logpush/validate/destination", scope.path());
        let body = json!({"destination_conf": to.reveal()});
        let mut validity: Validity = self.ask("validate the destination", Method::POST, &path, Some(&body)).await?;
        validity.message = crate::secret::mask(&validity.message);
        Ok(validity)
    }

    /// Whether a job sends there already.
    ///
    /// # Errors
    /// As every call: see [`LogpushError`].
    pub async fn destination_exists(&self, scope: &Scope, to: &Destination) -> Result<bool, LogpushError> {
        let path = format!("{}/logpush/validate/destination/exists", scope.path());
        let body = json!({"destination_conf": to.reveal()});
        self.flag("look for the destination", &path, &body, "exists").await
    }

    /// Whether Cloudflare takes these `logpull_options`, and why not.
    ///
    /// # Errors
    /// As every call: see [`LogpushError`].
    pub async fn validate_origin(&self, scope: &Scope, logpull_options: &str) -> Result<Validity, LogpushError> {
        let path = format!("{}/logpush/validate/origin", scope.path());
        self.ask("check the options", Method::POST, &path, Some(&json!({"logpull_options": logpull_options}))).await
    }

    /// Lets Cloudflare write an ownership challenge to a bucket; gives the name of the file that holds it.
    ///
    /// # Errors
    /// As every call: see [`LogpushError`].
    pub async fn challenge_ownership(&self, scope: &Scope, to: &Destination) -> Result<String, LogpushError> {
        const ACTION: &str = "write an ownership challenge";
        let path = format!("{}/logpush/ownership", scope.path());
        let body = json!({"destination_conf": to.reveal()});
        let file: OwnershipFile = self.ask(ACTION, Method::POST, &path, Some(&body)).await?;
        if file.valid {
            return Ok(file.filename);
        }
        let message = crate::secret::mask(&file.message);
        Err(LogpushError::Wrong(format!("Cloudflare cannot write to the destination: {message}")))
    }

    /// Whether the text of the challenge proves that the bucket is ours.
    ///
    /// # Errors
    /// As every call: see [`LogpushError`].
    pub async fn validate_ownership(
        &self,
        scope: &Scope,
        to: &Destination,
        challenge: &Challenge,
    ) -> Result<bool, LogpushError> {
        let path = format!("{}/logpush/ownership/validate", scope.path());
        let body = json!({"destination_conf": to.reveal(), "ownership_challenge": challenge.0});
        self.flag("check the ownership challenge", &path, &body, "valid").await
    }

    async fn flag(&self, action: &str, path: &str, body: &Value, name: &str) -> Result<bool, LogpushError> {
        let result = self.value(action, Method::POST, path, Some(body)).await?;
        let missing = || LogpushError::Unexpected { action: action.to_owned(), cause: format!("`{name}` is missing") };
        result.get(name).and_then(Value::as_bool).ok_or_else(missing)
    }

    /// All pages of a list. Cloudflare says how many there are; jobs come on one.
    async fn list(&self, action: &str, path: &str) -> Result<Vec<Job>, LogpushError> {
        let mut jobs = Vec::new();
        for page in 1..=PAGES_MAX {
            let path = if page == 1 { path.to_owned() } else { format!("{path}?page={page}") };
            let answer = self.exchange(action, Method::GET, &path, None).await?;
            let pages = envelope::pages(&answer.value);
            let part: Option<Vec<Job>> = envelope::result(action, answer.value)?;
            let is_empty = part.as_ref().is_none_or(Vec::is_empty);
            jobs.extend(part.unwrap_or_default());
            if is_empty || page >= pages {
                break;
            }
        }
        Ok(jobs)
    }
}

fn one(scope: &Scope, id: JobId) -> String {
    format!("{}/logpush/jobs/{id}", scope.path())
}

fn of_dataset(scope: &Scope, dataset: &str, what: &str) -> Result<String, LogpushError> {
    let fits = (1..=DATASET_CHARS_MAX).contains(&dataset.len())
        && dataset.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if fits {
        return Ok(format!("{}/logpush/datasets/{dataset}/{what}", scope.path()));
    }
    Err(LogpushError::Wrong("a dataset has a name such as `gateway_dns`".to_owned()))
}
