//! Makes a job: the steps before it, its intake, the request.

use std::sync::Arc;

use serde_json::json;
use tidegate_logpush::{Dataset, Destination, IntakeKey, JobRequest, Prepared, Probe, Setup, check_setup};
use tidegate_server::logpush::{
    LogpushChecked, LogpushFailure, LogpushHeader, LogpushIntake, LogpushMade, LogpushWish,
};
use tidegate_state::{Actor, Intake, Secret};
use zeroize::Zeroizing;

use super::service::{Cloud, dataset_of, failure, scope_of};
use super::{KEY_GRACE, Side, shown};

const DATASET: &str = "gateway_dns";
/// Headers that Cloudflare may send along.
const HEADERS_MAX: usize = 16;

/// A wish, resolved.
struct Plan {
    cloud: Cloud,
    dataset: &'static Dataset,
    base: String,
    extra: Vec<(String, Zeroizing<String>)>,
}

/// The key of an intake, and what was done to have it.
struct Keyed {
    intake: Option<Arc<Intake>>,
    key: IntakeKey,
    /// To be shown, since nobody knows it yet.
    is_new: bool,
    /// Whether the intake was made for this job.
    made: bool,
}

/// Goes through the steps.
pub(super) fn check(side: &Side, wish: &LogpushWish) -> Result<LogpushChecked, LogpushFailure> {
    let plan = Plan::of(side, wish)?;
    let found = plan.steps(side, wish, true)?;
    Ok(LogpushChecked {
        ready: found.is_fine(),
        steps: shown::steps(&found),
        offered: found.fields.len(),
        sent: plan.sent(wish, &found)?,
    })
}

/// Goes through the steps and makes the job.
pub(super) fn create(side: &Side, wish: &LogpushWish, actor: &Actor) -> Result<LogpushMade, LogpushFailure> {
    let plan = Plan::of(side, wish)?;
    let name = wish.intake.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| LogpushFailure::Invalid("name the intake that the job sends to".to_owned()))?;
    check_intake(side, wish, name, plan.dataset)?;
    let found = plan.steps(side, wish, !wish.dry_run)?;
    let mut made = LogpushMade {
        ready: found.is_fine(),
        steps: shown::steps(&found),
        request: None,
        curl: None,
        job: None,
        intake: None,
        key: None,
    };
    if !made.ready {
        let failed = found.steps.iter().find(|step| step.ok == Some(false));
        return match (wish.dry_run, failed) {
            (false, Some(step)) => Err(LogpushFailure::NotReady(format!("no job was made: {}", step.sentence))),
            _ => Ok(made),
        };
    }
    let keyed =
        if wish.dry_run { placeholder(side, wish, name)? } else { keyed(side, wish, name, plan.dataset, actor)? };
    let request = plan.request(wish, &keyed.key, &found)?;
    made.request = Some(request.shown());
    made.curl = Some(request.curl(plan.cloud.client.api(), &plan.cloud.scope));
    made.intake = keyed.intake.as_ref().map(|intake| LogpushIntake { id: intake.id.0, name: intake.name.clone() });
    if wish.dry_run {
        return Ok(made);
    }
    let job = match plan.cloud.ask(plan.cloud.client.create_job(&plan.cloud.scope, &request)) {
        Ok(job) => job,
        Err(error) => return Err(undo(side, &keyed, error, actor)),
    };
    let detail = json!({"place": plan.cloud.scope.to_string(), "intake": name, "request": request.shown()});
    side.note(actor, "logpush_job.create", job.id, detail)?;
    made.job = Some(shown::of_job(side, &plan.cloud.scope, &job));
    made.key = keyed.is_new.then(|| keyed.key.reveal().to_owned());
    Ok(made)
}

impl Plan {
    fn of(side: &Side, wish: &LogpushWish) -> Result<Self, LogpushFailure> {
        let dataset = dataset_of(wish.dataset.as_deref().unwrap_or(DATASET))?;
        let base = wish.public_url.clone().or_else(|| side.public_url.clone()).ok_or_else(|| {
            let why = "Cloudflare needs an address to send to: give `public_url`, or set it in [server]";
            LogpushFailure::Invalid(why.to_owned())
        })?;
        let extra = extra_headers(&wish.headers)?;
        let cloud = side.cloud(wish.token.as_ref(), scope_of(&wish.scope)?)?;
        Ok(Self { cloud, dataset, base, extra })
    }

    /// The validation upload needs no key, so all of this is known before an intake is made.
    fn steps(&self, side: &Side, wish: &LogpushWish, validate: bool) -> Result<Prepared, LogpushFailure> {
        let bare = Destination::without_key(&self.base, &self.extra).map_err(failure)?;
        let probe = (!wish.skip_address).then(Probe::new).transpose().map_err(failure)?;
        let probe = probe.map(|probe| probe.allow_private(side.allow_private));
        let setup = Setup { validate, ..self.setup(wish, &bare) };
        Ok(self.cloud.run(check_setup(&self.cloud.client, probe.as_ref(), &setup)))
    }

    fn setup<'a>(&'a self, wish: &LogpushWish, to: &'a Destination) -> Setup<'a> {
        Setup { scope: &self.cloud.scope, dataset: self.dataset, to, compat: wish.compat, validate: false }
    }

    /// The fields that the job would send, once Cloudflare's are known.
    fn sent(&self, wish: &LogpushWish, found: &Prepared) -> Result<Vec<String>, LogpushFailure> {
        if found.fields.is_empty() {
            return Ok(Vec::new());
        }
        let bare = Destination::without_key(&self.base, &self.extra).map_err(failure)?;
        Ok(self.setup(wish, &bare).fields(names(found)))
    }

    fn request(&self, wish: &LogpushWish, key: &IntakeKey, found: &Prepared) -> Result<JobRequest, LogpushFailure> {
        JobRequest::of_intake(self.dataset, &self.base, key, &self.extra, names(found), wish.compat).map_err(failure)
    }
}

/// Headers that Cloudflare is to send along.
pub(super) fn extra_headers(wished: &[LogpushHeader]) -> Result<Vec<(String, Zeroizing<String>)>, LogpushFailure> {
    if wished.len() > HEADERS_MAX {
        return Err(LogpushFailure::Invalid(format!("Cloudflare is given {HEADERS_MAX} headers at most")));
    }
    let pair = |header: &LogpushHeader| (header.name.clone(), Zeroizing::new(header.value.reveal().to_owned()));
    Ok(wished.iter().map(pair).collect())
}

fn names(found: &Prepared) -> impl Iterator<Item = &str> {
    found.fields.keys().map(String::as_str)
}

/// Whether the job could send to this intake, before anything is made.
fn check_intake(side: &Side, wish: &LogpushWish, name: &str, dataset: &Dataset) -> Result<(), LogpushFailure> {
    let invalid = |why: String| Err(LogpushFailure::Invalid(why));
    let Some(intake) = side.state.intake_by_name(name) else { return Ok(()) };
    if intake.format != dataset.format {
        let why = format!(
            "the intake `{name}` reads `{}`, but `{}` wants `{}`: name another intake",
            intake.format, dataset.name, dataset.format
        );
        return invalid(why);
    }
    match &wish.key {
        Some(key) => check_key(side, key, &intake),
        None if wish.rotate_key => Ok(()),
        None => invalid(format!(
            "there is an intake `{name}` already, and its key is stored as a hash only: give the key, or let the intake get a \
             new one with `rotate_key`"
        )),
    }
}

/// Whether a key opens this intake.
pub(super) fn check_key(side: &Side, key: &Secret, intake: &Intake) -> Result<(), LogpushFailure> {
    match side.state.intake_by_key(key.reveal()) {
        Some(found) if found.id == intake.id => Ok(()),
        _ => Err(LogpushFailure::Invalid(format!("the key that was given is none of the intake `{}`", intake.name))),
    }
}

/// What stands for a key in a dry run. It is masked wherever it would show.
fn placeholder(side: &Side, wish: &LogpushWish, name: &str) -> Result<Keyed, LogpushFailure> {
    let key = match &wish.key {
        Some(key) => IntakeKey::new(key.reveal()).map_err(failure)?,
        None => IntakeKey::placeholder(),
    };
    Ok(Keyed { intake: side.state.intake_by_name(name), key, is_new: false, made: false })
}

/// The key of the intake, which is made when there is none.
fn keyed(
    side: &Side,
    wish: &LogpushWish,
    name: &str,
    dataset: &Dataset,
    actor: &Actor,
) -> Result<Keyed, LogpushFailure> {
    let (intake, key, made) = match (side.state.intake_by_name(name), &wish.key) {
        (Some(intake), Some(key)) => (intake, key.clone(), false),
        (Some(intake), None) => {
            let key = side.state.rotate_intake_key(intake.id, Some(KEY_GRACE), actor)?;
            (intake, key, false)
        }
        (None, Some(key)) => (side.state.create_intake_with_key(name, dataset.format, key, actor)?, key.clone(), true),
        (None, None) => {
            let (intake, key) = side.state.create_intake(name, dataset.format, actor)?;
            (intake, key, true)
        }
    };
    let is_new = wish.key.is_none();
    Ok(Keyed { intake: Some(intake), key: IntakeKey::new(key.reveal()).map_err(failure)?, is_new, made })
}

/// Takes back what was made for a job that Cloudflare then refused.
fn undo(side: &Side, keyed: &Keyed, error: LogpushFailure, actor: &Actor) -> LogpushFailure {
    let Some(intake) = &keyed.intake else { return error };
    if keyed.made {
        if let Err(failed) = side.state.delete_intake(intake.id, actor) {
            tracing::error!(
                "the intake `{}` was made for a job that could not be made, and stays: {failed}",
                intake.name
            );
        }
        return error;
    }
    if !keyed.is_new {
        return error;
    }
    let more = format!(
        "the intake `{}` got a new key already, and its old one is taken for a day more: try again with `rotate_key`",
        intake.name
    );
    with(error, &more)
}

/// A failure with one more sentence.
pub(super) fn with(error: LogpushFailure, more: &str) -> LogpushFailure {
    match error {
        LogpushFailure::Invalid(text) => LogpushFailure::Invalid(format!("{text}; {more}")),
        LogpushFailure::NotFound(text) => LogpushFailure::NotFound(format!("{text}; {more}")),
        LogpushFailure::Changed(text) => LogpushFailure::Changed(format!("{text}; {more}")),
        LogpushFailure::Cloudflare(text) => LogpushFailure::Cloudflare(format!("{text}; {more}")),
        other => other,
    }
}
