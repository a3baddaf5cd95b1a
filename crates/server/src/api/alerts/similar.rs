//! What an alert resembles, and how that ended.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{AlertLine, named};
use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Path, Query};
use crate::parts::Shared;

const LIMIT_DEFAULT: usize = 20;
const LIMIT_MAX: usize = 100;

/// How many are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SimilarParams {
    /// How many: 20 if absent, 100 at most.
    limit: Option<usize>,
}

/// What an alert resembles.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SimilarAnswer {
    /// What shares most comes first, then what is newer.
    alerts: Vec<SimilarLine>,
}

/// An alert that resembles another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SimilarLine {
    /// As in a list.
    #[serde(flatten)]
    line: AlertLine,
    /// What was said when it was closed or rejected.
    closing_comment: Option<String>,
}

/// Lists alerts of the same rule that share source, target, name or likeness with an alert.
#[utoipa::path(
    get, path = "/alerts/{id}/similar", tag = "alerts", operation_id = "similar_alerts",
    params(("id" = String, Path, description = "the alert's id or its number"), SimilarParams),
    responses((status = 200, body = SimilarAnswer), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    _: Viewer,
    Path(id): Path<String>,
    Query(params): Query<SimilarParams>,
) -> Result<Json<SimilarAnswer>, ApiError> {
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let id = named(&shared, &id).await?.id;
    let alerts = shared
        .ask(move |state| {
            let mut lines = Vec::new();
            for similar in state.similar_alerts(id, limit)? {
                let over = !similar.alert.status.is_open();
                let history = if over { state.alert_history(similar.alert.id)? } else { Vec::new() };
                let mut endings = history.into_iter().rev().filter(|entry| entry.kind == "status");
                let closing_comment = endings.next().and_then(|entry| entry.comment);
                lines.push(SimilarLine { line: similar.alert.into(), closing_comment });
            }
            Ok(lines)
        })
        .await?;
    Ok(Json(SimilarAnswer { alerts }))
}
