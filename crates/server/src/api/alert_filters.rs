//! Alert filters: exceptions under which findings raise no alert.

pub(crate) mod preview;

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_event::Timestamp;
use tidegate_query::language::{Filter, Query};
use tidegate_state::{AlertFilter, AlertFilterId, NewAlertFilter};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::{moment, moment_or_none, present};
use crate::auth::{Analyst, Viewer};
use crate::detection::Changed;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Path};
use crate::parts::Shared;

/// An exception.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertFilterView {
    /// Its id.
    id: Uuid,
    /// Its name.
    name: String,
    /// The rule that it is for; absent when it is for every rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<FilteredRule>,
    /// Which events raise nothing, in the events query language.
    query: String,
    /// Why.
    reason: String,
    /// Whether it hides anything at present.
    enabled: bool,
    /// When it ends.
    expires: Option<String>,
    /// When it was made.
    created: String,
    /// Who wrote it last.
    created_by: String,
    /// How many events behind findings it kept back.
    hidden: u64,
    /// When it last did.
    last_hit: Option<String>,
}

/// A rule by its name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FilteredRule {
    /// Its id.
    id: Uuid,
    /// Its title; its id again when there is no such rule any more.
    name: String,
}

/// An exception to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertFilterRequest {
    /// Its name.
    name: String,
    /// The rule that it is for; every rule, if absent.
    rule: Option<Uuid>,
    /// Which events raise nothing, in the events query language.
    query: String,
    /// Why.
    reason: String,
    /// When it ends (RFC 3339); never, if absent.
    expires: Option<String>,
}

/// What to change of an exception; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AlertFilterEdit {
    /// Its new name.
    name: Option<String>,
    /// Which events raise nothing.
    query: Option<String>,
    /// Why.
    reason: Option<String>,
    /// Whether it hides anything.
    enabled: Option<bool>,
    /// When it ends; `null` for never.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    expires: Option<Option<String>>,
}

/// Lists the alert filters.
#[utoipa::path(
    get, path = "/alert-filters", tag = "alert filters", operation_id = "list_alert_filters",
    responses((status = 200, body = Vec<AlertFilterView>), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, _: Viewer) -> Result<Json<Vec<AlertFilterView>>, ApiError> {
    let filters = shared.ask(tidegate_state::State::alert_filters).await?;
    let names = rule_names(&shared).await?;
    Ok(Json(filters.into_iter().map(|filter| view(filter, &names)).collect()))
}

/// Creates an alert filter.
#[utoipa::path(
    post, path = "/alert-filters", tag = "alert filters", operation_id = "create_alert_filter",
    request_body = AlertFilterRequest,
    responses((status = 201, body = AlertFilterView), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    Analyst(caller): Analyst,
    JsonBody(request): JsonBody<AlertFilterRequest>,
) -> Result<(StatusCode, Json<AlertFilterView>), ApiError> {
    resolved(&shared, &request.query)?;
    let names = rule_names(&shared).await?;
    if let Some(rule) = request.rule.filter(|rule| shared.detection.is_some() && !names.contains_key(rule)) {
        return Err(ApiError::bad_request(format!("no rule `{rule}`")));
    }
    let new = NewAlertFilter {
        name: request.name,
        rule: request.rule,
        condition: request.query,
        comment: request.reason,
        enabled: true,
        expires: moment_or_none("expires", request.expires.as_deref())?,
    };
    let filter = shared.ask(move |state| state.create_alert_filter(&new, &caller.actor)).await?;
    shared.tell(Changed::AlertFilters).await?;
    Ok((StatusCode::CREATED, Json(view(filter, &names))))
}

/// Changes an alert filter.
#[utoipa::path(
    patch, path = "/alert-filters/{id}", tag = "alert filters", operation_id = "change_alert_filter",
    params(("id" = Uuid, Path, description = "the alert filter's id")),
    request_body = AlertFilterEdit,
    responses((status = 200, body = AlertFilterView), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn change(
    State(shared): State<Shared>,
    Analyst(caller): Analyst,
    Path(id): Path<Uuid>,
    JsonBody(edit): JsonBody<AlertFilterEdit>,
) -> Result<Json<AlertFilterView>, ApiError> {
    if let Some(query) = &edit.query {
        resolved(&shared, query)?;
    }
    let expires = match edit.expires {
        Some(Some(text)) => Some(Some(moment("expires", &text)?)),
        Some(None) => Some(None),
        None => None,
    };
    let filter = shared
        .ask(move |state| {
            let old = state.alert_filter(AlertFilterId(id))?;
            let new = NewAlertFilter {
                name: edit.name.unwrap_or(old.name),
                rule: old.rule,
                condition: edit.query.unwrap_or(old.condition),
                comment: edit.reason.unwrap_or(old.comment),
                enabled: edit.enabled.unwrap_or(old.enabled),
                expires: expires.unwrap_or(old.expires),
            };
            state.change_alert_filter(AlertFilterId(id), &new, &caller.actor)
        })
        .await?;
    shared.tell(Changed::AlertFilters).await?;
    let names = rule_names(&shared).await?;
    Ok(Json(view(filter, &names)))
}

/// Deletes an alert filter: what it would have hidden raises alerts again.
#[utoipa::path(
    delete, path = "/alert-filters/{id}", tag = "alert filters", operation_id = "delete_alert_filter",
    params(("id" = Uuid, Path, description = "the alert filter's id")),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn delete(
    State(shared): State<Shared>,
    Analyst(caller): Analyst,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    shared.ask(move |state| state.delete_alert_filter(AlertFilterId(id), &caller.actor)).await?;
    shared.tell(Changed::AlertFilters).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a query asks for; refuses, at its character, what the language does not understand.
fn resolved(shared: &Shared, query: &str) -> Result<Filter, ApiError> {
    Ok(Query::parse(query)?.resolve(shared.engine.fields_known(), Timestamp::now())?)
}

async fn rule_names(shared: &Shared) -> Result<HashMap<Uuid, String>, ApiError> {
    let rules = shared.detect_if_any(|detection| Ok(detection.rules())).await?;
    Ok(rules.into_iter().flatten().map(|info| (info.rule.id, info.rule.name)).collect())
}

fn view(filter: AlertFilter, names: &HashMap<Uuid, String>) -> AlertFilterView {
    let rule =
        filter.rule.map(|id| FilteredRule { id, name: names.get(&id).cloned().unwrap_or_else(|| id.to_string()) });
    AlertFilterView {
        id: filter.id.0,
        name: filter.name,
        rule,
        query: filter.condition,
        reason: filter.comment,
        enabled: filter.enabled,
        expires: filter.expires.map(Timestamp::to_rfc3339),
        created: filter.created.to_rfc3339(),
        created_by: filter.author,
        hidden: filter.hidden,
        last_hit: filter.last_hidden.map(Timestamp::to_rfc3339),
    }
}

#[cfg(test)]
mod tests;
