//! The bodies that go to Cloudflare when a job is made or changed.

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::dataset::Dataset;
use crate::destination::{Destination, Header};
use crate::error::LogpushError;
use crate::output::OutputOptions;
use crate::secret::IntakeKey;

/// The longest time between batches that we ask for, the shortest that Cloudflare offers: events are searchable sooner.
pub const UPLOAD_INTERVAL_SECONDS: u64 = 30;
/// The largest batch that we ask for, uncompressed: a tenth of what the intake takes, so that a batch that is sent again
/// costs little.
pub(crate) const UPLOAD_BYTES: u64 = 50_000_000;
/// The most records of a batch that we ask for, Cloudflare's own default.
pub(crate) const UPLOAD_RECORDS: u64 = 100_000;
/// What the public guide for gateway_dns asks for.
const GUIDE_UPLOAD_BYTES: u64 = 5_000_000;
const GUIDE_UPLOAD_RECORDS: u64 = 1_000;
/// The field list of that guide, in its order: `https://docs.sekoia.io/integration/categories/network/cloudflare-gateway-dns`.
const GUIDE_FIELDS: [&str; 32] = [
    "ApplicationID",
    "ColoCode",
    "ColoID",
    "Datetime",
    "DeviceID",
    "DeviceName",
    "DstIP",
    "DstPort",
    "Email",
    "Location",
    "LocationID",
    "MatchedCategoryIDs",
    "MatchedCategoryNames",
    "Policy",
    "PolicyID",
    "Protocol",
    "QueryCategoryIDs",
    "QueryCategoryNames",
    "QueryName",
    "QueryNameReversed",
    "QuerySize",
    "QueryType",
    "QueryTypeName",
    "RCode",
    "RData",
    "ResolvedIPs",
    "ResolverDecision",
    "SrcIP",
    "SrcPort",
    "TimeZone",
    "TimeZoneInferredMethod",
    "UserID",
];

/// The fields that the guide asks for; of other datasets those that our format reads.
pub(crate) fn guide_fields(dataset: &Dataset) -> Vec<String> {
    match dataset.name {
        "gateway_dns" => GUIDE_FIELDS.map(str::to_owned).to_vec(),
        _ => dataset.wanted_fields([]),
    }
}

/// A job to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRequest {
    /// Its name; the guide's body has none.
    pub name: Option<String>,
    /// What it sends.
    pub dataset: String,
    /// Where it sends.
    pub destination: Destination,
    /// Whether it runs at once.
    pub enabled: bool,
    /// Largest batch, uncompressed.
    pub max_upload_bytes: Option<u64>,
    /// Most records of a batch.
    pub max_upload_records: Option<u64>,
    /// Longest time between batches.
    pub max_upload_interval_seconds: Option<u64>,
    /// Fields and format in the present way.
    pub output_options: Option<OutputOptions>,
    /// Fields and format in the old way.
    pub logpull_options: Option<String>,
    /// The proof that a bucket is ours; addresses need none.
    pub ownership_challenge: Option<Challenge>,
}

/// The text of an ownership challenge, which `Debug` does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge(pub String);

impl std::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Challenge(…)")
    }
}

impl JobRequest {
    /// The job that sends a dataset to an intake: `public_url`, `key` and `extra` as in [`Destination::of_intake`], `offered`
    /// as in [`JobRequest::of_dataset`]; with `compat` exactly the body of the public guide.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when Logpush could not send there.
    pub fn of_intake<'a>(
        dataset: &Dataset,
        public_url: &str,
        key: &IntakeKey,
        extra: &[(String, Zeroizing<String>)],
        offered: impl IntoIterator<Item = &'a str>,
        compat: bool,
    ) -> Result<Self, LogpushError> {
        let header = if compat { Header::Guide } else { Header::Tidegate };
        let to = Destination::of_intake(public_url, key, header, extra)?;
        Ok(if compat { Self::compat(dataset, to) } else { Self::of_dataset(dataset, to, offered) })
    }

    /// A job for all fields that our format reads. `offered` are the fields that Cloudflare has; empty when not known.
    #[must_use]
    pub fn of_dataset<'a>(
        dataset: &Dataset,
        destination: Destination,
        offered: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            name: Some(format!("tidegate-{}", dataset.name.replace('_', "-"))),
            dataset: dataset.name.to_owned(),
            destination,
            enabled: true,
            max_upload_bytes: Some(UPLOAD_BYTES),
            max_upload_records: Some(UPLOAD_RECORDS),
            max_upload_interval_seconds: Some(UPLOAD_INTERVAL_SECONDS),
            output_options: Some(OutputOptions::of_fields(dataset.wanted_fields(offered))),
            logpull_options: None,
            ownership_challenge: None,
        }
    }

    /// The job of the public guide, member for member; for other datasets the same shape with the fields that our format
    /// reads.
    #[must_use]
    pub fn compat(dataset: &Dataset, destination: Destination) -> Self {
        let fields = guide_fields(dataset);
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        Self {
            name: None,
            dataset: dataset.name.to_owned(),
            destination,
            enabled: true,
            max_upload_bytes: Some(GUIDE_UPLOAD_BYTES),
            max_upload_records: Some(GUIDE_UPLOAD_RECORDS),
            max_upload_interval_seconds: None,
            output_options: None,
            logpull_options: Some(OutputOptions::as_logpull(&fields)),
            ownership_challenge: None,
        }
    }

    /// The body as it is sent, secrets included.
    #[must_use]
    pub(crate) fn body(&self) -> Value {
        self.body_to(self.destination.reveal())
    }

    /// The body for people: with a mask where the key stands.
    #[must_use]
    pub fn shown(&self) -> Value {
        self.body_to(&self.destination.to_string())
    }

    /// The body with a destination written in this way.
    pub(crate) fn body_to(&self, destination: &str) -> Value {
        let mut body = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        };
        put("name", self.name.as_ref().map(|name| json!(name)));
        put("dataset", Some(json!(self.dataset)));
        put("enabled", Some(json!(self.enabled)));
        put("max_upload_bytes", self.max_upload_bytes.map(|count| json!(count)));
        put("max_upload_records", self.max_upload_records.map(|count| json!(count)));
        put("max_upload_interval_seconds", self.max_upload_interval_seconds.map(|count| json!(count)));
        put("logpull_options", self.logpull_options.as_ref().map(|text| json!(text)));
        put("output_options", self.output_options.as_ref().map(|options| json!(options)));
        put("destination_conf", Some(json!(destination)));
        put("ownership_challenge", self.ownership_challenge.as_ref().map(|text| json!(text.0)));
        Value::Object(body)
    }
}

/// What to change of a job. Cloudflare replaces `output_options` whole, so it is sent whole or not at all; `dataset` and
/// `kind` cannot be changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobUpdate {
    /// Another destination.
    pub destination: Option<Destination>,
    /// On or off.
    pub enabled: Option<bool>,
    /// Another filter; empty text takes it away.
    pub filter: Option<String>,
    /// Fields and format, all of it.
    pub output_options: Option<OutputOptions>,
    /// Another limit of a batch, uncompressed.
    pub max_upload_bytes: Option<u64>,
    /// Another limit of the records of a batch.
    pub max_upload_records: Option<u64>,
    /// Another longest time between batches.
    pub max_upload_interval_seconds: Option<u64>,
}

impl JobUpdate {
    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The body as it is sent, secrets included.
    #[must_use]
    pub(crate) fn body(&self) -> Value {
        self.body_to(self.destination.as_ref().map(Destination::reveal))
    }

    /// The body for people: with a mask where the key stands.
    #[must_use]
    pub fn shown(&self) -> Value {
        self.body_to(self.destination.as_ref().map(ToString::to_string).as_deref())
    }

    /// The body with a destination written in this way.
    pub(crate) fn body_to(&self, destination: Option<&str>) -> Value {
        let members = [
            ("destination_conf", destination.map(|text| json!(text))),
            ("enabled", self.enabled.map(|on| json!(on))),
            ("filter", self.filter.as_ref().map(|text| json!(text))),
            ("max_upload_bytes", self.max_upload_bytes.map(|count| json!(count))),
            ("max_upload_records", self.max_upload_records.map(|count| json!(count))),
            ("max_upload_interval_seconds", self.max_upload_interval_seconds.map(|count| json!(count))),
            ("output_options", self.output_options.as_ref().map(|options| json!(options))),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{DATASETS, dataset};
    use crate::destination::Header;
    use crate::secret::IntakeKey;

    #[test]
    fn compat_is_the_body_of_the_guide() {
        let key = IntakeKey::new("KEY0KEY0KEY0KEY0KEY0").unwrap();
        let to = Destination::of_intake("https://intake.example", &key, Header::Guide, &[]).unwrap();
        let body = JobRequest::compat(dataset("gateway_dns").unwrap(), to).body();
        let expected = r#"{"dataset":"gateway_dns","enabled":true,"max_upload_bytes":5000000,"max_upload_records":1000,"logpull_options":"fields=ApplicationID,ColoCode,ColoID,Datetime,DeviceID,DeviceName,DstIP,DstPort,Email,Location,LocationID,MatchedCategoryIDs,MatchedCategoryNames,Policy,PolicyID,Protocol,QueryCategoryIDs,QueryCategoryNames,QueryName,QueryNameReversed,QuerySize,QueryType,QueryTypeName,RCode,RData,ResolvedIPs,ResolverDecision,SrcIP,SrcPort,TimeZone,TimeZoneInferredMethod,UserID&timestamps=rfc3339","destination_conf":"https://intake.example/plain/batch?header_X-SEKOIAIO-INTAKE-KEY=KEY0KEY0KEY0KEY0KEY0"}"#;
        assert_eq!(body.to_string(), expected);
    }

    #[test]
    fn every_dataset_has_a_job_whose_key_is_not_shown() {
        let key = IntakeKey::new("tgi_0123456789ABCDEFGHwxyz").unwrap();
        let to = Destination::of_intake("https://t.example", &key, Header::Tidegate, &[]).unwrap();
        for dataset in &DATASETS {
            for request in [JobRequest::of_dataset(dataset, to.clone(), []), JobRequest::compat(dataset, to.clone())] {
                assert!(request.body()["destination_conf"].as_str().unwrap().ends_with("wxyz"));
                assert!(!request.shown().to_string().contains("wxyz"));
                assert!(!format!("{request:?}").contains("wxyz"));
            }
        }
    }

    #[test]
    fn an_update_sends_what_changes() {
        assert!(JobUpdate::default().is_empty());
        assert_eq!(JobUpdate::default().body(), json!({}));
        let on = JobUpdate { enabled: Some(true), filter: Some(String::new()), ..JobUpdate::default() };
        assert_eq!(on.body(), json!({"enabled": true, "filter": ""}));
    }
}
