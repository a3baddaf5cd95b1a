//! Settings that are changed while running.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;

use crate::auth::Admin;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Path};
use crate::parts::Shared;

/// Lists all settings.
#[utoipa::path(
    get, path = "/settings", tag = "settings", operation_id = "list_settings",
    responses((status = 200, body = BTreeMap<String, Value>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, _: Admin) -> Result<Json<BTreeMap<String, Value>>, ApiError> {
    shared.ask(|state| state.settings("")).await.map(Json)
}

/// Sets a setting to any JSON value.
#[utoipa::path(
    put, path = "/settings/{key}", tag = "settings", operation_id = "set_setting",
    params(("key" = String, Path, description = "the setting's name")),
    request_body = Value,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn set(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(key): Path<String>,
    JsonBody(value): JsonBody<Value>,
) -> Result<StatusCode, ApiError> {
    shared.ask(move |state| state.set_setting(&key, Some(&value), &caller.actor)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a setting, so that its default holds again.
#[utoipa::path(
    delete, path = "/settings/{key}", tag = "settings", operation_id = "remove_setting",
    params(("key" = String, Path, description = "the setting's name")),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn remove(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(key): Path<String>,
) -> Result<StatusCode, ApiError> {
    shared.ask(move |state| state.set_setting(&key, None, &caller.actor)).await?;
    Ok(StatusCode::NO_CONTENT)
}
