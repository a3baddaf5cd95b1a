//! Saved queries: each user's own, and what others share.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_state::{NewSavedQuery, QueryKind, SavedQuery, SavedQueryId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Caller;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Path};
use crate::parts::Shared;

/// A saved query.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SavedQueryView {
    /// Its id.
    id: Uuid,
    /// Its name.
    name: String,
    /// What the page needs to show it again.
    state: String,
    /// The query.
    query: String,
    /// The name of whose it is.
    owner: String,
    /// Whether others may see and run it.
    shared: bool,
    /// When it was made.
    created: String,
    /// When it was last changed.
    updated: String,
}

/// A query to save.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedQueryRequest {
    /// Its name, unique among the caller's.
    name: String,
    /// The query.
    query: String,
    /// What the page needs to show it again.
    #[serde(default)]
    state: String,
    /// Whether others may see and run it.
    #[serde(default)]
    shared: bool,
}

/// What to change of a saved query; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SavedQueryEdit {
    /// Its new name.
    name: Option<String>,
    /// The query.
    query: Option<String>,
    /// What the page needs to show it again.
    state: Option<String>,
    /// Whether others may see and run it.
    shared: Option<bool>,
}

/// Lists the caller's saved queries and those that others share.
#[utoipa::path(
    get, path = "/saved-queries", tag = "saved queries", operation_id = "list_saved_queries",
    responses((status = 200, body = Vec<SavedQueryView>), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, caller: Caller) -> Result<Json<Vec<SavedQueryView>>, ApiError> {
    let queries = shared.ask(move |state| state.saved_queries(caller.principal.user)).await?;
    Ok(Json(queries.into_iter().filter(|query| query.kind == QueryKind::Events).map(view).collect()))
}

/// Saves a query.
#[utoipa::path(
    post, path = "/saved-queries", tag = "saved queries", operation_id = "create_saved_query",
    request_body = SavedQueryRequest,
    responses((status = 201, body = SavedQueryView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    caller: Caller,
    JsonBody(request): JsonBody<SavedQueryRequest>,
) -> Result<(StatusCode, Json<SavedQueryView>), ApiError> {
    let new = NewSavedQuery {
        name: request.name,
        kind: QueryKind::Events,
        query: request.query,
        view: Value::String(request.state),
        shared: request.shared,
    };
    let query = shared.ask(move |state| state.save_query(caller.principal.user, &new, &caller.actor)).await?;
    Ok((StatusCode::CREATED, Json(view(query))))
}

/// Changes a saved query: one's own, or as an admin a shared one.
#[utoipa::path(
    patch, path = "/saved-queries/{id}", tag = "saved queries", operation_id = "change_saved_query",
    params(("id" = Uuid, Path, description = "the saved query's id")),
    request_body = SavedQueryEdit,
    responses((status = 200, body = SavedQueryView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn change(
    State(shared): State<Shared>,
    caller: Caller,
    Path(id): Path<Uuid>,
    JsonBody(edit): JsonBody<SavedQueryEdit>,
) -> Result<Json<SavedQueryView>, ApiError> {
    let query = shared
        .ask(move |state| {
            let old = state.saved_query(SavedQueryId(id), caller.principal.user)?;
            let new = NewSavedQuery {
                name: edit.name.unwrap_or(old.name),
                kind: old.kind,
                query: edit.query.unwrap_or(old.query),
                view: edit.state.map_or(old.view, Value::String),
                shared: edit.shared.unwrap_or(old.shared),
            };
            state.change_query(SavedQueryId(id), caller.principal.user, &new, &caller.actor)
        })
        .await?;
    Ok(Json(view(query)))
}

/// Deletes a saved query: one's own, or as an admin a shared one.
#[utoipa::path(
    delete, path = "/saved-queries/{id}", tag = "saved queries", operation_id = "delete_saved_query",
    params(("id" = Uuid, Path, description = "the saved query's id")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn delete(
    State(shared): State<Shared>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    shared.ask(move |state| state.delete_query(SavedQueryId(id), caller.principal.user, &caller.actor)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The text that a page left with a query.
pub(super) fn page_state(view: Value) -> String {
    match view {
        Value::String(state) => state,
        // Somebody else than these pages saved it.
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn view(query: SavedQuery) -> SavedQueryView {
    SavedQueryView {
        id: query.id.0,
        name: query.name,
        state: page_state(query.view),
        query: query.query,
        owner: query.owner_name,
        shared: query.shared,
        created: query.created.to_rfc3339(),
        updated: query.updated.to_rfc3339(),
    }
}

#[cfg(test)]
mod tests;
