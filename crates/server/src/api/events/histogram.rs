//! How many events there are over time.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_query::{Histogram, Split};
use utoipa::ToSchema;

use crate::api::events::{Time, scope};
use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::extract::JsonBody;
use crate::parts::Shared;

const SERIES_DEFAULT: usize = 5;

/// What to count over time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistogramRequest {
    /// The query, in the events query language; all events if absent.
    #[serde(default)]
    query: String,
    /// Not before: RFC 3339, a date, Unix seconds or finer, or relative such as `now-24h`.
    from: Option<Time>,
    /// Before, in the same forms; a bare date means that the whole day belongs to it.
    to: Option<Time>,
    /// Width of a bucket in milliseconds; a readable one if absent.
    interval_ms: Option<u64>,
    /// Counts the most frequent values of this field apart.
    split: Option<String>,
    /// How many values are counted apart: 5 if absent, 50 at most.
    split_size: Option<usize>,
}

/// Counts over time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistogramAnswer {
    /// Width of a bucket.
    interval_ms: u64,
    /// Every bucket of the range in order, also the empty ones.
    buckets: Vec<HistogramBucket>,
    /// The values that were counted apart, the most frequent first.
    series: Vec<Value>,
    /// How long it took.
    took_ms: u64,
    /// Bytes read from files.
    bytes_read: u64,
}

/// One stretch of time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistogramBucket {
    /// Its first moment.
    start: String,
    /// Events in it.
    count: u64,
    /// Events in it by series; empty without a split.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    series: Vec<u64>,
}

/// Counts events over time.
#[utoipa::path(
    post, path = "/events/histogram", tag = "events", operation_id = "histogram_events",
    request_body = HistogramRequest,
    responses((status = 200, body = HistogramAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn histogram(
    State(shared): State<Shared>,
    _: Viewer,
    JsonBody(request): JsonBody<HistogramRequest>,
) -> Result<Json<HistogramAnswer>, ApiError> {
    let size = request.split_size.unwrap_or(SERIES_DEFAULT);
    let histogram = Histogram {
        scope: scope(request.query, request.from, request.to)?,
        interval_ms: request.interval_ms,
        split: request.split.map(|field| Split { field, size }),
    };
    let _turn = shared.turn().await?;
    let counted = shared.engine.histogram(histogram).await?;
    let bucket = |bucket: tidegate_query::Bucket| HistogramBucket {
        start: bucket.start.to_rfc3339(),
        count: bucket.count,
        series: bucket.series,
    };
    Ok(Json(HistogramAnswer {
        interval_ms: counted.interval_ms,
        buckets: counted.buckets.into_iter().map(bucket).collect(),
        series: counted.series,
        took_ms: counted.took_ms,
        bytes_read: counted.bytes_read,
    }))
}
