use std::time::Duration;

use super::*;
use crate::clock::before;
use crate::testing::{Fixture, START};

fn object(key: &str, state: BucketState) -> BucketObject {
    BucketObject { key: key.into(), version: "v1".into(), changed: START, state }
}

fn reject(key: &str, at: Timestamp) -> BucketReject {
    let reason = "damaged ".repeat(200);
    BucketReject {
        key: key.into(),
        version: "v1".into(),
        bytes: 7,
        changed: START,
        reason,
        tries: 1,
        is_final: true,
        at,
    }
}

#[test]
fn a_place_has_one_id_and_a_mark() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let id = state.bucket("intake s3://logs/gateway").unwrap();
    assert_eq!(state.bucket("intake s3://logs/gateway").unwrap(), id);
    assert_ne!(state.bucket("intake s3://logs/other").unwrap(), id);
    assert_eq!(state.bucket_mark(id).unwrap(), BucketMark::default());
    let mark = BucketMark { floor: "b".into(), named: Some(START), newest: Some(START), forgotten: None };
    state.step_bucket(id, &BucketStep { mark: Some(mark.clone()), ..BucketStep::default() }).unwrap();
    assert_eq!(fixture.second().bucket_mark(id).unwrap(), mark);
    assert!(matches!(state.bucket(&"x".repeat(5000)), Err(StateError::Invalid { .. })));
    assert!(matches!(state.bucket_mark(BucketId(99)), Err(StateError::NotFound { .. })));
    assert!(state.step_bucket(BucketId(99), &BucketStep::default()).is_err());
    state.forget_bucket(id).unwrap();
    assert!(matches!(state.forget_bucket(id), Err(StateError::NotFound { .. })));
}

#[test]
fn objects_are_found_by_range_and_keep_what_became_of_them() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let id = state.bucket("one").unwrap();
    let begun = BucketState::Begun { token: [7; 16], at: START };
    let failing = BucketState::Failing { tries: 3, due: START };
    let objects = vec![
        object("a", BucketState::Done),
        object("b", begun),
        object("c", failing),
        object("d", BucketState::Rejected),
    ];
    state.step_bucket(id, &BucketStep { objects: objects.clone(), ..BucketStep::default() }).unwrap();
    assert_eq!(state.bucket_objects(id, "", None, 10).unwrap(), objects);
    assert_eq!(state.bucket_objects(id, "a", Some("c"), 10).unwrap(), objects[1..3]);
    assert_eq!(state.bucket_objects(id, "", None, 2).unwrap(), objects[..2]);
    assert_eq!(state.bucket_begun(id).unwrap(), objects[1..2]);
    assert_eq!(state.bucket_object_count(id).unwrap(), 4);
    let other = state.bucket("two").unwrap();
    assert!(state.bucket_objects(other, "", None, 10).unwrap().is_empty());
    let done =
        BucketStep { objects: vec![object("b", BucketState::Done)], forget: vec!["a".into()], ..BucketStep::default() };
    state.step_bucket(id, &done).unwrap();
    assert!(state.bucket_begun(id).unwrap().is_empty());
    assert_eq!(state.bucket_object_count(id).unwrap(), 3);
}

#[test]
fn only_what_is_done_old_and_below_the_floor_is_forgotten() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let id = state.bucket("one").unwrap();
    let old = before(START, Duration::from_hours(1));
    let mut objects = vec![
        object("a", BucketState::Done),
        object("b", BucketState::Failing { tries: 1, due: START }),
        object("c", BucketState::Rejected),
        object("d", BucketState::Done),
        object("e", BucketState::Done),
    ];
    objects[0].changed = old;
    objects[2].changed = before(old, Duration::from_secs(1));
    objects[4].changed = old;
    let mark = Some(BucketMark { floor: "d".into(), ..BucketMark::default() });
    let step = BucketStep { objects, mark, forget_until: Some(old), ..BucketStep::default() };
    state.step_bucket(id, &step).unwrap();
    let left: Vec<String> =
        state.bucket_objects(id, "", None, 10).unwrap().into_iter().map(|object| object.key).collect();
    assert_eq!(left, ["b", "d", "e"]);
    assert_eq!(state.bucket_mark(id).unwrap().forgotten, Some(old));
    // A mark that is moved later does not touch it, and nothing to forget leaves it.
    let mark = Some(BucketMark { floor: "d".into(), ..BucketMark::default() });
    let step = BucketStep { mark, forget_until: Some(before(old, Duration::from_hours(9))), ..BucketStep::default() };
    state.step_bucket(id, &step).unwrap();
    assert_eq!(state.bucket_mark(id).unwrap().forgotten, Some(old));
}

#[test]
fn rejects_are_bounded_and_go_when_the_object_is_taken_after_all() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let id = state.bucket("one").unwrap();
    let count = BUCKET_REJECTS_MAX + 5;
    let at = |index: i64| Timestamp::from_micros(START.as_micros() + index);
    let rejects = (0..count).map(|index| reject(&format!("{index:05}"), at(index))).collect();
    state.step_bucket(id, &BucketStep { rejects, ..BucketStep::default() }).unwrap();
    let kept = state.bucket_rejects(id, u32::MAX).unwrap();
    assert_eq!(kept.len() as i64, BUCKET_REJECTS_MAX);
    assert_eq!((kept[0].key.as_str(), kept.last().unwrap().key.as_str()), ("01004", "00005"));
    assert!(kept[0].reason.len() <= 500 && kept[0].is_final);
    let step = BucketStep { objects: vec![object("01004", BucketState::Done)], ..BucketStep::default() };
    state.step_bucket(id, &step).unwrap();
    assert_eq!(state.bucket_rejects(id, 1).unwrap()[0].key, "01003");
}

#[test]
fn counts_add_up_and_a_failure_keeps_its_beginning() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let id = state.bucket("one").unwrap();
    let counts = BucketCounts { objects: 2, bytes: 10, records: 5, repeated: 1, rejected: 1 };
    for polled in [None, Some(Err("cannot be reached".to_owned())), Some(Err("denied".to_owned()))] {
        state.step_bucket(id, &BucketStep { counts, polled, ..BucketStep::default() }).unwrap();
        fixture.advance(Duration::from_secs(60));
    }
    let bucket = state.buckets().unwrap().remove(0);
    assert_eq!((bucket.counts.objects, bucket.counts.records), (6, 15));
    assert_eq!((bucket.error.as_deref(), bucket.polled), (Some("denied"), None));
    assert_eq!(bucket.failing.unwrap().as_micros() - START.as_micros(), 60_000_000);
    state.step_bucket(id, &BucketStep { polled: Some(Ok(())), ..BucketStep::default() }).unwrap();
    let bucket = state.buckets().unwrap().remove(0);
    assert_eq!((bucket.error, bucket.failing, bucket.polled), (None, None, Some(state.now())));
    assert!(serde_json::to_string(&state.buckets().unwrap()).unwrap().contains("\"objects\":6"));
}
