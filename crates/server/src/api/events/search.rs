//! A page of events.

use axum::Json;
use axum::extract::State;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidegate_query::{Cursor, LIMIT_MAX, Order, Row, Search};
use utoipa::ToSchema;

use crate::api::events::{Time, scope};
use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::extract::JsonBody;
use crate::parts::Shared;

const LIMIT_DEFAULT: usize = 100;

/// Bytes of a cursor's text; ours are far shorter.
const CURSOR_BYTES_MAX: usize = 8 << 10;

/// What to look for, and which page of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchRequest {
    /// The query, in the events query language; all events if absent.
    #[serde(default)]
    query: String,
    /// Not before: RFC 3339, a date, Unix seconds or finer, or relative such as `now-24h`.
    from: Option<Time>,
    /// Before, in the same forms; a bare date means that the whole day belongs to it.
    to: Option<Time>,
    /// Events of the page: 100 if absent, 10,000 at most.
    limit: Option<usize>,
    /// Which come first; the newest if absent.
    #[serde(default)]
    order: OrderRequest,
    /// `next` of the page before.
    after: Option<String>,
    /// The fields of each event, with what lies below them; all if absent.
    fields: Option<Vec<String>>,
}

/// Which events come first.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrderRequest {
    /// The latest.
    #[default]
    Newest,
    /// The earliest.
    Oldest,
    /// By a field; events without it come last.
    Field {
        /// The field.
        name: String,
        /// The largest first.
        #[serde(default)]
        descending: bool,
    },
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchAnswer {
    /// The events, in order.
    rows: Vec<EventRow>,
    /// How many events match, on all pages.
    total: u64,
    /// Counting took too long: there are at least `total`.
    partial: bool,
    /// Ask with `after` for the next page; absent on the last one.
    next: Option<String>,
    /// How long it took.
    took_ms: u64,
    /// Bytes read from files.
    bytes_read: u64,
}

/// An event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventRow {
    /// Its `event.id`.
    pub(crate) id: String,
    /// Its `@timestamp`.
    pub(crate) timestamp: String,
    /// The event as nested ECS.
    #[schema(value_type = Object)]
    pub(crate) event: Box<RawValue>,
    /// The event in one line, when its format has words for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

/// Finds events: a page of them and how many there are.
#[utoipa::path(
    post, path = "/events/search", tag = "events", operation_id = "search_events",
    request_body = SearchRequest,
    responses((status = 200, body = SearchAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn search(
    State(shared): State<Shared>,
    _: Viewer,
    JsonBody(request): JsonBody<SearchRequest>,
) -> Result<Json<SearchAnswer>, ApiError> {
    let search = Search {
        scope: scope(request.query, request.from, request.to)?,
        limit: request.limit.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX),
        order: match request.order {
            OrderRequest::Newest => Order::Newest,
            OrderRequest::Oldest => Order::Oldest,
            OrderRequest::Field { name, descending } => Order::Field { name, descending },
        },
        after: request.after.as_deref().map(read_cursor).transpose()?,
        fields: request.fields,
    };
    let _turn = shared.turn().await?;
    let found = shared.engine.search(search).await?;
    Ok(Json(SearchAnswer {
        rows: found.rows.into_iter().map(EventRow::from).collect(),
        total: found.total,
        partial: found.partial,
        next: found.next.as_ref().map(write_cursor),
        took_ms: found.took_ms,
        bytes_read: found.bytes_read,
    }))
}

impl From<Row> for EventRow {
    fn from(row: Row) -> Self {
        Self { id: row.id, timestamp: row.timestamp.to_rfc3339(), event: row.event, description: row.description }
    }
}

/// A cursor as callers see it: opaque, so that its inside can change.
fn write_cursor(cursor: &Cursor) -> String {
    BASE64URL_NOPAD.encode(&serde_json::to_vec(cursor).unwrap_or_default())
}

fn read_cursor(text: &str) -> Result<Cursor, ApiError> {
    let bounded = Some(text).filter(|text| text.len() <= CURSOR_BYTES_MAX);
    let bytes = bounded.and_then(|text| BASE64URL_NOPAD.decode(text.as_bytes()).ok());
    let cursor = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    cursor.ok_or_else(|| ApiError::bad_request("`after` is not the `next` of a page before"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_event::Timestamp;

    #[test]
    fn cursors_survive_the_way_through_a_caller() {
        let value = Some(serde_json::json!("a.example"));
        let cursor = Cursor { timestamp: Timestamp::from_micros(1), id: "x".into(), value };
        assert_eq!(read_cursor(&write_cursor(&cursor)).unwrap(), cursor);
        for text in ["", "!!", "e30", &"A".repeat(100_000)] {
            assert!(read_cursor(text).is_err());
        }
    }

    #[test]
    fn orders_are_words_or_a_field() {
        let read = |text: &str| serde_json::from_str::<SearchRequest>(text);
        assert!(matches!(read(r#"{"order":"oldest"}"#).unwrap().order, OrderRequest::Oldest));
        let by = read(r#"{"order":{"field":{"name":"source.ip","descending":true}},"query":"x"}"#).unwrap();
        assert!(matches!(by.order, OrderRequest::Field { descending: true, .. }));
        assert_eq!(by.query, "x");
        assert!(read(r#"{"querry":"x"}"#).is_err());
        assert!(read(r#"{"order":"random"}"#).is_err());
    }
}
