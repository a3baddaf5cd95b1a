//! Indicators, feeds and notifications as the server asks about them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_event::Timestamp;
use tidegate_state::{FeedKind, NewIndicator};
use utoipa::ToSchema;

/// As what a text of indicators is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TextFormat {
    /// Found out from its first bytes.
    #[default]
    Auto,
    /// A STIX bundle.
    Stix,
    /// MISP events or attributes.
    Misp,
    /// A table.
    Csv,
    /// One a line.
    Text,
}

/// A text of indicators.
#[derive(Debug, Clone)]
pub struct IndicatorText {
    /// The text.
    pub text: String,
    /// As what it is read.
    pub format: TextFormat,
    /// Added to the tags of each indicator.
    pub tags: Vec<String>,
    /// For indicators whose source does not say how sure it is.
    pub confidence: Option<u8>,
    /// For indicators whose source does not say until when they count.
    pub valid_until: Option<Timestamp>,
}

/// What a text of indicators holds.
#[derive(Debug, Clone, Default)]
pub struct IndicatorsRead {
    /// What can be kept.
    pub indicators: Vec<NewIndicator>,
    /// What is known to be benign and so is left out; a few examples.
    pub benign: Vec<Refused>,
    /// What cannot be read or used; a few examples.
    pub rejected: Vec<Unreadable>,
    /// What is of a kind that is not looked up.
    pub passed_over: Vec<PassedOver>,
}

/// An indicator that is known to be benign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refused {
    /// What it is about.
    pub value: String,
    /// Why it is left out.
    pub reason: String,
}

/// What cannot be read or used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Unreadable {
    /// The line, or the number of the object, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What stands there.
    pub value: String,
    /// Why it is left out.
    pub reason: String,
}

/// How many there are of a kind that is not looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PassedOver {
    /// The kind, such as `file hash`, or a type of STIX or MISP.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// Why they are left out.
    pub reason: String,
}

/// A well-known feed.
#[derive(Debug, Clone)]
pub struct FeedPreset {
    /// By what it is added.
    pub preset: String,
    /// Its name for people.
    pub name: String,
    /// What it lists.
    pub description: String,
    /// On which terms it may be used.
    pub license: String,
    /// Where it is.
    pub url: String,
    /// How it is fetched.
    pub kind: FeedKind,
    /// As what it is read.
    pub format: String,
    /// The collection that it fills, by name.
    pub collection: String,
    /// How often it is fetched.
    pub every_seconds: u64,
    /// How it is read, for `settings` of the feed: columns, `tags`, `confidence`, `valid_days`; an object.
    pub settings: Value,
    /// The parameter of its address in which it wants a key of one's own.
    pub secret_parameter: Option<String>,
}

/// What came of a try.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TargetTest {
    /// Whether it was taken.
    pub sent: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
