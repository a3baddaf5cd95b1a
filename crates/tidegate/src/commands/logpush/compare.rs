//! Compares a job with what it should be, and changes it into that.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use eyre::eyre;
use serde_json::{Value, json};
use tidegate_logpush::{Compared, Difference, IntakeKey, JobId, Plan, Severity, render};

use super::{
    Cloud, DRY, HereArgs, agree, cloud_failure, intakes, known, pretty, public_url, read_headers, read_key, tell,
};
use crate::exit::{Failure, NOT_MET, Outcome};
use crate::place::{Missing, Place, PlaceArgs};

/// A job beside what it should be, and where its intake is, if that was said.
struct Look {
    compared: Compared,
    place: Option<Place>,
}

impl Look {
    fn at(cloud: &Cloud, id: JobId, here: &HereArgs, place: PlaceArgs) -> Result<Self, Failure> {
        // Without a place the address and the key may still be given; a job can be looked at from anywhere.
        let place = if place.is_named() { Some(place.open(Missing::Refuse)?) } else { place.open_if_there()? };
        let key = here.key_file.as_deref().map(read_key).transpose()?;
        let address = public_url(here, place.as_ref());
        let job = cloud.ask(cloud.client.job(&cloud.scope, id))?;
        let dataset = known(job.dataset.as_deref().unwrap_or_default())
            .map_err(|why| why.context(format!("job {id} cannot be compared")))?;
        let offered = cloud.ask(cloud.client.fields(&cloud.scope, dataset.name))?.into_keys().collect();
        let own = job.destination_conf.intake_key();
        let whose = place.as_ref().zip(own.as_ref());
        let fits = whose.and_then(|(place, key)| intakes::takes(place, key));
        let reads = whose.and_then(|(place, key)| intakes::format_of(place, key));
        let compared =
            Compared { job, dataset, offered, address, key, fits, reads, headers: Vec::new(), batch_bytes_max: None };
        Ok(Self { compared, place })
    }

    /// What was not compared, and what to give for it.
    fn left_out(&self) -> Vec<(&'static str, &'static str)> {
        let mut out = Vec::new();
        if self.compared.address.is_none() {
            out.push((
                "destination",
                "where the job sends was not compared: give --public-url, or set `server.public_url`",
            ));
        }
        let Compared { job, key, fits, .. } = &self.compared;
        if key.is_none() && fits.is_none() && job.destination_conf.intake_key().is_some() {
            let why = "whether an intake takes the job's key was not looked at: give --data with the server's data directory, or \
                       the key with --key-file";
            out.push(("key", why));
        }
        out
    }
}

/// Compares; ends with 1 when something breaks events or rules.
pub(super) fn verify(cloud: &Cloud, id: JobId, here: &HereArgs, place: PlaceArgs, json: bool) -> Outcome {
    let look = Look::at(cloud, id, here, place)?;
    let differences = look.compared.differences().map_err(cloud_failure)?;
    let mut out = std::io::stdout().lock();
    if json {
        differences.iter().try_for_each(|difference| writeln!(out, "{}", difference.shown()))?;
    } else if differences.is_empty() {
        writeln!(out, "job {id} is as it should be")?;
    } else {
        write!(out, "{}", render(&differences))?;
    }
    for (what, why) in look.left_out() {
        if json { writeln!(out, "{}", json!({"not_compared": what, "why": why}))? } else { writeln!(out, "{why}")? }
    }
    let breaks = differences.iter().any(|difference| difference.severity == Severity::Breaking);
    Ok(if breaks { ExitCode::from(NOT_MET) } else { ExitCode::SUCCESS })
}

/// How an update is wished.
pub(super) struct Update {
    pub(super) job: JobId,
    pub(super) here: HereArgs,
    pub(super) rotate_key: Option<String>,
    pub(super) header: Vec<(String, PathBuf)>,
    pub(super) yes: bool,
}

/// Changes a job into what it should be, after asking.
pub(super) fn update(cloud: &Cloud, wish: &Update, place: PlaceArgs, json: bool, dry_run: bool) -> Outcome {
    let id = wish.job;
    let Look { mut compared, place } = Look::at(cloud, id, &wish.here, place)?;
    compared.headers = read_headers(&wish.header)?;
    let intake = wish.rotate_key.as_deref().map(|name| intake(&compared, place.as_ref(), name)).transpose()?;
    if intake.is_some() {
        compared.key = Some(IntakeKey::placeholder());
    }
    let shown = compared.plan().map_err(cloud_failure)?;
    if shown.update.is_empty() {
        return unchanged(id, &shown, json);
    }
    announce(cloud, id, &shown, json, dry_run)?;
    if dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    agree(wish.yes, &format!("change job {id}?"))?;
    if let (Some(intake), Some(place)) = (&intake, &place) {
        compared.key = Some(rotated(place, intake, json)?);
    }
    let plan = compared.plan().map_err(cloud_failure)?;
    let sent = cloud.ask(cloud.client.update_if_unchanged(&cloud.scope, &compared.job, &plan.update));
    let job = sent.map_err(|error| match &intake {
        Some(intake) => error.and(&format!(
            "the intake `{0}` has its new key already, and its old one is taken for a day more: try again with `--rotate-key {0}`",
            intake.name
        )),
        None => error,
    })?;
    tell(&job.shown(), &format!("job {id} changed; it takes 10 to 15 minutes to show"), json)?;
    Ok(ExitCode::SUCCESS)
}

/// Says that there is nothing to send, and what an update cannot mend.
fn unchanged(id: JobId, plan: &Plan, json: bool) -> Outcome {
    let sentence = if plan.staying.is_empty() {
        format!("job {id} is as it should be")
    } else {
        format!("an update changes nothing at job {id}; what stays:\n{}", render(&plan.staying))
    };
    let row = json!({"job": id.0, "changed": false, "stays": rows(&plan.staying)});
    tell(&row, sentence.trim_end(), json)?;
    Ok(ExitCode::SUCCESS)
}

/// Says what an update will send.
fn announce(cloud: &Cloud, id: JobId, plan: &Plan, json: bool, dry_run: bool) -> Result<(), Failure> {
    let (request, command) = (plan.update.shown(), plan.update.curl(cloud.client.api(), &cloud.scope, id));
    let row = json!({"job": id.0, "mends": rows(&plan.mended), "stays": rows(&plan.staying), "request": request,
        "curl": command, "dry_run": dry_run});
    let stays = if plan.staying.is_empty() { String::new() } else { format!("stays:\n{}\n", render(&plan.staying)) };
    let end = if dry_run { format!("\n{DRY}: job {id} is as it was") } else { String::new() };
    let text = format!("{}\n{stays}request:\n{}\n\n{command}\n{end}", render(&plan.mended), pretty(&request));
    Ok(tell(&row, &text, json)?)
}

fn rows(differences: &[Difference]) -> Vec<Value> {
    differences.iter().map(Difference::shown).collect()
}

/// Gives the intake a new key, and shows it.
fn rotated(place: &Place, intake: &intakes::Intake, json: bool) -> Result<IntakeKey, Failure> {
    let key = intakes::rotate(place, intake)?;
    let sentence = format!(
        "intake `{}` has a new key; its old one is taken for a day more\nkey (shown this once):  {}",
        intake.name,
        key.reveal()
    );
    tell(&json!({"intake": intake.name, "key": key.reveal()}), &sentence, json)?;
    Ok(key)
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
