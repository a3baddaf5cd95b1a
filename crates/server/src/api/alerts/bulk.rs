//! Work on many alerts at once.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tidegate_state::{AlertChange, AlertId, AlertQuery};
use utoipa::ToSchema;
use uuid::Uuid;

use super::select::{AlertSelection, assignee};
use super::{AlertStatus, Verdict};
use crate::api::present;
use crate::auth::Analyst;
use crate::error::{ApiError, ErrorBody};
use crate::extract::JsonBody;
use crate::parts::Shared;

/// Alerts that are named one by one.
const IDS_MAX: usize = 1_000;

/// Which alerts to change, `ids` or `filter`, and how; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkEdit {
    /// The alerts, 1,000 at most.
    ids: Option<Vec<Uuid>>,
    /// Every alert that this finds, 10,000 at most.
    filter: Option<AlertSelection>,
    /// How far the work is.
    status: Option<AlertStatus>,
    /// What they turned out to be.
    verdict: Option<Verdict>,
    /// Who works on them: the name of somebody who may, `me` for the caller, `null` for nobody.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    assignee: Option<Option<String>>,
    /// Why.
    comment: Option<String>,
}

/// What a change of many alerts did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkAnswer {
    /// How many were changed.
    changed: u64,
    /// How many were so already.
    unchanged: u64,
    /// Those that could not be changed.
    refused: Vec<RefusedAlert>,
}

/// An alert that could not be changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusedAlert {
    /// Its id.
    id: Uuid,
    /// Why not.
    reason: String,
}

/// Changes status, verdict or assignee of many alerts.
#[utoipa::path(
    post, path = "/alerts/status", tag = "alerts", operation_id = "change_alerts",
    request_body = BulkEdit,
    responses((status = 200, body = BulkAnswer), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn change(
    State(shared): State<Shared>,
    Analyst(caller): Analyst,
    JsonBody(edit): JsonBody<BulkEdit>,
) -> Result<Json<BulkAnswer>, ApiError> {
    if edit.status.is_none() && edit.verdict.is_none() && edit.assignee.is_none() {
        return Err(ApiError::bad_request("say what to change: `status`, `verdict` or `assignee`"));
    }
    let query = match (edit.ids, edit.filter) {
        // An empty list would mean every alert.
        (Some(ids), None) if ids.is_empty() => return Err(ApiError::bad_request("`ids` is empty")),
        (Some(ids), None) if ids.len() > IDS_MAX => {
            return Err(ApiError::bad_request(format!("`ids` has more than {IDS_MAX}; use `filter`")));
        }
        (Some(ids), None) => AlertQuery { ids: ids.into_iter().map(AlertId).collect(), ..AlertQuery::default() },
        (None, Some(filter)) => filter.resolve(&shared, &caller).await?,
        _ => return Err(ApiError::bad_request("say either `ids` or `filter`")),
    };
    let change = AlertChange {
        status: edit.status.map(Into::into),
        verdict: edit.verdict.map(|verdict| Some(verdict.into())),
        assignee: assignee(&shared, &caller, edit.assignee).await?,
        comment: edit.comment,
    };
    let done = shared.ask(move |state| state.change_alerts(&query, &change, &caller.actor)).await?;
    let refused = done.refused.into_iter().map(|(id, reason)| RefusedAlert { id: id.0, reason });
    Ok(Json(BulkAnswer { changed: done.changed, unchanged: done.unchanged, refused: refused.collect() }))
}
