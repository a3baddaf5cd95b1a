//! What the server asks of rules and intelligence. The binary answers, because only it knows both; what is kept in the
//! control plane (settings, alerts, indicators, feeds, hunts) the server reads there itself.

mod intelligence;
mod rules;

use serde_json::{Map, Value};
use thiserror::Error;
use tidegate_event::Timestamp;
use tidegate_state::{FeedId, StateError, TargetId, TargetKind};
use uuid::Uuid;

use crate::error::ApiError;

pub use intelligence::{
    FeedPreset, IndicatorText, IndicatorsRead, PassedOver, Refused, TargetTest, TextFormat, Unreadable,
};
pub use rules::{
    Effort, EventLine, Grade, PreviewFinding, RuleCases, RuleCheck, RuleDetail, RuleInfo, RuleKind, RuleOrigin,
    RulePreview, RuleProblem, RuleRef, Severity, Tuning,
};

/// Rules, intelligence and notifications, as the server asks for them. Every method may block; the server calls them off
/// the async threads.
pub trait Detection: Send + Sync {
    /// All rules, also those that are off or did not load.
    fn rules(&self) -> Vec<RuleInfo>;

    /// One rule with its text; none when there is no such rule.
    fn rule(&self, id: Uuid) -> Option<RuleDetail>;

    /// Says what is wrong with a rule. The text is within [`RULE_BYTES_MAX`].
    fn check_rule(&self, yaml: &str) -> RuleCheck;

    /// Judges stored events by a rule that is not loaded.
    ///
    /// # Errors
    /// [`DetectionError::Invalid`] when the rule cannot be used.
    fn preview_rule(&self, yaml: &str, from: Timestamp, to: Timestamp) -> Result<RulePreview, DetectionError>;

    /// Adds a user's rule, or replaces the text of the one with this id, and loads it. The rule's id.
    ///
    /// # Errors
    /// [`DetectionError::Invalid`] when the rule cannot be used, or its id changed; [`DetectionError::Conflict`] when there is a
    /// rule of this id; [`DetectionError::NotFound`] when the rule to be replaced is no user's rule.
    fn save_rule(&self, id: Option<Uuid>, yaml: &str) -> Result<Uuid, DetectionError>;

    /// Deletes a user's rule.
    ///
    /// # Errors
    /// [`DetectionError::NotFound`] when there is no user's rule of this id.
    fn delete_rule(&self, id: Uuid) -> Result<(), DetectionError>;

    /// Whether a rule knows these settings and their values fit. The names `severity` and `effort` mean the rule's own.
    ///
    /// # Errors
    /// [`DetectionError::Invalid`] for the first that does not; [`DetectionError::NotFound`] for the rule.
    fn check_settings(&self, id: Uuid, settings: &Map<String, Value>) -> Result<(), DetectionError>;

    /// The layer for the ATT&CK Navigator.
    fn navigator(&self) -> Value;

    /// The state has changed in this respect; what was compiled from it must follow.
    ///
    /// # Errors
    /// When it cannot follow. What was loaded before goes on.
    fn changed(&self, what: Changed) -> Result<(), DetectionError>;

    /// Reads indicators from a text; keeps nothing.
    ///
    /// # Errors
    /// [`DetectionError::Invalid`] when it is no list of indicators at all.
    fn read_indicators(&self, text: &IndicatorText) -> Result<IndicatorsRead, DetectionError>;

    /// The numbers of the indicators that a name or an address meets now.
    ///
    /// # Errors
    /// [`DetectionError::Invalid`] when it is neither.
    fn match_indicators(&self, value: &str) -> Result<Vec<i64>, DetectionError>;

    /// The well-known feeds that can be added by name.
    fn feed_presets(&self) -> Vec<FeedPreset>;

    /// Whether a notification target of this kind can be reached by such a configuration and secret, and its text be
    /// filled in; nothing is sent.
    ///
    /// # Errors
    /// [`DetectionError::Invalid`] with what is wrong.
    fn check_target(
        &self,
        kind: TargetKind,
        config: &Value,
        secret: Option<&str>,
        template: Option<&str>,
    ) -> Result<(), DetectionError>;

    /// Sends a try to a notification target, now, and says what came of it.
    ///
    /// # Errors
    /// [`DetectionError::NotFound`]. That it cannot be reached is no error, but the answer.
    fn test_target(&self, id: TargetId) -> Result<TargetTest, DetectionError>;
}

/// Bytes of a rule's text.
pub const RULE_BYTES_MAX: usize = 256 << 10;

/// What has changed in the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Effort level or settings of rules.
    Rules,
    /// Alert filters.
    AlertFilters,
    /// Indicators or collections.
    Indicators,
    /// Feeds: one was added, changed or removed.
    Feeds,
    /// This feed is to be fetched now, whenever it is due.
    FeedWanted(FeedId),
    /// Hunts: one waits, or was cancelled.
    Retrohunts,
    /// Notification targets.
    Targets,
}

/// Why detection cannot do what was asked.
#[derive(Debug, Error)]
pub enum DetectionError {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// It cannot be accepted; the sentence says why.
    #[error("{0}")]
    Invalid(String),
    /// It collides with what is there.
    #[error("{0}")]
    Conflict(String),
    /// Not now.
    #[error("{0}")]
    Busy(String),
    /// The control plane refused or failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// Our own fault; for the log only.
    #[error("{0}")]
    Internal(String),
}

impl From<DetectionError> for ApiError {
    fn from(error: DetectionError) -> Self {
        match error {
            DetectionError::NotFound(message) => Self::not_found(message),
            DetectionError::Invalid(message) => Self::new(axum::http::StatusCode::BAD_REQUEST, "invalid", message),
            DetectionError::Conflict(message) => Self::conflict(message),
            DetectionError::Busy(message) => Self::unavailable("busy", message, 5),
            DetectionError::State(error) => error.into(),
            DetectionError::Internal(message) => Self::internal(message),
        }
    }
}
