//! One rule with all that is known of it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tidegate_event::Timestamp;
use tidegate_state::TimelineOf;
use utoipa::ToSchema;
use uuid::Uuid;

use super::list::RuleLine;
use super::{Findings, HISTORY_DAYS};
use crate::auth::Viewer;
use crate::detection::{RuleCases, RuleDetail, Tuning};
use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::parts::Shared;

const DAY_MICROS: i64 = 86_400_000_000;

/// A rule with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleView {
    /// As in a list.
    #[serde(flatten)]
    line: RuleLine,
    /// Its text.
    yaml: String,
    /// Where its facts come from.
    references: Vec<String>,
    /// What else makes it fire.
    false_positives: Vec<String>,
    /// The events it is tested with.
    #[serde(skip_serializing_if = "Option::is_none")]
    cases: Option<RuleCases>,
    /// Who wrote it.
    author: Option<String>,
    /// When it was written, as its text says.
    date: Option<String>,
    /// When it was changed, as its text says.
    modified: Option<String>,
    /// What can be tuned.
    settings: Vec<Tuning>,
    /// Events behind its findings by day, the last 30 days; days without any are left out.
    hits: Vec<DayHits>,
}

/// Hits of a day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DayHits {
    /// The day, in UTC.
    day: String,
    /// Events behind findings in it.
    count: u64,
}

/// Shows a rule.
#[utoipa::path(
    get, path = "/rules/{id}", tag = "rules", operation_id = "show_rule",
    params(("id" = Uuid, Path, description = "the rule's id")),
    responses((status = 200, body = RuleView), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    _: Viewer,
    Path(id): Path<Uuid>,
) -> Result<Json<RuleView>, ApiError> {
    read(&shared, id).await.map(Json)
}

/// The rule, or that there is none.
pub(super) async fn known(shared: &Shared, id: Uuid) -> Result<RuleDetail, ApiError> {
    let rule = shared.detect(move |detection| Ok(detection.rule(id))).await?;
    rule.ok_or_else(|| ApiError::not_found(format!("no rule `{id}`")))
}

pub(super) async fn read(shared: &Shared, id: Uuid) -> Result<RuleView, ApiError> {
    let rule = known(shared, id).await?;
    let findings = Findings::read(shared).await?;
    let now = Timestamp::now();
    let from = Timestamp::from_micros(now.as_micros().saturating_sub(i64::from(HISTORY_DAYS) * DAY_MICROS));
    let hours = shared.ask(move |state| state.alert_timeline(TimelineOf::Rule(id), from, now)).await?;
    let mut days: BTreeMap<String, u64> = BTreeMap::new();
    for hour in hours {
        let day: String = hour.hour.to_rfc3339().chars().take(10).collect();
        *days.entry(day).or_default() += hour.hits;
    }
    Ok(RuleView {
        line: RuleLine::new(rule.info, &findings),
        yaml: rule.yaml,
        references: rule.references,
        false_positives: rule.false_positives,
        cases: rule.cases,
        author: rule.author,
        date: rule.date,
        modified: rule.modified,
        settings: rule.settings,
        hits: days.into_iter().map(|(day, count)| DayHits { day, count }).collect(),
    })
}
