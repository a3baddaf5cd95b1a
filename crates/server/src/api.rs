//! The API below `/api/v1`: a file a noun.

pub(crate) mod alert_filters;
pub(crate) mod alerts;
pub(crate) mod assets;
pub(crate) mod audit;
pub(crate) mod buckets;
pub(crate) mod events;
pub(crate) mod feeds;
pub(crate) mod formats;
pub(crate) mod indicators;
pub(crate) mod intakes;
pub(crate) mod login;
pub(crate) mod logpush;
pub(crate) mod me;
pub(crate) mod notifications;
pub(crate) mod query_history;
pub(crate) mod retrohunts;
pub(crate) mod rules;
pub(crate) mod saved_queries;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod sql;
pub(crate) mod status;
pub(crate) mod tokens;
pub(crate) mod users;

use serde::{Deserialize, Deserializer, Serialize};
use tidegate_event::Timestamp;
use tidegate_state as state;
use utoipa::ToSchema;

use crate::error::ApiError;

/// What a user may do; each role may do what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Searches and looks.
    Viewer,
    /// Works on what is found.
    Analyst,
    /// Administers intakes, users and settings.
    Admin,
}

impl From<state::Role> for Role {
    fn from(role: state::Role) -> Self {
        match role {
            state::Role::Viewer => Self::Viewer,
            state::Role::Analyst => Self::Analyst,
            state::Role::Admin => Self::Admin,
        }
    }
}

impl From<Role> for state::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Analyst => Self::Analyst,
            Role::Admin => Self::Admin,
        }
    }
}

/// A time a caller wrote, checked.
fn moment(name: &str, text: &str) -> Result<Timestamp, ApiError> {
    Timestamp::parse_rfc3339(text).map_err(|error| ApiError::bad_request(format!("`{name}`: {error}")))
}

/// A time a caller may have written.
fn moment_or_none(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    text.map(|text| moment(name, text)).transpose()
}

/// Reads a member that may be `null`: what is there and `null` is told from what is not there.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests;
