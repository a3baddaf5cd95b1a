//! The one error of the HTTP edge: a status and one JSON shape, `{"error":{"code","message","span"}}`.

use std::fmt::Display;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tidegate_state::StateError;
use utoipa::ToSchema;

/// What a handler answers when it cannot do what was asked.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    span: Option<Span>,
    retry_seconds: Option<u64>,
    close: bool,
}

/// Where in the caller's text the mistake is, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Span {
    /// First character of the mistake.
    pub start: usize,
    /// One past its last character.
    pub end: usize,
}

/// The body of every answer that is not a success.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong, for programs (`code`) and for people (`message`).
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// Stable word a program may test, such as `not_found`.
    pub code: String,
    /// A sentence that names the thing.
    pub message: String,
    /// Where in the query or statement the mistake is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

impl ApiError {
    /// An error with this status, code and sentence.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), span: None, retry_seconds: None, close: false }
    }

    /// 400: the request cannot be understood.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// 401: no credential, or one that is not known.
    #[must_use]
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// 403: known, but not allowed.
    #[must_use]
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 404: there is no such thing.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 409: it collides with what is there.
    #[must_use]
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// 413: more bytes than the bound allows.
    #[must_use]
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// 503: not now; the caller should come back after `retry_seconds`.
    #[must_use]
    pub fn unavailable(code: &'static str, message: impl Into<String>, retry_seconds: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message).retry_after(retry_seconds)
    }

    /// 500: our own fault. The cause is logged here, once, and never sent out.
    #[must_use]
    pub fn internal(cause: impl Display) -> Self {
        tracing::error!(error = %cause, "a request failed inside");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server failed; its log says why")
    }

    /// Says where in the caller's text the mistake is.
    #[must_use]
    pub fn with_span(mut self, start: usize, end: usize) -> Self {
        self.span = Some(Span { start, end });
        self
    }

    /// Says when to come back.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_seconds = Some(seconds);
        self
    }

    /// Asks for the connection to be closed: what follows on it cannot be trusted to be a request.
    #[must_use]
    pub fn and_close(mut self) -> Self {
        self.close = true;
        self
    }

    /// The status it answers with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Where in the caller's text the mistake is.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// The sentence it answers with.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let detail = ErrorDetail { code: self.code.to_owned(), message: self.message, span: self.span };
        let mut response = (self.status, Json(ErrorBody { error: detail })).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"tidegate\""));
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<StateError> for ApiError {
    fn from(error: StateError) -> Self {
        let message = error.to_string();
        match error {
            StateError::NotFound { .. } => Self::not_found(message),
            StateError::Duplicate { .. } | StateError::LastAdmin { .. } => Self::conflict(message),
            StateError::Invalid { .. } => Self::new(StatusCode::BAD_REQUEST, "invalid", message),
            StateError::BadLogin => Self::unauthorized(message),
            StateError::Throttled { retry_after } => {
                let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
                Self::new(StatusCode::TOO_MANY_REQUESTS, "throttled", message).retry_after(seconds)
            }
            // The source tells more than the sentence, and both are for our log.
            other => match std::error::Error::source(&other) {
                Some(source) => Self::internal(format!("{other}: {source}")),
                None => Self::internal(other),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_is_one() {
        let response = ApiError::bad_request("no field `x`").with_span(3, 4).retry_after(0).and_close().into_response();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(response.headers()[header::CONNECTION], "close");
        let detail = ErrorDetail { code: "c".into(), message: "m".into(), span: Some(Span { start: 3, end: 4 }) };
        let text = serde_json::to_string(&ErrorBody { error: detail }).unwrap();
        assert_eq!(text, r#"{"error":{"code":"c","message":"m","span":{"start":3,"end":4}}}"#);
    }
}
