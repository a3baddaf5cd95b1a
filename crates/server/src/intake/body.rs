//! Reads a request body within its bounds: bytes, pauses, total time, and bytes held by everybody together.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use http_body_util::BodyExt;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::ApiError;
use crate::options::Options;

/// The budget is counted in blocks, since a semaphore counts only to 2^29 on some machines.
const BLOCK_BYTES: usize = 4096;

/// Most bytes reserved because a header claims them; what really arrives decides the rest.
const CLAIM_BYTES_MAX: u64 = 1 << 20;

/// Bytes and time spent on swallowing the body of a request that is refused, so that its sender sees the answer
/// instead of a reset connection.
const DRAIN_BYTES_MAX: usize = 1 << 20;
const DRAIN_TIME_MAX: Duration = Duration::from_secs(2);

/// How long a body waits for room.
const ROOM_TIME_MAX: Duration = Duration::from_secs(2);

/// Bytes of request bodies that all connections together may hold.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

/// A body in memory, and its share of the budget until dropped.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    /// Given back when the journal holds the body.
    pub(crate) share: Option<OwnedSemaphorePermit>,
}

/// How long a body may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) pause_max: Duration,
    pub(crate) total_max: Duration,
}

/// Why a body was not read to its end.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum BodyError {
    #[error("the body is larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: usize },
    #[error("no byte of the body arrived for {seconds} seconds")]
    Paused { seconds: u64 },
    #[error("the body took longer than {seconds} seconds")]
    Slow { seconds: u64 },
    #[error("too many bytes of other bodies are being held")]
    Crowded,
    #[error("the connection broke before the end of the body")]
    Broken,
}

impl Budget {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes_max / BLOCK_BYTES).clamp(1, Semaphore::MAX_PERMITS))))
    }

    async fn charge(&self, share: &mut Option<OwnedSemaphorePermit>, held_bytes: usize) -> Result<(), BodyError> {
        let wanted = held_bytes.div_ceil(BLOCK_BYTES);
        let missing = wanted.saturating_sub(share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
        if missing == 0 {
            return Ok(());
        }
        let count = u32::try_from(missing).map_err(|_| BodyError::Crowded)?;
        // Waiting without an end could wait for ever: every waiter may hold what another one needs.
        let more = timeout(ROOM_TIME_MAX, Arc::clone(&self.0).acquire_many_owned(count)).await;
        let Ok(Ok(more)) = more else { return Err(BodyError::Crowded) };
        match share {
            Some(share) => share.merge(more),
            None => *share = Some(more),
        }
        Ok(())
    }
}

impl Patience {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            pause_max: Duration::from_secs(options.body_pause_seconds_max),
            total_max: Duration::from_secs(options.body_seconds_max),
        }
    }
}

/// Reads `body` to its end, holding at most `limit_bytes`.
pub(crate) async fn read(
    body: &mut Body,
    limit_bytes: usize,
    patience: Patience,
    budget: &Budget,
) -> Result<Held, BodyError> {
    // A claim can only cost its sender: too much is refused at once, less is not believed.
    let claim = HttpBody::size_hint(body).lower();
    if claim > limit_bytes as u64 {
        return Err(BodyError::TooLarge { limit_bytes });
    }
    let claim = claim.min(CLAIM_BYTES_MAX);
    let end = Instant::now() + patience.total_max;
    let mut share = None;
    let mut first: Option<Bytes> = None;
    let mut whole: Vec<u8> = Vec::new();
    while let Some(chunk) = next_chunk(body, patience, end).await? {
        let held = first.as_ref().map_or(0, Bytes::len) + whole.len() + chunk.len();
        if held > limit_bytes {
            return Err(BodyError::TooLarge { limit_bytes });
        }
        budget.charge(&mut share, held).await?;
        if whole.is_empty() && first.is_none() {
            // Small bodies arrive in one piece and need no copy.
            first = Some(chunk);
            continue;
        }
        if let Some(first) = first.take() {
            whole.reserve(usize::try_from(claim).unwrap_or(0).max(first.len() + chunk.len()));
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&chunk);
    }
    let bytes = first.unwrap_or_else(|| Bytes::from(whole));
    Ok(Held { bytes, share })
}

/// Swallows a bounded part of a body nobody wants.
pub(crate) async fn drain(body: &mut Body) {
    let end = Instant::now() + DRAIN_TIME_MAX;
    let patience = Patience { pause_max: DRAIN_TIME_MAX, total_max: DRAIN_TIME_MAX };
    let mut seen = 0;
    while let Ok(Some(chunk)) = next_chunk(body, patience, end).await {
        seen += chunk.len();
        if seen > DRAIN_BYTES_MAX {
            return;
        }
    }
}

async fn next_chunk(body: &mut Body, patience: Patience, end: Instant) -> Result<Option<Bytes>, BodyError> {
    let pause_end = Instant::now() + patience.pause_max;
    loop {
        match timeout_at(pause_end.min(end), body.frame()).await {
            Ok(Some(Ok(frame))) => {
                // Trailers are no data; the body goes on or ends after them.
                if let Ok(chunk) = frame.into_data() {
                    return Ok(Some(chunk));
                }
            }
            Ok(Some(Err(_))) => return Err(BodyError::Broken),
            Ok(None) => return Ok(None),
            Err(_) if pause_end < end => return Err(BodyError::Paused { seconds: patience.pause_max.as_secs() }),
            Err(_) => return Err(BodyError::Slow { seconds: patience.total_max.as_secs() }),
        }
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        let message = error.to_string();
        match error {
            BodyError::TooLarge { .. } => Self::too_large(message).and_close(),
            BodyError::Paused { .. } | BodyError::Slow { .. } => {
                Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", message).and_close()
            }
            BodyError::Crowded => Self::unavailable("busy", message, 1).and_close(),
            BodyError::Broken => Self::bad_request(message).and_close(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { pause_max: Duration::from_secs(10), total_max: Duration::from_secs(25) };
    const HASTE: Patience = Patience { pause_max: Duration::from_millis(200), total_max: Duration::from_millis(400) };

    /// A body that sends `chunks` pieces of `size` bytes, one each `pause`.
    fn dripping(chunks: usize, size: usize, pause: Duration) -> Body {
        Body::from_stream(futures::stream::unfold(0, move |sent| async move {
            if sent == chunks {
                return None;
            }
            tokio::time::sleep(pause).await;
            Some((Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; size])), sent + 1))
        }))
    }

    #[tokio::test]
    async fn a_body_is_read_whole() {
        let budget = Budget::new(1 << 20);
        let held = read(&mut dripping(3, 5, Duration::from_millis(1)), 100, PATIENCE, &budget).await.unwrap();
        assert_eq!(&held.bytes[..], &b"xxxxxxxxxxxxxxx"[..]);
        let held = read(&mut Body::empty(), 100, PATIENCE, &budget).await.unwrap();
        assert!(held.bytes.is_empty());
    }

    #[tokio::test]
    async fn pauses_and_drips_are_given_up() {
        let budget = Budget::new(1 << 20);
        let paused = read(&mut dripping(3, 5, Duration::from_secs(60)), 100, HASTE, &budget).await;
        assert_eq!(paused.unwrap_err(), BodyError::Paused { seconds: 0 });
        let slow = read(&mut dripping(usize::MAX, 1, Duration::from_millis(20)), 100, HASTE, &budget).await;
        assert_eq!(slow.unwrap_err(), BodyError::Slow { seconds: 0 });
    }

    #[tokio::test]
    async fn no_more_than_the_bound_is_held() {
        let budget = Budget::new(1 << 20);
        let error = read(&mut dripping(usize::MAX, 1 << 10, Duration::ZERO), 1 << 16, PATIENCE, &budget).await;
        assert_eq!(error.unwrap_err(), BodyError::TooLarge { limit_bytes: 1 << 16 });
    }

    #[tokio::test]
    async fn the_budget_is_shared_and_given_back() {
        let budget = Budget::new(3 * BLOCK_BYTES);
        let first = read(&mut dripping(2, BLOCK_BYTES, Duration::ZERO), 1 << 20, PATIENCE, &budget).await.unwrap();
        let second = read(&mut dripping(2, BLOCK_BYTES, Duration::ZERO), 1 << 20, PATIENCE, &budget).await;
        assert_eq!(second.unwrap_err(), BodyError::Crowded);
        drop(first);
        assert!(read(&mut dripping(2, BLOCK_BYTES, Duration::ZERO), 1 << 20, PATIENCE, &budget).await.is_ok());
    }
}
