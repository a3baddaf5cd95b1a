//! A page of alerts.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tidegate_state::{AlertQuery, AlertSort};
use utoipa::{IntoParams, ToSchema};

use super::AlertLine;
use super::select::AlertSelection;
use crate::api::events::Time;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Query;
use crate::parts::Shared;

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1_000;

/// In which order.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sort {
    /// The most urgent first.
    #[default]
    Urgent,
    /// Those with the most events first.
    Frequent,
    /// The last raised first.
    Newest,
    /// The last changed or grown first.
    Updated,
}

/// Which alerts, and which page of them. Lists are separated by commas.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertParams {
    /// Of these statuses.
    status: Option<String>,
    /// Of these severities.
    severity: Option<String>,
    /// Of these urgencies: `low`, `medium`, `high`.
    urgency: Option<String>,
    /// Of these rules, by id.
    rule: Option<String>,
    /// Whose rule, source, target, name, note or matched values hold each of these words, or whose number it is.
    q: Option<String>,
    /// Of this user, by name; `me` is the caller, `none` is nobody.
    assignee: Option<String>,
    /// From this source.
    source: Option<String>,
    /// To this target.
    target: Option<String>,
    /// About this name or one below it.
    name: Option<String>,
    /// With this ATT&CK technique or one below it.
    technique: Option<String>,
    /// With an event at or after this time; forms as for events.
    from: Option<String>,
    /// With an event before this time.
    to: Option<String>,
    /// In which order: `urgent` (if absent), `frequent`, `newest`, `updated`.
    #[param(value_type = Option<String>)]
    #[serde(default)]
    sort: Sort,
    /// How many: 100 if absent, 1,000 at most.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A page of alerts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertPage {
    /// The alerts.
    alerts: Vec<AlertLine>,
    /// How many there are on all pages.
    total: u64,
    /// Ask with `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// How many there are by status and by urgency.
    counts: AlertCounts,
}

/// How many alerts there are; each list ignores its own filter.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertCounts {
    /// By status.
    status: BTreeMap<&'static str, u64>,
    /// By urgency.
    urgency: BTreeMap<&'static str, u64>,
}

/// Lists alerts.
#[utoipa::path(
    get, path = "/alerts", tag = "alerts", operation_id = "list_alerts", params(AlertParams),
    responses((status = 200, body = AlertPage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    Query(params): Query<AlertParams>,
) -> Result<Json<AlertPage>, ApiError> {
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let sort = match params.sort {
        Sort::Urgent => AlertSort::MostUrgent,
        Sort::Frequent => AlertSort::MostFrequent,
        Sort::Newest => AlertSort::Newest,
        Sort::Updated => AlertSort::Updated,
    };
    let selection = AlertSelection {
        status: params.status,
        severity: params.severity,
        urgency: params.urgency,
        rule: params.rule,
        q: params.q,
        assignee: params.assignee,
        source: params.source,
        target: params.target,
        name: params.name,
        technique: params.technique,
        from: params.from.map(Time::from),
        to: params.to.map(Time::from),
    };
    let query = selection.resolve(&shared, &caller).await?;
    let cursor = params.cursor;
    let (page, status, urgency) = shared
        .ask(move |state| {
            let page = state.alerts(&query, sort, limit, cursor.as_deref())?;
            let status = state.alerts_by_status(&AlertQuery { statuses: Vec::new(), ..query.clone() })?;
            let urgency = state.alerts_by_urgency(&AlertQuery { urgencies: Vec::new(), ..query })?;
            Ok((page, status, urgency))
        })
        .await?;
    let urgencies = [("low", 0), ("medium", 50), ("high", 75)];
    let urgencies = urgencies.map(|(word, score)| (word, urgency.get(&tidegate_state::Urgency::of(score))));
    let statuses = tidegate_state::AlertStatus::ALL.map(|word| (word.as_str(), status.get(&word)));
    Ok(Json(AlertPage {
        alerts: page.alerts.into_iter().map(AlertLine::from).collect(),
        total: page.total,
        next: page.next,
        counts: AlertCounts {
            status: statuses.into_iter().map(|(word, count)| (word, count.copied().unwrap_or(0))).collect(),
            urgency: urgencies.into_iter().map(|(word, count)| (word, count.copied().unwrap_or(0))).collect(),
        },
    }))
}
