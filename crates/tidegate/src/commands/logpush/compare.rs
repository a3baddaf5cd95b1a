//! Compares a job with what it should be, and changes it into that.

use std::io::Write;
use std::process::ExitCode;

use eyre::eyre;
use serde_json::json;
use tidegate_logpush::{Compared, IntakeKey, JobId, Severity, render};

use super::{Cloud, HereArgs, agree, cloud_failure, intakes, known, pretty, public_url, read_key, tell};
use crate::exit::{Failure, NOT_MET, Outcome};
use crate::place::{Missing, Place, PlaceArgs};

/// The job beside what it should be, and where its intake is, if that was said.
fn compared(cloud: &Cloud, id: JobId, here: &HereArgs, place: PlaceArgs) -> Result<(Compared, Option<Place>), Failure> {
    // Without a place the address and the key may still be given; a job can be looked at from anywhere.
    let place = place.open(Missing::Refuse).ok();
    let key = here.key_file.as_deref().map(read_key).transpose()?;
    let address = public_url(here, place.as_ref());
    let job = cloud.ask(cloud.client.job(&cloud.scope, id))?;
    let dataset = known(job.dataset.as_deref().unwrap_or_default())?;
    let offered = cloud.ask(cloud.client.fields(&cloud.scope, dataset.name))?.into_keys().collect();
    let own = job.destination_conf.intake_key();
    let fits = place.as_ref().and_then(|place| intakes::takes(place, &own?));
    Ok((Compared { job, dataset, offered, address, key, fits, batch_bytes_max: None }, place))
}

/// Compares; ends with 1 when something breaks events or rules.
pub(super) fn verify(cloud: &Cloud, id: JobId, here: &HereArgs, place: PlaceArgs, json: bool) -> Outcome {
    let (compared, _) = compared(cloud, id, here, place)?;
    let differences = compared.differences().map_err(cloud_failure)?;
    let mut out = std::io::stdout().lock();
    if json {
        differences.iter().try_for_each(|difference| writeln!(out, "{}", difference.shown()))?;
    } else if differences.is_empty() {
        writeln!(out, "job {id} is as it should be")?;
    } else {
        write!(out, "{}", render(&differences))?;
    }
    if !json && compared.address.is_none() {
        writeln!(out, "where it sends was not looked at: give --public-url, or --data or --url for this server")?;
    }
    let breaks = differences.iter().any(|difference| difference.severity == Severity::Breaking);
    Ok(if breaks { ExitCode::from(NOT_MET) } else { ExitCode::SUCCESS })
}

/// How an update is wished.
pub(super) struct Update {
    pub(super) job: JobId,
    pub(super) here: HereArgs,
    pub(super) rotate_key: Option<String>,
    pub(super) yes: bool,
}

/// Changes a job into what it should be, after asking.
pub(super) fn update(cloud: &Cloud, wish: &Update, place: PlaceArgs, json: bool, dry_run: bool) -> Outcome {
    let id = wish.job;
    let (mut compared, place) = compared(cloud, id, &wish.here, place)?;
    let intake = wish.rotate_key.as_deref().map(|name| intake(&compared, place.as_ref(), name)).transpose()?;
    if intake.is_some() {
        compared.key = Some(IntakeKey::placeholder());
    }
    let shown = compared.plan().map_err(cloud_failure)?;
    if shown.update.is_empty() {
        let sentence = if shown.staying.is_empty() {
            format!("job {id} is as it should be")
        } else {
            format!("an update changes nothing at job {id}; what stays:\n{}", render(&shown.staying))
        };
        tell(&json!({"job": id.0, "changed": false}), sentence.trim_end(), json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let command = shown.update.curl(cloud.client.api(), &cloud.scope, id);
    let row = json!({"job": id.0, "request": shown.update.shown(), "curl": command, "dry_run": dry_run});
    let staying =
        if shown.staying.is_empty() { String::new() } else { format!("stays:\n{}\n", render(&shown.staying)) };
    let text =
        format!("{}\n{staying}request:\n{}\n\n{command}\n", render(&shown.mended), pretty(&shown.update.shown()));
    tell(&row, &text, json)?;
    if dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    agree(wish.yes, &format!("change job {id}?"))?;
    if let (Some(intake), Some(place)) = (&intake, &place) {
        let key = intakes::rotate(place, intake)?;
        let sentence = format!(
            "intake `{}` has a new key; its old one is taken for a day more\nkey (shown this once):  {}",
            intake.name,
            key.reveal()
        );
        tell(&json!({"intake": intake.name, "key": key.reveal()}), &sentence, json)?;
        compared.key = Some(key);
    }
    let plan = compared.plan().map_err(cloud_failure)?;
    let job = cloud.ask(cloud.client.update_if_unchanged(&cloud.scope, &compared.job, &plan.update))?;
    tell(&job.shown(), &format!("job {id} changed; it takes 10 to 15 minutes to show"), json)?;
    Ok(ExitCode::SUCCESS)
}

/// The intake whose key is to be rotated.
fn intake(compared: &Compared, place: Option<&Place>, name: &str) -> Result<intakes::Intake, Failure> {
    let place = place.ok_or_else(|| {
        Failure::Usage(eyre!("a key is rotated on a data directory or a server: name one with --data or --url"))
    })?;
    if compared.key.is_some() {
        return Err(Failure::Usage(eyre!("give either --key-file or --rotate-key")));
    }
    let found = intakes::find(place, name)?.ok_or_else(|| Failure::Usage(eyre!("there is no intake `{name}`")))?;
    if found.format != compared.dataset.format {
        return Err(Failure::Usage(eyre!(
            "the intake `{name}` reads `{}`, and the job sends `{}`",
            found.format,
            compared.dataset.name
        )));
    }
    Ok(found)
}
