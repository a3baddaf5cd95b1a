//! A job compared with what it should be.

use serde_json::Value;

use crate::dataset::{Dataset, dataset_of_format};
use crate::destination::{Destination, same_address};
use crate::difference::{Aspect, Difference, Severity};
use crate::job::Job;
use crate::output::{OutputOptions, RFC3339_FORMATS, TIME_FORMAT};
use crate::request::UPLOAD_INTERVAL_SECONDS;
use crate::secret::IntakeKey;

/// Fields named in a sentence.
const NAMED_MAX: usize = 8;
/// Cloudflare's bounds, unless 0.
const UPLOAD_RECORDS_MIN: u64 = 1_000;

/// The key that the job should carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedKey {
    /// Any: it is not known which.
    Any,
    /// One that ends like this.
    Hint(String),
    /// This one.
    Exact(IntakeKey),
    /// Someone who knows the keys looked at the job's: whether it opens the intake.
    Judged(bool),
}

/// What a job should be.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// What it sends.
    pub dataset: &'static Dataset,
    /// The fields that Cloudflare offers; empty when not known.
    pub offered: Vec<&'a str>,
    /// The address of our endpoint, without parameters: `https://tidegate.example.com/plain/batch`. `None` when not known.
    pub address: Option<String>,
    /// The key.
    pub key: WantedKey,
    /// The format of the intake that takes the job's key; `None` when not known.
    pub reads: Option<&'a str>,
    /// The largest batch that the intake takes, uncompressed.
    pub batch_bytes_max: u64,
}

impl<'a> Wanted<'a> {
    /// What a job of a dataset should be, for a server at `public_url`.
    ///
    /// # Errors
    /// [`crate::LogpushError::Wrong`] when Logpush could not send there.
    pub fn new(
        dataset: &'static Dataset,
        offered: Vec<&'a str>,
        public_url: Option<&str>,
        key: WantedKey,
    ) -> Result<Self, crate::LogpushError> {
        /// The default of `intake.decompressed_bytes_max`.
        const BATCH_BYTES_MAX: u64 = 512 << 20;
        let address = public_url.map(crate::destination::endpoint).transpose()?;
        Ok(Self { dataset, offered, address, key, reads: None, batch_bytes_max: BATCH_BYTES_MAX })
    }

    /// The fields that the job should send.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        self.dataset.wanted_fields(self.offered.iter().copied())
    }
}

/// All differences, the gravest first.
#[must_use]
pub fn verify(job: &Job, wanted: &Wanted<'_>) -> Vec<Difference> {
    let mut out = Differences(Vec::new());
    out.standing(job, wanted);
    out.destination(&job.destination_conf, wanted);
    let output = job.output();
    out.fields(&output, wanted);
    out.format(&output);
    out.selection(job, &output);
    out.limits(job, wanted);
    if job.is_old_style() {
        out.add(
            Aspect::OldStyle,
            Severity::Info,
            "logpull_options",
            "output_options",
            "Cloudflare has deprecated the old way; it still works",
            false,
        );
    }
    out.0.sort_by_key(|difference| std::cmp::Reverse(difference.severity));
    out.0
}

struct Differences(Vec<Difference>);

impl Differences {
    fn add(&mut self, aspect: Aspect, severity: Severity, is: &str, wanted: &str, why: &str, mends: bool) {
        let difference =
            Difference { aspect, severity, is: is.to_owned(), wanted: wanted.to_owned(), why: why.to_owned(), mends };
        self.0.push(difference);
    }

    fn standing(&mut self, job: &Job, wanted: &Wanted<'_>) {
        let name = job.dataset.as_deref().unwrap_or_default();
        if name != wanted.dataset.name {
            let why = "the job sends another dataset; a job's dataset cannot be changed: make a new job";
            self.add(Aspect::Dataset, Severity::Breaking, name, wanted.dataset.name, why, false);
        } else if let Some(format) = wanted.reads.filter(|format| *format != wanted.dataset.format) {
            let why = "the intake whose key the job carries cannot read this dataset; a job's dataset cannot be changed: make \
                       a new job for the intake, or give this one the key of another intake (`--key-file`)";
            let wanted = dataset_of_format(format).map_or(format, |dataset| dataset.name);
            self.add(Aspect::Dataset, Severity::Breaking, name, wanted, why, false);
        }
        if !job.enabled {
            let why = "the job is off: nothing is sent, and what is missed is not sent later";
            self.add(Aspect::Enabled, Severity::Breaking, "enabled: false", "enabled: true", why, true);
        }
        if let Some(message) = job.error_message.as_deref().filter(|message| !message.is_empty()) {
            let message = crate::secret::mask(message);
            let advice = crate::advice::explain_delivery(&message).unwrap_or("look at the server's log of that time");
            self.add(Aspect::Failing, Severity::Breaking, &message, "", &format!("uploads fail now: {advice}"), false);
        }
    }

    fn destination(&mut self, is: &Destination, wanted: &Wanted<'_>) {
        if let Some(address) = &wanted.address
            && !same_address(is.address(), address)
        {
            let why = "the job sends to another place";
            self.add(Aspect::Destination, Severity::Breaking, &crate::secret::mask(is.address()), address, why, true);
        }
        let key = is.intake_key();
        let shown = key.as_ref().map_or_else(|| "no key".to_owned(), |key| format!("key {key}"));
        let (fits, should) = match (&wanted.key, &key) {
            (WantedKey::Judged(fits), Some(_)) => (*fits, "a key of the intake".to_owned()),
            (WantedKey::Any, Some(_)) => (true, String::new()),
            (WantedKey::Hint(hint), Some(key)) => (key.reveal().ends_with(hint.as_str()), format!("key …{hint}")),
            (WantedKey::Exact(exact), Some(key)) => (key == exact, format!("key {exact}")),
            (_, None) => (false, "header_X-Tidegate-Intake-Key=…".to_owned()),
        };
        if !fits {
            let mends = matches!(wanted.key, WantedKey::Exact(_));
            let why = if mends {
                "the intake refuses the key that the job carries"
            } else {
                "the intake refuses the key that the job carries; an update needs the key itself (`--key-file`), or gives \
                 the intake a new one (`--rotate-key`)"
            };
            self.add(Aspect::Key, Severity::Breaking, &shown, &should, why, mends);
        }
    }

    fn fields(&mut self, output: &OutputOptions, wanted: &Wanted<'_>) {
        let (is, should, dataset) = (output.fields(), wanted.fields(), wanted.dataset);
        // A job with a field that was replaced sends the same content.
        let has = |field: &str| {
            let predecessor = dataset.replaced.iter().find(|(_, new)| *new == field).map(|(old, _)| *old);
            is.iter().any(|name| name == field || predecessor == Some(name.as_str()))
        };
        let missing: Vec<&str> = should.iter().map(String::as_str).filter(|field| !has(field)).collect();
        let (essential, others): (Vec<&str>, Vec<&str>) =
            missing.into_iter().partition(|field| dataset.is_essential(field));
        if essential.contains(&dataset.time) {
            let why = "without its time an event counts for when it arrived: rules that look at time spans go wrong";
            self.add(Aspect::FieldsMissing, Severity::Breaking, "", dataset.time, why, true);
        }
        let rest: Vec<&str> = essential.into_iter().filter(|field| *field != dataset.time).collect();
        self.list(
            Aspect::FieldsMissing,
            Severity::Warning,
            &rest,
            "fields that rules, searches or duplicates depend on are not sent",
        );
        self.list(Aspect::FieldsMissing, Severity::Info, &others, "fields that the format reads are not sent");
        let known = dataset.known_fields();
        let is_extra = |field: &&str| {
            !known.contains(field) || dataset.successor(field).is_some_and(|new| is.iter().any(|name| name == new))
        };
        let is_offered = |field: &&str| wanted.offered.is_empty() || wanted.offered.contains(field);
        let extra: Vec<&str> = is.iter().map(String::as_str).filter(is_offered).filter(is_extra).collect();
        if !extra.is_empty() {
            let why = "fields are sent that the format does not read, or that are there under a newer name; they only cost bytes";
            self.add(Aspect::FieldsExtra, Severity::Info, &names(&extra), "", why, false);
        }
        if wanted.offered.is_empty() {
            return;
        }
        let gone: Vec<&str> = is.iter().map(String::as_str).filter(|field| !is_offered(field)).collect();
        if !gone.is_empty() {
            let why = "Cloudflare does not offer these fields (any more)";
            self.add(Aspect::FieldsGone, Severity::Warning, &names(&gone), "", why, true);
        }
        let new: Vec<&str> = wanted.offered.iter().copied().filter(|field| !known.contains(field)).collect();
        if !new.is_empty() {
            let why = "Cloudflare offers fields that this version does not read; a newer version may";
            self.add(Aspect::FieldsNew, Severity::Info, &names(&new), "", why, false);
        }
    }

    fn list(&mut self, aspect: Aspect, severity: Severity, fields: &[&str], why: &str) {
        if !fields.is_empty() {
            self.add(aspect, severity, "", &names(fields), why, true);
        }
    }

    fn format(&mut self, output: &OutputOptions) {
        let time = output.time_format();
        if !RFC3339_FORMATS.contains(&time) {
            let why = "times come as numbers; they are understood, but hard to read in the raw record";
            let why = if time == "unix" {
                "times come without fractions of a second: order within a second is lost"
            } else {
                why
            };
            self.add(Aspect::TimeFormat, Severity::Warning, time, TIME_FORMAT, why, true);
        }
        if !output.is_json_lines() {
            let is = output.output_type.as_deref().unwrap_or("a record shape of its own");
            let is = if is == "ndjson" { "ndjson with another prefix, suffix, delimiter or template" } else { is };
            let why = "records do not come as one JSON object a line: most cannot be parsed";
            self.add(Aspect::Shape, Severity::Breaking, is, "ndjson", why, true);
        }
    }

    fn selection(&mut self, job: &Job, output: &OutputOptions) {
        let rate = output.rate();
        if rate < 1.0 {
            let why = "only a share of the records is sent: counts are not counts, and rules that count go wrong";
            self.add(
                Aspect::SampleRate,
                Severity::Breaking,
                &format!("sample_rate: {rate}"),
                "sample_rate: 1",
                why,
                true,
            );
        }
        let filter = job.filter.as_deref().unwrap_or_default().trim();
        if has_condition(filter) {
            let why = "only records that match the filter are sent: what it leaves out is not judged";
            let shown: String = filter.chars().filter(|c| !c.is_control()).take(300).collect();
            self.add(Aspect::Filter, Severity::Warning, &shown, "no filter", why, true);
        }
    }

    fn limits(&mut self, job: &Job, wanted: &Wanted<'_>) {
        let (bytes, most) = (job.max_upload_bytes.unwrap_or(0), wanted.batch_bytes_max);
        let is = format!("max_upload_bytes: {bytes}");
        if bytes > most {
            let why = "a batch may be larger than the intake takes: it would be refused again and again";
            self.add(
                Aspect::UploadBytes,
                Severity::Breaking,
                &is,
                &format!("max_upload_bytes: {}", crate::request::UPLOAD_BYTES),
                why,
                true,
            );
        }
        let records = job.max_upload_records.unwrap_or(0);
        if (1..=UPLOAD_RECORDS_MIN).contains(&records) {
            let why = "batches are as small as Cloudflare allows: many records mean many requests; larger batches are lighter";
            let wanted = format!("max_upload_records: {}", crate::request::UPLOAD_RECORDS);
            self.add(
                Aspect::UploadRecords,
                Severity::Info,
                &format!("max_upload_records: {records}"),
                &wanted,
                why,
                false,
            );
        }
        let seconds = job.max_upload_interval_seconds.unwrap_or(0);
        if seconds > UPLOAD_INTERVAL_SECONDS {
            let why = "batches come later than they could: alerts do, too";
            let (is, wanted) = (
                format!("max_upload_interval_seconds: {seconds}"),
                format!("max_upload_interval_seconds: {UPLOAD_INTERVAL_SECONDS}"),
            );
            self.add(Aspect::UploadInterval, Severity::Info, &is, &wanted, why, true);
        }
    }
}

/// Names, the first few of them.
fn names(fields: &[&str]) -> String {
    let first = fields.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    match fields.len().checked_sub(NAMED_MAX) {
        Some(more) if more > 0 => format!("{first} and {more} more"),
        _ => first,
    }
}

/// Whether a filter leaves anything out: Cloudflare writes an empty one in several ways.
fn has_condition(filter: &str) -> bool {
    if filter.is_empty() {
        return false;
    }
    match serde_json::from_str::<Value>(filter) {
        Ok(Value::Object(object)) => match object.get("where") {
            None | Some(Value::Null) => false,
            Some(Value::Object(inside)) => {
                !inside.is_empty() && !inside.values().all(|list| list.as_array().is_some_and(Vec::is_empty))
            }
            Some(_) => true,
        },
        Ok(Value::Null) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
