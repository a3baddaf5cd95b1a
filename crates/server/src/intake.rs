//! Receives batches: finds the sender's intake, reads the body within its bounds, checks it, and answers when the
//! journal has it on disk. It does not look into a record.

pub(crate) mod body;
mod check;
mod key;
mod moment;
mod networks;
mod refusal;
mod reply;
mod take;
mod tally;

use std::sync::Mutex;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use tidegate_batch::{Framing, JsonPath};
use tidegate_event::Timestamp;

use crate::error::{ApiError, ErrorBody};
use crate::options::Options;
use crate::parts::Shared;
use check::Checker;
use refusal::{Reason, Refusals};
use reply::{ManyIds, OneId};
pub(crate) use tally::{Taken, Tally};

/// What receiving needs and remembers.
#[derive(Debug)]
pub(crate) struct Intakes {
    pub(crate) checker: Checker,
    pub(crate) refusals: Refusals,
    pub(crate) tally: Tally,
    /// When the journal last refused a batch, and why.
    pub(crate) trouble: Mutex<Option<(Timestamp, String)>>,
}

impl Intakes {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            checker: Checker::new(options.checks(), options.limits()),
            refusals: Refusals::default(),
            tally: Tally::default(),
            trouble: Mutex::default(),
        }
    }
}

/// A batch that is not taken.
#[derive(Debug)]
struct Refused {
    reason: Reason,
    intake: Option<String>,
    error: ApiError,
}

/// One record: the whole body.
#[utoipa::path(
    post, path = "/plain", tag = "intake", operation_id = "intake_plain",
    request_body(content = String, description = "the record", content_type = "text/plain"),
    responses((status = 200, body = OneId), (status = "default", body = ErrorBody)),
    security(("intake_key" = []), ("intake_basic" = []), ("intake_query" = []))
)]
pub(crate) async fn plain(State(shared): State<Shared>, request: Request) -> Response {
    receive(&shared, Framing::Plain, request).await
}

/// Many records: one a line, or a JSON array, or an object that wraps one. What Cloudflare Logpush sends to.
#[utoipa::path(
    post, path = "/plain/batch", tag = "intake", operation_id = "intake_lines",
    request_body(content = String, description = "the records", content_type = "text/plain"),
    responses((status = 200, body = ManyIds), (status = "default", body = ErrorBody)),
    security(("intake_key" = []), ("intake_basic" = []), ("intake_query" = []))
)]
pub(crate) async fn lines(State(shared): State<Shared>, request: Request) -> Response {
    receive(&shared, Framing::Lines, request).await
}

/// Many records: JSON documents, or what lies at `path` in each of them.
#[utoipa::path(
    post, path = "/jsons", tag = "intake", operation_id = "intake_jsons",
    params(("path" = Option<String>, Query, description = "where the records are in each document, such as `$.a.b`")),
    request_body(content = String, description = "JSON documents", content_type = "application/json"),
    responses((status = 200, body = ManyIds), (status = "default", body = ErrorBody)),
    security(("intake_key" = []), ("intake_basic" = []), ("intake_query" = []))
)]
pub(crate) async fn jsons(State(shared): State<Shared>, request: Request) -> Response {
    let text = key::parameter(request.uri().query().unwrap_or(""), "path").filter(|text| !text.is_empty());
    match text.map(|text| JsonPath::parse(&text)).transpose() {
        Ok(path) => receive(&shared, Framing::Jsons { path }, request).await,
        Err(error) => {
            let error = ApiError::bad_request(format!("`path`: {error}"));
            let refused = Refused { reason: Reason::Header, intake: None, error };
            let (parts, body) = request.into_parts();
            refuse(&shared, refused, &parts, body).await
        }
    }
}

/// Many records in `{"intake_key":"…","jsons":["…"]}`.
#[utoipa::path(
    post, path = "/batch", tag = "intake", operation_id = "intake_batch",
    request_body(content = serde_json::Value, description = "the wrapped records"),
    responses((status = 200, body = ManyIds), (status = "default", body = ErrorBody)),
    security(("intake_key" = []), ("intake_basic" = []), ("intake_query" = []), ())
)]
pub(crate) async fn batch(State(shared): State<Shared>, request: Request) -> Response {
    receive(&shared, Framing::Batch, request).await
}

/// Many records in an array, each bare or as `{"intake_key":"…","json":"…"}`.
#[utoipa::path(
    post, path = "/array", tag = "intake", operation_id = "intake_array",
    request_body(content = serde_json::Value, description = "the records"),
    responses((status = 200, body = ManyIds), (status = "default", body = ErrorBody)),
    security(("intake_key" = []), ("intake_basic" = []), ("intake_query" = []), ())
)]
pub(crate) async fn array(State(shared): State<Shared>, request: Request) -> Response {
    receive(&shared, Framing::Array { intake_key: None }, request).await
}

/// One record in `{"intake_key":"…","json":"…"}`.
#[utoipa::path(
    post, path = "/", tag = "intake", operation_id = "intake_single",
    request_body(content = serde_json::Value, description = "the wrapped record"),
    responses((status = 200, body = OneId), (status = "default", body = ErrorBody)),
    security(("intake_key" = []), ("intake_basic" = []), ("intake_query" = []), ())
)]
pub(crate) async fn single(State(shared): State<Shared>, request: Request) -> Response {
    receive(&shared, Framing::Single, request).await
}

async fn receive(shared: &Shared, framing: Framing, request: Request) -> Response {
    let one = matches!(framing, Framing::Plain | Framing::Single);
    let (parts, mut body) = request.into_parts();
    if let Some(refused) = networks::refuse_stranger(shared, &parts) {
        return refuse(shared, refused, &parts, body).await;
    }
    match take::take(shared, framing, &parts, &mut body).await {
        Ok(receipts) if one => reply::one(receipts, shared.journal.node()),
        Ok(receipts) => reply::many(receipts, shared.journal.node()),
        Err(refused) => refuse(shared, refused, &parts, body).await,
    }
}

async fn refuse(shared: &Shared, refused: Refused, parts: &Parts, mut body: Body) -> Response {
    let Refused { reason, intake, error } = refused;
    if let Some(count) = shared.intakes.refusals.count(reason, Timestamp::now()) {
        let intake = intake.as_deref().unwrap_or("unknown");
        let (status, why) = (error.status().as_u16(), error.message());
        let what = if count == 1 { "a batch".to_owned() } else { format!("{count} batches, the last one") };
        tracing::warn!(intake, reason = reason.as_str(), status, count, "refused {what}: {why}");
    }
    // A sender that is still sending would see a reset connection instead of the answer; one that waits to be told to
    // send (RFC 9110, 10.1.1) sees it anyway.
    let waits = parts.headers.contains_key(header::EXPECT);
    if !waits && !matches!(reason, Reason::Slow | Reason::Broken | Reason::Network) {
        body::drain(&mut body).await;
    }
    error.into_response()
}

#[cfg(test)]
mod tests;
