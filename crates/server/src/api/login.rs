//! Logging in and out.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tidegate_state::{Client, Secret};
use utoipa::ToSchema;

use crate::api::Role;
use crate::auth::{Caller, same_origin, set_cookie};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Peer};
use crate::parts::Shared;

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// The user's name, in any case.
    user: String,
    /// Their password.
    password: String,
}

/// Who logged in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoggedIn {
    /// The user's name.
    user: String,
    /// What they may do.
    role: Role,
    /// Send this as `X-Tidegate-CSRF` with every request that changes something.
    csrf: String,
}

/// Opens a session, whose secret is a cookie.
#[utoipa::path(
    post, path = "/login", tag = "login", operation_id = "login",
    request_body = Login,
    responses((status = 200, body = LoggedIn), (status = 401, body = ErrorBody), (status = 429, body = ErrorBody)),
    security(())
)]
pub(crate) async fn login(
    State(shared): State<Shared>,
    Peer(address): Peer,
    headers: HeaderMap,
    Origin: Origin,
    JsonBody(login): JsonBody<Login>,
) -> Result<Response, ApiError> {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let age_seconds_max = shared.options.session_seconds_max;
    let (user, secret) = shared
        .ask(move |state| {
            let user = state.verify_login(&login.user, &Secret::new(login.password), address)?;
            let secret =
                state.open_session(user.id, Duration::from_secs(age_seconds_max), &Client { address, agent })?;
            Ok((user, secret))
        })
        .await?;
    let csrf = shared.state.csrf_token(secret.reveal());
    let cookie = set_cookie(&shared.options, secret.reveal(), age_seconds_max);
    let body = LoggedIn { user: user.name, role: user.role.into(), csrf };
    Ok(([(header::SET_COOKIE, cookie)], Json(body)).into_response())
}

/// Ends the session.
#[utoipa::path(
    post, path = "/logout", tag = "login", operation_id = "logout",
    responses((status = 204), (status = 401, body = ErrorBody)),
    security(("session" = []))
)]
pub(crate) async fn logout(State(shared): State<Shared>, caller: Caller) -> Result<Response, ApiError> {
    let session = caller.only_in_session()?;
    shared.ask(move |state| state.close_session(caller.principal.user, session, &caller.actor)).await?;
    let cookie = set_cookie(&shared.options, "", 0);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// A request that no page of another site caused: logging in has no session yet whose token could tell.
#[derive(Debug)]
pub(crate) struct Origin;

impl axum::extract::FromRequestParts<Shared> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, ApiError> {
        same_origin(parts, &shared.options).map(|()| Self)
    }
}
