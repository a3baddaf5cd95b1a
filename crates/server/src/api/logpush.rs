//! Jobs at Cloudflare that send logs here.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::auth::{Admin, Analyst, Viewer};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Path, Query};
use crate::logpush::{
    LogpushChecked, LogpushComparison, LogpushDataset, LogpushLevel, LogpushLook, LogpushMade, LogpushOverview,
    LogpushScope, LogpushUpdate, LogpushUpdated, LogpushWish,
};
use crate::parts::Shared;

/// Where a job lives; needed for one that is not watched.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogpushWhere {
    /// The account.
    account: Option<String>,
    /// The zone.
    zone: Option<String>,
}

/// What is known of the jobs that send here; Cloudflare is not asked.
#[utoipa::path(
    get, path = "/logpush/jobs", tag = "logpush", operation_id = "list_logpush_jobs",
    responses((status = 200, body = LogpushOverview), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, _: Viewer) -> Result<Json<LogpushOverview>, ApiError> {
    let arrived = shared.arrivals();
    shared.cloudflare(move |side| Ok(side.overview(&arrived))).await.map(Json)
}

/// Lists the datasets for which there are formats.
#[utoipa::path(
    get, path = "/logpush/datasets", tag = "logpush", operation_id = "list_logpush_datasets",
    responses((status = 200, body = Vec<LogpushDataset>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn datasets(State(shared): State<Shared>, _: Viewer) -> Result<Json<Vec<LogpushDataset>>, ApiError> {
    shared.cloudflare(|side| Ok(side.datasets())).await.map(Json)
}

/// Goes through the steps before a job can be made; changes nothing.
#[utoipa::path(
    post, path = "/logpush/check", tag = "logpush", operation_id = "check_logpush",
    request_body = LogpushWish,
    responses((status = 200, body = LogpushChecked), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn check(
    State(shared): State<Shared>,
    _: Analyst,
    JsonBody(wish): JsonBody<LogpushWish>,
) -> Result<Json<LogpushChecked>, ApiError> {
    shared.cloudflare(move |side| side.check(&wish)).await.map(Json)
}

/// Makes a job, and its intake when there is none of this name, after all steps went well.
#[utoipa::path(
    post, path = "/logpush/jobs", tag = "logpush", operation_id = "create_logpush_job",
    request_body = LogpushWish,
    responses(
        (status = 200, body = LogpushMade, description = "what would be made: a dry run"), (status = 201, body = LogpushMade),
        (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 502, body = ErrorBody)
    ),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    JsonBody(wish): JsonBody<LogpushWish>,
) -> Result<(StatusCode, Json<LogpushMade>), ApiError> {
    let status = if wish.dry_run { StatusCode::OK } else { StatusCode::CREATED };
    let made = shared.cloudflare(move |side| side.create(&wish, &caller.actor)).await?;
    Ok((status, Json(made)))
}

/// Compares a job, as it is now, with what it should be.
#[utoipa::path(
    post, path = "/logpush/jobs/{id}/verify", tag = "logpush", operation_id = "verify_logpush_job",
    params(("id" = u64, Path, description = "the job's number")),
    request_body = LogpushLook,
    responses((status = 200, body = LogpushComparison), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 502, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn verify(
    State(shared): State<Shared>,
    _: Analyst,
    Path(id): Path<u64>,
    JsonBody(look): JsonBody<LogpushLook>,
) -> Result<Json<LogpushComparison>, ApiError> {
    shared.cloudflare(move |side| side.verify(id, &look)).await.map(Json)
}

/// Changes a job into what it should be, if it still is as it was seen.
#[utoipa::path(
    post, path = "/logpush/jobs/{id}/update", tag = "logpush", operation_id = "update_logpush_job",
    params(("id" = u64, Path, description = "the job's number")),
    request_body = LogpushUpdate,
    responses(
        (status = 200, body = LogpushUpdated), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 502, body = ErrorBody)
    ),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn update(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<u64>,
    JsonBody(wish): JsonBody<LogpushUpdate>,
) -> Result<Json<LogpushUpdated>, ApiError> {
    shared.cloudflare(move |side| side.update(id, &wish, &caller.actor)).await.map(Json)
}

/// Deletes a job; its intake and what was received stay. The server's own token is used.
#[utoipa::path(
    delete, path = "/logpush/jobs/{id}", tag = "logpush", operation_id = "delete_logpush_job",
    params(("id" = u64, Path, description = "the job's number"), LogpushWhere),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 502, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn delete(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<u64>,
    Query(place): Query<LogpushWhere>,
) -> Result<StatusCode, ApiError> {
    let scope = match (place.account, place.zone) {
        (Some(_), Some(_)) => return Err(ApiError::bad_request("a job lives in an account or in a zone, not in both")),
        (Some(id), None) => Some(LogpushScope { level: LogpushLevel::Account, id }),
        (None, Some(id)) => Some(LogpushScope { level: LogpushLevel::Zone, id }),
        (None, None) => None,
    };
    shared.cloudflare(move |side| side.delete(id, scope.as_ref(), &caller.actor)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
