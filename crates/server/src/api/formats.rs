//! The formats that are loaded.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::parts::{FormatInfo, Shared};

/// A format in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FormatLine {
    /// Its name, such as `cloudflare-gateway-dns`.
    name: String,
    /// Its UUID in the manifest.
    uuid: String,
    /// Its name for people.
    title: String,
    /// What it is about.
    description: String,
}

/// Lists the formats.
#[utoipa::path(
    get, path = "/formats", tag = "formats", operation_id = "list_formats",
    responses((status = 200, body = Vec<FormatLine>), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, _: Viewer) -> Json<Vec<FormatLine>> {
    let line = |format: &FormatInfo| FormatLine {
        name: format.name.clone(),
        uuid: format.uuid.clone(),
        title: format.title.clone(),
        description: format.description.clone(),
    };
    Json(shared.formats.iter().map(line).collect())
}

/// Shows a format with its fields.
#[utoipa::path(
    get, path = "/formats/{name}", tag = "formats", operation_id = "show_format",
    params(("name" = String, Path, description = "the format's name or UUID")),
    responses((status = 200, body = FormatInfo), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    _: Viewer,
    Path(name): Path<String>,
) -> Result<Json<FormatInfo>, ApiError> {
    let found = shared.formats.iter().find(|format| format.name == name || format.uuid.eq_ignore_ascii_case(&name));
    let name: String = name.chars().take(100).collect();
    found.cloned().map(Json).ok_or_else(|| ApiError::not_found(format!("no format `{name}`")))
}
