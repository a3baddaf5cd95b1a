//! Everything that matches, as a download.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use serde::Deserialize;
use tidegate_event::Timestamp;
use tidegate_query::{Error, Export, ExportStream, Format};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::{IntoParams, ToSchema};

use crate::api::events::{Time, scope};
use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Query};
use crate::parts::Shared;

/// What to export and how.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportRequest {
    /// The query, in the events query language; all events if absent.
    #[serde(default)]
    query: String,
    /// Not before: RFC 3339, a date, Unix seconds or finer, or relative such as `now-24h`.
    from: Option<Time>,
    /// Before, in the same forms; a bare date means that the whole day belongs to it.
    to: Option<Time>,
    /// `ndjson`, `csv`, or `spreadsheet` (CSV in which no value can be taken for a formula).
    #[schema(value_type = String)]
    format: Format,
    /// The fields, in this order where the format has one; all if absent.
    fields: Option<Vec<String>>,
    /// Only so many, the newest first, 10,000 at most; everything that matches if absent.
    limit: Option<usize>,
}

/// As [`ExportRequest`], in a link.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportParams {
    /// The query, in the events query language; all events if absent.
    #[serde(default)]
    query: String,
    /// Not before: RFC 3339, a date, Unix seconds or finer, or relative such as `now-24h`.
    from: Option<String>,
    /// Before, in the same forms; a bare date means that the whole day belongs to it.
    to: Option<String>,
    /// `ndjson`, `csv`, or `spreadsheet` (CSV in which no value can be taken for a formula).
    #[param(value_type = String)]
    format: Format,
    /// The fields, separated by commas; all if absent.
    fields: Option<String>,
    /// Only so many, the newest first, 10,000 at most; everything that matches if absent.
    limit: Option<usize>,
}

/// Exports everything that matches.
#[utoipa::path(
    post, path = "/events/export", tag = "events", operation_id = "export_events",
    request_body = ExportRequest,
    responses(
        (status = 200, body = String, content_type = "application/x-ndjson"),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody)
    ),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn post(
    State(shared): State<Shared>,
    _: Viewer,
    JsonBody(request): JsonBody<ExportRequest>,
) -> Result<Response, ApiError> {
    let export = Export {
        scope: scope(request.query, request.from, request.to)?,
        format: request.format,
        fields: request.fields,
        limit: request.limit,
    };
    send(&shared, export).await
}

/// Exports everything that matches, as a link to download.
#[utoipa::path(
    get, path = "/events/export", tag = "events", operation_id = "download_events", params(ExportParams),
    responses(
        (status = 200, body = String, content_type = "application/x-ndjson"),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody)
    ),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn get(
    State(shared): State<Shared>,
    _: Viewer,
    Query(params): Query<ExportParams>,
) -> Result<Response, ApiError> {
    let fields = params.fields.map(|names| names.split(',').map(|name| name.trim().to_owned()).collect());
    let scope = scope(params.query, params.from.map(Time::from), params.to.map(Time::from))?;
    send(&shared, Export { scope, format: params.format, fields, limit: params.limit }).await
}

async fn send(shared: &Shared, export: Export) -> Result<Response, ApiError> {
    let (content_type, extension) = match export.format {
        Format::Ndjson => ("application/x-ndjson", "ndjson"),
        Format::Csv | Format::Spreadsheet => ("text/csv; charset=utf-8; header=present", "csv"),
    };
    let turn = shared.turn().await?;
    let chunks = shared.engine.export(export).await?;
    let stamp: String = Timestamp::now().to_rfc3339().chars().take(19).filter(char::is_ascii_digit).collect();
    let disposition = format!("attachment; filename=\"tidegate-events-{stamp}.{extension}\"");
    let body = Body::from_stream(Sending { chunks, _turn: turn });
    Ok(([(header::CONTENT_TYPE, content_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)], body)
        .into_response())
}

/// An export on its way out. A failure breaks the connection off, so that nobody takes a part for the whole.
struct Sending {
    chunks: ExportStream,
    /// Given back when the last byte was taken or the reader went away.
    _turn: OwnedSemaphorePermit,
}

impl Stream for Sending {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.chunks.poll_next_unpin(context);
        if let Poll::Ready(Some(Err(error))) = &polled {
            tracing::error!(%error, "an export ended early");
        }
        polled
    }
}
