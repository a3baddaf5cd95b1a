//! One difference between a job and what it should be.

use serde_json::Value;

/// How much a difference matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Something is lost or later than it could be.
    Warning,
    /// Events do not arrive, or rules that count are wrong.
    Breaking,
}

/// What a difference is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// The job sends another dataset.
    Dataset,
    /// The job is off.
    Enabled,
    /// It sends elsewhere.
    Destination,
    /// It carries another key, or none.
    Key,
    /// The destination lacks headers that were named.
    Headers,
    /// Fields that our format reads are not sent.
    FieldsMissing,
    /// Fields are sent that our format does not read, or that others replaced.
    FieldsExtra,
    /// Cloudflare offers fields that this version does not read.
    FieldsNew,
    /// Fields are sent that Cloudflare no longer offers.
    FieldsGone,
    /// The form of times.
    TimeFormat,
    /// Only a share of the records is sent.
    SampleRate,
    /// Only records that match are sent.
    Filter,
    /// Records are not JSON lines.
    Shape,
    /// Batches are larger than the intake takes.
    UploadBytes,
    /// Batches have few records.
    UploadRecords,
    /// Batches come late.
    UploadInterval,
    /// Fields are named in the old way.
    OldStyle,
    /// The job is failing.
    Failing,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is about.
    pub aspect: Aspect,
    /// How much it matters.
    pub severity: Severity,
    /// What the job has, secrets masked.
    pub is: String,
    /// What it should have.
    pub wanted: String,
    /// Why it matters.
    pub why: String,
    /// Whether an update mends it.
    pub mends: bool,
}

impl Severity {
    /// Its name, as scripts see it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "note",
            Self::Warning => "warning",
            Self::Breaking => "breaking",
        }
    }
}

impl Aspect {
    /// Its name, as scripts see it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::Enabled => "enabled",
            Self::Destination => "destination",
            Self::Key => "key",
            Self::Headers => "headers",
            Self::FieldsMissing => "fields_missing",
            Self::FieldsExtra => "fields_extra",
            Self::FieldsNew => "fields_new",
            Self::FieldsGone => "fields_gone",
            Self::TimeFormat => "time_format",
            Self::SampleRate => "sample_rate",
            Self::Filter => "filter",
            Self::Shape => "shape",
            Self::UploadBytes => "upload_bytes",
            Self::UploadRecords => "upload_records",
            Self::UploadInterval => "upload_interval",
            Self::OldStyle => "old_style",
            Self::Failing => "failing",
        }
    }
}

/// The differences as lines of text, for people.
#[must_use]
pub fn render(differences: &[Difference]) -> String {
    let mut text = String::new();
    for difference in differences {
        let mark = difference.severity.name();
        text.push_str(&format!("{mark}: {}\n", difference.why));
        if difference.is != difference.wanted {
            // What is only told, with nothing to have instead, is no line that goes.
            let sign = if difference.wanted.is_empty() && !difference.mends { ' ' } else { '-' };
            if !difference.is.is_empty() {
                text.push_str(&format!("  {sign} {}\n", difference.is));
            }
            if !difference.wanted.is_empty() {
                text.push_str(&format!("  + {}\n", difference.wanted));
            }
        }
    }
    text
}

impl Difference {
    /// The difference as JSON, for scripts.
    #[must_use]
    pub fn shown(&self) -> Value {
        serde_json::json!({
            "aspect": self.aspect.name(),
            "severity": self.severity.name(),
            "is": self.is,
            "wanted": self.wanted,
            "why": self.why,
            "update_mends_it": self.mends,
        })
    }
}
