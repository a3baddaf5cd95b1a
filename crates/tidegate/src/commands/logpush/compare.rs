//! Compares a job with what it should be, and changes it into that.

use std::io::Write;
use std::process::ExitCode;

use eyre::eyre;
use serde_json::json;
use tidegate_logpush::{
    Dataset, Destination, IntakeKey, Job, JobId, Severity, Wanted, WantedKey, plan, render, verify as compare,
};

use super::{Cloud, HereArgs, agree, cloud_failure, intakes, known, pretty, public_url, read_key, tell};
use crate::exit::{Failure, NOT_MET, Outcome};
use crate::place::{Missing, Place, PlaceArgs};

/// The job and what it should be; the fields that Cloudflare offers come along for the plan.
struct Compared {
    job: Job,
    dataset: &'static Dataset,
    offered: Vec<String>,
    address: Option<String>,
    key: Option<IntakeKey>,
    /// Whether an intake takes the job's key, where that can be known.
    fits: Option<bool>,
    place: Option<Place>,
}

impl Compared {
    fn of(cloud: &Cloud, id: JobId, here: &HereArgs, place: PlaceArgs) -> Result<Self, Failure> {
        // Without a place the address and the key may still be given; a job can be looked at from anywhere.
        let place = place.open(Missing::Refuse).ok();
        let key = here.key_file.as_deref().map(read_key).transpose()?;
        let address = public_url(here, place.as_ref());
        let job = cloud.ask(cloud.client.job(&cloud.scope, id))?;
        let dataset = known(job.dataset.as_deref().unwrap_or_default())?;
        let offered = cloud.ask(cloud.client.fields(&cloud.scope, dataset.name))?.into_keys().collect();
        let own = job.destination_conf.intake_key();
        let fits = place.as_ref().and_then(|place| intakes::takes(place, &own?));
        Ok(Self { job, dataset, offered, address, key, fits, place })
    }

    fn wanted(&self) -> Result<Wanted<'_>, Failure> {
        let judged = || self.fits.map_or(WantedKey::Any, WantedKey::Judged);
        let key = self.key.clone().map_or_else(judged, WantedKey::Exact);
        let offered = self.offered.iter().map(String::as_str).collect();
        Wanted::new(self.dataset, offered, self.address.as_deref(), key).map_err(cloud_failure)
    }

    /// Where the job should send, when the key is known: what else its destination says stays.
    fn destination(&self) -> Result<Option<Destination>, Failure> {
        let own = || self.job.destination_conf.intake_key().filter(|_| self.fits != Some(false));
        let Some(key) = self.key.clone().or_else(own) else { return Ok(None) };
        self.job.destination_conf.moved(self.address.as_deref(), &key).map(Some).map_err(cloud_failure)
    }
}

/// Compares; ends with 1 when something breaks events or rules.
pub(super) fn verify(cloud: &Cloud, id: JobId, here: &HereArgs, place: PlaceArgs, json: bool) -> Outcome {
    let compared = Compared::of(cloud, id, here, place)?;
    let differences = compare(&compared.job, &compared.wanted()?);
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
    let mut compared = Compared::of(cloud, id, &wish.here, place)?;
    let intake = wish.rotate_key.as_deref().map(|name| intake(&compared, name)).transpose()?;
    if intake.is_some() {
        // What stands for the key that the intake will have: it is masked wherever it would show.
        let placeholder = IntakeKey::new("tgi_0000000000000000000000000000000000000000000");
        compared.key = Some(placeholder.map_err(cloud_failure)?);
    }
    let shown = plan(&compared.job, &compared.wanted()?, compared.destination()?.as_ref());
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
    if let (Some(intake), Some(place)) = (&intake, &compared.place) {
        let key = intakes::rotate(place, intake)?;
        let sentence = format!(
            "intake `{}` has a new key; its old one is taken for a day more\nkey (shown this once):  {}",
            intake.name,
            key.reveal()
        );
        tell(&json!({"intake": intake.name, "key": key.reveal()}), &sentence, json)?;
        compared.key = Some(key);
    }
    let plan = plan(&compared.job, &compared.wanted()?, compared.destination()?.as_ref());
    let job = cloud.ask(cloud.client.update_if_unchanged(&cloud.scope, &compared.job, &plan.update))?;
    tell(&job.shown(), &format!("job {id} changed; it takes 10 to 15 minutes to show"), json)?;
    Ok(ExitCode::SUCCESS)
}

/// The intake whose key is to be rotated.
fn intake(compared: &Compared, name: &str) -> Result<intakes::Intake, Failure> {
    let place = compared.place.as_ref().ok_or_else(|| {
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
