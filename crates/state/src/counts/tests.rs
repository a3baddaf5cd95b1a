use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::testing::{Fixture, START};

const A: IntakeId = IntakeId(Uuid::from_u128(1));
const B: IntakeId = IntakeId(Uuid::from_u128(2));

fn counts(valid: u64) -> Counts {
    Counts { valid, bytes: valid * 100, batches: 1, last_batch: Some(START), ..Counts::default() }
}

#[test]
fn counts_add_up_by_intake_and_day() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    assert!(state.add_counts(Position(3), &[(A, counts(10)), (B, counts(1))]).unwrap());
    let event = Timestamp::from_micros(START.as_micros() - 1_000_000);
    let later = Counts { invalid: 2, last_event: Some(event), ..counts(5) };
    assert!(state.add_counts(Position(4), &[(A, later)]).unwrap());
    fixture.advance(Duration::from_hours(24));
    let next = Counts { duplicates: 7, last_batch: None, ..Counts::default() };
    assert!(state.add_counts(Position(9), &[(A, next)]).unwrap());

    let sum = state.counts(A, None).unwrap();
    let expected = Counts {
        valid: 15,
        invalid: 2,
        duplicates: 7,
        bytes: 1_500,
        batches: 2,
        last_batch: Some(START),
        last_event: Some(event),
        ..Counts::default()
    };
    assert_eq!(sum, expected);
    assert_eq!(state.counts(A, Some(1)).unwrap().duplicates, 7);
    assert_eq!(state.counts(A, Some(1)).unwrap().valid, 0);
    assert_eq!(state.counts(A, Some(2)).unwrap(), expected);
    assert_eq!(state.counts_of_all(None).unwrap()[&B].valid, 1);
    assert_eq!(state.days(None, None).unwrap().len(), 3);
    assert_eq!(state.counted().unwrap(), Position(9));
}

#[test]
fn a_position_counts_once_also_after_a_restart() {
    let fixture = Fixture::new();
    assert!(fixture.state.add_counts(Position(5), &[(A, counts(10))]).unwrap());
    for position in [5, 4, 0] {
        assert!(!fixture.state.add_counts(Position(position), &[(A, counts(10))]).unwrap());
        assert!(!fixture.second().add_counts(Position(position), &[(A, counts(10))]).unwrap());
    }
    assert_eq!(fixture.second().counts(A, None).unwrap().valid, 10);
}

#[test]
fn numbers_stay_at_their_bound() {
    let fixture = Fixture::new();
    let huge = Counts { valid: u64::MAX, ..Counts::default() };
    assert!(fixture.state.add_counts(Position(1), &[(A, huge)]).unwrap());
    assert!(fixture.state.add_counts(Position(2), &[(A, huge)]).unwrap());
    assert_eq!(fixture.state.counts(A, None).unwrap().valid, i64::MAX.unsigned_abs());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_replay_from_anywhere_never_doubles(steps in proptest::collection::vec((1_u64..50, 0_usize..10), 1..20)) {
        let fixture = Fixture::new();
        let mut last = 0;
        for (valid, back) in steps {
            // A crash loses the memory of the last batches: the pipeline starts again some positions back.
            for position in last.max(back as u64) - back as u64..=last {
                fixture.state.add_counts(Position(position), &[(A, counts(valid))]).unwrap();
            }
            last += 1;
            fixture.state.add_counts(Position(last), &[(A, counts(1))]).unwrap();
        }
        prop_assert_eq!(fixture.state.counts(A, None).unwrap().valid, last);
    }
}
