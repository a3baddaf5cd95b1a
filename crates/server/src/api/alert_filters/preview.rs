//! What an alert filter would have hidden.

use std::collections::HashSet;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tidegate_event::Timestamp;
use tidegate_query::language::{Filter, matches};
use tidegate_state::{Alert, AlertQuery, AlertSort, EventRef};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::alerts::AlertLine;
use crate::api::events::{Time, range};
use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::extract::JsonBody;
use crate::parts::Shared;

const FROM_DEFAULT: &str = "now-30d";
/// Alerts that are looked at, the last raised first.
const ALERTS_MAX: usize = 1_000;
/// Events that are looked at; each alert keeps a hundred at most.
const EVENTS_MAX: usize = 6_000;
/// Alerts that are told.
const SHOWN_MAX: usize = 50;

/// An exception to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertFilterTrial {
    /// The rule that it is for; every rule, if absent.
    rule: Option<Uuid>,
    /// Which events raise nothing, in the events query language.
    query: String,
    /// From when on alerts are looked at: `now-30d` if absent; forms as for events.
    from: Option<Time>,
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
    let filter = super::resolved(&shared, &trial.query)?;
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
    let met = met(&shared, &filter, &looked_at).await?;
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

/// The events among these that meet the filter.
async fn met(
    shared: &Shared,
    filter: &Filter,
    looked_at: &[(Alert, Vec<EventRef>)],
) -> Result<HashSet<Uuid>, ApiError> {
    let wanted = looked_at.iter().flat_map(|(_, events)| events).map(|event| (event.at, event.id)).collect();
    let _turn = shared.turn().await?;
    let events = shared.engine.events(wanted, &filter.fields()).await?;
    Ok(events.into_iter().filter(|(_, event)| matches(filter, event)).map(|(id, _)| id).collect())
}
