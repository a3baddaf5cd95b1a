//! Which fields there are, and how common each is.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tidegate_query::FieldCoverage;
use tidegate_query::language::Kind;
use utoipa::ToSchema;

use crate::api::events::{Time, scope};
use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::extract::JsonBody;
use crate::parts::Shared;

/// Which events are looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldsRequest {
    /// The query, in the events query language; all events if absent.
    #[serde(default)]
    query: String,
    /// Not before: RFC 3339, a date, Unix seconds or finer, or relative such as `now-24h`.
    from: Option<Time>,
    /// Before, in the same forms; a bare date means that the whole day belongs to it.
    to: Option<Time>,
}

/// The fields of some events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldsAnswer {
    /// Every field.
    fields: Vec<FieldView>,
    /// Events that were looked at.
    sampled: u64,
    /// How long it took.
    took_ms: u64,
}

/// A field and how common it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldView {
    /// Its dotted name.
    name: String,
    /// What it holds: `text`, `int`, `float`, `bool`, `time`, `ip`, a list of them such as `text_list`, or `json`.
    #[schema(value_type = String)]
    kind: Kind,
    /// Share of the sampled events that have it, 0 to 1.
    coverage: f64,
}

/// Lists the fields, and the share of a sample of the events that has each.
#[utoipa::path(
    post, path = "/events/fields", tag = "events", operation_id = "list_fields",
    request_body = FieldsRequest,
    responses((status = 200, body = FieldsAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn fields(
    State(shared): State<Shared>,
    _: Viewer,
    JsonBody(request): JsonBody<FieldsRequest>,
) -> Result<Json<FieldsAnswer>, ApiError> {
    let scope = scope(request.query, request.from, request.to)?;
    let _turn = shared.turn().await?;
    let found = shared.engine.fields(scope).await?;
    let view = |field: FieldCoverage| FieldView { name: field.name, kind: field.kind, coverage: field.coverage };
    Ok(Json(FieldsAnswer {
        fields: found.fields.into_iter().map(view).collect(),
        sampled: found.sampled,
        took_ms: found.took_ms,
    }))
}
