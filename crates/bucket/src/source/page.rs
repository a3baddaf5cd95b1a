//! One page of the listing: what is new in it, what is gone from it, how far the floor moves.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tidegate_event::Timestamp;
use tidegate_state::{BucketMark, BucketObject, BucketReject, BucketState, BucketStep};

use super::{Look, OBJECTS_MAX, Source, before};
use crate::cursor::{Verdict, judge};
use crate::error::BucketError;
use crate::name;
use crate::positions::Positions;
use crate::shelf::Object;
use crate::sink::Sink;

/// What is remembered is looked at so many rows at a time.
const ROWS: u32 = 5000;
/// Bytes of objects that are read at the same time, unless one alone is larger.
const GROUP_BYTES_MAX: u64 = 64 << 20;

impl<P: Positions, S: Sink> Source<P, S> {
    pub(super) async fn page(&self, look: &mut Look, page: &[Object], from: &str) -> Result<(), BucketError> {
        let upto = page.last().map(|object| object.key.as_str());
        let mut step = BucketStep::default();
        let known = self.known(look, page, from, upto, &mut step.forget)?;
        let (mut todo, mut unsettled) = (Vec::new(), HashSet::new());
        let rejected = self.sort_out(look, page, &known, &mut todo, &mut step, &mut unsettled);
        look.polled.listed += page.len() as u64;
        look.polled.rejected += rejected;
        look.remembered += todo.len() as u64;
        if look.remembered > OBJECTS_MAX {
            return Err(BucketError::Full(format!(
                "more than {OBJECTS_MAX} objects would have to be remembered; move old ones away, follow a narrower prefix \
                 or look back less"
            )));
        }
        if step != BucketStep::default() {
            self.positions.step(&step)?;
        }
        for group in groups(&todo, self.options.concurrency) {
            self.group(look, group, &mut unsettled).await?;
        }
        let below = |object: &&Object| object.key <= look.mark.floor && unsettled.contains(&object.key);
        let waits = page.iter().filter(below).map(|object| object.changed).min();
        look.waits_since = look.waits_since.into_iter().chain(waits).min();
        self.move_floor(look, page, &unsettled)
    }

    /// What is remembered of the objects of a page; what is gone and old goes to `forget`.
    fn known(
        &self,
        look: &Look,
        page: &[Object],
        from: &str,
        upto: Option<&str>,
        forget: &mut Vec<String>,
    ) -> Result<HashMap<String, BucketObject>, BucketError> {
        let listed: HashSet<&str> = page.iter().map(|object| object.key.as_str()).collect();
        let mut known = HashMap::new();
        let (old, mut after) = (before(look.now, self.options.look_back), from.to_owned());
        loop {
            let rows = self.positions.between(&after, upto, ROWS)?;
            let is_last = rows.len() < ROWS as usize;
            if let Some(last) = rows.last() {
                last.key.clone_into(&mut after);
            }
            for row in rows {
                if listed.contains(row.key.as_str()) {
                    known.insert(row.key.clone(), row);
                } else if row.changed < old {
                    forget.push(row.key);
                }
            }
            if is_last {
                return Ok(known);
            }
        }
    }

    /// Sorts the objects of a page into those to read and those that are settled without; says how many are given up.
    fn sort_out(
        &self,
        look: &Look,
        page: &[Object],
        known: &HashMap<String, BucketObject>,
        todo: &mut Vec<(Object, u32)>,
        step: &mut BucketStep,
        unsettled: &mut HashSet<String>,
    ) -> u64 {
        let bytes_max = self.options.object_bytes_max;
        for object in page.iter().filter(|object| !name::is_beside(&object.key)) {
            match judge(object, known.get(&object.key), &look.mark, look.now) {
                Verdict::Old => {}
                Verdict::Again => step.objects.extend(known.get(&object.key).map(|known| row(object, known.state))),
                Verdict::Wait => {
                    unsettled.insert(object.key.clone());
                }
                Verdict::Take { .. } if object.bytes == 0 => {
                    step.counts.objects += 1;
                    step.objects.push(row(object, BucketState::Done));
                }
                Verdict::Take { tries } if object.bytes > bytes_max => {
                    let why = format!("it is larger than {bytes_max} bytes; load it with `tidegate import`");
                    give_up(step, object, tries + 1, why, look.now);
                }
                Verdict::Take { tries } => todo.push((object.clone(), tries)),
            }
        }
        step.counts.rejected
    }

    fn move_floor(&self, look: &mut Look, page: &[Object], unsettled: &HashSet<String>) -> Result<(), BucketError> {
        // A name from the future must not make the present old.
        let newest = look.mark.named.map(|named| named.min(look.now));
        let horizon = newest.map(|newest| before(newest, self.options.look_back));
        for object in page.iter().filter(|object| !name::is_beside(&object.key)) {
            look.frontier.pass(&object.key, !unsettled.contains(&object.key), horizon);
        }
        if look.frontier.floor() == look.mark.floor {
            return Ok(());
        }
        look.frontier.floor().clone_into(&mut look.mark.floor);
        self.positions.step(&BucketStep {
            mark: Some(look.mark.clone()),
            forget_until: self.forget_until(look),
            ..BucketStep::default()
        })?;
        look.mark.forgotten = self.positions.mark()?.forgotten;
        Ok(())
    }

    /// Forgets what stands behind the last listed key and is gone; and what became old since the floor moved.
    pub(super) fn forget_gone(&self, look: &Look, from: &str) -> Result<(), BucketError> {
        let mut step = BucketStep::default();
        self.known(look, &[], from, None, &mut step.forget)?;
        step.forget_until = self.forget_until(look);
        if step == BucketStep::default() {
            return Ok(());
        }
        Ok(self.positions.step(&step)?)
    }

    /// Only a sweep forgets: it has just seen whether what lies below the floor was put again. What waits there would
    /// pass for taken if anything as young as it were forgotten.
    fn forget_until(&self, look: &Look) -> Option<Timestamp> {
        let until = before(look.now, self.options.look_back);
        let until = look.waits_since.map_or(until, |since| until.min(before(since, Duration::from_micros(1))));
        look.is_sweep.then_some(until)
    }
}

/// Notes how far names and changes of taken objects go.
pub(super) fn note(mark: &mut BucketMark, object: &Object) {
    mark.named = mark.named.max(name::time_of(&object.key));
    mark.newest = mark.newest.max(Some(object.changed));
}

/// The row of an object.
pub(super) fn row(object: &Object, state: BucketState) -> BucketObject {
    BucketObject { key: object.key.clone(), version: object.version(), changed: object.changed, state }
}

/// Gives an object up, and says why.
pub(super) fn give_up(step: &mut BucketStep, object: &Object, tries: u32, reason: String, now: Timestamp) {
    tracing::warn!(object = %object.key.escape_debug(), "an object of the bucket is not taken: {reason}");
    step.counts.rejected += 1;
    step.objects.push(row(object, BucketState::Rejected));
    step.rejects.push(reject(object, tries, reason, true, now));
}

/// What people are told of an object that was not taken.
pub(super) fn reject(object: &Object, tries: u32, reason: String, is_final: bool, at: Timestamp) -> BucketReject {
    let Object { key, bytes, changed, .. } = object;
    let (key, version) = (key.clone(), object.version());
    BucketReject { key, version, bytes: *bytes, changed: *changed, reason, tries, is_final, at }
}

/// Runs of at most `count_max` objects and [`GROUP_BYTES_MAX`] bytes, or one object.
fn groups(todo: &[(Object, u32)], count_max: usize) -> Vec<&[(Object, u32)]> {
    let (mut groups, mut start, mut bytes) = (Vec::new(), 0, 0_u64);
    for (at, (object, _)) in todo.iter().enumerate() {
        bytes = bytes.saturating_add(object.bytes);
        if at > start && (bytes > GROUP_BYTES_MAX || at - start == count_max) {
            groups.push(&todo[start..at]);
            (start, bytes) = (at, object.bytes);
        }
    }
    if start < todo.len() {
        groups.push(&todo[start..]);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_bounded_by_count_and_bytes() {
        let sizes = |sizes: &[u64]| -> Vec<usize> {
            let todo: Vec<(Object, u32)> = sizes
                .iter()
                .map(|bytes| {
                    let object = Object { key: "k".into(), bytes: *bytes, changed: Timestamp::default(), etag: None };
                    (object, 0)
                })
                .collect();
            groups(&todo, 3).iter().map(|group| group.len()).collect()
        };
        assert_eq!(sizes(&[]), [0_usize; 0]);
        assert_eq!(sizes(&[1; 7]), [3, 3, 1]);
        assert_eq!(sizes(&[1, 64 << 20, 1, 1]), [1, 1, 2]);
        assert_eq!(sizes(&[40 << 20, 40 << 20, 20 << 20]), [1, 2]);
        assert_eq!(sizes(&[u64::MAX, u64::MAX]), [1, 1]);
    }
}
