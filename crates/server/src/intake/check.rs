//! Undoes a body's compression once, off the async threads, to know that it can be read and how many records it holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use thiserror::Error;
use tidegate_batch::{BatchError, Head, Limits, Split, count, decode_into, is_validation, split};
use tokio::sync::Semaphore;

/// Most bodies stay below this; larger ones wait for each other, so that memory is not bodies times the bound.
const COMMON_BYTES_MAX: usize = 64 << 20;

/// A buffer that grew beyond this is given back to the system instead of being kept.
const KEPT_BYTES_MAX: usize = 8 << 20;

/// Intakes one `/array` body may be for: each of them costs a journal entry of the whole body.
pub(crate) const INTAKES_MAX: usize = 16;

/// What a body turned out to be.
#[derive(Debug)]
pub(crate) enum Content {
    /// The upload by which Logpush checks a destination.
    Validation,
    /// Records.
    Records {
        /// How many.
        count: u32,
        /// Bytes without the compression.
        text_bytes: usize,
        /// Whose they are, when that was asked.
        owner: Owner,
    },
}

/// Whose records a body says it holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Not asked, or the body does not say.
    Unsaid,
    /// All belong to the intake with this key.
    One(String),
    /// Each record has its own key: an index into `keys`.
    Each {
        /// The keys, in order of their first record.
        keys: Vec<String>,
        /// For each record, which of them.
        of: Vec<u16>,
    },
}

/// Why a body is refused.
#[derive(Debug, Error)]
pub(crate) enum CheckError {
    /// It cannot be read.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// Record number `.0` of an array has no key while others have one.
    #[error("record {0} of the array has no `intake_key`")]
    KeyMissing(usize),
    /// More keys than one body may have.
    #[error("the array is for more than {INTAKES_MAX} intakes")]
    TooManyKeys,
    /// The check itself broke.
    #[error("the check of a body did not end: {0}")]
    Broken(#[from] tokio::task::JoinError),
}

/// Checks bodies, a bounded number at a time.
#[derive(Debug)]
pub(crate) struct Checker {
    slots: Arc<Semaphore>,
    /// Bodies of senders who have shown no key wait for each other, not for the others.
    strangers: Arc<Semaphore>,
    large: Arc<Semaphore>,
    limits: Limits,
    buffers: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Checker {
    pub(crate) fn new(checks_max: usize, limits: Limits) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(checks_max.max(1))),
            strangers: Arc::new(Semaphore::new(1)),
            large: Arc::new(Semaphore::new(1)),
            limits,
            buffers: Arc::default(),
        }
    }

    /// Looks into `body`. `ask_owner` when the sender presented no key elsewhere: then it is nobody's yet, and stays
    /// below the common size.
    pub(crate) async fn check(&self, body: Bytes, head: Head, ask_owner: bool) -> Result<Content, CheckError> {
        let common = self.limits.decompressed_bytes_max.min(COMMON_BYTES_MAX);
        if ask_owner {
            return self.run(&self.strangers, common, body, head, true).await;
        }
        match self.run(&self.slots, common, body.clone(), head.clone(), false).await {
            Err(CheckError::Batch(BatchError::TooLarge { limit_bytes, .. }))
                if limit_bytes == common && common < self.limits.decompressed_bytes_max =>
            {
                self.run(&self.large, self.limits.decompressed_bytes_max, body, head, false).await
            }
            outcome => outcome,
        }
    }

    async fn run(
        &self,
        slots: &Arc<Semaphore>,
        text_bytes_max: usize,
        body: Bytes,
        head: Head,
        ask_owner: bool,
    ) -> Result<Content, CheckError> {
        let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
        let limits = Limits { decompressed_bytes_max: text_bytes_max, ..self.limits };
        let buffers = Arc::clone(&self.buffers);
        tokio::task::spawn_blocking(move || {
            let mut buffer = lock(&buffers).pop().unwrap_or_default();
            let outcome = look(&body, &head, ask_owner, &limits, &mut buffer);
            buffer.clear();
            if buffer.capacity() <= KEPT_BYTES_MAX {
                lock(&buffers).push(buffer);
            }
            // Held until here: a caller that went away must not let another check begin beside this one.
            drop(slot);
            outcome
        })
        .await?
    }
}

fn lock(buffers: &Mutex<Vec<Vec<u8>>>) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
    buffers.lock().unwrap_or_else(PoisonError::into_inner)
}

fn look(
    body: &[u8],
    head: &Head,
    ask_owner: bool,
    limits: &Limits,
    buffer: &mut Vec<u8>,
) -> Result<Content, CheckError> {
    let text = match decode_into(body, head.coding.as_deref(), limits, buffer)? {
        tidegate_batch::Coding::Identity => body,
        _ => buffer.as_slice(),
    };
    if is_validation(text) {
        return Ok(Content::Validation);
    }
    if !ask_owner {
        let count = count(&head.framing, text, limits)?;
        return Ok(Content::Records { count, text_bytes: text.len(), owner: Owner::Unsaid });
    }
    let split = split(&head.framing, text, limits)?;
    let count = u32::try_from(split.records.len()).unwrap_or(u32::MAX);
    Ok(Content::Records { count, text_bytes: text.len(), owner: owner(&split)? })
}

fn owner(split: &Split<'_>) -> Result<Owner, CheckError> {
    if let Some(key) = &split.intake_key {
        return Ok(Owner::One(key.clone().into_owned()));
    }
    let mut keys = Vec::new();
    let mut of = Vec::with_capacity(split.envelopes.len());
    let mut known: HashMap<&str, u16> = HashMap::new();
    for (index, envelope) in split.envelopes.iter().enumerate() {
        let key = envelope.intake_key.as_deref().ok_or(CheckError::KeyMissing(index + 1))?;
        let next = u16::try_from(keys.len()).unwrap_or(u16::MAX);
        let number = *known.entry(key).or_insert_with(|| {
            keys.push(key.to_owned());
            next
        });
        if keys.len() > INTAKES_MAX {
            return Err(CheckError::TooManyKeys);
        }
        of.push(number);
    }
    Ok(if keys.is_empty() { Owner::Unsaid } else { Owner::Each { keys, of } })
}
