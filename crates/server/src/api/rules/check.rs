//! Trying a rule before it is kept.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use tidegate_event::Timestamp;
use utoipa::ToSchema;

use crate::api::events::{Time, range};
use crate::auth::Viewer;
use crate::detection::{RULE_BYTES_MAX, RuleCheck, RulePreview};
use crate::error::{ApiError, ErrorBody};
use crate::extract::JsonBody;
use crate::parts::Shared;

const FROM_DEFAULT: &str = "now-7d";

/// A rule's text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleText {
    /// The rule, in Sigma's YAML; 256 KiB at most.
    pub(super) yaml: String,
}

/// A rule to try on stored events.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleTrial {
    /// The rule, in Sigma's YAML; 256 KiB at most.
    yaml: String,
    /// Not before; `now-7d` if absent; forms as for events.
    from: Option<Time>,
    /// Before; now, if absent.
    to: Option<Time>,
}

/// Says what is right and wrong with a rule.
#[utoipa::path(
    post, path = "/rules/check", tag = "rules", operation_id = "check_rule",
    request_body = RuleText,
    responses((status = 200, body = RuleCheck), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn check(
    State(shared): State<Shared>,
    _: Viewer,
    JsonBody(rule): JsonBody<RuleText>,
) -> Result<Json<RuleCheck>, ApiError> {
    bounded(&rule.yaml)?;
    shared.detect(move |detection| Ok(detection.check_rule(&rule.yaml))).await.map(Json)
}

/// Says what a rule would have found in stored events.
#[utoipa::path(
    post, path = "/rules/preview", tag = "rules", operation_id = "preview_rule",
    request_body = RuleTrial,
    responses((status = 200, body = RulePreview), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn preview(
    State(shared): State<Shared>,
    _: Viewer,
    JsonBody(trial): JsonBody<RuleTrial>,
) -> Result<Json<RulePreview>, ApiError> {
    bounded(&trial.yaml)?;
    let now = Timestamp::now();
    let range = range(Some(trial.from.as_deref().unwrap_or(FROM_DEFAULT)), trial.to.as_deref(), now)?;
    let (from, to) = (range.start.unwrap_or(now), range.end.unwrap_or(now));
    let turn = shared.turn().await?;
    let work = move |detection: &dyn crate::detection::Detection| {
        // The work goes on when the caller goes away, so it keeps its turn.
        let _turn = turn;
        detection.preview_rule(&trial.yaml, from, to)
    };
    shared.detect(work).await.map(Json)
}

pub(super) fn bounded(yaml: &str) -> Result<(), ApiError> {
    if yaml.len() > RULE_BYTES_MAX {
        return Err(ApiError::bad_request(format!("`yaml` is longer than {RULE_BYTES_MAX} bytes")));
    }
    Ok(())
}
