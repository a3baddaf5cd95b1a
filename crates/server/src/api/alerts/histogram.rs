//! How many alerts there are over time, for the marks in the events' histogram.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tidegate_event::Timestamp;
use tidegate_state::AlertQuery;
use utoipa::ToSchema;

use super::Urgency;
use super::select::AlertSelection;
use crate::api::events::{Time, range};
use crate::auth::Caller;
use crate::error::{ApiError, ErrorBody};
use crate::extract::JsonBody;
use crate::parts::Shared;

const INTERVAL_MS_MAX: u64 = 366 * 86_400_000;
/// Buckets before the end of a range that does not say where it begins: as many as a histogram of events has.
const BUCKETS_BACK: i64 = 2_000;
/// Widths that fit into days, weeks and our idea of time.
const WIDTHS_MINUTES: [u64; 11] = [1, 5, 15, 30, 60, 180, 360, 720, 1_440, 7 * 1_440, 28 * 1_440];
const WEEK_MS: u64 = 7 * 86_400_000;
/// Bars that can still be told apart.
const BARS_MAX: u64 = 100;

/// What to count over time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertHistogramRequest {
    /// Not before; if absent, 2,000 buckets before `to`, or the first event when `interval_ms` is absent too; forms as for
    /// events.
    from: Option<Time>,
    /// Before; now, if absent.
    to: Option<Time>,
    /// Width of a bucket in milliseconds; if absent, the narrowest round one of which about 100 are enough.
    interval_ms: Option<u64>,
    /// What every count is also given by.
    split: Option<AlertSplit>,
    /// Only these alerts, as a list takes it; its own times are about the alerts, those beside it about the buckets. All
    /// if absent.
    #[serde(default)]
    filter: AlertSelection,
}

/// What alerts are split by.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AlertSplit {
    /// By urgency, the highest first.
    Urgency,
}

/// Alerts over time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertHistogramAnswer {
    /// Width of a bucket.
    interval_ms: u64,
    /// What was counted begins here; absent when there is nothing and `from` was not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// And ends before.
    to: String,
    /// What the counts are split by: those that the filter leaves.
    series: Vec<Urgency>,
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
    /// The same for each of `series`.
    series: Vec<u64>,
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
    if request.interval_ms.is_some_and(|width| !(1..=INTERVAL_MS_MAX).contains(&width)) {
        return Err(ApiError::bad_request(format!("`interval_ms` must be 1 to {INTERVAL_MS_MAX}")));
    }
    let now = Timestamp::now();
    let range = range(request.from.as_deref(), request.to.as_deref(), now)?;
    let to = range.end.unwrap_or(now);
    let query: AlertQuery = request.filter.resolve(&shared, &caller).await?;
    let series = series(request.split, &query);
    let (from, interval_ms, counted) = shared
        .ask(move |state| {
            let from = match (range.start, request.interval_ms) {
                (Some(from), _) => Some(from),
                (None, Some(width_ms)) => {
                    let back = micros(width_ms).saturating_mul(BUCKETS_BACK);
                    Some(Timestamp::from_micros(to.as_micros().saturating_sub(back)))
                }
                (None, None) => state.first_event_of_alerts(&query, to)?,
            };
            let length = from.map_or(0, |from| to.as_micros().saturating_sub(from.as_micros()));
            let interval_ms = request.interval_ms.unwrap_or_else(|| round_width_ms(length / 1_000));
            let counted = match from {
                Some(from) => state.alerts_over_time(&query, from, to, micros(interval_ms))?,
                None => Vec::new(),
            };
            Ok((from, interval_ms, counted))
        })
        .await?;
    let buckets = counted.into_iter().map(|one| AlertBucket {
        start: one.start.to_rfc3339(),
        count: one.counts.values().sum(),
        series: series.iter().map(|level| one.counts.get(&(*level).into()).copied().unwrap_or(0)).collect(),
    });
    Ok(Json(AlertHistogramAnswer {
        interval_ms,
        from: from.map(|from| from.to_rfc3339()),
        to: to.to_rfc3339(),
        buckets: buckets.collect(),
        series,
    }))
}

fn micros(ms: u64) -> i64 {
    i64::try_from(ms.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

/// The urgencies that the query leaves, the highest first.
fn series(split: Option<AlertSplit>, query: &AlertQuery) -> Vec<Urgency> {
    let Some(AlertSplit::Urgency) = split else { return Vec::new() };
    let left = |level: &Urgency| query.urgencies.is_empty() || query.urgencies.contains(&(*level).into());
    [Urgency::High, Urgency::Medium, Urgency::Low].into_iter().filter(left).collect()
}

/// The narrowest round width of which [`BARS_MAX`] cover `length_ms`; beyond four weeks, whole weeks.
fn round_width_ms(length_ms: i64) -> u64 {
    let length_ms = u64::try_from(length_ms).unwrap_or(0);
    let wide_enough = |width: &u64| length_ms <= width * BARS_MAX;
    let found = WIDTHS_MINUTES.map(|minutes| minutes * 60_000).into_iter().find(wide_enough);
    found.unwrap_or_else(|| WEEK_MS * length_ms.div_ceil(WEEK_MS * BARS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_round_and_few() {
        let hour: i64 = 3_600_000;
        for (hours, minutes) in [(0, 1), (1, 1), (3, 5), (24, 15), (30 * 24, 720), (300 * 24, 7 * 1_440)] {
            assert_eq!(round_width_ms(hours * hour), minutes * 60_000, "{hours} h");
        }
        assert_eq!(round_width_ms(700 * 7 * 24 * hour), 7 * WEEK_MS);
        assert_eq!(round_width_ms(-1), 60_000);
    }
}
