//! Whom alerts can be given to.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Analyst;
use crate::error::{ApiError, ErrorBody};
use crate::parts::Shared;

/// Who may work on alerts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Assignees {
    /// Their names, in order.
    assignees: Vec<String>,
}

/// Lists the names of those whom an alert can be given to.
#[utoipa::path(
    get, path = "/alerts/assignees", tag = "alerts", operation_id = "list_assignees",
    responses((status = 200, body = Assignees), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, _: Analyst) -> Result<Json<Assignees>, ApiError> {
    let assignees = shared.ask(|state| state.assignees()).await?;
    Ok(Json(Assignees { assignees }))
}
