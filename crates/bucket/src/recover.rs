//! How batches of objects ended that were about to be stored when the process did.

use tidegate_journal::Journal;
use tidegate_state::{BucketObject, BucketState, BucketStep, State, StateError};

use crate::positions::Positions;

/// Settles every followed bucket of a data directory; says how many objects turned out to be stored, and how many not.
/// To be called when journal and control plane were opened, before anything is stored: receipts expire behind the
/// journal's newest batch, so another one could hide how these ended.
///
/// # Errors
/// When the control plane fails.
pub fn recover(journal: &Journal, state: &State) -> Result<(u64, u64), StateError> {
    let mut all = (0, 0);
    for bucket in state.buckets()? {
        let step = settled(state.bucket_begun(bucket.id)?, |token, at| journal.receipt(token, at).is_some());
        if step != BucketStep::default() {
            state.step_bucket(bucket.id, &step)?;
        }
        all = (all.0 + step.objects.len() as u64, all.1 + step.forget.len() as u64);
    }
    Ok(all)
}

/// The same for one bucket, when it is followed.
pub(crate) fn recover_one(
    positions: &impl Positions,
    holds: impl Fn(&[u8; 16], tidegate_event::Timestamp) -> bool,
) -> Result<(), StateError> {
    let step = settled(positions.begun()?, holds);
    if step == BucketStep::default() {
        return Ok(());
    }
    positions.step(&step)?;
    let (stored, not) = (step.objects.len(), step.forget.len());
    tracing::info!("of objects that were being taken at the last stop, {stored} are stored and {not} are not");
    Ok(())
}

fn settled(begun: Vec<BucketObject>, holds: impl Fn(&[u8; 16], tidegate_event::Timestamp) -> bool) -> BucketStep {
    let mut step = BucketStep::default();
    for object in begun {
        let BucketState::Begun { token, at } = object.state else { continue };
        if holds(&token, at) {
            step.counts.objects += 1;
            step.objects.push(BucketObject { state: BucketState::Done, ..object });
        } else {
            step.forget.push(object.key);
        }
    }
    step
}
