//! One event.

use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use crate::api::events::search::EventRow;
use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::parts::Shared;

/// Shows an event by its `event.id`.
#[utoipa::path(
    get, path = "/events/{id}", tag = "events", operation_id = "show_event",
    params(("id" = Uuid, Path, description = "the event's `event.id`")),
    responses((status = 200, body = EventRow), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    _: Viewer,
    Path(id): Path<Uuid>,
) -> Result<Json<EventRow>, ApiError> {
    let _turn = shared.turn().await?;
    let found = shared.engine.event(&id.to_string()).await?;
    found.map(|row| Json(row.into())).ok_or_else(|| ApiError::not_found(format!("no event `{id}`")))
}
