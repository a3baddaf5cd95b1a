//! API tokens: what programs hold to act for a user.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_event::Timestamp;
use tidegate_state::{ApiToken, NewToken, TokenId, UserId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::sessions::Whose;
use crate::api::{Role, moment_or_none};
use crate::auth::Caller;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Path, Query};
use crate::parts::Shared;

/// An API token without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenView {
    id: Uuid,
    /// For whom it acts.
    user: Uuid,
    /// Its name, unique among the user's tokens.
    name: String,
    /// The most it may do.
    role: Role,
    /// The last four characters of its secret.
    hint: String,
    /// When it was made.
    created: String,
    /// When it ends.
    expires: Option<String>,
    /// When it was last used, to five minutes.
    last_used: Option<String>,
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRequest {
    /// Its name.
    name: String,
    /// The most it may do: not more than its owner.
    role: Role,
    /// When it ends (RFC 3339); never, if absent.
    expires: Option<String>,
    /// For whom it acts; the caller, if absent. Others only for admins.
    user: Option<Uuid>,
}

/// A new token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenCreated {
    /// The token.
    token: TokenView,
    /// Its secret, shown this once.
    secret: String,
}

/// Lists the tokens of the caller, or of another user.
#[utoipa::path(
    get, path = "/tokens", tag = "tokens", operation_id = "list_tokens", params(Whose),
    responses((status = 200, body = Vec<TokenView>), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    Query(whose): Query<Whose>,
) -> Result<Json<Vec<TokenView>>, ApiError> {
    let user = whose.resolve(&caller)?;
    let tokens = shared.ask(move |state| state.tokens(Some(user))).await?;
    Ok(Json(tokens.into_iter().map(view).collect()))
}

/// Creates a token. Needs a session: a token cannot make another one that outlives it.
#[utoipa::path(
    post, path = "/tokens", tag = "tokens", operation_id = "create_token",
    request_body = TokenRequest,
    responses((status = 201, body = TokenCreated), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["viewer"]))
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    caller: Caller,
    JsonBody(request): JsonBody<TokenRequest>,
) -> Result<(StatusCode, Json<TokenCreated>), ApiError> {
    caller.only_in_session()?;
    let user: UserId = Whose { user: request.user }.resolve(&caller)?;
    let expires = moment_or_none("expires", request.expires.as_deref())?;
    let (token, secret) = shared
        .ask(move |state| {
            let new = NewToken { name: &request.name, role: request.role.into(), expires };
            state.create_token(user, &new, &caller.actor)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(TokenCreated { token: view(token), secret: secret.reveal().to_owned() })))
}

/// Ends a token.
#[utoipa::path(
    delete, path = "/tokens/{id}", tag = "tokens", operation_id = "revoke_token",
    params(("id" = Uuid, Path, description = "the token's id"), Whose),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn revoke(
    State(shared): State<Shared>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(whose): Query<Whose>,
) -> Result<StatusCode, ApiError> {
    let user = whose.resolve(&caller)?;
    shared.ask(move |state| state.revoke_token(user, TokenId(id), &caller.actor)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(token: ApiToken) -> TokenView {
    TokenView {
        id: token.id.0,
        user: token.user.0,
        name: token.name,
        role: token.role.into(),
        hint: token.hint,
        created: token.created.to_rfc3339(),
        expires: token.expires.map(Timestamp::to_rfc3339),
        last_used: token.last_used.map(Timestamp::to_rfc3339),
    }
}
