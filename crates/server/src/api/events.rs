//! Hunting: questions about the events in a stretch of time.

pub(crate) mod aggregate;
pub(crate) mod export;
pub(crate) mod fields;
pub(crate) mod histogram;
pub(crate) mod parse;
pub(crate) mod search;
pub(crate) mod show;
pub(crate) mod top;

use axum::http::StatusCode;
use tidegate_event::Timestamp;
use tidegate_query::language::{MOMENT_FORMS, Moment, QueryError, TimeRange};
use tidegate_query::{Error, Scope};

use crate::error::ApiError;

const DAY_MICROS: i64 = 86_400_000_000;

/// The events that a request means.
pub(crate) fn scope(query: String, from: Option<String>, to: Option<String>) -> Result<Scope, ApiError> {
    let now = Timestamp::now();
    Ok(Scope { query, range: range(from.as_deref(), to.as_deref(), now)?, now })
}

/// The stretch of time that a request means.
pub(crate) fn range(from: Option<&str>, to: Option<&str>, now: Timestamp) -> Result<TimeRange, ApiError> {
    let start = stretch("from", from, now)?.map(|moment| moment.start);
    let end = stretch("to", to, now)?.map(|moment| {
        let is_day = moment.end.as_micros() - moment.start.as_micros() >= DAY_MICROS;
        if is_day { moment.end } else { moment.start }
    });
    if let (Some(start), Some(end)) = (start, end)
        && start > end
    {
        return Err(ApiError::bad_request(format!("`from` ({start}) is after `to` ({end})")));
    }
    Ok(TimeRange { start, end })
}

fn stretch(name: &str, text: Option<&str>, now: Timestamp) -> Result<Option<Moment>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let shown: String = text.chars().take(64).collect();
    let refuse = || ApiError::bad_request(format!("`{name}` is `{shown}`, expected {MOMENT_FORMS}"));
    Moment::parse(text, now).map(Some).ok_or_else(refuse)
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "query", error.message).with_span(error.chars.start, error.chars.end)
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Query(error) => error.into(),
            Error::Request(_) => Self::bad_request(message),
            Error::Sql(_) => Self::new(StatusCode::BAD_REQUEST, "sql", message),
            Error::Timeout(_) => Self::new(StatusCode::GATEWAY_TIMEOUT, "query_timeout", message),
            Error::Memory => Self::unavailable("query_memory", message, 5),
            Error::Closed => Self::unavailable("stopping", message, 5),
            Error::Deletions(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "foreign_deletions", message),
            Error::Store(_) | Error::Execution(_) | Error::Start(_) => Self::internal(message),
        }
    }
}

#[cfg(test)]
mod tests;
