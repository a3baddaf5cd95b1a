//! Why a bucket cannot be followed at the moment, in sentences that say what to do.

use thiserror::Error;
use tidegate_state::StateError;

/// Why a bucket cannot be followed. Nothing is lost by any of them: the next look goes on where this one ended.
#[derive(Debug, Error)]
pub enum BucketError {
    /// The settings cannot work as they are.
    #[error("{0}")]
    Settings(String),
    /// The credentials are wrong, or lack a right.
    #[error("{0}")]
    Denied(String),
    /// There is no such bucket or folder.
    #[error("{0}")]
    NoBucket(String),
    /// The server does not answer, or not as one would.
    #[error("{0}")]
    Unreachable(String),
    /// The clocks differ too much for signatures.
    #[error("{0}")]
    Clock(String),
    /// The bucket lies in another region.
    #[error("{0}")]
    Region(String),
    /// The listing cannot be followed.
    #[error("{0}")]
    Listing(String),
    /// More objects would have to be remembered than the bound allows.
    #[error("{0}")]
    Full(String),
    /// The intake does not take batches at the moment.
    #[error("{0}")]
    Intake(String),
    /// Progress cannot be read or written down.
    #[error("how far the bucket was followed cannot be read or written down: {0}")]
    State(#[from] StateError),
}
