//! One alert with all that is known of it.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tidegate_event::Timestamp;
use tidegate_state::{self as state, AlertEntry, EventRef};
use utoipa::ToSchema;

use super::matched::{is_vague, matched, narrowed};
use super::query::query_of;
use super::{AlertLine, named};
use crate::auth::Viewer;
use crate::detection::EventLine;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::parts::Shared;

/// Events that are told.
const EVENTS_MAX: usize = 10;

/// An alert with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertDetail {
    /// As in a list.
    #[serde(flatten)]
    line: AlertLine,
    /// What its rule finds and why that matters; empty when the rule is gone.
    description: String,
    /// Why, in one sentence with the figures.
    note: Option<String>,
    /// The values that made it fire; of a rule over many events, those of the first events that it looks at.
    matched: Vec<MatchedValue>,
    /// The first events behind it, ten at most.
    events: Vec<EventLine>,
    /// The search that shows the events behind it, in the stretch from `from` to `to`.
    query: String,
    /// From when.
    from: String,
    /// Until when.
    to: String,
    /// Where the facts of its rule come from.
    references: Vec<String>,
    /// What else makes its rule fire.
    false_positives: Vec<String>,
    /// What was done with it, oldest first.
    history: Vec<HistoryLine>,
}

/// A value that made a rule fire.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MatchedValue {
    /// The field.
    field: String,
    /// Its value.
    value: String,
}

/// What was done with an alert.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryLine {
    /// When.
    at: String,
    /// Who.
    actor: String,
    /// `created`, `status`, `comment`, `assignee`, `verdict` or `urgency`.
    kind: String,
    /// What it was.
    from: Option<String>,
    /// What it became.
    to: Option<String>,
    /// Why, or the comment.
    comment: Option<String>,
}

/// Shows an alert.
#[utoipa::path(
    get, path = "/alerts/{id}", tag = "alerts", operation_id = "show_alert",
    params(("id" = String, Path, description = "the alert's id or its number")),
    responses((status = 200, body = AlertDetail), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    _: Viewer,
    Path(id): Path<String>,
) -> Result<Json<AlertDetail>, ApiError> {
    let alert = named(&shared, &id).await?;
    detail(&shared, alert).await.map(Json)
}

/// All that is known of an alert.
pub(super) async fn detail(shared: &Shared, alert: state::Alert) -> Result<AlertDetail, ApiError> {
    let (id, rule) = (alert.id, alert.rule.id);
    let (events, history) = shared.ask(move |state| Ok((state.alert_events(id)?, state.alert_history(id)?))).await?;
    let rule = shared.detect_if_any(move |detection| Ok(detection.rule(rule))).await?.flatten();
    let search = rule.as_ref().map(|rule| rule.search.as_str()).unwrap_or_default();
    let query = query_of(&alert, &events, search, shared.engine.fields_known());
    let exact = if alert.matched.is_empty() || is_vague(&alert.matched) {
        matched(&shared.engine, search, &events).await
    } else {
        Vec::new()
    };
    let told = if alert.matched.is_empty() { exact } else { narrowed(&alert.matched, &exact) };
    // Behaviour is that of somebody towards something: what the rule grouped by.
    let told = if told.is_empty() { alert.group.clone() } else { told };
    let created = HistoryLine {
        at: alert.created.to_rfc3339(),
        actor: alert.rule.name.clone(),
        kind: "created".to_owned(),
        from: None,
        to: None,
        comment: None,
    };
    let matched = told.into_iter().map(|(field, value)| MatchedValue { field, value });
    Ok(AlertDetail {
        note: Some(alert.note.clone()).filter(|note| !note.is_empty()),
        matched: matched.collect(),
        events: events.into_iter().take(EVENTS_MAX).map(event_line).collect(),
        query,
        from: alert.first_seen.to_rfc3339(),
        // The end of a stretch is left out of it.
        to: Timestamp::from_micros(alert.last_seen.as_micros().saturating_add(1)).to_rfc3339(),
        history: std::iter::once(created).chain(history.into_iter().map(history_line)).collect(),
        description: rule.as_ref().map(|rule| rule.info.description.clone()).unwrap_or_default(),
        references: rule.as_ref().map(|rule| rule.references.clone()).unwrap_or_default(),
        false_positives: rule.map(|rule| rule.false_positives).unwrap_or_default(),
        line: alert.into(),
    })
}

fn event_line(event: EventRef) -> EventLine {
    EventLine { event_id: event.id, timestamp: event.at.to_rfc3339(), source_ip: event.source_ip, name: event.name }
}

fn history_line(entry: AlertEntry) -> HistoryLine {
    // One word per thing: callers write `unknown`.
    let word = |text: Option<String>| match text.as_deref() {
        Some("inconclusive") if entry.kind == "verdict" => Some("unknown".to_owned()),
        _ => text,
    };
    HistoryLine {
        at: entry.at.to_rfc3339(),
        actor: entry.actor,
        from: word(entry.was),
        to: word(entry.became),
        kind: entry.kind.clone(),
        comment: entry.comment,
    }
}
