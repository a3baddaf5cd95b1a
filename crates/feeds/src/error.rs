//! Why a feed could not be fetched or read.

use std::time::Duration;

use thiserror::Error;
use tidegate_detect::intel::IntelError;

/// Why a feed could not be fetched or read. No message holds a secret or an address with its parameters.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The address is none.
    #[error("`{0}` is not an http or https address")]
    Address(String),
    /// The name or the secret cannot be sent in a header.
    #[error("the name or the secret of the authentication cannot be sent in a header")]
    Auth,
    /// No answer.
    #[error("cannot reach {host}: {why}")]
    Unreachable {
        /// The host.
        host: String,
        /// Why.
        why: String,
    },
    /// The answer took too long.
    #[error("{host} did not answer in time")]
    Slow {
        /// The host.
        host: String,
    },
    /// The server does not know us or does not let us.
    #[error("{host} refused: {status}; check the authentication")]
    Refused {
        /// The host.
        host: String,
        /// What it said.
        status: u16,
    },
    /// The server asks us to come back later.
    #[error("{host} is busy: {status}")]
    Busy {
        /// The host.
        host: String,
        /// What it said.
        status: u16,
        /// When to come back.
        retry_after: Option<Duration>,
    },
    /// The server says that it failed or that there is nothing.
    #[error("{host} answered {status}")]
    Status {
        /// The host.
        host: String,
        /// What it said.
        status: u16,
    },
    /// The server sends us elsewhere, where we do not go.
    #[error("{host} redirects {why}")]
    Redirect {
        /// The host.
        host: String,
        /// Where, and why not.
        why: String,
    },
    /// The feed is too large.
    #[error("the feed is larger than {} MiB", bytes_max >> 20)]
    TooLarge {
        /// The bound.
        bytes_max: u64,
    },
    /// The feed is compressed in a way we did not ask for.
    #[error("the feed is sent with content encoding `{0}`, which is not supported")]
    Encoding(String),
    /// The answer is not what TAXII 2.1 says.
    #[error("{host} does not speak TAXII 2.1: {why}")]
    NotTaxii {
        /// The host.
        host: String,
        /// What is wrong.
        why: String,
    },
    /// What came is no feed.
    #[error(transparent)]
    Content(#[from] IntelError),
    /// The feed could not be written or read on our side.
    #[error("cannot keep the feed on disk")]
    Disk(#[from] std::io::Error),
    /// The HTTP client could not be set up.
    #[error("cannot set up the HTTP client: {0}")]
    Client(String),
}
