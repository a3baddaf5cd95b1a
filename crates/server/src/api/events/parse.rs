//! Looks at a query while it is being written.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tidegate_event::Timestamp;
use tidegate_query::language::{QUERY_BYTES_MAX, Query, TokenKind, tokens};
use utoipa::ToSchema;

use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody, ErrorDetail, Span};
use crate::extract::JsonBody;
use crate::parts::Shared;

/// A query as far as it is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParseRequest {
    /// The query.
    query: String,
}

/// What a query is made of. Positions count characters.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParseAnswer {
    /// Whether it can be asked as it is.
    valid: bool,
    /// Its pieces, for colouring; what stands from the first mistake on is one piece.
    tokens: Vec<Piece>,
    /// The fields that it names, each once.
    fields: Vec<String>,
    /// The mistake, if there is one.
    error: Option<ErrorDetail>,
}

/// A piece of a query.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Piece {
    /// `field`, `colon`, `operator`, `paren`, `text`, `phrase`, `wildcard`, `regex`, `compare`, `range` or `error`.
    #[schema(value_type = String)]
    kind: TokenKind,
    /// First character.
    start: usize,
    /// One past the last character.
    end: usize,
}

/// Tells a query's pieces and its mistake.
#[utoipa::path(
    post, path = "/events/parse", tag = "events", operation_id = "parse_query",
    request_body = ParseRequest,
    responses((status = 200, body = ParseAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn parse(
    State(shared): State<Shared>,
    _: Viewer,
    JsonBody(request): JsonBody<ParseRequest>,
) -> Result<Json<ParseAnswer>, ApiError> {
    let text = request.query;
    if text.len() > QUERY_BYTES_MAX {
        return Err(ApiError::bad_request(format!("the query is longer than {QUERY_BYTES_MAX} bytes")));
    }
    let known = shared.engine.fields_known();
    let parsed = Query::parse(&text);
    let fields = parsed.as_ref().map(|query| query.fields_used().into_iter().map(str::to_owned).collect());
    let fields = fields.unwrap_or_default();
    let error = parsed.and_then(|query| query.resolve(known, Timestamp::now()).map(|_| ())).err().map(|error| {
        let span = Span { start: error.chars.start, end: error.chars.end };
        ErrorDetail { code: "query".to_owned(), message: error.message, span: Some(span) }
    });
    let piece = |token: tidegate_query::language::Token| {
        let span = token.span.in_chars(&text);
        Piece { kind: token.kind, start: span.start, end: span.end }
    };
    let tokens = tokens(&text).into_iter().map(piece).collect();
    Ok(Json(ParseAnswer { valid: error.is_none(), tokens, fields, error }))
}
