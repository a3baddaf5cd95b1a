//! HTTP requests come in: batches go to the journal, questions to the rooms below, answers and web pages go out.
//! It will never know how a record is parsed or matched, or how events are stored.

mod api;
mod auth;
mod connection;
pub mod detection;
mod error;
mod exposition;
mod extract;
mod guard;
mod health;
mod intake;
pub mod logpush;
mod metrics;
mod options;
mod pages;
mod parts;
mod router;
mod serve;
mod tls;
mod traffic;
mod unread;

pub use error::{ApiError, ErrorBody, ErrorDetail, Span};
pub use options::{Network, Options};
pub use parts::{FieldInfo, Figure, FormatInfo, Gauges, Readings, Senders, ServerParts};
pub use router::openapi;
pub use serve::{Bound, ServeError};
pub use tls::TlsError;

#[cfg(test)]
mod testing;
