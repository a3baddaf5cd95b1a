//! The way of one batch from the request to its receipt.

use std::sync::{Arc, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use tidegate_batch::{BatchError, Coding, Framing, Head};
use tidegate_event::Timestamp;
use tidegate_journal::{Entry, JournalError, Receipt};
use tidegate_state::Intake;
use tokio::sync::oneshot;

use super::body::{self, BodyError, Held};
use super::check::{CheckError, Content, Owner};
use super::refusal::Reason;
use super::reply::Receipts;
use super::tally::Taken;
use super::{Refused, key, moment};
use crate::error::ApiError;
use crate::parts::Shared;

/// Bytes of a body whose sender has shown no key, where the body itself may hold it.
const KEYLESS_BYTES_MAX: usize = 8 << 20;

/// Bytes of a body whose sender has shown no key, where it can only be a Logpush check.
const CHECK_BYTES_MAX: usize = 1 << 10;

/// Seconds after which a sender should come back to a journal that is full or behind.
const FULL_RETRY_SECONDS: u64 = 30;
const BUSY_RETRY_SECONDS: u64 = 1;

/// Takes one batch: everything is on disk when this answers with receipts.
pub(super) async fn take(
    shared: &Shared,
    framing: Framing,
    parts: &Parts,
    body: &mut Body,
) -> Result<Receipts, Refused> {
    let intake = sender(shared, parts)?;
    let refuse = |reason, error| Refused { reason, intake: intake.as_ref().map(|intake| intake.name.clone()), error };
    let head = head(framing, parts).map_err(|error| refuse(Reason::Header, error))?;
    let may_hold_key = matches!(head.framing, Framing::Batch | Framing::Array { .. } | Framing::Single);
    let nobody = intake.is_none() && !may_hold_key;
    let limit_bytes = match (&intake, may_hold_key) {
        (Some(_), _) => shared.options.compressed_bytes_max,
        (None, true) => KEYLESS_BYTES_MAX.min(shared.options.compressed_bytes_max),
        (None, false) => CHECK_BYTES_MAX,
    };
    let budget = if intake.is_some() { &shared.budget } else { &shared.strangers };
    let held = match body::read(body, limit_bytes, shared.patience, budget).await {
        Err(BodyError::TooLarge { .. }) if nobody => return Err(keyless()),
        other => other.map_err(|error| refuse(reason_of_body(&error), error.into()))?,
    };
    if held.bytes.is_empty() {
        // Nothing to store, but still nothing for a stranger to learn.
        return if intake.is_some() { Ok(Receipts::NONE) } else { Err(keyless()) };
    }
    let received = Timestamp::now();
    let (records, text_bytes, owner) =
        match shared.intakes.checker.check(held.bytes.clone(), head.clone(), intake.is_none()).await {
            Ok(Content::Validation) => return Ok(Receipts::NONE),
            Ok(Content::Records { .. }) | Err(CheckError::Batch(_)) if nobody => return Err(keyless()),
            Ok(Content::Records { count, text_bytes, owner }) => (count, text_bytes, owner),
            Err(error) => return Err(refuse(reason_of_check(&error), check_error(error))),
        };
    let plan = plan(shared, intake.as_ref(), records, owner)?;
    if records == 0 {
        return Ok(Receipts::NONE);
    }
    store(shared, plan, &head, held, received, text_bytes).await
}

/// The intake whose key the headers or the query hold; `None` when they hold none.
fn sender(shared: &Shared, parts: &Parts) -> Result<Option<Arc<Intake>>, Refused> {
    match key::find(&parts.headers, parts.uri.query().unwrap_or("")) {
        Some(key) => intake_of(shared, key.as_str()).map(Some),
        None => Ok(None),
    }
}

/// The intake that a key opens.
fn intake_of(shared: &Shared, key: &str) -> Result<Arc<Intake>, Refused> {
    let intake = shared.state.intake_by_key(key).ok_or_else(unknown_key)?;
    if intake.enabled {
        return Ok(intake);
    }
    let error =
        ApiError::forbidden(format!("the intake `{}` is disabled; an administrator can enable it", intake.name));
    Err(Refused { reason: Reason::Disabled, intake: Some(intake.name.clone()), error })
}

fn head(framing: Framing, parts: &Parts) -> Result<Head, ApiError> {
    let event_time = match parts.headers.get(moment::HEADER) {
        Some(value) => {
            let text = String::from_utf8_lossy(value.as_bytes());
            Some(moment::read(&text).map_err(ApiError::bad_request)?)
        }
        None => None,
    };
    let coding =
        parts.headers.get_all(header::CONTENT_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let coding = coding.collect::<Vec<_>>().join(", ");
    // Whatever the body looks like: text under `br` may be half of something.
    Coding::of_header(&coding).map_err(|error| check_error(error.into()))?;
    Ok(Head { framing, event_time, coding: (!coding.is_empty()).then_some(coding) })
}

/// What goes into the journal: an entry for each intake, and which of them each record belongs to.
struct Plan {
    shares: Vec<Share>,
    of: Option<Vec<u16>>,
}

struct Share {
    intake: Arc<Intake>,
    records: u32,
    /// The key that marks this intake's records in a body for several.
    key: Option<String>,
}

fn plan(shared: &Shared, sender: Option<&Arc<Intake>>, records: u32, owner: Owner) -> Result<Plan, Refused> {
    let known = |key: &str| intake_of(shared, key);
    let whole = |intake| Plan { shares: vec![Share { intake, records, key: None }], of: None };
    match (sender, owner) {
        (Some(intake), _) => Ok(whole(Arc::clone(intake))),
        (None, Owner::Unsaid) => Err(keyless()),
        (None, Owner::One(key)) => Ok(whole(known(&key)?)),
        (None, Owner::Each { keys, of }) => {
            let mut shares = Vec::with_capacity(keys.len());
            for key in keys {
                shares.push(Share { intake: known(&key)?, records: 0, key: Some(key) });
            }
            for which in &of {
                shares[usize::from(*which)].records += 1;
            }
            Ok(Plan { shares, of: Some(of) })
        }
    }
}

async fn store(
    shared: &Shared,
    plan: Plan,
    head: &Head,
    held: Held,
    received: Timestamp,
    text_bytes: usize,
) -> Result<Receipts, Refused> {
    let Held { bytes, share: _until_stored } = held;
    let mut waiting = Vec::with_capacity(plan.shares.len());
    for share in &plan.shares {
        let framing = match &share.key {
            Some(key) => Framing::Array { intake_key: Some(key.clone()) },
            None => head.framing.clone(),
        };
        let head = Head { framing, ..head.clone() }.to_bytes();
        waiting.push(append(shared, share, head, bytes.clone(), received));
    }
    let mut receipts = Vec::with_capacity(waiting.len());
    for (share, outcome) in plan.shares.iter().zip(waiting) {
        let receipt = match outcome.await {
            Ok(Ok(receipt)) => receipt,
            Ok(Err(error)) => return Err(journal_refused(shared, share, &error)),
            Err(_) => return Err(journal_refused(shared, share, &JournalError::Closed)),
        };
        let new_records = if receipt.duplicate { 0 } else { u64::from(receipt.records) };
        let taken = Taken {
            batches: 1,
            repeated: u64::from(receipt.duplicate),
            records: new_records,
            bytes: bytes.len() as u64,
            text_bytes: text_bytes as u64,
            last: Some(received),
        };
        shared.intakes.tally.add(share.intake.id, &taken);
        receipts.push(receipt);
    }
    *shared.intakes.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
    Ok(Receipts { receipts, of: plan.of })
}

fn append(
    shared: &Shared,
    share: &Share,
    head: Vec<u8>,
    body: Bytes,
    received: Timestamp,
) -> oneshot::Receiver<Result<Receipt, JournalError>> {
    let (done, outcome) = oneshot::channel();
    let entry = Entry { intake: share.intake.id, received, records: share.records, head, body };
    shared.journal.append(entry, move |result| {
        // Nobody waits any more when the sender went away; the batch is stored all the same.
        let _ = done.send(result);
    });
    outcome
}

fn unknown_key() -> Refused {
    let error = ApiError::unauthorized("the intake key is not known");
    Refused { reason: Reason::Key, intake: None, error }
}

fn keyless() -> Refused {
    let message = "an intake key is needed: in the header `X-Tidegate-Intake-Key` or `X-SEKOIAIO-INTAKE-KEY`, as the \
        password of HTTP Basic, or as `intake_key` in the query";
    Refused { reason: Reason::Key, intake: None, error: ApiError::unauthorized(message) }
}

fn reason_of_body(error: &BodyError) -> Reason {
    match error {
        BodyError::TooLarge { .. } => Reason::TooLarge,
        BodyError::Paused { .. } | BodyError::Slow { .. } => Reason::Slow,
        BodyError::Crowded => Reason::Busy,
        BodyError::Broken => Reason::Broken,
    }
}

fn reason_of_check(error: &CheckError) -> Reason {
    match error {
        CheckError::Batch(BatchError::TooLarge { .. } | BatchError::TooManyRecords { .. }) => Reason::TooLarge,
        CheckError::KeyMissing(_) => Reason::Key,
        CheckError::Batch(_) | CheckError::TooManyKeys | CheckError::Broken(_) => Reason::Damaged,
    }
}

fn check_error(error: CheckError) -> ApiError {
    let message = error.to_string();
    match error {
        CheckError::Batch(BatchError::TooLarge { .. } | BatchError::TooManyRecords { .. }) => {
            ApiError::too_large(message)
        }
        CheckError::Batch(BatchError::UnknownCoding { .. }) => {
            ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unknown_coding", message)
        }
        CheckError::Batch(_) | CheckError::TooManyKeys => ApiError::new(StatusCode::BAD_REQUEST, "damaged", message),
        CheckError::KeyMissing(_) => ApiError::unauthorized(message),
        CheckError::Broken(_) => ApiError::internal(message),
    }
}

fn journal_refused(shared: &Shared, share: &Share, error: &JournalError) -> Refused {
    let message = error.to_string();
    if !matches!(error, JournalError::Busy { .. } | JournalError::TooLarge { .. }) {
        let mut trouble = shared.intakes.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = Some((Timestamp::now(), message.clone()));
    }
    let (reason, error) = match error {
        JournalError::Full { .. } => (Reason::Full, ApiError::unavailable("journal_full", message, FULL_RETRY_SECONDS)),
        JournalError::Busy { .. } => (Reason::Busy, ApiError::unavailable("busy", message, BUSY_RETRY_SECONDS)),
        JournalError::TooLarge { .. } => (Reason::TooLarge, ApiError::too_large(message)),
        JournalError::Closed => (Reason::Journal, ApiError::unavailable("stopping", message, BUSY_RETRY_SECONDS)),
        // The sender keeps its batch and comes back; what broke is for our log, not for it.
        _ => {
            tracing::error!(error = %error, "the journal cannot store batches");
            let message = "the journal cannot store batches at the moment";
            (Reason::Journal, ApiError::unavailable("journal_failed", message, FULL_RETRY_SECONDS))
        }
    };
    Refused { reason, intake: Some(share.intake.name.clone()), error }
}
