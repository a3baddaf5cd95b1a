//! Whether the process lives, and whether it can take work.

use std::sync::PoisonError;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use tidegate_event::Timestamp;
use utoipa::ToSchema;

use crate::parts::Shared;

/// A refusal of the journal is believed for so long: with nobody sending, nothing would ever take it back.
const TROUBLE_BELIEVED_MICROS: i64 = 30_000_000;

/// The process lives.
#[utoipa::path(get, path = "/healthz", tag = "health", operation_id = "healthz", responses((status = 200, body = String)), security(()))]
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether the server can take work, and why not.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// It can.
    ready: bool,
    /// Why it cannot, a sentence each.
    reasons: Vec<String>,
}

/// The server can take work.
#[utoipa::path(
    get, path = "/readyz", tag = "health", operation_id = "readyz",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)),
    security(())
)]
pub(crate) async fn ready(State(shared): State<Shared>) -> (StatusCode, Json<Readiness>) {
    let mut reasons = shared.gauges.read().troubles;
    reasons.extend(journal_trouble(&shared));
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready: reasons.is_empty(), reasons }))
}

/// What the journal said when it last refused a batch, while that is news.
pub(crate) fn journal_trouble(shared: &Shared) -> Option<String> {
    let trouble = shared.intakes.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let now = Timestamp::now().as_micros();
    trouble.filter(|(at, _)| now - at.as_micros() < TROUBLE_BELIEVED_MICROS).map(|(_, why)| why)
}
