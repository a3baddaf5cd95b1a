//! Why Cloudflare did not do what it was asked, each a sentence that says what to do.

use std::fmt;

use thiserror::Error;

use crate::job::JobId;

/// Why a call failed.
#[derive(Debug, Error)]
pub enum LogpushError {
    /// The caller named something that cannot be.
    #[error("{0}")]
    Wrong(String),
    /// Cloudflare refused.
    #[error("{0}")]
    Refused(Box<ApiError>),
    /// The API could not be reached.
    #[error("cannot reach the Cloudflare API at `{host}`: {cause}")]
    Unreachable {
        /// Where it was sought.
        host: String,
        /// Why, and what to do.
        cause: String,
    },
    /// The answer was not one of the Cloudflare API.
    #[error("`{host}` answered with status {status} and {what} instead of JSON: {advice}")]
    NotJson {
        /// Who answered.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What came, in words.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The answer is JSON, but not what the documentation says.
    #[error(
        "the Cloudflare API answered `{action}` with something unexpected: {cause}; a newer version of Tidegate may understand it"
    )]
    Unexpected {
        /// What was asked.
        action: String,
        /// What is wrong with the answer.
        cause: String,
    },
    /// Someone else changed the job after it was looked at.
    #[error(
        "job {id} was changed by someone else meanwhile ({what}): nothing was sent; look at it again with `tidegate logpush verify`"
    )]
    Changed {
        /// The job.
        id: JobId,
        /// What differs now.
        what: String,
    },
}

/// A refusal of Cloudflare's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// What was asked, in words: `read job 7`.
    pub action: String,
    /// The HTTP status.
    pub status: u16,
    /// Cloudflare's code of the first error.
    pub code: Option<u64>,
    /// Cloudflare's words, secrets masked.
    pub message: String,
    /// What to do about it.
    pub advice: Option<String>,
    /// How many calls were made before giving up.
    pub attempts: u32,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cloudflare refused to {}: ", self.action)?;
        if self.message.is_empty() {
            write!(f, "status {}", self.status)?;
        } else {
            f.write_str(&self.message)?;
        }
        match self.code {
            Some(code) => write!(f, " (code {code})")?,
            None if !self.message.is_empty() => write!(f, " (status {})", self.status)?,
            None => {}
        }
        if self.attempts > 1 {
            write!(f, ", also at the {}", nth(self.attempts))?;
        }
        self.advice.as_ref().map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}

fn nth(attempts: u32) -> String {
    match attempts {
        2 => "second attempt".to_owned(),
        3 => "third attempt".to_owned(),
        more => format!("{more}th attempt"),
    }
}

impl LogpushError {
    /// Cloudflare's code, when it gave one.
    #[must_use]
    pub fn code(&self) -> Option<u64> {
        match self {
            Self::Refused(error) => error.code,
            _ => None,
        }
    }

    /// The HTTP status of a refusal.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(error) => Some(error.status),
            Self::NotJson { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the caller should ask for something else, rather than later.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Wrong(_) | Self::Changed { .. } => true,
            Self::Refused(error) => matches!(error.status, 400 | 404 | 409 | 422),
            _ => false,
        }
    }
}
