//! Hunting: questions about the events in a stretch of time.

pub(crate) mod aggregate;
pub(crate) mod export;
pub(crate) mod fields;
pub(crate) mod histogram;
pub(crate) mod parse;
pub(crate) mod search;
pub(crate) mod show;
pub(crate) mod top;

use std::fmt;
use std::ops::Deref;

use axum::http::StatusCode;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use tidegate_event::Timestamp;
use tidegate_query::language::{MOMENT_FORMS, Moment, QueryError, TimeRange};
use tidegate_query::{Error, Scope};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::error::ApiError;

/// The events that a request means.
pub(crate) fn scope(query: String, from: Option<Time>, to: Option<Time>) -> Result<Scope, ApiError> {
    let now = Timestamp::now();
    Ok(Scope { query, range: range(from.as_deref(), to.as_deref(), now)?, now })
}

/// The stretch of time that a request means.
pub(crate) fn range(from: Option<&str>, to: Option<&str>, now: Timestamp) -> Result<TimeRange, ApiError> {
    let (from, to) = (stretch("from", from, now)?, stretch("to", to, now)?);
    TimeRange::between(from, to)
        .map_err(|(from, to)| ApiError::bad_request(format!("`from` ({from}) is after `to` ({to})")))
}

/// A time as a request's body has it, text or a whole number; [`range`] reads it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Time(String);

impl From<String> for Time {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Deref for Time {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Time;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(MOMENT_FORMS)
            }

            fn visit_str<E>(self, text: &str) -> Result<Time, E> {
                Ok(Time(text.to_owned()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Time, E> {
                Ok(Time(number.to_string()))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

#[derive(ToSchema)]
#[schema(title = "Time")]
#[serde(untagged)]
#[expect(dead_code, reason = "a shape to describe")]
enum TimeShape {
    /// RFC 3339, a date, Unix seconds or finer, or relative such as `now-24h`.
    Text(String),
    /// Unix seconds or finer, told apart by the number of digits.
    Unix(i64),
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        TimeShape::schema()
    }
}

impl ToSchema for Time {}

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
            Error::Statement(error) => {
                Self::new(StatusCode::BAD_REQUEST, "sql", error.message).with_span(error.chars.start, error.chars.end)
            }
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
