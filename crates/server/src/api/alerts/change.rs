//! Work on one alert.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use tidegate_state::AlertChange;
use utoipa::ToSchema;

use super::select::assignee;
use super::show::{AlertDetail, detail};
use super::{AlertStatus, Verdict, named};
use crate::api::present;
use crate::auth::{Analyst, Caller};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Path};
use crate::parts::Shared;

/// What to change of an alert; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AlertEdit {
    /// How far the work is.
    status: Option<AlertStatus>,
    /// What it turned out to be; `null` takes it back.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Verdict>)]
    verdict: Option<Option<Verdict>>,
    /// Who works on it: the name of somebody who may, `me` for the caller, `null` for nobody.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    assignee: Option<Option<String>>,
    /// Why, or a comment alone.
    comment: Option<String>,
}

/// A comment on an alert.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewComment {
    /// The comment.
    comment: String,
}

/// Changes status, verdict or assignee of an alert.
#[utoipa::path(
    patch, path = "/alerts/{id}", tag = "alerts", operation_id = "change_alert",
    params(("id" = String, Path, description = "the alert's id or its number")),
    request_body = AlertEdit,
    responses((status = 200, body = AlertDetail), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn change(
    State(shared): State<Shared>,
    Analyst(caller): Analyst,
    Path(id): Path<String>,
    JsonBody(edit): JsonBody<AlertEdit>,
) -> Result<Json<AlertDetail>, ApiError> {
    let change = AlertChange {
        status: edit.status.map(Into::into),
        verdict: edit.verdict.map(|verdict| verdict.map(Into::into)),
        assignee: assignee(&shared, &caller, edit.assignee).await?,
        comment: edit.comment,
    };
    apply(&shared, caller, &id, change).await
}

/// Comments on an alert.
#[utoipa::path(
    post, path = "/alerts/{id}/comments", tag = "alerts", operation_id = "comment_alert",
    params(("id" = String, Path, description = "the alert's id or its number")),
    request_body = NewComment,
    responses((status = 200, body = AlertDetail), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn comment(
    State(shared): State<Shared>,
    Analyst(caller): Analyst,
    Path(id): Path<String>,
    JsonBody(new): JsonBody<NewComment>,
) -> Result<Json<AlertDetail>, ApiError> {
    let change = AlertChange { comment: Some(new.comment), ..AlertChange::default() };
    apply(&shared, caller, &id, change).await
}

async fn apply(
    shared: &Shared,
    caller: Caller,
    name: &str,
    change: AlertChange,
) -> Result<Json<AlertDetail>, ApiError> {
    let id = named(shared, name).await?.id;
    let alert = shared.ask(move |state| state.change_alert(id, &change, &caller.actor)).await?;
    detail(shared, alert).await.map(Json)
}
