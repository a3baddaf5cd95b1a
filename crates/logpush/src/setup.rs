//! The steps before a job is made, each with its result in a sentence.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::client::Client;
use crate::dataset::Dataset;
use crate::destination::Destination;
use crate::error::LogpushError;
use crate::job::Job;
use crate::reach::Probe;
use crate::request::guide_fields;
use crate::scope::Scope;
use crate::token::TokenStatus;

/// A step and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was checked.
    pub name: StepName,
    /// `None` when it could not be told, which does not keep a job from being made.
    pub ok: Option<bool>,
    /// How it went, and what to do.
    pub sentence: String,
}

/// What a step is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepName {
    /// Whether the dataset belongs to the account or zone.
    Scope,
    /// Whether the token works.
    Token,
    /// Whether it has a right.
    Permissions,
    /// Whether the address takes the validation upload from here.
    Address,
    /// Which fields Cloudflare offers.
    Fields,
    /// Which jobs the dataset has.
    Jobs,
    /// Whether Cloudflare's own upload arrives.
    Destination,
}

impl StepName {
    /// Its name, as scripts see it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::Token => "token",
            Self::Permissions => "permissions",
            Self::Address => "address",
            Self::Fields => "fields",
            Self::Jobs => "jobs",
            Self::Destination => "destination",
        }
    }
}

/// The job that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// Where it will live.
    pub scope: &'a Scope,
    /// What it will send.
    pub dataset: &'static Dataset,
    /// Where it will send, which needs no key yet.
    pub to: &'a Destination,
    /// Whether it will be the job of the public guide.
    pub compat: bool,
    /// Whether Cloudflare may send its validation upload.
    pub validate: bool,
}

impl Setup<'_> {
    /// The fields that it will send, of those that Cloudflare offers.
    #[must_use]
    pub fn fields<'f>(&self, offered: impl IntoIterator<Item = &'f str>) -> Vec<String> {
        if self.compat { guide_fields(self.dataset) } else { self.dataset.wanted_fields(offered) }
    }
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

    fn step(&mut self, name: StepName, ok: Option<bool>, sentence: impl Into<String>) {
        self.steps.push(Step { name, ok, sentence: sentence.into() });
    }

    fn failed(&mut self, name: StepName, error: &LogpushError) {
        self.step(name, Some(false), error.to_string());
    }
}

impl Step {
    /// The step as JSON, for scripts.
    #[must_use]
    pub fn shown(&self) -> serde_json::Value {
        serde_json::json!({"step": self.name.name(), "ok": self.ok, "sentence": self.sentence})
    }
}

/// Checks token, permissions, address, fields, present jobs and destination, in this order, and goes on as long as it
/// makes sense. Nothing is changed at Cloudflare. Without a probe the address is not tried from here.
pub async fn check_setup(client: &Client, probe: Option<&Probe>, setup: &Setup<'_>) -> Prepared {
    let Setup { scope, dataset, to, validate, .. } = *setup;
    let mut found = Prepared::default();
    if scope.level() != dataset.level {
        found.step(
            StepName::Scope,
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
    fields(&mut found, client, setup).await;
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
            found.failed(StepName::Token, &error);
            return false;
        }
    };
    let expires = state.expires.map(|at| format!("; it ends at {at}")).unwrap_or_default();
    let over = state.expires.is_some_and(|at| at <= Timestamp::now());
    match &state.status {
        TokenStatus::Active if !over => found.step(StepName::Token, Some(true), format!("the token works{expires}")),
        TokenStatus::Disabled => {
            found.step(StepName::Token, Some(false), "the token is switched off: roll it or make a new one")
        }
        TokenStatus::Active | TokenStatus::Expired => {
            found.step(StepName::Token, Some(false), "the token has expired: make a new one");
        }
        TokenStatus::Other(word) => found.step(StepName::Token, None, format!("Cloudflare says of the token: {word}")),
    }
    if !found.is_fine() {
        return false;
    }
    match client.permissions(scope, dataset, &state).await {
        Ok(permissions) => {
            for permission in permissions {
                found.step(StepName::Permissions, permission.held, permission.sentence);
            }
        }
        Err(error) => found.failed(StepName::Permissions, &error),
    }
    found.is_fine()
}

async fn address(found: &mut Prepared, probe: &Probe, to: &Destination) {
    match probe.check(to).await {
        Ok(reach) => found.step(StepName::Address, Some(reach.is_fine()), reach.sentence),
        Err(error) => found.failed(StepName::Address, &error),
    }
}

async fn fields(found: &mut Prepared, client: &Client, setup: &Setup<'_>) {
    let fields = match client.fields(setup.scope, setup.dataset.name).await {
        Ok(fields) => fields,
        Err(error) => return found.failed(StepName::Fields, &error),
    };
    let sent = setup.fields(fields.keys().map(String::as_str));
    let lacking: Vec<&str> = sent.iter().filter(|field| !fields.contains_key(*field)).map(String::as_str).collect();
    let offers = format!("Cloudflare offers {} fields", fields.len());
    let (ok, sentence) = match (sent.len(), lacking.len()) {
        (0, _) => (
            Some(false),
            format!("{offers}, of which 0 will be sent: this version does not know the dataset as it is now"),
        ),
        (sent, 0) => (Some(true), format!("{offers}, of which {sent} will be sent")),
        (sent, _) => (
            None,
            format!(
                "{offers}; the guide asks for {sent}, and Cloudflare may refuse these, which it does not offer: {}",
                lacking.join(", ")
            ),
        ),
    };
    found.fields = fields;
    found.step(StepName::Fields, ok, sentence);
}

async fn jobs(found: &mut Prepared, client: &Client, scope: &Scope, dataset: &Dataset, to: &Destination) {
    match client.jobs_of(scope, dataset.name).await {
        Ok(jobs) => found.jobs = jobs,
        Err(error) => return found.failed(StepName::Jobs, &error),
    }
    let others = found.jobs.len();
    let twin = found.twin(to).map(|twin| (twin.id, twin.destination_conf.intake_key() == to.intake_key()));
    match twin {
        Some((id, true)) => found.step(
            StepName::Jobs,
            Some(false),
            format!("job {id} sends there already: `tidegate logpush verify {id}` looks at it"),
        ),
        Some((id, false)) => found.step(
            StepName::Jobs,
            Some(false),
            format!(
                "job {id} sends this dataset to the same address already, and records would come twice: \
                 `tidegate logpush update {id}` changes it, `tidegate logpush delete {id}` makes room for another"
            ),
        ),
        None if others == 0 => found.step(StepName::Jobs, Some(true), "the dataset has no job yet"),
        None => found.step(
            StepName::Jobs,
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
            found.step(StepName::Destination, Some(true), "Cloudflare's validation upload arrived")
        }
        Ok(validity) => {
            let advice = crate::advice::explain_delivery(&validity.message).unwrap_or("look at the server's log");
            found.step(
                StepName::Destination,
                Some(false),
                format!("Cloudflare's validation upload failed ({}): {advice}", validity.message),
            );
        }
        Err(error) => found.failed(StepName::Destination, &error),
    }
}
