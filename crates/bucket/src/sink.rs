//! Where the bytes of objects go: the journal, by the same checks as bodies that are sent.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tidegate_batch::{Coding, Framing, Head, Limits, count, decode_into, is_validation};
use tidegate_event::{IntakeId, Timestamp};
use tidegate_journal::{Entry, Journal, JournalError};
use tidegate_state::State;
use tokio::sync::oneshot;

/// A buffer that grew beyond this is given back to the system instead of being kept.
const KEPT_BYTES_MAX: usize = 8 << 20;

/// A batch that was looked into and can be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The object's bytes, verbatim.
    pub body: Bytes,
    /// How many records they hold.
    pub records: u32,
    /// What the journal will know the batch by.
    pub token: [u8; 16],
    /// When it is received.
    pub at: Timestamp,
}

/// How a batch was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How many records it holds.
    pub records: u32,
    /// The intake had the same bytes within a day; they are stored once.
    pub repeated: bool,
}

/// Why a batch is not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It never can be.
    Never(String),
    /// Nothing can be at the moment.
    Later(String),
}

/// Takes batches.
pub trait Sink: Send + Sync {
    /// Looks into the bytes of an object; nothing for those that hold no record.
    ///
    /// # Errors
    /// [`Refused::Never`] for bytes that cannot be read; [`Refused::Later`] when nothing can be taken now.
    fn look(&self, body: Bytes, at: Timestamp) -> Result<Option<Batch>, Refused>;

    /// Stores a batch; on disk when it answers.
    ///
    /// # Errors
    /// [`Refused`]; nothing of it is stored then.
    fn take(&self, batch: Batch) -> impl Future<Output = Result<Taken, Refused>> + Send;

    /// Whether the batch with this token, received then, is stored. Asked after a start, before anything is taken.
    fn holds(&self, token: &[u8; 16], at: Timestamp) -> bool;
}

/// Stores batches in the journal for one intake.
pub struct JournalSink {
    journal: Arc<Journal>,
    state: Arc<State>,
    intake: IntakeId,
    limits: Limits,
    head: Vec<u8>,
    buffer: Mutex<Vec<u8>>,
}

impl JournalSink {
    /// Stores batches for `intake`, within the bounds of what is sent.
    #[must_use]
    pub fn new(journal: Arc<Journal>, state: Arc<State>, intake: IntakeId, limits: Limits) -> Self {
        let head = Head::new(Framing::Lines).to_bytes();
        Self { journal, state, intake, limits, head, buffer: Mutex::default() }
    }

    fn entry(&self, batch: Batch) -> Entry {
        let Batch { body, records, at, .. } = batch;
        Entry { intake: self.intake, received: at, records, head: self.head.clone(), body }
    }

    fn check_intake(&self) -> Result<(), Refused> {
        match self.state.intake(self.intake) {
            Some(intake) if intake.deleted.is_some() => {
                Err(Refused::Later(format!("the intake `{}` is deleted; name another one", intake.name)))
            }
            Some(intake) if !intake.enabled => {
                Err(Refused::Later(format!("the intake `{}` is disabled; an administrator can enable it", intake.name)))
            }
            Some(_) => Ok(()),
            None => Err(Refused::Later("the intake of the bucket does not exist any more".to_owned())),
        }
    }

    /// Records in the body; nothing for an upload that only checks the destination.
    fn records(&self, body: &[u8]) -> Result<Option<u32>, Refused> {
        let never = |error: tidegate_batch::BatchError| Refused::Never(error.to_string());
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.clear();
        let decoded = decode_into(body, None, &self.limits, &mut buffer).map_err(never);
        let counted = decoded.and_then(|coding| {
            let text = if coding == Coding::Identity { body } else { buffer.as_slice() };
            if is_validation(text) {
                return Ok(None);
            }
            count(&Framing::Lines, text, &self.limits).map(Some).map_err(never)
        });
        if buffer.capacity() > KEPT_BYTES_MAX {
            *buffer = Vec::new();
        }
        counted
    }
}

impl Sink for JournalSink {
    fn look(&self, body: Bytes, at: Timestamp) -> Result<Option<Batch>, Refused> {
        self.check_intake()?;
        match self.records(&body)? {
            None | Some(0) => Ok(None),
            Some(records) => {
                let mut batch = Batch { body, records, token: [0; 16], at };
                batch.token = Journal::token(&self.entry(batch.clone()));
                Ok(Some(batch))
            }
        }
    }

    async fn take(&self, batch: Batch) -> Result<Taken, Refused> {
        let (done, outcome) = oneshot::channel();
        self.journal.append(self.entry(batch), move |result| {
            // Nobody waits any more when the look was cut short; the batch is stored all the same.
            let _ = done.send(result);
        });
        match outcome.await.unwrap_or(Err(JournalError::Closed)) {
            Ok(receipt) => Ok(Taken { records: receipt.records, repeated: receipt.duplicate }),
            Err(error @ JournalError::TooLarge { .. }) => Err(Refused::Never(error.to_string())),
            Err(error) => Err(Refused::Later(error.to_string())),
        }
    }

    fn holds(&self, token: &[u8; 16], at: Timestamp) -> bool {
        self.journal.receipt(token, at).is_some()
    }
}

impl std::fmt::Debug for JournalSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JournalSink").field("intake", &self.intake).finish_non_exhaustive()
    }
}
