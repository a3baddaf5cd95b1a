//! The law: whatever is put, read, broken off and started again, every object is handed over exactly once.

mod model;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use model::{Op, World};

const HOUR: i64 = 3600;

fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work);
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0_u8..12, 0_u8..4).prop_map(|(slot, content)| Op::Put { slot, content }),
        2 => (0_u8..12, 0_i64..400).prop_map(|(slot, hours)| Op::PutLate { slot, hours }),
        1 => (0_u8..12).prop_map(|slot| Op::Delete { slot }),
        6 => Just(Op::Poll),
        5 => (0_u32..40).prop_map(|steps| Op::PollThatBreaks { steps }),
        2 => Just(Op::Restart),
        2 => (1_i64..30 * HOUR).prop_map(|seconds| Op::Wait { seconds }),
        1 => (24 * HOUR..20 * 24 * HOUR).prop_map(|seconds| Op::Wait { seconds }),
        1 => (0_u8..12).prop_map(|slot| Op::Unreadable { slot }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_order_of_puts_looks_and_restarts_hands_each_object_over_once(ops in prop::collection::vec(op(), 1..60)) {
        run(async move {
            let mut world = World::new();
            for op in ops {
                world.take(op).await;
            }
            world.settle().await;
            world.check();
        });
    }
}

#[test]
fn a_crash_between_any_two_steps_doubles_and_loses_nothing_even_after_a_week() {
    run(async {
        for steps in 0..60 {
            let mut world = World::new();
            for slot in 0..5 {
                world.take(Op::Put { slot, content: 0 }).await;
            }
            world.take(Op::PollThatBreaks { steps }).await;
            world.take(Op::Wait { seconds: 7 * 24 * HOUR }).await;
            world.take(Op::Restart).await;
            world.settle().await;
            world.check();
            assert_eq!(world.stored().len(), 5, "broken off after {steps} steps");
        }
    });
}

#[test]
fn objects_that_come_late_are_found_above_and_below_the_floor() {
    run(async {
        let mut world = World::new();
        for slot in 0..6 {
            world.take(Op::Put { slot, content: 0 }).await;
            world.take(Op::Poll).await;
            world.take(Op::Wait { seconds: 3 * 24 * HOUR }).await;
        }
        assert!(!world.floor().is_empty());
        let remembered = world.remembered();
        assert!(remembered < 6, "{remembered} objects are remembered");
        world.take(Op::PutLate { slot: 20, hours: 24 }).await;
        world.take(Op::Poll).await;
        assert_eq!(world.stored().len(), 7, "late, but above the floor");
        world.take(Op::PutLate { slot: 21, hours: 24 * 30 }).await;
        world.take(Op::Wait { seconds: HOUR }).await;
        world.take(Op::Poll).await;
        assert_eq!(world.stored().len(), 8, "below the floor, found by the hourly sweep");
        world.check();
    });
}

#[test]
fn what_cannot_be_read_waits_and_is_given_up_without_holding_up_the_rest() {
    run(async {
        let mut world = World::new();
        world.take(Op::Put { slot: 1, content: 0 }).await;
        world.take(Op::Unreadable { slot: 1 }).await;
        world.take(Op::Poll).await;
        assert!(world.rejects().is_empty(), "it may be the server, so nothing is counted");
        for slot in 2..30 {
            world.take(Op::Put { slot, content: 0 }).await;
            world.take(Op::Poll).await;
            world.take(Op::Wait { seconds: HOUR }).await;
        }
        assert_eq!(world.stored().len(), 28);
        let rejects = world.rejects();
        assert_eq!((rejects.len(), rejects[0].is_final, rejects[0].tries), (1, true, 10));
        world.heal();
        world.take(Op::Poll).await;
        assert_eq!(world.stored().len(), 28, "given up is given up");
        world.take(Op::Put { slot: 1, content: 3 }).await;
        world.take(Op::Poll).await;
        assert_eq!(world.stored().len(), 29, "until it is put anew");
    });
}

#[test]
fn what_waits_below_the_floor_is_not_forgotten_with_what_was_put_in_the_same_moment() {
    run(async {
        let mut world = World::new();
        world.take(Op::PutLate { slot: 1, hours: 142 }).await;
        world.take(Op::Wait { seconds: 26 * HOUR + 1 }).await;
        world.take(Op::Poll).await;
        world.take(Op::Unreadable { slot: 1 }).await;
        // Put again as it was, and once more with other content within the moment.
        world.take(Op::Put { slot: 1, content: 0 }).await;
        world.take(Op::Put { slot: 2, content: 0 }).await;
        world.take(Op::Poll).await;
        world.take(Op::Put { slot: 1, content: 1 }).await;
        world.take(Op::Wait { seconds: 7 * 24 * HOUR }).await;
        world.take(Op::Poll).await;
        world.settle().await;
        world.check();
        assert_eq!(world.stored().len(), 3);
    });
}

#[test]
fn pauses_grow_while_looks_fail() {
    run(async {
        let mut world = World::new();
        world.take(Op::Put { slot: 1, content: 0 }).await;
        assert_eq!(world.pause(), Options::default().interval);
        let mut pauses = Vec::new();
        for _ in 0..9 {
            world.take(Op::PollThatBreaks { steps: 0 }).await;
            pauses.push(world.pause().as_secs());
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        world.take(Op::Poll).await;
        assert_eq!(world.pause(), Duration::from_secs(60));
    });
}

#[test]
fn a_listing_out_of_order_is_refused() {
    let object = |key: &str| Object { key: key.into(), bytes: 1, changed: Timestamp::default(), etag: None };
    assert!(check_order("", &[object("a"), object("b")]).is_ok());
    for (from, page) in [("", ["b", "a"]), ("c", ["b", "d"]), ("", ["a", "a"]), ("a", ["a", "b"])] {
        assert!(matches!(check_order(from, &page.map(object)), Err(BucketError::Listing(_))), "{from} {page:?}");
    }
}
