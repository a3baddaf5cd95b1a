//! The most frequent values of a field.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_query::{TopValues, ValueCount};
use utoipa::ToSchema;

use crate::api::events::{Time, scope};
use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::extract::JsonBody;
use crate::parts::Shared;

const SIZE_DEFAULT: usize = 10;

/// Which values to count.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopRequest {
    /// The query, in the events query language; all events if absent.
    #[serde(default)]
    query: String,
    /// Not before: RFC 3339, a date, Unix seconds or finer, or relative such as `now-24h`.
    from: Option<Time>,
    /// Before, in the same forms; a bare date means that the whole day belongs to it.
    to: Option<Time>,
    /// The field.
    field: String,
    /// How many values: 10 if absent, 1,000 at most.
    size: Option<usize>,
}

/// The most frequent values of a field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopAnswer {
    /// The values, the most frequent first.
    values: Vec<ValueView>,
    /// Sum of the counts of all other values.
    other: u64,
    /// Events without a value.
    missing: u64,
    /// How many different values there are.
    distinct: u64,
    /// How many events match.
    total: u64,
    /// How long it took.
    took_ms: u64,
    /// Bytes read from files.
    bytes_read: u64,
}

/// A value and how many events have it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ValueView {
    /// The value.
    value: Value,
    /// Events that have it.
    count: u64,
}

/// Finds the most frequent values of a field.
#[utoipa::path(
    post, path = "/events/top", tag = "events", operation_id = "top_values",
    request_body = TopRequest,
    responses((status = 200, body = TopAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn top(
    State(shared): State<Shared>,
    _: Viewer,
    JsonBody(request): JsonBody<TopRequest>,
) -> Result<Json<TopAnswer>, ApiError> {
    let size = request.size.unwrap_or(SIZE_DEFAULT);
    let top = TopValues { scope: scope(request.query, request.from, request.to)?, field: request.field, size };
    let _turn = shared.turn().await?;
    let counted = shared.engine.top_values(top).await?;
    let view = |ValueCount { value, count }| ValueView { value, count };
    Ok(Json(TopAnswer {
        values: counted.values.into_iter().map(view).collect(),
        other: counted.other,
        missing: counted.missing,
        distinct: counted.distinct,
        total: counted.total,
        took_ms: counted.took_ms,
        bytes_read: counted.bytes_read,
    }))
}
