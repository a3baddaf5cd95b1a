//! Makes an intake and the job that sends to it.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use eyre::eyre;
use serde_json::json;
use tidegate_logpush::{Dataset, Destination, IntakeKey, JobRequest, Prepared, Probe, Setup, check_setup};

use super::{
    Cloud, CloudArgs, DRY, HereArgs, cloud_failure, intakes, no_public_url, pretty, public_url, read_headers, read_key,
    tell,
};
use crate::exit::{Failure, Outcome};
use crate::place::{Missing, Place, PlaceArgs};

/// What was asked for.
pub(super) struct Create {
    pub(super) intake: String,
    pub(super) dataset: &'static Dataset,
    pub(super) here: HereArgs,
    pub(super) rotate_key: bool,
    pub(super) compat: bool,
    pub(super) skip_address: bool,
    pub(super) allow_private: bool,
    pub(super) header: Vec<(String, PathBuf)>,
}

/// The key of the intake, and what was done to have it.
struct Keyed {
    key: IntakeKey,
    made: bool,
    rotated: bool,
}

/// Runs the verb.
pub(super) fn run(wish: &Create, args: &CloudArgs, place: PlaceArgs, json: bool, dry_run: bool) -> Outcome {
    // A dry run makes nothing, a data directory included.
    let place = if dry_run { place.open_if_there()? } else { Some(place.open(Missing::Make)?) };
    let base = public_url(&wish.here, place.as_ref()).ok_or_else(no_public_url)?;
    let extra = read_headers(&wish.header)?;
    // The validation upload needs no key, so all of this is known before an intake is made.
    let bare = Destination::without_key(&base, &extra).map_err(cloud_failure)?;
    let brought = wish.here.key_file.as_deref().map(read_key).transpose()?;
    if let Some(place) = &place {
        check_intake(wish, place, brought.as_ref())?;
    }
    let cloud = Cloud::open(args)?;
    let found = checks(wish, &cloud, &bare, json, dry_run)?;
    let keyed = match &place {
        Some(place) if !dry_run => keyed(wish, place, brought)?,
        _ => Keyed { key: brought.unwrap_or_else(IntakeKey::placeholder), made: false, rotated: false },
    };
    let offered = found.fields.keys().map(String::as_str);
    let request = JobRequest::of_intake(wish.dataset, &base, &keyed.key, &extra, offered, wish.compat);
    let request = request.map_err(cloud_failure)?;
    let command = request.curl(cloud.client.api(), &cloud.scope);
    let shown = json!({"request": request.shown(), "curl": command, "dry_run": dry_run});
    tell(&shown, &format!("\nrequest:\n{}\n\n{command}\n", pretty(&request.shown())), json)?;
    if dry_run {
        if !json {
            writeln!(std::io::stdout(), "{DRY}; without --dry-run {}", would_do(wish, place.as_ref())?)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let job = match cloud.ask(cloud.client.create_job(&cloud.scope, &request)) {
        Ok(job) => job,
        Err(error) => return Err(undo(wish, place.as_ref(), &keyed, error)),
    };
    if keyed.made || keyed.rotated {
        let row = json!({"intake": wish.intake, "key": keyed.key.reveal()});
        let done = if keyed.made { "made" } else { "has a new key; its old one is taken for a day more" };
        let sentence = format!("intake `{}` {done}\nkey (shown this once):  {}", wish.intake, keyed.key.reveal());
        tell(&row, &sentence, json)?;
    }
    let sentence = format!("job {} made; the first batches come within 10 to 15 minutes", job.id);
    tell(&job.shown(), &sentence, json)?;
    Ok(ExitCode::SUCCESS)
}

/// Goes through the steps before a job, and tells each.
fn checks(wish: &Create, cloud: &Cloud, to: &Destination, json: bool, dry_run: bool) -> Result<Prepared, Failure> {
    let probe = if wish.skip_address { None } else { Some(Probe::new().map_err(cloud_failure)?) };
    let probe = probe.map(|probe| probe.allow_private(wish.allow_private));
    let (scope, dataset) = (&cloud.scope, wish.dataset);
    let setup = Setup { scope, dataset, to, compat: wish.compat, validate: !dry_run };
    let found = cloud.runtime.block_on(check_setup(&cloud.client, probe.as_ref(), &setup));
    for step in &found.steps {
        let mark = step.ok.map_or("?", |ok| if ok { "ok" } else { "NO" });
        tell(&step.shown(), &format!("{mark:>2}  {}", step.sentence), json)?;
    }
    if found.is_fine() { Ok(found) } else { Err(not_ready(&found, dry_run)) }
}

/// What the checks were about that failed, for those who see the last line only.
fn not_ready(found: &Prepared, dry_run: bool) -> Failure {
    let failed = found.steps.iter().filter(|step| step.ok == Some(false)).map(|step| step.name.name());
    let failed = failed.collect::<Vec<_>>().join(", ");
    let done = if dry_run { "no job would be made" } else { "no job was made" };
    Failure::Work(eyre!("{done}: see above what the checks say ({failed})"))
}

/// What a run that is not dry does besides.
fn would_do(wish: &Create, place: Option<&Place>) -> Result<String, Failure> {
    let found = place.map(|place| intakes::find(place, &wish.intake)).transpose()?.flatten();
    Ok(match found {
        Some(intake) if wish.rotate_key => format!("the intake `{}` gets a new key", intake.name),
        Some(intake) => format!("the job sends to the intake `{}`", intake.name),
        None => format!("the intake `{}` is made first", wish.intake),
    })
}

/// Whether the job can send to the intake that was named.
fn check_intake(wish: &Create, place: &Place, brought: Option<&IntakeKey>) -> Result<(), Failure> {
    let Some(intake) = intakes::find(place, &wish.intake)? else { return Ok(()) };
    if intake.format != wish.dataset.format {
        return Err(Failure::Usage(eyre!(
            "the intake `{}` reads `{}`, but `{}` wants `{}`: name another intake",
            intake.name,
            intake.format,
            wish.dataset.name,
            wish.dataset.format
        )));
    }
    if brought.is_some_and(|key| intakes::takes(place, key) == Some(false)) {
        return Err(Failure::Usage(eyre!("no intake takes the key in --key-file: give the key of `{}`", intake.name)));
    }
    if brought.is_none() && !wish.rotate_key {
        return Err(Failure::Usage(eyre!(
            "there is an intake `{}` already, and its key is stored as a hash only: give the key with --key-file, or let the \
             intake get a new one with --rotate-key",
            intake.name
        )));
    }
    Ok(())
}

/// The key of the intake: brought along, of a new intake, or a new one.
fn keyed(wish: &Create, place: &Place, brought: Option<IntakeKey>) -> Result<Keyed, Failure> {
    match (brought, intakes::find(place, &wish.intake)?) {
        (Some(key), Some(_)) => Ok(Keyed { key, made: false, rotated: false }),
        (Some(_), None) => Err(Failure::Usage(eyre!(
            "there is no intake `{}` yet: make it with `tidegate intake create --existing-key`, or leave out --key-file",
            wish.intake
        ))),
        (None, Some(intake)) => Ok(Keyed { key: intakes::rotate(place, &intake)?, made: false, rotated: true }),
        (None, None) => {
            Ok(Keyed { key: intakes::make(place, &wish.intake, wish.dataset.format)?, made: true, rotated: false })
        }
    }
}

/// Takes back what was made for a job that Cloudflare then refused.
fn undo(wish: &Create, place: Option<&Place>, keyed: &Keyed, error: Failure) -> Failure {
    let Some(place) = place else { return error };
    let more = if keyed.made {
        match intakes::remove(place, &wish.intake) {
            Ok(()) => format!("the intake `{}` that was made for it was removed again", wish.intake),
            Err(_) => format!("the intake `{}` that was made for it stays", wish.intake),
        }
    } else if keyed.rotated {
        format!(
            "the intake `{}` got a new key already, and its old one is taken for a day more: try again with --rotate-key",
            wish.intake
        )
    } else {
        return error;
    };
    error.and(&more)
}
