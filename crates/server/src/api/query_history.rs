//! The queries that a user ran, for themselves alone.

use std::collections::HashSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_event::Timestamp;
use tidegate_state::{QueryKind, RanQuery};
use utoipa::{IntoParams, ToSchema};

use crate::api::saved_queries::page_state;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Query};
use crate::parts::Shared;

const LIMIT_DEFAULT: usize = 50;
/// As many as are kept of each user.
const LIMIT_MAX: usize = 500;
/// Older ones are not told.
const AGE_MICROS_MAX: i64 = 30 * 86_400_000_000;

/// How many are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryParams {
    /// How many: 50 if absent, 500 at most.
    limit: Option<usize>,
}

/// A query that was run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RanQueryView {
    /// The query.
    query: String,
    /// What the page needs to show it again.
    state: String,
    /// When it was last run.
    at: String,
}

/// A query that was run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RanQueryRequest {
    /// The query.
    query: String,
    /// What the page needs to show it again.
    #[serde(default)]
    state: String,
}

/// Lists the caller's last queries of 30 days, each once, newest first.
#[utoipa::path(
    get, path = "/query-history", tag = "saved queries", operation_id = "list_query_history", params(HistoryParams),
    responses((status = 200, body = Vec<RanQueryView>), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    Query(params): Query<HistoryParams>,
) -> Result<Json<Vec<RanQueryView>>, ApiError> {
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let entries = shared.ask(move |state| state.query_history(caller.principal.user, LIMIT_MAX)).await?;
    let oldest = Timestamp::now().as_micros().saturating_sub(AGE_MICROS_MAX);
    let mut seen = HashSet::new();
    let recent = entries.into_iter().filter(|entry| entry.kind == QueryKind::Events && entry.at.as_micros() >= oldest);
    let once = recent.filter(|entry| seen.insert(entry.query.clone())).take(limit);
    let line = |entry: tidegate_state::QueryEntry| RanQueryView {
        query: entry.query,
        state: page_state(entry.view),
        at: entry.at.to_rfc3339(),
    };
    Ok(Json(once.map(line).collect()))
}

/// Remembers a query that was run.
#[utoipa::path(
    post, path = "/query-history", tag = "saved queries", operation_id = "remember_query",
    request_body = RanQueryRequest,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn remember(
    State(shared): State<Shared>,
    caller: Caller,
    JsonBody(ran): JsonBody<RanQueryRequest>,
) -> Result<StatusCode, ApiError> {
    shared
        .ask(move |state| {
            let view = Value::String(ran.state);
            let ran = RanQuery { kind: QueryKind::Events, query: &ran.query, view: &view, rows: None, took_ms: None };
            state.remember_query(caller.principal.user, &ran)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets the queries that the caller ran.
#[utoipa::path(
    delete, path = "/query-history", tag = "saved queries", operation_id = "forget_queries",
    responses((status = 204), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn forget(State(shared): State<Shared>, caller: Caller) -> Result<StatusCode, ApiError> {
    shared.ask(move |state| state.forget_queries(caller.principal.user)).await?;
    Ok(StatusCode::NO_CONTENT)
}
