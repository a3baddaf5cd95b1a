//! Read-only SQL over the table `events`, its answer streamed.

mod write;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_query::{Error, SqlColumn, SqlRows};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::extract::JsonBody;
use crate::parts::Shared;
use write::Writer;

/// A statement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SqlRequest {
    /// One SELECT, WITH, VALUES or EXPLAIN over the table `events`.
    statement: String,
    /// How the answer is written.
    #[serde(default)]
    format: SqlFormat,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SqlFormat {
    /// One document with the columns and the rows.
    #[default]
    Json,
    /// One object a row and line.
    Ndjson,
    /// Comma-separated with a header row.
    Csv,
    /// As `csv`, but text that a spreadsheet could take for a formula gets a leading `'`.
    Spreadsheet,
}

/// The answer to a statement in the format `json`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SqlAnswer {
    /// The columns.
    columns: Vec<ColumnView>,
    /// The rows, as many values in each as there are columns.
    rows: Vec<Vec<Value>>,
    /// Rows were left out because there are too many.
    truncated: bool,
}

/// A column of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColumnView {
    /// Its name.
    name: String,
    /// Its type, as Arrow names it.
    kind: String,
}

/// Runs a statement.
#[utoipa::path(
    post, path = "/sql", tag = "events", operation_id = "sql",
    request_body = SqlRequest,
    responses((status = 200, body = SqlAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn run(
    State(shared): State<Shared>,
    _: Viewer,
    JsonBody(request): JsonBody<SqlRequest>,
) -> Result<Response, ApiError> {
    let turn = shared.turn().await?;
    let mut rows = shared.engine.sql(&request.statement).await?;
    let names: Vec<String> = rows.columns().iter().map(|column| column.name.clone()).collect();
    // A statement that fails while it runs mostly does so before its first row, and then can still be answered.
    let first = rows.next().await.transpose()?;
    let mut writer = Writer::new(request.format, names);
    let mut begin = writer.begin(&columns(rows.columns()));
    let Some(first) = first else {
        begin.extend(writer.end(rows.truncated()));
        return Ok(answer(request.format, Body::from(begin)));
    };
    begin.extend(writer.rows(&first));
    let sending = Sending { rows, writer, begin: Some(begin.into()), ended: false, _turn: turn };
    let stream = futures::stream::unfold(sending, |mut sending| async { Some((sending.next().await?, sending)) });
    Ok(answer(request.format, Body::from_stream(stream)))
}

fn columns(columns: &[SqlColumn]) -> Vec<ColumnView> {
    columns.iter().map(|column| ColumnView { name: column.name.clone(), kind: column.kind.clone() }).collect()
}

fn answer(format: SqlFormat, body: Body) -> Response {
    let content_type = match format {
        SqlFormat::Json => "application/json",
        SqlFormat::Ndjson => "application/x-ndjson",
        SqlFormat::Csv | SqlFormat::Spreadsheet => "text/csv; charset=utf-8; header=present",
    };
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}

/// An answer on its way out. A failure breaks the connection off, so that nobody takes a part for the whole.
struct Sending {
    rows: SqlRows,
    writer: Writer,
    begin: Option<Bytes>,
    ended: bool,
    _turn: OwnedSemaphorePermit,
}

impl Sending {
    async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        if let Some(begin) = self.begin.take() {
            return Some(Ok(begin));
        }
        if self.ended {
            return None;
        }
        match self.rows.next().await {
            Some(Ok(rows)) => Some(Ok(self.writer.rows(&rows).into())),
            Some(Err(error)) => {
                tracing::warn!(%error, "the answer to a statement ended early");
                self.ended = true;
                Some(Err(error))
            }
            None => {
                self.ended = true;
                Some(Ok(self.writer.end(self.rows.truncated()).into()))
            }
        }
    }
}
