//! A job as Cloudflare describes it.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::dataset::{Dataset, dataset};
use crate::destination::Destination;
use crate::error::LogpushError;
use crate::output::OutputOptions;
use crate::secret::mask;

/// The number of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// A Logpush job. Members that this version does not know are left aside; absent ones have Cloudflare's defaults.
#[derive(Clone, Debug, Deserialize)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// What it sends.
    #[serde(default)]
    pub dataset: Option<String>,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Where it sends.
    pub destination_conf: Destination,
    /// Whether it runs.
    #[serde(default, deserialize_with = "or_default")]
    pub enabled: bool,
    /// Empty for an ordinary job, `edge` for one without batches of its own.
    #[serde(default)]
    pub kind: Option<String>,
    /// Which records it sends, as JSON text; all of them when empty.
    #[serde(default)]
    pub filter: Option<String>,
    /// The old way to say which fields it sends.
    #[serde(default)]
    pub logpull_options: Option<String>,
    /// Which fields it sends, and how.
    #[serde(default)]
    pub output_options: Option<OutputOptions>,
    /// Largest batch, uncompressed; 0 is Cloudflare's default.
    #[serde(default)]
    pub max_upload_bytes: Option<u64>,
    /// Most records of a batch; 0 is Cloudflare's default.
    #[serde(default)]
    pub max_upload_records: Option<u64>,
    /// Longest time between batches; 0 is Cloudflare's default.
    #[serde(default)]
    pub max_upload_interval_seconds: Option<u64>,
    /// The end of the range of logs that was delivered last.
    #[serde(default, deserialize_with = "time")]
    pub last_complete: Option<Timestamp>,
    /// When it failed last; `None` when it works.
    #[serde(default, deserialize_with = "time")]
    pub last_error: Option<Timestamp>,
    /// Why it fails now; `None` when it works.
    #[serde(default)]
    pub error_message: Option<String>,
}

impl Job {
    /// The dataset, when we have a format for it.
    #[must_use]
    pub fn known_dataset(&self) -> Option<&'static Dataset> {
        self.dataset.as_deref().and_then(dataset)
    }

    /// What it sends, whichever of the two ways says it.
    #[must_use]
    pub fn output(&self) -> OutputOptions {
        match (&self.output_options, self.logpull_options.as_deref()) {
            (Some(options), _) if options.field_names.as_ref().is_some_and(|names| !names.is_empty()) => {
                options.clone()
            }
            (_, Some(old)) if !old.is_empty() => OutputOptions::of_logpull(old),
            (options, _) => options.clone().unwrap_or_default(),
        }
    }

    /// Whether its fields are named in the old way.
    #[must_use]
    pub fn is_old_style(&self) -> bool {
        let has_fields = |options: &OutputOptions| options.field_names.as_ref().is_some_and(|names| !names.is_empty());
        !self.output_options.as_ref().is_some_and(has_fields)
            && self.logpull_options.as_deref().is_some_and(|old| !old.is_empty())
    }

    /// The job as JSON for people and scripts: times as text, secrets masked.
    #[must_use]
    pub fn shown(&self) -> Value {
        json!({
            "id": self.id.0,
            "name": self.name,
            "dataset": self.dataset,
            "format": self.known_dataset().map(|dataset| dataset.format),
            "enabled": self.enabled,
            "destination_conf": self.destination_conf.to_string(),
            "kind": self.kind,
            "filter": self.filter,
            "logpull_options": self.logpull_options,
            "output_options": self.output_options,
            "max_upload_bytes": self.max_upload_bytes,
            "max_upload_records": self.max_upload_records,
            "max_upload_interval_seconds": self.max_upload_interval_seconds,
            "last_complete": self.last_complete.map(|at| at.to_string()),
            "last_error": self.last_error.map(|at| at.to_string()),
            "error_message": self.error_message.as_deref().map(mask),
        })
    }

    /// What differs between the settings of two looks at one job: a word for each. Progress and errors do not count.
    pub(crate) fn changes(&self, later: &Self) -> Vec<&'static str> {
        let pairs = self.settings().into_iter().zip(later.settings());
        pairs.filter(|((_, before), (_, now))| before != now).map(|((word, _), _)| word).collect()
    }

    /// How its settings are, as a short text that tells nothing of them: for [`Job::changes_since`].
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.settings().map(|(_, digest)| format!("{digest:016x}")).join(".")
    }

    /// What differs from when it had this fingerprint: a word for each. `None` when the text is no fingerprint.
    #[must_use]
    pub fn changes_since(&self, fingerprint: &str) -> Option<Vec<&'static str>> {
        let settings = self.settings();
        let before: Vec<&str> = fingerprint.split('.').take(settings.len() + 1).collect();
        let is_digest = |part: &&str| part.len() == 16 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        if before.len() != settings.len() || !before.iter().all(is_digest) {
            return None;
        }
        let pairs = settings.into_iter().zip(before);
        Some(pairs.filter(|((_, now), before)| format!("{now:016x}") != *before).map(|((word, _), _)| word).collect())
    }

    /// A word and a digest for each of its settings. The digests are compared, never inverted: a key among what they are
    /// of has far more possible values than they have.
    fn settings(&self) -> [(&'static str, u64); 7] {
        let text = |text: &Option<String>| digest(text.as_deref().unwrap_or_default());
        [
            ("destination", digest(self.destination_conf.reveal())),
            ("enabled", digest(&self.enabled)),
            ("filter", text(&self.filter)),
            ("fields or format", digest(&json!(self.output().normalised()).to_string())),
            ("name", text(&self.name)),
            ("upload limits", digest(&self.limits())),
            ("dataset", text(&self.dataset)),
        ]
    }

    fn limits(&self) -> [u64; 3] {
        [self.max_upload_bytes, self.max_upload_records, self.max_upload_interval_seconds]
            .map(Option::unwrap_or_default)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = LogpushError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.trim().parse().ok().filter(|number| *number > 0);
        let wrong =
            || LogpushError::Wrong("a job has a number, such as 123456; `tidegate logpush list` shows them".to_owned());
        number.map(Self).ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || serde::de::Error::custom("the number of the job is none");
        match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_u64().map(Self).ok_or_else(wrong),
            Value::String(text) => text.parse().map(Self).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}

/// A value, or its default where Cloudflare writes `null`.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn digest(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A time; one that cannot be read is none, since the rest of the job still counts.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(value: Value) -> Job {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_job_is_read_as_documented_and_as_sparsely_as_possible() {
        let full = job(json!({
            "id": 7, "dataset": "gateway_dns", "destination_conf": "https://t/plain/batch?header_X-Tidegate-Intake-Key=secret",
            "enabled": true, "error_message": null, "filter": "", "frequency": "high", "kind": "", "last_complete": "2026-11-22T10:00:00Z",
            "last_error": null, "logpull_options": null, "max_upload_bytes": 5_000_000, "max_upload_records": 1_000, "name": "n",
            "output_options": {"field_names": ["Datetime"], "timestamp_format": "rfc3339", "new_member": 1}, "tomorrow": [1]
        }));
        assert_eq!(full.last_complete.unwrap().to_string(), "2026-11-22T10:00:00Z");
        assert!(!full.shown().to_string().contains("secret"));
        assert!(!format!("{full:?}").contains("secret"));
        let sparse = job(json!({"id": "9", "destination_conf": "s3://b", "enabled": null, "last_complete": "never"}));
        assert_eq!((sparse.id, sparse.enabled, sparse.last_complete), (JobId(9), false, None));
        assert!(sparse.output().field_names.is_none());
        assert!(serde_json::from_value::<Job>(json!({"id": -1, "destination_conf": "x"})).is_err());
    }

    #[test]
    fn the_old_way_to_name_fields_is_understood() {
        let old = job(json!({"id": 1, "destination_conf": "x", "logpull_options": "fields=A,B&timestamps=rfc3339"}));
        assert!(old.is_old_style());
        assert_eq!(old.output().field_names.unwrap(), ["A", "B"]);
        assert_eq!(old.output().timestamp_format.unwrap(), "rfc3339");
    }

    #[test]
    fn a_fingerprint_says_what_changed_and_nothing_else() {
        let before =
            job(json!({"id": 1, "destination_conf": "https://t/?header_K=secret", "enabled": true, "name": "n"}));
        let seen = before.fingerprint();
        assert!(!seen.contains("secret"));
        let mut now = before.clone();
        now.last_error = Some("2026-11-22T10:00:00Z".parse().unwrap());
        assert_eq!(now.changes_since(&seen).unwrap(), [""; 0], "progress does not count");
        now.enabled = false;
        now.filter = Some("{}".to_owned());
        assert_eq!(now.changes_since(&seen).unwrap(), ["enabled", "filter"]);
        for wrong in ["", "x", &seen[1..], &format!("{seen}.0")] {
            assert_eq!(now.changes_since(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_of_jobs() {
        assert_eq!(" 12 ".parse::<JobId>().unwrap(), JobId(12));
        for wrong in ["", "0", "-1", "x", "1/2"] {
            assert!(wrong.parse::<JobId>().is_err(), "{wrong}");
        }
    }
}
