//! All rules.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tidegate_event::Timestamp;
use utoipa::ToSchema;

use super::Findings;
use crate::auth::Viewer;
use crate::detection::{Effort, RuleInfo};
use crate::error::{ApiError, ErrorBody};
use crate::parts::Shared;

/// The rules.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleList {
    /// All of them.
    rules: Vec<RuleLine>,
    /// Rules up to this effort are on, where nobody said otherwise.
    effort: Effort,
}

/// A rule in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleLine {
    /// The rule.
    #[serde(flatten)]
    info: RuleInfo,
    /// Events behind its findings in the last seven days.
    hits_7d: u64,
    /// Its alerts that are open.
    alerts_open: u64,
    /// The time of the last event behind an alert of it, if that was in the last 30 days.
    last_hit: Option<String>,
    /// How many alert filters are for it alone.
    exclusions: u64,
}

impl RuleLine {
    pub(super) fn new(info: RuleInfo, findings: &Findings) -> Self {
        let id = info.rule.id;
        let last_hit = findings.month.get(&id).and_then(|hits| hits.last_seen);
        Self {
            hits_7d: findings.hits_7d(id),
            alerts_open: findings.alerts_open(id),
            last_hit: last_hit.map(Timestamp::to_rfc3339),
            exclusions: findings.exclusions.get(&id).copied().unwrap_or(0),
            info,
        }
    }
}

/// Lists all rules.
#[utoipa::path(
    get, path = "/rules", tag = "rules", operation_id = "list_rules",
    responses((status = 200, body = RuleList), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, _: Viewer) -> Result<Json<RuleList>, ApiError> {
    let rules = shared.detect(|detection| Ok(detection.rules())).await?;
    let findings = Findings::read(&shared).await?;
    let effort = shared.ask(tidegate_state::State::effort_level).await?;
    let rules = rules.into_iter().map(|info| RuleLine::new(info, &findings)).collect();
    Ok(Json(RuleList { rules, effort: effort.into() }))
}
