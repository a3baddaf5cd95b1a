//! One step forward in a bucket: all of it is written, or nothing.

use rusqlite::{Transaction, params};
use tidegate_event::Timestamp;

use super::{BUCKET_REJECTS_MAX, BucketCounts, BucketId, BucketMark, BucketObject, BucketReject, BucketState};
use crate::bounds::{clip, stored};
use crate::database::Time;
use crate::error::StateError;
use crate::state::State;

/// The longest reason or error that is kept.
const REASON_BYTES_MAX: usize = 500;

/// One step forward in a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketStep {
    /// Objects of which something new is known.
    pub objects: Vec<BucketObject>,
    /// Keys of objects that are gone and need not be remembered.
    pub forget: Vec<String>,
    /// Objects that could not be taken.
    pub rejects: Vec<BucketReject>,
    /// What was taken, to be added.
    pub counts: BucketCounts,
    /// How far it is now. What was forgotten is kept here, not given.
    pub mark: Option<BucketMark>,
    /// Objects below the floor that are done with and were changed until then are forgotten.
    pub forget_until: Option<Timestamp>,
    /// How a look through the bucket ended: nothing for well, else why not.
    pub polled: Option<Result<(), String>>,
}

impl State {
    /// Takes a step; durable when it returns.
    ///
    /// # Errors
    /// [`StateError::NotFound`]; nothing is written then.
    pub fn step_bucket(&self, id: BucketId, step: &BucketStep) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| {
            super::mark_of(transaction, id)?;
            for object in &step.objects {
                put(transaction, id, object)?;
            }
            for key in &step.forget {
                let sql = "DELETE FROM bucket_objects WHERE source = ?1 AND key = ?2";
                transaction.prepare_cached(sql)?.execute(params![id.0, key])?;
            }
            for reject in &step.rejects {
                reject_one(transaction, id, reject)?;
            }
            if step.counts != BucketCounts::default() {
                count(transaction, id, &step.counts)?;
            }
            if let Some(mark) = &step.mark {
                move_mark(transaction, id, mark)?;
            }
            if let Some(until) = step.forget_until {
                forget(transaction, id, until)?;
            }
            if let Some(outcome) = &step.polled {
                poll_ended(transaction, id, outcome, now)?;
            }
            Ok(())
        })
    }
}

fn put(transaction: &Transaction<'_>, id: BucketId, object: &BucketObject) -> Result<(), StateError> {
    let (state, token, tries, at) = match &object.state {
        BucketState::Begun { token, at } => ("begun", Some(&token[..]), 0, Some(*at)),
        BucketState::Done => ("done", None, 0, None),
        BucketState::Failing { tries, due } => ("failing", None, *tries, Some(*due)),
        BucketState::Rejected => ("rejected", None, 0, None),
    };
    let sql = "INSERT OR REPLACE INTO bucket_objects (source, key, version, changed, state, token, tries, at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let BucketObject { key, version, changed, .. } = object;
    transaction.prepare_cached(sql)?.execute(params![
        id.0,
        key,
        version,
        Time(*changed),
        state,
        token,
        tries,
        at.map(Time)
    ])?;
    if object.state == BucketState::Done {
        let sql = "DELETE FROM bucket_rejects WHERE source = ?1 AND key = ?2";
        transaction.prepare_cached(sql)?.execute(params![id.0, key])?;
    }
    Ok(())
}

fn reject_one(transaction: &Transaction<'_>, id: BucketId, reject: &BucketReject) -> Result<(), StateError> {
    let mut reason = reject.reason.clone();
    clip(&mut reason, REASON_BYTES_MAX);
    let sql = "INSERT OR REPLACE INTO bucket_rejects (source, key, version, bytes, changed, reason, tries, final, at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    transaction.prepare_cached(sql)?.execute(params![
        id.0,
        reject.key,
        reject.version,
        stored(reject.bytes),
        Time(reject.changed),
        reason,
        reject.tries,
        reject.is_final,
        Time(reject.at)
    ])?;
    let sql = "DELETE FROM bucket_rejects WHERE source = ?1 AND key IN (
                 SELECT key FROM bucket_rejects WHERE source = ?1 ORDER BY at DESC, key LIMIT -1 OFFSET ?2)";
    transaction.prepare_cached(sql)?.execute(params![id.0, BUCKET_REJECTS_MAX])?;
    Ok(())
}

fn count(transaction: &Transaction<'_>, id: BucketId, more: &BucketCounts) -> Result<(), StateError> {
    let sql = "UPDATE bucket_sources SET objects = objects + ?2, bytes = bytes + ?3, records = records + ?4,
                 repeated = repeated + ?5, rejected = rejected + ?6 WHERE id = ?1";
    let BucketCounts { objects, bytes, records, repeated, rejected } = *more;
    let numbers = [objects, bytes, records, repeated, rejected].map(stored);
    transaction
        .prepare_cached(sql)?
        .execute(params![id.0, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]])?;
    Ok(())
}

fn move_mark(transaction: &Transaction<'_>, id: BucketId, mark: &BucketMark) -> Result<(), StateError> {
    let sql = "UPDATE bucket_sources SET floor = ?2, named = ?3, newest = ?4 WHERE id = ?1";
    let BucketMark { floor, named, newest, .. } = mark;
    transaction.prepare_cached(sql)?.execute(params![id.0, floor, named.map(Time), newest.map(Time)])?;
    Ok(())
}

/// What is dropped raises `forgotten`: from then on, an unknown object below the floor is new only when it was changed
/// later than everything that was dropped.
fn forget(transaction: &Transaction<'_>, id: BucketId, until: Timestamp) -> Result<(), StateError> {
    const GONE: &str = "source = ?1 AND key <= (SELECT floor FROM bucket_sources WHERE id = ?1) AND changed <= ?2
                        AND state IN ('done', 'rejected')";
    let sql = format!("SELECT max(changed) FROM bucket_objects WHERE {GONE}");
    let latest: Option<i64> =
        transaction.prepare_cached(&sql)?.query_row(params![id.0, Time(until)], |row| row.get(0))?;
    let Some(latest) = latest else { return Ok(()) };
    let sql = format!("DELETE FROM bucket_objects WHERE {GONE}");
    transaction.prepare_cached(&sql)?.execute(params![id.0, Time(until)])?;
    let sql = "UPDATE bucket_sources SET forgotten = max(coalesce(forgotten, ?2), ?2) WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute(params![id.0, latest])?;
    Ok(())
}

fn poll_ended(
    transaction: &Transaction<'_>,
    id: BucketId,
    outcome: &Result<(), String>,
    now: Timestamp,
) -> Result<(), StateError> {
    match outcome {
        Ok(()) => {
            let sql = "UPDATE bucket_sources SET polled = ?2, error = NULL, failing = NULL WHERE id = ?1";
            transaction.prepare_cached(sql)?.execute(params![id.0, Time(now)])?;
        }
        Err(why) => {
            let mut why = why.clone();
            clip(&mut why, REASON_BYTES_MAX);
            let sql = "UPDATE bucket_sources SET error = ?2, failing = coalesce(failing, ?3) WHERE id = ?1";
            transaction.prepare_cached(sql)?.execute(params![id.0, why, Time(now)])?;
        }
    }
    Ok(())
}
