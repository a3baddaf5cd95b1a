//! Compares a job with what it should be, and makes it so.

use std::sync::Arc;

use serde_json::json;
use tidegate_logpush::{Compared, Difference, IntakeKey, Job, JobId};
use tidegate_server::logpush::{
    LogpushComparison, LogpushFailure, LogpushLook, LogpushPlan, LogpushUpdate, LogpushUpdated,
};
use tidegate_state::{Actor, Intake, Secret};

use super::make::{check_key, extra_headers, with};
use super::service::{Cloud, dataset_of, failure};
use super::{KEY_GRACE, Side, shown};

/// Compares.
pub(super) fn verify(side: &Side, id: JobId, look: &LogpushLook) -> Result<LogpushComparison, LogpushFailure> {
    let cloud = side.cloud(look.token.as_ref(), side.place_of(id, look.scope.as_ref())?)?;
    let compared = compared(side, &cloud, id, look.public_url.as_deref(), look.key.as_ref())?;
    let plan = compared.plan().map_err(failure)?;
    let all = compared.differences().map_err(failure)?;
    let update = (!plan.update.is_empty()).then(|| LogpushPlan {
        request: plan.update.shown(),
        curl: plan.update.curl(cloud.client.api(), &cloud.scope, id),
    });
    Ok(LogpushComparison {
        job: shown::of_job(side, &cloud.scope, &compared.job),
        differences: all.iter().map(|one| shown::difference(one, plan.mended.contains(one))).collect(),
        update,
        seen: compared.job.fingerprint(),
    })
}

/// Mends.
pub(super) fn update(
    side: &Side,
    id: JobId,
    wish: &LogpushUpdate,
    actor: &Actor,
) -> Result<LogpushUpdated, LogpushFailure> {
    let cloud = side.cloud(wish.token.as_ref(), side.place_of(id, wish.scope.as_ref())?)?;
    let mut compared = compared(side, &cloud, id, wish.public_url.as_deref(), wish.key.as_ref())?;
    unchanged(&compared.job, &wish.seen)?;
    compared.headers = extra_headers(&wish.headers)?;
    let intake = intake(side, &compared.job, wish)?;
    let rotated = match intake.filter(|_| wish.rotate_key) {
        Some(intake) => {
            let key = side.state.rotate_intake_key(intake.id, Some(KEY_GRACE), actor)?;
            compared.key = Some(IntakeKey::new(key.reveal()).map_err(failure)?);
            Some((intake, key))
        }
        None => None,
    };
    let plan = compared.plan().map_err(failure)?;
    let (mended, left) = (told(&plan.mended, true), told(&plan.staying, false));
    let request = plan.update.shown();
    let done = |changed, job: &Job| LogpushUpdated {
        changed,
        job: shown::of_job(side, &cloud.scope, job),
        mended,
        left,
        request: request.clone(),
        key: rotated.as_ref().map(|(_, key)| key.reveal().to_owned()),
    };
    if plan.update.is_empty() {
        return Ok(done(false, &compared.job));
    }
    let sent = cloud.ask(cloud.client.update_if_unchanged(&cloud.scope, &compared.job, &plan.update));
    let job = sent.map_err(|error| match &rotated {
        Some((intake, _)) => with(error, &after_rotation(intake)),
        None => error,
    })?;
    side.note(actor, "logpush_job.update", id, json!({"place": cloud.scope.to_string(), "request": request}))?;
    Ok(done(true, &job))
}

fn after_rotation(intake: &Intake) -> String {
    format!(
        "the intake `{}` got a new key already, and its old one is taken for a day more: try again with `rotate_key`",
        intake.name
    )
}

fn told(differences: &[Difference], mended: bool) -> Vec<tidegate_server::logpush::LogpushDifference> {
    differences.iter().map(|one| shown::difference(one, mended)).collect()
}

/// Whether a job is as it was seen.
fn unchanged(job: &Job, seen: &str) -> Result<(), LogpushFailure> {
    match job.changes_since(seen).as_deref() {
        Some([]) => Ok(()),
        Some(changes) => Err(LogpushFailure::Changed(format!(
            "job {} was changed by someone else meanwhile ({}), and nothing was sent: compare it again; Cloudflare's audit log \
             says who it was",
            job.id,
            changes.join(", ")
        ))),
        None => Err(LogpushFailure::Invalid("`seen` is not what a comparison gave".to_owned())),
    }
}

/// A job beside what it should be, with the key that was given.
fn compared(
    side: &Side,
    cloud: &Cloud,
    id: JobId,
    public_url: Option<&str>,
    key: Option<&Secret>,
) -> Result<Compared, LogpushFailure> {
    let job = cloud.ask(cloud.client.job(&cloud.scope, id))?;
    let dataset = dataset_of(job.dataset.as_deref().unwrap_or_default())?;
    let offered = cloud.ask(cloud.client.fields(&cloud.scope, dataset.name))?.into_keys().collect();
    let key = key.map(|key| IntakeKey::new(key.reveal())).transpose().map_err(failure)?;
    let own = side.intake_of(&job.destination_conf);
    let fits = Some(own.as_ref().is_some_and(|intake| intake.enabled));
    let reads = own.map(|intake| intake.format.clone());
    let address = public_url.map(str::to_owned).or_else(|| side.public_url.clone());
    let batch_bytes_max = Some(side.batch_bytes_max);
    Ok(Compared { job, dataset, offered, address, key, fits, reads, headers: Vec::new(), batch_bytes_max })
}

/// The intake that the job should send to: the named one, or that of the key. A key that was given must be its key.
fn intake(side: &Side, job: &Job, wish: &LogpushUpdate) -> Result<Option<Arc<Intake>>, LogpushFailure> {
    let invalid = |why: &str| LogpushFailure::Invalid(why.to_owned());
    let named = match wish.intake.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => Some(side.state.intake_by_name(name).ok_or_else(|| invalid("there is no intake of this name"))?),
        None => None,
    };
    let intake = named.or_else(|| side.intake_of(&job.destination_conf));
    match (&intake, &wish.key) {
        (_, Some(_)) if wish.rotate_key => Err(invalid("give a key or have one made, not both")),
        (Some(intake), Some(key)) => check_key(side, key, intake).map(|()| Some(Arc::clone(intake))),
        (None, _) if wish.rotate_key => {
            Err(invalid("no intake takes the key that the job carries: name the `intake` that it should send to"))
        }
        _ => Ok(intake),
    }
}
