//! What the server asks, answered from the watch or by Cloudflare.

use std::sync::Arc;

use tidegate_logpush::{ApiToken, Client, DATASETS, Dataset, JobId, LogpushError, Scope, dataset};
use tidegate_server::logpush::{
    Arrivals, Logpush, LogpushChecked, LogpushComparison, LogpushDataset, LogpushFailure, LogpushLevel, LogpushLook,
    LogpushMade, LogpushOverview, LogpushScope, LogpushUpdate, LogpushUpdated, LogpushWish,
};
use tidegate_state::{Actor, Audit, Secret};
use tokio::runtime::Runtime;

use super::{Side, key_of, make, mend, shown};
use crate::detection::runner::one_thread;

/// Answers the server.
pub(super) struct Service(pub(super) Arc<Side>);

/// A client for one call of ours, and something to run it on.
pub(super) struct Cloud {
    pub(super) client: Client,
    pub(super) scope: Scope,
    runtime: Runtime,
}

impl Cloud {
    /// Runs a call.
    pub(super) fn ask<T>(&self, call: impl Future<Output = Result<T, LogpushError>>) -> Result<T, LogpushFailure> {
        self.runtime.block_on(call).map_err(failure)
    }

    /// Runs what cannot fail.
    pub(super) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

impl Side {
    /// A client with the token that was given, or with the server's own.
    pub(super) fn cloud(&self, token: Option<&Secret>, scope: Scope) -> Result<Cloud, LogpushFailure> {
        let token = match token {
            Some(token) => ApiToken::new(token.reveal()).map_err(failure)?,
            None => self.token().map_err(LogpushFailure::NoToken)?.ok_or_else(|| {
                let why =
                    "this server has no Cloudflare token: give one with the request, or set `token_file` in [logpush]";
                LogpushFailure::NoToken(why.to_owned())
            })?,
        };
        let client = self.client(token).map_err(failure)?;
        let runtime = one_thread().map_err(|error| LogpushFailure::Internal(error.to_string()))?;
        Ok(Cloud { client, scope, runtime })
    }

    /// Where a job lives: where the caller says, where the watch saw it, or the one place that there is.
    pub(super) fn place_of(&self, id: JobId, said: Option<&LogpushScope>) -> Result<Scope, LogpushFailure> {
        if let Some(said) = said {
            return scope_of(said);
        }
        let seen = self.seen().reports.values().find(|report| report.job.id == id).map(|report| report.scope.clone());
        match (seen, &self.scopes[..]) {
            (Some(scope), _) => Ok(scope),
            (None, [only]) => Ok(only.clone()),
            _ => Err(LogpushFailure::Invalid(format!(
                "job {id} is not one of those that are watched: say in which account or zone it lives"
            ))),
        }
    }

    /// Writes down what was done to a job, and lets the watch look at once.
    pub(super) fn note(
        &self,
        actor: &Actor,
        action: &'static str,
        id: JobId,
        detail: serde_json::Value,
    ) -> Result<(), LogpushFailure> {
        self.bell.ring();
        let target = id.to_string();
        Ok(self.state.record(&Audit { actor, action, target: &target, detail })?)
    }
}

impl Logpush for Service {
    fn overview(&self, arrived: &Arrivals) -> LogpushOverview {
        shown::overview(&self.0, arrived)
    }

    fn datasets(&self) -> Vec<LogpushDataset> {
        let row = |dataset: &Dataset| LogpushDataset {
            name: dataset.name.to_owned(),
            format: dataset.format.to_owned(),
            level: shown::level(dataset.level),
            personal: dataset.personal,
        };
        DATASETS.iter().map(row).collect()
    }

    fn check(&self, wish: &LogpushWish) -> Result<LogpushChecked, LogpushFailure> {
        make::check(&self.0, wish)
    }

    fn create(&self, wish: &LogpushWish, actor: &Actor) -> Result<LogpushMade, LogpushFailure> {
        make::create(&self.0, wish, actor)
    }

    fn verify(&self, id: u64, look: &LogpushLook) -> Result<LogpushComparison, LogpushFailure> {
        mend::verify(&self.0, JobId(id), look)
    }

    fn update(&self, id: u64, wish: &LogpushUpdate, actor: &Actor) -> Result<LogpushUpdated, LogpushFailure> {
        mend::update(&self.0, JobId(id), wish, actor)
    }

    fn delete(&self, id: u64, scope: Option<&LogpushScope>, actor: &Actor) -> Result<(), LogpushFailure> {
        let (side, id) = (&self.0, JobId(id));
        let cloud = side.cloud(None, side.place_of(id, scope)?)?;
        let job = cloud.ask(cloud.client.job(&cloud.scope, id))?;
        cloud.ask(cloud.client.delete_job(&cloud.scope, id))?;
        {
            let mut seen = side.seen();
            seen.reports.remove(&key_of(&cloud.scope, id));
            seen.deleted.push((cloud.scope.clone(), id));
        }
        let detail = serde_json::json!({"place": cloud.scope.to_string(), "job": job.shown()});
        side.note(actor, "logpush_job.delete", id, detail)
    }
}

/// An account or zone that a caller named.
pub(super) fn scope_of(said: &LogpushScope) -> Result<Scope, LogpushFailure> {
    let scope = match said.level {
        LogpushLevel::Account => Scope::account(&said.id),
        LogpushLevel::Zone => Scope::zone(&said.id),
    };
    scope.map_err(failure)
}

/// A dataset that a caller named.
pub(super) fn dataset_of(name: &str) -> Result<&'static Dataset, LogpushFailure> {
    dataset(name).ok_or_else(|| {
        let names = DATASETS.iter().map(|dataset| dataset.name).collect::<Vec<_>>().join(", ");
        let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        LogpushFailure::Invalid(format!("there is no format for the dataset `{name}`; there are {names}"))
    })
}

/// What Cloudflare or the caller got wrong, in the server's terms.
pub(super) fn failure(error: LogpushError) -> LogpushFailure {
    let text = error.to_string();
    match &error {
        LogpushError::Wrong(_) => LogpushFailure::Invalid(text),
        LogpushError::Changed { .. } => LogpushFailure::Changed(text),
        LogpushError::Refused(refusal) if refusal.status == 404 || refusal.code == Some(1001) => {
            LogpushFailure::NotFound(text)
        }
        _ => LogpushFailure::Cloudflare(text),
    }
}
