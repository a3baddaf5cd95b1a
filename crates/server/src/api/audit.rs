//! The audit trail: who changed what.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tidegate_state::{AuditEntry, AuditFilter};
use utoipa::{IntoParams, ToSchema};

use crate::api::moment_or_none;
use crate::auth::Admin;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Query;
use crate::parts::Shared;

const ENTRIES_DEFAULT: usize = 100;
const ENTRIES_MAX: usize = 1_000;

/// Which entries are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditParams {
    /// Only what this name did.
    actor: Option<String>,
    /// Only this action, or every action of a noun: `intake.create` or `intake`.
    action: Option<String>,
    /// Only what was done to this.
    target: Option<String>,
    /// Not before this time (RFC 3339).
    from: Option<String>,
    /// Before this time (RFC 3339).
    to: Option<String>,
    /// How many entries: 100 if absent, 1,000 at most.
    limit: Option<usize>,
    /// Only entries older than the one with this id: `next` of the page before.
    before: Option<i64>,
}

/// A page of the trail, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditPage {
    /// The entries.
    entries: Vec<AuditLine>,
    /// Ask with `before` for the next page; absent on the last one.
    next: Option<i64>,
}

/// One entry.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditLine {
    id: i64,
    /// When.
    at: String,
    /// Who.
    actor: String,
    /// How they were known.
    via: String,
    /// What was done.
    action: String,
    /// To what.
    target: String,
    /// More about it.
    detail: serde_json::Value,
    /// From where.
    address: Option<String>,
}

/// Lists what was changed, newest first.
#[utoipa::path(
    get, path = "/audit", tag = "audit", operation_id = "list_audit", params(AuditParams),
    responses((status = 200, body = AuditPage), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    _: Admin,
    Query(params): Query<AuditParams>,
) -> Result<Json<AuditPage>, ApiError> {
    let limit = params.limit.unwrap_or(ENTRIES_DEFAULT).clamp(1, ENTRIES_MAX);
    let from = moment_or_none("from", params.from.as_deref())?;
    let to = moment_or_none("to", params.to.as_deref())?;
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Err(ApiError::bad_request(format!("`from` ({from}) is after `to` ({to})")));
    }
    let filter = AuditFilter { from, to, actor: params.actor, action: params.action, target: params.target };
    let entries = shared.ask(move |state| state.audit(&filter, limit, params.before)).await?;
    let next = (entries.len() == limit).then(|| entries.last().map(|entry| entry.id)).flatten();
    Ok(Json(AuditPage { entries: entries.into_iter().map(line).collect(), next }))
}

fn line(entry: AuditEntry) -> AuditLine {
    AuditLine {
        id: entry.id,
        at: entry.at.to_rfc3339(),
        actor: entry.actor,
        via: entry.via,
        action: entry.action,
        target: entry.target,
        detail: entry.detail,
        address: entry.address.map(|address| address.to_string()),
    }
}
