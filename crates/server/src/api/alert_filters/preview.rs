//! What an alert filter would have hidden.

use std::collections::HashSet;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tidegate_event::Timestamp;
use tidegate_query::language::{Query, TimeRange};
use tidegate_query::{Order, Scope, Search};
use tidegate_state::{Alert, AlertQuery, AlertSort, EventRef};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::alerts::AlertLine;
use crate::api::alerts::query::{any, is};
use crate::api::events::{Time, range, time_text};
use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::extract::JsonBody;
use crate::parts::Shared;

const FROM_DEFAULT: &str = "now-30d";
/// Alerts that are looked at, the last raised first.
const ALERTS_MAX: usize = 1_000;
/// Events that are looked at; each alert keeps a hundred at most.
const EVENTS_MAX: usize = 6_000;
/// Events asked about in one search. A query has at most a thousand terms and 16 KiB, and the filter's own stand in it.
const EVENTS_A_SEARCH: usize = 150;
/// Alerts that are told.
const SHOWN_MAX: usize = 50;
/// Bytes of the filter's query, so that the ids of events fit beside it.
const QUERY_BYTES_MAX: usize = 8 << 10;

/// An exception to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertFilterTrial {
    /// The rule that it is for; every rule, if absent.
    rule: Option<Uuid>,
    /// Which events raise nothing, in the events query language.
    query: String,
    /// From when on alerts are looked at: `now-30d` if absent; forms as for events.
    #[serde(default, deserialize_with = "time_text")]
    #[schema(value_type = Option<Time>)]
    from: Option<String>,
}

/// What an exception would have hidden.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertFilterOutcome {
    /// The alerts that it would have hidden whole, fifty at most: all events that are kept of them meet it.
    alerts: Vec<AlertLine>,
    /// How many these are.
    alert_count: u64,
    /// Events behind alerts that meet it, of those that are kept.
    event_count: u64,
    /// How many alerts were looked at, a thousand at most.
    of_alerts: u64,
}

/// Says which alerts an alert filter would have hidden.
#[utoipa::path(
    post, path = "/alert-filters/preview", tag = "alert filters", operation_id = "preview_alert_filter",
    request_body = AlertFilterTrial,
    responses((status = 200, body = AlertFilterOutcome), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn preview(
    State(shared): State<Shared>,
    _: Viewer,
    JsonBody(trial): JsonBody<AlertFilterTrial>,
) -> Result<Json<AlertFilterOutcome>, ApiError> {
    if trial.query.len() > QUERY_BYTES_MAX {
        return Err(ApiError::bad_request(format!("`query` is longer than {QUERY_BYTES_MAX} bytes")));
    }
    super::check_query(&shared, &trial.query)?;
    let now = Timestamp::now();
    let from = range(Some(trial.from.as_deref().unwrap_or(FROM_DEFAULT)), None, now)?.start;
    let rule = trial.rule;
    let looked_at = shared
        .ask(move |state| {
            let query = AlertQuery { rules: rule.into_iter().collect(), from, ..AlertQuery::default() };
            let page = state.alerts(&query, AlertSort::Newest, ALERTS_MAX, None)?;
            let mut looked_at: Vec<(Alert, Vec<EventRef>)> = Vec::new();
            let mut count = 0;
            for alert in page.alerts {
                let events = state.alert_events(alert.id)?;
                count += events.len();
                if count > EVENTS_MAX {
                    break;
                }
                looked_at.push((alert, events));
            }
            Ok(looked_at)
        })
        .await?;
    let met = met(&shared, &trial.query, now, &looked_at).await?;
    let of_alerts = looked_at.len() as u64;
    let hidden = |events: &[EventRef]| !events.is_empty() && events.iter().all(|event| met.contains(&event.id));
    let mut alerts: Vec<Alert> = Vec::new();
    for (alert, events) in looked_at {
        if hidden(&events) {
            alerts.push(alert);
        }
    }
    Ok(Json(AlertFilterOutcome {
        alert_count: alerts.len() as u64,
        event_count: met.len() as u64,
        of_alerts,
        alerts: alerts.into_iter().take(SHOWN_MAX).map(AlertLine::from).collect(),
    }))
}

/// The events among these that meet a query.
async fn met(
    shared: &Shared,
    query: &str,
    now: Timestamp,
    looked_at: &[(Alert, Vec<EventRef>)],
) -> Result<HashSet<Uuid>, ApiError> {
    let mut events: Vec<&EventRef> = looked_at.iter().flat_map(|(_, events)| events).collect();
    // What lies close in time lies in the same files.
    events.sort_unstable_by_key(|event| (event.at, event.id));
    events.dedup_by_key(|event| event.id);
    let query = Query::parse(query)?.expr().to_string();
    let mut met = HashSet::new();
    let _turn = shared.turn().await?;
    for chunk in events.chunks(EVENTS_A_SEARCH) {
        let (Some(first), Some(last)) = (chunk.first(), chunk.last()) else { continue };
        let ids = any(chunk.iter().map(|event| is("event.id", &event.id.to_string())).collect());
        let end = Timestamp::from_micros(last.at.as_micros().saturating_add(1));
        let search = Search {
            scope: Scope {
                query: format!("({query}) AND ({ids})"),
                range: TimeRange { start: Some(first.at), end: Some(end) },
                now,
            },
            limit: chunk.len(),
            order: Order::Newest,
            after: None,
            fields: Some(vec!["event.id".to_owned()]),
        };
        let found = shared.engine.search(search).await?;
        met.extend(found.rows.iter().filter_map(|row| Uuid::parse_str(&row.id).ok()));
    }
    Ok(met)
}
