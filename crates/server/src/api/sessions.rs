//! Open sessions.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_state::{Role, Session, SessionId, UserId};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::auth::Caller;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Path, Query};
use crate::parts::Shared;

/// An open session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    id: Uuid,
    /// Whose it is.
    user: Uuid,
    /// When it was opened.
    created: String,
    /// When it was last used, to the minute.
    seen: String,
    /// When it ends at the latest.
    expires: String,
    /// From where it was opened.
    address: Option<String>,
    /// What opened it.
    agent: Option<String>,
    /// It is the one that asks.
    current: bool,
}

/// Whose things are meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    /// The id of another user than the caller; for admins.
    pub(crate) user: Option<Uuid>,
}

impl Whose {
    /// The user that is meant, when the caller may mean them.
    pub(crate) fn resolve(&self, caller: &Caller) -> Result<UserId, ApiError> {
        match self.user.map(UserId) {
            Some(user) if user != caller.principal.user => caller.require(Role::Admin).map(|()| user),
            _ => Ok(caller.principal.user),
        }
    }
}

/// Lists the open sessions of the caller, or of another user.
#[utoipa::path(
    get, path = "/sessions", tag = "sessions", operation_id = "list_sessions", params(Whose),
    responses((status = 200, body = Vec<SessionView>), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    Query(whose): Query<Whose>,
) -> Result<Json<Vec<SessionView>>, ApiError> {
    let user = whose.resolve(&caller)?;
    let current = caller.session();
    let sessions = shared.ask(move |state| state.sessions(user)).await?;
    Ok(Json(sessions.into_iter().map(|session| view(session, current)).collect()))
}

/// Ends one session.
#[utoipa::path(
    delete, path = "/sessions/{id}", tag = "sessions", operation_id = "close_session",
    params(("id" = Uuid, Path, description = "the session's id"), Whose),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn close(
    State(shared): State<Shared>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(whose): Query<Whose>,
) -> Result<StatusCode, ApiError> {
    let user = whose.resolve(&caller)?;
    shared.ask(move |state| state.close_session(user, SessionId(id), &caller.actor)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all sessions but the one that asks.
#[utoipa::path(
    delete, path = "/sessions", tag = "sessions", operation_id = "close_sessions", params(Whose),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn close_all(
    State(shared): State<Shared>,
    caller: Caller,
    Query(whose): Query<Whose>,
) -> Result<StatusCode, ApiError> {
    let user = whose.resolve(&caller)?;
    let keep = caller.session();
    shared.ask(move |state| state.close_sessions(user, keep, &caller.actor)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(session: Session, current: Option<SessionId>) -> SessionView {
    SessionView {
        id: session.id.0,
        user: session.user.0,
        created: session.created.to_rfc3339(),
        seen: session.seen.to_rfc3339(),
        expires: session.expires.to_rfc3339(),
        address: session.address.map(|address| address.to_string()),
        agent: session.agent,
        current: current == Some(session.id),
    }
}
