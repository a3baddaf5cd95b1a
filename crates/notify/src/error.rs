//! What can go wrong: in a configuration, and on the way.

use std::time::Duration;

use thiserror::Error;

/// Why a channel cannot be used as configured.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// There is no such kind of channel.
    #[error("`{0}` is no kind of target: one of `webhook`, `slack`, `email`, `syslog`, `file`")]
    Kind(String),
    /// The configuration has not the right shape.
    #[error("configuration: {0}")]
    Shape(#[from] serde_json::Error),
    /// One of its values cannot be used.
    #[error("{what} {why}")]
    Value {
        /// Which one.
        what: &'static str,
        /// Why, reading on from `what`.
        why: String,
    },
}

impl ConfigError {
    pub(crate) fn value(what: &'static str, why: impl Into<String>) -> Self {
        Self::Value { what, why: why.into() }
    }
}

/// Why a message could not be told, without secrets.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{text}")]
pub struct Failure {
    /// Why.
    pub text: String,
    /// Whether it may go better later.
    pub retry: bool,
    /// Not before so long.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// It may go better later.
    pub(crate) fn passing(text: impl Into<String>) -> Self {
        Self { text: text.into(), retry: true, retry_after: None }
    }

    /// It will not go better by itself.
    pub(crate) fn lasting(text: impl Into<String>) -> Self {
        Self { text: text.into(), retry: false, retry_after: None }
    }

    /// The failure without the secret, should a library have put it into its sentence.
    pub(crate) fn without(mut self, secret: Option<&str>) -> Self {
        if let Some(secret) = secret.filter(|secret| !secret.is_empty()) {
            self.text = self.text.replace(secret, "…");
        }
        self
    }
}
