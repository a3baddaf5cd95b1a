//! The caller themselves.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_state::{Secret, Via};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::Role;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Peer};
use crate::parts::Shared;

/// Who the caller is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// The user's id.
    id: Uuid,
    /// The user's name.
    user: String,
    /// What this credential may do.
    role: Role,
    /// The API token's name, when that is the credential.
    token: Option<String>,
    /// The session's CSRF token, when a session is the credential.
    csrf: Option<String>,
}

/// Says who the caller is.
#[utoipa::path(
    get, path = "/me", tag = "login", operation_id = "me",
    responses((status = 200, body = Me), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn show(State(shared): State<Shared>, caller: Caller) -> Json<Me> {
    let csrf = caller.session_secret.as_deref().map(|secret| shared.state.csrf_token(secret));
    let token = match caller.principal.via {
        Via::Token { name, .. } => Some(name),
        Via::Session { .. } => None,
    };
    Json(Me {
        id: caller.principal.user.0,
        user: caller.principal.name,
        role: caller.principal.role.into(),
        token,
        csrf,
    })
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    /// The password until now.
    old: String,
    /// The password from now on: twelve characters at least.
    new: String,
}

/// Changes the caller's own password and ends their other sessions.
#[utoipa::path(
    post, path = "/me/password", tag = "login", operation_id = "change_password",
    request_body = PasswordChange,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 429, body = ErrorBody)),
    security(("session" = []))
)]
pub(crate) async fn change_password(
    State(shared): State<Shared>,
    caller: Caller,
    Peer(address): Peer,
    JsonBody(change): JsonBody<PasswordChange>,
) -> Result<StatusCode, ApiError> {
    let session = caller.only_in_session()?;
    shared
        .ask(move |state| {
            // The throttle of logins guards this too: a stolen session must not guess the password.
            let user = state.verify_login(&caller.principal.name, &Secret::new(change.old), address)?;
            state.set_password(user.id, &Secret::new(change.new), Some(session), &caller.actor)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
