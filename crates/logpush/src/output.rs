//! Which fields a job sends, and how.

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::encoding::decode;

/// The time format that we ask for: RFC 3339, as finely as Cloudflare has it. Order within a second matters to rules.
pub const TIME_FORMAT: &str = "rfc3339ns";
/// The formats of time that keep RFC 3339.
pub(crate) const RFC3339_FORMATS: [&str; 3] = ["rfc3339", "rfc3339ms", "rfc3339ns"];
/// What a job without a time format sends.
const TIME_FORMAT_DEFAULT: &str = "unixnano";
/// Pieces of `logpull_options` that are looked at.
const PIECES_MAX: usize = 32;
/// Fields of a job that are looked at: the largest dataset has some 150.
const FIELDS_MAX: usize = 1_000;

/// `output_options` of a job. An absent member has Cloudflare's default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputOptions {
    /// The fields of a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_names: Option<Vec<String>>,
    /// `ndjson` or `csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_type: Option<String>,
    /// `unixnano`, `unix`, `rfc3339`, `rfc3339ms` or `rfc3339ns`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_format: Option<String>,
    /// The share of records that is sent, above 0 and up to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<f64>,
    /// Text before each batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_prefix: Option<String>,
    /// Text after each batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_suffix: Option<String>,
    /// Text before each record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_prefix: Option<String>,
    /// Text after each record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_suffix: Option<String>,
    /// Text between records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_delimiter: Option<String>,
    /// Text between fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_delimiter: Option<String>,
    /// A template in place of JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_template: Option<String>,
    /// Whether `${` is defused in all text.
    #[serde(default, rename = "CVE-2021-44228", skip_serializing_if = "Option::is_none")]
    pub cve_2021_44228: Option<bool>,
    /// Whether subrequests of Workers are put into the record of their request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_subrequests: Option<bool>,
}

impl OutputOptions {
    /// What we ask for: these fields as JSON lines, with readable times.
    #[must_use]
    pub fn of_fields(fields: Vec<String>) -> Self {
        Self {
            field_names: Some(fields),
            output_type: Some("ndjson".to_owned()),
            timestamp_format: Some(TIME_FORMAT.to_owned()),
            ..Self::default()
        }
    }

    /// What `logpull_options` say: `fields=A,B&timestamps=rfc3339&sample=0.1`.
    #[must_use]
    pub fn of_logpull(text: &str) -> Self {
        let mut options = Self::default();
        for (name, value) in text.split('&').take(PIECES_MAX).filter_map(|piece| piece.split_once('=')) {
            let value = decode(value);
            match name {
                "fields" => {
                    let names = value.split(',').map(str::trim).filter(|name| !name.is_empty()).take(FIELDS_MAX);
                    options.field_names = Some(names.map(str::to_owned).collect());
                }
                "timestamps" => options.timestamp_format = Some(value),
                "sample" => options.sample_rate = value.parse().ok(),
                "CVE-2021-44228" => options.cve_2021_44228 = Some(value == "true"),
                _ => {}
            }
        }
        options
    }

    /// The fields, or none.
    #[must_use]
    pub fn fields(&self) -> &[String] {
        self.field_names.as_deref().unwrap_or_default()
    }

    /// The format of times, default included.
    #[must_use]
    pub fn time_format(&self) -> &str {
        self.timestamp_format.as_deref().filter(|format| !format.is_empty()).unwrap_or(TIME_FORMAT_DEFAULT)
    }

    /// The share of records that is sent, default included.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.sample_rate.filter(|rate| *rate > 0.0).unwrap_or(1.0)
    }

    /// The same with every default written out and fields in order, so that two can be compared: the server adds the
    /// defaults that a request leaves out.
    #[must_use]
    pub fn normalised(&self) -> Self {
        let text = |value: &Option<String>, default: &str| Some(value.clone().unwrap_or_else(|| default.to_owned()));
        let mut fields = self.fields().to_vec();
        fields.sort();
        fields.dedup();
        Self {
            field_names: Some(fields),
            output_type: Some(
                self.output_type.clone().filter(|kind| !kind.is_empty()).unwrap_or_else(|| "ndjson".to_owned()),
            ),
            timestamp_format: Some(self.time_format().to_owned()),
            sample_rate: Some(self.rate()),
            batch_prefix: text(&self.batch_prefix, ""),
            batch_suffix: text(&self.batch_suffix, ""),
            record_prefix: text(&self.record_prefix, "{"),
            record_suffix: text(&self.record_suffix, "}\n"),
            record_delimiter: text(&self.record_delimiter, ""),
            field_delimiter: text(&self.field_delimiter, ","),
            record_template: text(&self.record_template, ""),
            cve_2021_44228: Some(self.cve_2021_44228.unwrap_or(false)),
            merge_subrequests: Some(self.merge_subrequests.unwrap_or(false)),
        }
    }

    /// Whether a record is one JSON object on a line of its own.
    #[must_use]
    pub fn is_json_lines(&self) -> bool {
        let wanted = Self::default().normalised();
        let is = self.normalised();
        is.output_type == wanted.output_type
            && is.batch_prefix == wanted.batch_prefix
            && is.batch_suffix == wanted.batch_suffix
            && is.record_template == wanted.record_template
            && self.is_one_a_line()
    }

    /// A line break may stand at the end of a record or between two.
    fn is_one_a_line(&self) -> bool {
        let is = self.normalised();
        let parts = [&is.record_prefix, &is.record_suffix, &is.record_delimiter, &is.field_delimiter]
            .map(|part| part.as_deref().unwrap_or_default());
        let [prefix, suffix, delimiter, field] = parts;
        let between = format!("{suffix}{delimiter}");
        prefix.trim() == "{"
            && suffix.trim() == "}"
            && between.contains('\n')
            && between.trim() == "}"
            && field.trim() == ","
    }

    /// These options as `logpull_options`, in the order of the public guide.
    pub(crate) fn as_logpull(fields: &[&str]) -> String {
        format!("fields={}&timestamps=rfc3339", fields.join(","))
    }

    /// These options changed into what we ask for; the user's own additions that harm nothing stay.
    #[must_use]
    pub fn corrected(&self, wanted: &[String], dataset: &Dataset) -> Self {
        let mut fields = wanted.to_vec();
        let is_replaced =
            |field: &str| dataset.successor(field).is_some_and(|new| wanted.iter().any(|name| name == new));
        fields.extend(self.fields().iter().filter(|field| !wanted.contains(field) && !is_replaced(field)).cloned());
        // An absent member has its default; what is different now is reset by name, so that the request says so.
        let reset = |is: &Option<String>, default: &str| {
            is.as_ref().filter(|text| *text != default).map(|_| default.to_owned())
        };
        Self {
            cve_2021_44228: self.cve_2021_44228.filter(|on| *on),
            merge_subrequests: self.merge_subrequests.filter(|on| *on),
            sample_rate: self.sample_rate.map(|_| 1.0),
            batch_prefix: reset(&self.batch_prefix, ""),
            batch_suffix: reset(&self.batch_suffix, ""),
            record_prefix: reset(&self.record_prefix, "{"),
            record_suffix: reset(&self.record_suffix, "}\n"),
            record_delimiter: reset(&self.record_delimiter, ""),
            field_delimiter: reset(&self.field_delimiter, ","),
            record_template: reset(&self.record_template, ""),
            ..Self::of_fields(fields)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_that_the_server_adds_are_no_difference() {
        let sent = OutputOptions::of_fields(vec!["B".to_owned(), "A".to_owned()]);
        let mut back = sent.normalised();
        back.field_names = Some(vec!["A".to_owned(), "B".to_owned()]);
        assert_eq!(sent.normalised(), back.normalised());
        assert_eq!(OutputOptions::default().time_format(), "unixnano");
        let zero = OutputOptions { sample_rate: Some(0.0), ..OutputOptions::default() };
        assert!((zero.rate() - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn shapes_that_are_json_lines_and_shapes_that_are_not() {
        let with = |change: fn(&mut OutputOptions)| {
            let mut options = OutputOptions::default();
            change(&mut options);
            options.is_json_lines()
        };
        assert!(with(|_| {}));
        assert!(with(|options| {
            options.record_suffix = Some("}".to_owned());
            options.record_delimiter = Some("\n".to_owned());
        }));
        assert!(!with(|options| options.output_type = Some("csv".to_owned())));
        assert!(!with(|options| options.record_template = Some("{{.Datetime}}".to_owned())));
        assert!(!with(|options| options.batch_prefix = Some("[".to_owned())));
        assert!(!with(|options| options.record_suffix = Some("}".to_owned())));
        assert!(!with(|options| options.field_delimiter = Some(";".to_owned())));
    }

    #[test]
    fn only_what_is_said_is_sent() {
        let text = serde_json::to_string(&OutputOptions::of_fields(vec!["A".to_owned()])).unwrap();
        assert_eq!(text, r#"{"field_names":["A"],"output_type":"ndjson","timestamp_format":"rfc3339ns"}"#);
        let odd = OutputOptions::of_logpull("fields=A,,B%2CC&timestamps=unix&sample=x&=&&CVE-2021-44228=true&z");
        assert_eq!(odd.fields(), ["A", "B", "C"]);
        assert_eq!((odd.sample_rate, odd.cve_2021_44228), (None, Some(true)));
    }
}
