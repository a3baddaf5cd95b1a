//! Users, for admins.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_event::Timestamp;
use tidegate_state::{Secret, User, UserId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::Role;
use crate::auth::Admin;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Path};
use crate::parts::Shared;

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserView {
    id: Uuid,
    /// The name they log in with.
    name: String,
    /// What they may do.
    role: Role,
    /// Whether they may do it at present.
    enabled: bool,
    /// When they were made.
    created: String,
    /// When they last logged in.
    last_login: Option<String>,
}

/// A user to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserRequest {
    /// The name they log in with.
    name: String,
    /// Their first password: twelve characters at least.
    password: String,
    /// What they may do.
    role: Role,
}

/// What to change of a user; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserChange {
    /// What they may do.
    role: Option<Role>,
    /// Whether they may do it.
    enabled: Option<bool>,
    /// A new password; ends their sessions.
    password: Option<String>,
}

/// Lists all users.
#[utoipa::path(
    get, path = "/users", tag = "users", operation_id = "list_users",
    responses((status = 200, body = Vec<UserView>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, _: Admin) -> Result<Json<Vec<UserView>>, ApiError> {
    let users = shared.ask(tidegate_state::State::users).await?;
    Ok(Json(users.into_iter().map(view).collect()))
}

/// Creates a user.
#[utoipa::path(
    post, path = "/users", tag = "users", operation_id = "create_user",
    request_body = UserRequest,
    responses((status = 201, body = UserView), (status = 400, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    JsonBody(request): JsonBody<UserRequest>,
) -> Result<(StatusCode, Json<UserView>), ApiError> {
    let password = Secret::new(request.password);
    let user = shared
        .ask(move |state| state.create_user(&request.name, &password, request.role.into(), &caller.actor))
        .await?;
    Ok((StatusCode::CREATED, Json(view(user))))
}

/// Shows a user.
#[utoipa::path(
    get, path = "/users/{id}", tag = "users", operation_id = "show_user",
    params(("id" = Uuid, Path, description = "the user's id")),
    responses((status = 200, body = UserView), (status = 404, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    _: Admin,
    Path(id): Path<Uuid>,
) -> Result<Json<UserView>, ApiError> {
    shared.ask(move |state| state.user(UserId(id))).await.map(|user| Json(view(user)))
}

/// Changes role, password, or whether a user may come in.
#[utoipa::path(
    patch, path = "/users/{id}", tag = "users", operation_id = "change_user",
    params(("id" = Uuid, Path, description = "the user's id")),
    request_body = UserChange,
    responses((status = 200, body = UserView), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn change(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<Uuid>,
    JsonBody(change): JsonBody<UserChange>,
) -> Result<Json<UserView>, ApiError> {
    let id = UserId(id);
    let user = shared
        .ask(move |state| {
            let keep = (caller.principal.user == id).then(|| caller.session()).flatten();
            if let Some(password) = change.password {
                state.set_password(id, &Secret::new(password), keep, &caller.actor)?;
            }
            if let Some(role) = change.role {
                state.set_role(id, role.into(), &caller.actor)?;
            }
            if let Some(enabled) = change.enabled {
                state.set_user_enabled(id, enabled, &caller.actor)?;
            }
            state.user(id)
        })
        .await?;
    Ok(Json(view(user)))
}

/// Deletes a user with their sessions and tokens.
#[utoipa::path(
    delete, path = "/users/{id}", tag = "users", operation_id = "delete_user",
    params(("id" = Uuid, Path, description = "the user's id")),
    responses((status = 204), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn delete(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    shared.ask(move |state| state.delete_user(UserId(id), &caller.actor)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(user: User) -> UserView {
    UserView {
        id: user.id.0,
        name: user.name,
        role: user.role.into(),
        enabled: user.enabled,
        created: user.created.to_rfc3339(),
        last_login: user.last_login.map(Timestamp::to_rfc3339),
    }
}
