//! How many alerts there are over time, for the marks in the events' histogram.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tidegate_event::Timestamp;
use tidegate_state::AlertQuery;
use utoipa::ToSchema;

use super::select::AlertSelection;
use crate::api::events::{Time, range, time_text};
use crate::auth::Caller;
use crate::error::{ApiError, ErrorBody};
use crate::extract::JsonBody;
use crate::parts::Shared;

const INTERVAL_MS_MAX: u64 = 366 * 86_400_000;
/// Buckets before the end of a range that does not say where it begins: as many as a histogram of events has.
const BUCKETS_BACK: i64 = 2_000;

/// What to count over time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertHistogramRequest {
    /// Not before; 2,000 buckets before `to`, if absent; forms as for events.
    #[serde(default, deserialize_with = "time_text")]
    #[schema(value_type = Option<Time>)]
    from: Option<String>,
    /// Before; now, if absent.
    #[serde(default, deserialize_with = "time_text")]
    #[schema(value_type = Option<Time>)]
    to: Option<String>,
    /// Width of a bucket in milliseconds.
    interval_ms: u64,
    /// Only these alerts, as a list takes it; its own times are about the alerts, those beside it about the buckets. All
    /// if absent.
    #[serde(default)]
    filter: AlertSelection,
}

/// Alerts over time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertHistogramAnswer {
    /// Width of a bucket.
    interval_ms: u64,
    /// The buckets that have alerts, in order; they begin where those of the events' histogram do.
    buckets: Vec<AlertBucket>,
}

/// One stretch of time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertBucket {
    /// Its first moment.
    start: String,
    /// Alerts with an event in it.
    count: u64,
}

/// Counts alerts over time.
#[utoipa::path(
    post, path = "/alerts/histogram", tag = "alerts", operation_id = "histogram_alerts",
    request_body = AlertHistogramRequest,
    responses((status = 200, body = AlertHistogramAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn histogram(
    State(shared): State<Shared>,
    caller: Caller,
    JsonBody(request): JsonBody<AlertHistogramRequest>,
) -> Result<Json<AlertHistogramAnswer>, ApiError> {
    let interval_ms = request.interval_ms;
    if !(1..=INTERVAL_MS_MAX).contains(&interval_ms) {
        return Err(ApiError::bad_request(format!("`interval_ms` must be 1 to {INTERVAL_MS_MAX}")));
    }
    let now = Timestamp::now();
    let range = range(request.from.as_deref(), request.to.as_deref(), now)?;
    let width_micros = i64::try_from(interval_ms * 1_000).unwrap_or(i64::MAX);
    let to = range.end.unwrap_or(now);
    let back = width_micros.saturating_mul(BUCKETS_BACK);
    let from = range.start.unwrap_or_else(|| Timestamp::from_micros(to.as_micros().saturating_sub(back)));
    let query: AlertQuery = request.filter.resolve(&shared, &caller).await?;
    let counted = shared.ask(move |state| state.alerts_over_time(&query, from, to, width_micros)).await?;
    let buckets = counted.into_iter().map(|(start, count)| AlertBucket { start: start.to_rfc3339(), count });
    Ok(Json(AlertHistogramAnswer { interval_ms, buckets: buckets.collect() }))
}
