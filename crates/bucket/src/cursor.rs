//! Which objects are new, and how far everything is done with.

use tidegate_event::Timestamp;
use tidegate_state::{BucketMark, BucketObject, BucketState};

use crate::name;
use crate::shelf::Object;

/// What to do about a listed object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is done with.
    Old,
    /// It is done with, but was put again with the same content: only the time of change is new.
    Again,
    /// It failed and is not due yet.
    Wait,
    /// It is to be taken; `tries` failed before.
    Take { tries: u32 },
}

/// Judges a listed object by what is remembered of its key.
pub(crate) fn judge(object: &Object, known: Option<&BucketObject>, mark: &BucketMark, now: Timestamp) -> Verdict {
    let Some(known) = known else {
        // Below the floor, what was forgotten cannot be told from what was never seen, save by its time.
        let above = object.key > mark.floor;
        let later = mark.forgotten.is_none_or(|forgotten| object.changed > forgotten);
        return if above || later { Verdict::Take { tries: 0 } } else { Verdict::Old };
    };
    if known.version != object.version() {
        return Verdict::Take { tries: 0 };
    }
    match known.state {
        BucketState::Done | BucketState::Rejected if known.changed != object.changed => Verdict::Again,
        BucketState::Done | BucketState::Rejected => Verdict::Old,
        BucketState::Failing { due, .. } if due > now => Verdict::Wait,
        BucketState::Failing { tries, .. } => Verdict::Take { tries },
        // Within a process its outcome is unknown; the journal answers a repeat with the first receipt.
        BucketState::Begun { .. } => Verdict::Take { tries: 0 },
    }
}

/// How far the floor may move: over objects that are done with and old by their names, without a gap.
#[derive(Debug)]
pub(crate) struct Frontier {
    floor: String,
    is_open: bool,
}

impl Frontier {
    pub(crate) fn new(floor: &str) -> Self {
        Self { floor: floor.to_owned(), is_open: true }
    }

    /// The next object of the listing; `horizon` is what is old.
    pub(crate) fn pass(&mut self, key: &str, is_settled: bool, horizon: Option<Timestamp>) {
        if !self.is_open || key <= self.floor.as_str() {
            return;
        }
        let is_old = name::time_of(key).zip(horizon).is_some_and(|(time, horizon)| time < horizon);
        if is_settled && is_old {
            key.clone_into(&mut self.floor);
        } else {
            self.is_open = false;
        }
    }

    pub(crate) fn floor(&self) -> &str {
        &self.floor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_777_000_000_000_000);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(NOW.as_micros() + seconds * 1_000_000)
    }

    fn object(key: &str, etag: &str, changed: i64) -> Object {
        Object { key: key.into(), bytes: 9, changed: at(changed), etag: Some(format!("\"{etag}\"")) }
    }

    fn known(version: &str, changed: i64, state: BucketState) -> BucketObject {
        BucketObject { key: "b".into(), version: version.into(), changed: at(changed), state }
    }

    #[test]
    fn what_is_remembered_decides() {
        let mark = BucketMark::default();
        let found = object("b", "v1", 0);
        let failing = |due| BucketState::Failing { tries: 3, due: at(due) };
        for (known, verdict) in [
            (known("v1", 0, BucketState::Done), Verdict::Old),
            (known("v1", 0, BucketState::Rejected), Verdict::Old),
            (known("v1", -5, BucketState::Done), Verdict::Again),
            (known("v0", 0, BucketState::Done), Verdict::Take { tries: 0 }),
            (known("v0", 0, failing(60)), Verdict::Take { tries: 0 }),
            (known("v1", 0, failing(60)), Verdict::Wait),
            (known("v1", 0, failing(0)), Verdict::Take { tries: 3 }),
            (known("v1", 0, BucketState::Begun { token: [0; 16], at: NOW }), Verdict::Take { tries: 0 }),
        ] {
            assert_eq!(judge(&found, Some(&known), &mark, NOW), verdict, "{known:?}");
        }
    }

    #[test]
    fn what_is_not_remembered_is_judged_by_key_and_then_by_time() {
        let mark = BucketMark { floor: "m".into(), forgotten: Some(at(-100)), ..BucketMark::default() };
        for (key, changed, verdict) in [
            ("n", -500, Verdict::Take { tries: 0 }),
            ("b", -99, Verdict::Take { tries: 0 }),
            ("b", -100, Verdict::Old),
            ("m", -500, Verdict::Old),
        ] {
            assert_eq!(judge(&object(key, "v", changed), None, &mark, NOW), verdict, "{key} {changed}");
        }
        let nothing_forgotten = BucketMark { floor: "m".into(), ..BucketMark::default() };
        assert_eq!(judge(&object("b", "v", -500), None, &nothing_forgotten, NOW), Verdict::Take { tries: 0 });
    }

    #[test]
    fn the_floor_stops_before_what_is_young_undated_or_unsettled() {
        let horizon = Timestamp::parse_rfc3339("2026-01-05T00:00:00Z").ok();
        let days = |names: &[(&str, bool)]| {
            let mut frontier = Frontier::new("x/20260101/a");
            for (key, is_settled) in names {
                frontier.pass(key, *is_settled, horizon);
            }
            frontier.floor().to_owned()
        };
        let (one, two) = (("x/20260101/a", false), ("x/20260102/a", true));
        assert_eq!(days(&[one, two, ("x/20260106/a", true), ("x/20260103/z", true)]), "x/20260102/a");
        assert_eq!(days(&[two, ("x/undated", true), ("y/20260102/a", true)]), "x/20260102/a");
        assert_eq!(days(&[("x/20260102/a", false), ("x/20260103/a", true)]), "x/20260101/a");
        let mut frontier = Frontier::new("");
        frontier.pass("x/20260102/a", true, None);
        assert_eq!(frontier.floor(), "");
    }
}
