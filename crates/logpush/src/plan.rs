//! The update that makes a job what it should be.

use crate::destination::Destination;
use crate::job::Job;
use crate::request::{JobUpdate, UPLOAD_BYTES, UPLOAD_INTERVAL_SECONDS};
use crate::verify::{Aspect, Difference, Severity, Wanted, verify};

/// What an update does, and what it cannot do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What to send; empty when nothing is to be done.
    pub update: JobUpdate,
    /// What it mends.
    pub mended: Vec<Difference>,
    /// What stays, because it cannot be changed or is a choice.
    pub staying: Vec<Difference>,
}

impl Plan {
    /// Whether something stays that keeps events from being right.
    #[must_use]
    pub fn leaves_breaking(&self) -> bool {
        self.staying.iter().any(|difference| difference.severity == Severity::Breaking)
    }
}

/// The update for a job. `destination` is the one that it should have, where the caller knows the key: without it a wrong
/// destination stays.
#[must_use]
pub fn plan(job: &Job, wanted: &Wanted<'_>, destination: Option<&Destination>) -> Plan {
    let (mut mended, mut staying) = (Vec::new(), Vec::new());
    let mut update = JobUpdate::default();
    for difference in verify(job, wanted) {
        if difference.mends && mend(&mut update, &difference, job, wanted, destination) {
            mended.push(difference);
        } else {
            staying.push(difference);
        }
    }
    Plan { update, mended, staying }
}

fn mend(
    update: &mut JobUpdate,
    difference: &Difference,
    job: &Job,
    wanted: &Wanted<'_>,
    destination: Option<&Destination>,
) -> bool {
    match difference.aspect {
        Aspect::Enabled => update.enabled = Some(true),
        Aspect::Destination | Aspect::Key => match destination {
            Some(destination) => update.destination = Some(destination.clone()),
            None => return false,
        },
        Aspect::Filter => update.filter = Some(String::new()),
        Aspect::UploadBytes => update.max_upload_bytes = Some(UPLOAD_BYTES),
        Aspect::UploadInterval => update.max_upload_interval_seconds = Some(UPLOAD_INTERVAL_SECONDS),
        Aspect::FieldsMissing | Aspect::FieldsGone | Aspect::TimeFormat | Aspect::SampleRate | Aspect::Shape => {
            update.output_options = Some(output(job, wanted));
        }
        _ => return false,
    }
    true
}

/// Cloudflare replaces the options whole, so all of them are said.
fn output(job: &Job, wanted: &Wanted<'_>) -> crate::output::OutputOptions {
    let mut options = job.output().corrected(&wanted.fields(), wanted.dataset);
    if !wanted.offered.is_empty()
        && let Some(fields) = &mut options.field_names
    {
        fields.retain(|field| wanted.offered.contains(&field.as_str()));
    }
    options
}
