//! Ending indicators.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_event::Timestamp;
use tidegate_state::IndicatorFilter;
use utoipa::ToSchema;

use super::number;
use crate::auth::Analyst;
use crate::detection::Changed;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Path};
use crate::parts::Shared;

/// Indicators that are named one by one.
const IDS_MAX: usize = 10_000;
/// Indicators of a collection that are ended at a time, so that others can write in between.
const PART_MAX: usize = 5_000;

/// Which indicators to end: `ids` or `collection`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpireRequest {
    /// The indicators, 10,000 at most.
    ids: Option<Vec<String>>,
    /// All of this collection, by name.
    collection: Option<String>,
}

/// How many were changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExpireAnswer {
    /// Indicators that counted until now.
    changed: u64,
}

/// Deletes an indicator.
#[utoipa::path(
    delete, path = "/indicators/{id}", tag = "intelligence", operation_id = "delete_indicator",
    params(("id" = String, Path, description = "the indicator's number")),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn delete(
    State(shared): State<Shared>,
    Analyst(caller): Analyst,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let missing = || ApiError::not_found(format!("no indicator `{}`", id.chars().take(64).collect::<String>()));
    let number = number(&id).map_err(|_| missing())?;
    let deleted = shared.ask(move |state| state.delete_indicators(&[number], &caller.actor)).await?;
    if deleted == 0 {
        return Err(missing());
    }
    shared.tell(Changed::Indicators).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the validity of indicators now.
#[utoipa::path(
    post, path = "/indicators/expire", tag = "intelligence", operation_id = "expire_indicators",
    request_body = ExpireRequest,
    responses((status = 200, body = ExpireAnswer), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn expire(
    State(shared): State<Shared>,
    Analyst(caller): Analyst,
    JsonBody(request): JsonBody<ExpireRequest>,
) -> Result<Json<ExpireAnswer>, ApiError> {
    let now = Timestamp::now();
    let actor = caller.actor;
    let changed = match (request.ids, request.collection) {
        (Some(ids), None) if ids.len() > IDS_MAX => {
            return Err(ApiError::bad_request(format!("`ids` has more than {IDS_MAX}")));
        }
        (Some(ids), None) => {
            let ids: Vec<i64> = ids.iter().map(|id| number(id)).collect::<Result<_, _>>()?;
            let expire = move |state: &tidegate_state::State| {
                ids.iter().try_for_each(|id| state.indicator(*id).map(drop))?;
                state.expire_indicators(&ids, now, &actor)
            };
            shared.ask(expire).await?
        }
        (None, Some(name)) => {
            let expire = move |state: &tidegate_state::State| {
                let collection = state.collection(&name)?;
                let filter = IndicatorFilter { collection: Some(collection.id), ..IndicatorFilter::default() };
                let (mut changed, mut after) = (0, None);
                loop {
                    let rows = state.indicators(&filter, PART_MAX, after)?;
                    let Some(last) = rows.last() else { return Ok(changed) };
                    after = Some(last.id);
                    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
                    changed += state.expire_indicators(&ids, now, &actor)?;
                }
            };
            shared.ask(expire).await?
        }
        _ => return Err(ApiError::bad_request("say either `ids` or `collection`")),
    };
    shared.tell(Changed::Indicators).await?;
    Ok(Json(ExpireAnswer { changed }))
}
