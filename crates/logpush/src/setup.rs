//! The steps before a job is made, each with its result in a sentence.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::client::Client;
use crate::dataset::Dataset;
use crate::destination::Destination;
use crate::error::LogpushError;
use crate::job::Job;
use crate::reach::Probe;
use crate::scope::Scope;
use crate::token::TokenStatus;

/// A step and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was checked: `token`, `permissions`, `address`, `fields`, `jobs`, `destination`.
    pub name: &'static str,
    /// `None` when it could not be told, which does not keep a job from being made.
    pub ok: Option<bool>,
    /// How it went, and what to do.
    pub sentence: String,
}

/// What the steps found.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    /// All steps, in order; those after a failed one that they need are missing.
    pub steps: Vec<Step>,
    /// The fields that Cloudflare offers, with their types.
    pub fields: BTreeMap<String, String>,
    /// The jobs that the dataset has already.
    pub jobs: Vec<Job>,
}

impl Prepared {
    /// Whether a job can be made.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.steps.iter().all(|step| step.ok != Some(false))
    }

    /// A job that already sends to this address.
    #[must_use]
    pub fn twin(&self, to: &Destination) -> Option<&Job> {
        self.jobs.iter().find(|job| job.destination_conf.same_address(to))
    }

    fn step(&mut self, name: &'static str, ok: Option<bool>, sentence: impl Into<String>) {
        self.steps.push(Step { name, ok, sentence: sentence.into() });
    }

    fn failed(&mut self, name: &'static str, error: &LogpushError) {
        self.step(name, Some(false), error.to_string());
    }
}

impl Step {
    /// The step as JSON, for scripts.
    #[must_use]
    pub fn shown(&self) -> serde_json::Value {
        serde_json::json!({"step": self.name, "ok": self.ok, "sentence": self.sentence})
    }
}

/// Checks token, permissions, address, fields, present jobs and destination, in this order, and goes on as long as it
/// makes sense. Nothing is changed at Cloudflare; `validate` lets it send its validation upload.
pub async fn check_setup(
    client: &Client,
    probe: Option<&Probe>,
    scope: &Scope,
    dataset: &Dataset,
    to: &Destination,
    validate: bool,
) -> Prepared {
    let mut found = Prepared::default();
    if scope.level() != dataset.level {
        found.step(
            "scope",
            Some(false),
            format!("`{}` belongs to {}, but {scope} was given", dataset.name, dataset.level),
        );
        return found;
    }
    let token = token(&mut found, client, scope, dataset).await;
    if let Some(probe) = probe {
        address(&mut found, probe, to).await;
    }
    if !token {
        return found;
    }
    fields(&mut found, client, scope, dataset).await;
    jobs(&mut found, client, scope, dataset, to).await;
    if validate && found.is_fine() {
        destination(&mut found, client, scope, to).await;
    }
    found
}

/// Whether the token is good for more questions.
async fn token(found: &mut Prepared, client: &Client, scope: &Scope, dataset: &Dataset) -> bool {
    let state = match client.verify_token(Some(scope)).await {
        Ok(state) => state,
        Err(error) => {
            found.failed("token", &error);
            return false;
        }
    };
    let expires = state.expires.map(|at| format!("; it ends at {at}")).unwrap_or_default();
    let over = state.expires.is_some_and(|at| at <= Timestamp::now());
    match &state.status {
        TokenStatus::Active if !over => found.step("token", Some(true), format!("the token works{expires}")),
        TokenStatus::Disabled => {
            found.step("token", Some(false), "the token is switched off: roll it or make a new one")
        }
        TokenStatus::Active | TokenStatus::Expired => {
            found.step("token", Some(false), "the token has expired: make a new one");
        }
        TokenStatus::Other(word) => found.step("token", None, format!("Cloudflare says of the token: {word}")),
    }
    if !found.is_fine() {
        return false;
    }
    match client.permissions(scope, dataset, &state).await {
        Ok(permissions) => {
            for permission in permissions {
                found.step("permissions", permission.held, permission.sentence);
            }
        }
        Err(error) => found.failed("permissions", &error),
    }
    found.is_fine()
}

async fn address(found: &mut Prepared, probe: &Probe, to: &Destination) {
    match probe.check(to).await {
        Ok(reach) => found.step("address", Some(reach.is_fine()), reach.sentence),
        Err(error) => found.failed("address", &error),
    }
}

async fn fields(found: &mut Prepared, client: &Client, scope: &Scope, dataset: &Dataset) {
    match client.fields(scope, dataset.name).await {
        Ok(fields) => {
            let wanted = dataset.wanted_fields(fields.keys().map(String::as_str));
            let sentence = format!("Cloudflare offers {} fields, of which {} will be sent", fields.len(), wanted.len());
            found.fields = fields;
            if wanted.is_empty() {
                found.step(
                    "fields",
                    Some(false),
                    format!("{sentence}: this version does not know the dataset as it is now"),
                );
            } else {
                found.step("fields", Some(true), sentence);
            }
        }
        Err(error) => found.failed("fields", &error),
    }
}

async fn jobs(found: &mut Prepared, client: &Client, scope: &Scope, dataset: &Dataset, to: &Destination) {
    match client.jobs_of(scope, dataset.name).await {
        Ok(jobs) => found.jobs = jobs,
        Err(error) => return found.failed("jobs", &error),
    }
    let others = found.jobs.len();
    let twin = found.twin(to).map(|twin| (twin.id, twin.destination_conf.intake_key() == to.intake_key()));
    match twin {
        Some((id, true)) => found.step(
            "jobs",
            Some(false),
            format!("job {id} sends there already: `tidegate logpush verify {id}` looks at it"),
        ),
        Some((id, false)) => found.step(
            "jobs",
            Some(false),
            format!(
                "job {id} sends this dataset to the same address already, and records would come twice: \
                 `tidegate logpush update {id}` changes it, `tidegate logpush delete {id}` makes room for another"
            ),
        ),
        None if others == 0 => found.step("jobs", Some(true), "the dataset has no job yet"),
        None => found.step(
            "jobs",
            Some(true),
            format!(
                "the dataset has {} that {} elsewhere and {}; each counts towards the price",
                if others == 1 { "another job".to_owned() } else { format!("{others} other jobs") },
                if others == 1 { "sends" } else { "send" },
                if others == 1 { "goes on" } else { "go on" },
            ),
        ),
    }
}

async fn destination(found: &mut Prepared, client: &Client, scope: &Scope, to: &Destination) {
    match client.validate_destination(scope, to).await {
        Ok(validity) if validity.valid => {
            found.step("destination", Some(true), "Cloudflare's validation upload arrived")
        }
        Ok(validity) => {
            let advice = crate::advice::explain_delivery(&validity.message).unwrap_or("look at the server's log");
            found.step(
                "destination",
                Some(false),
                format!("Cloudflare's validation upload failed ({}): {advice}", validity.message),
            );
        }
        Err(error) => found.failed("destination", &error),
    }
}
