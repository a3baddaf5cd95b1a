//! A few objects at a time from the bucket into the journal, in the four steps that make each be stored once.

use std::collections::HashSet;
use std::time::Duration;

use futures::{StreamExt, future, stream};
use tidegate_event::Timestamp;
use tidegate_state::{BucketState, BucketStep};

use super::page::{give_up, note, reject, row};
use super::{Look, Source, micros};
use crate::error::BucketError;
use crate::positions::Positions;
use crate::shelf::{Object, ReadError};
use crate::sink::{Batch, Refused, Sink, Taken};

/// So many reads fail one after the other, and the look ends: it is not about the objects.
const FAILED_IN_A_ROW_MAX: usize = 16;
/// An object that could not be read so often, while others could, is given up: with the pauses, after some six hours.
const TRIES_MAX: u32 = 10;
/// Pauses between tries of one object: the first, doubled each time, up to the last.
const RETRY_FIRST: Duration = Duration::from_mins(1);
const RETRY_LAST: Duration = Duration::from_hours(1);

impl<P: Positions, S: Sink> Source<P, S> {
    pub(super) async fn group(
        &self,
        look: &mut Look,
        group: &[(Object, u32)],
        unsettled: &mut HashSet<String>,
    ) -> Result<(), BucketError> {
        let reads = stream::iter(group.iter().map(|(object, _)| self.shelf.read(object)));
        let bodies: Vec<_> = reads.buffered(self.options.concurrency).collect().await;
        let at = (self.clock)();
        let (mut step, mut begun, mut refused) = (BucketStep::default(), Vec::new(), None);
        for ((object, tries), body) in group.iter().zip(bodies) {
            let body = match body {
                Ok(body) => body,
                Err(error) => {
                    unsettled.insert(object.key.clone());
                    if let ReadError::Failed(error) = error {
                        look.failed_in_a_row += 1;
                        look.unread.push((object.clone(), *tries, error));
                    }
                    continue;
                }
            };
            look.read += 1;
            look.failed_in_a_row = 0;
            match self.sink.look(body, at) {
                Ok(Some(batch)) => {
                    step.objects.push(row(object, BucketState::Begun { token: batch.token, at }));
                    begun.push((object, *tries, batch));
                }
                Ok(None) => settle(look, &mut step, object, None),
                Err(Refused::Never(why)) => give_up(&mut step, object, tries + 1, why, at),
                Err(Refused::Later(why)) => {
                    unsettled.insert(object.key.clone());
                    refused = Some(why);
                }
            }
        }
        look.polled.rejected += step.counts.rejected;
        if step != BucketStep::default() {
            step.mark = Some(look.mark.clone());
            self.positions.step(&step)?;
        }
        self.store(look, begun, unsettled, &mut refused).await?;
        match refused {
            Some(why) => Err(BucketError::Intake(why)),
            None if look.failed_in_a_row >= FAILED_IN_A_ROW_MAX => Err(self.unreadable(look)),
            None => Ok(()),
        }
    }

    /// Steps three and four: the journal has them, and that is written down.
    async fn store(
        &self,
        look: &mut Look,
        begun: Vec<(&Object, u32, Batch)>,
        unsettled: &mut HashSet<String>,
        refused: &mut Option<String>,
    ) -> Result<(), BucketError> {
        if begun.is_empty() {
            return Ok(());
        }
        let taken = begun.into_iter().map(|(object, tries, batch)| {
            let taken = self.sink.take(batch);
            async move { (object, tries, taken.await) }
        });
        let mut step = BucketStep::default();
        let now = look.now;
        for (object, tries, taken) in future::join_all(taken).await {
            match taken {
                Ok(taken) => settle(look, &mut step, object, Some(taken)),
                Err(Refused::Never(why)) => give_up(&mut step, object, tries + 1, why, now),
                Err(Refused::Later(why)) => {
                    unsettled.insert(object.key.clone());
                    *refused = Some(why);
                }
            }
        }
        look.polled.rejected += step.counts.rejected;
        step.mark = Some(look.mark.clone());
        Ok(self.positions.step(&step)?)
    }

    /// At the end of a look: objects that could not be read while others could are tried again some time; when none could
    /// be read, it is not about them.
    pub(super) fn settle_unread(&self, look: &mut Look) -> Result<(), BucketError> {
        if look.unread.is_empty() {
            return Ok(());
        }
        if look.read == 0 {
            return Err(self.unreadable(look));
        }
        let (mut step, now) = (BucketStep::default(), look.now);
        for (object, tries, error) in look.unread.drain(..) {
            let tries = tries + 1;
            let why = error.to_string();
            if tries >= TRIES_MAX {
                give_up(&mut step, &object, tries, why, now);
                continue;
            }
            let pause = RETRY_FIRST.saturating_mul(1 << (tries - 1).min(16)).min(RETRY_LAST);
            let due = Timestamp::from_micros(now.as_micros().saturating_add_unsigned(micros(pause)));
            step.objects.push(row(&object, BucketState::Failing { tries, due }));
            step.rejects.push(reject(&object, tries, why, false, now));
            look.polled.waiting += 1;
        }
        look.polled.rejected += step.counts.rejected;
        Ok(self.positions.step(&step)?)
    }

    /// The first of the errors that reads ended with.
    fn unreadable(&self, look: &mut Look) -> BucketError {
        match look.unread.is_empty() {
            true => BucketError::Unreachable("objects cannot be read".to_owned()),
            false => look.unread.swap_remove(0).2,
        }
    }
}

/// An object is done with: stored, or found to hold nothing.
fn settle(look: &mut Look, step: &mut BucketStep, object: &Object, taken: Option<Taken>) {
    step.objects.push(row(object, BucketState::Done));
    step.counts.objects += 1;
    step.counts.bytes += object.bytes;
    look.polled.taken += 1;
    if let Some(Taken { records, repeated }) = taken {
        let records = if repeated { 0 } else { u64::from(records) };
        step.counts.records += records;
        step.counts.repeated += u64::from(repeated);
        look.polled.records += records;
    }
    note(&mut look.mark, object);
}
