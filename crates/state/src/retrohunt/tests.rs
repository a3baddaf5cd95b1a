use super::*;
use crate::testing::{Fixture, START};

fn new(name: &str) -> NewRetrohunt<'_> {
    NewRetrohunt {
        name,
        selection: json!({"collection": 1}),
        first_id: 0,
        last_id: 10,
        from: Timestamp::from_micros(0),
        until: START,
    }
}

fn hit(indicator: i64, count: u64, at: i64) -> HuntHit {
    HuntHit {
        indicator,
        value: format!("n{indicator}.example"),
        count,
        first: Timestamp::from_micros(at),
        last: Timestamp::from_micros(at + 5),
        events: json!(["e1"]),
    }
}

#[test]
fn a_hunt_waits_runs_step_by_step_and_is_done() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    assert_eq!(state.next_retrohunt().unwrap(), None);
    let hunt = state.create_retrohunt(&new("first"), &actor).unwrap();
    assert_eq!((hunt.state, hunt.created_by.as_str()), (HuntState::Waiting, "system"));
    let running = state.next_retrohunt().unwrap().unwrap();
    assert_eq!((running.id, running.state, running.step), (hunt.id, HuntState::Running, 0));
    assert!(state.advance_retrohunt(hunt.id, 0, 2, &[hit(1, 3, 100), hit(2, 1, 50)]).unwrap());
    // A step that is reported twice counts once; so a crash between work and report is harmless.
    assert!(state.advance_retrohunt(hunt.id, 0, 2, &[hit(1, 3, 100)]).unwrap());
    let resumed = fixture.second().next_retrohunt().unwrap().unwrap();
    assert_eq!((resumed.step, resumed.steps, resumed.hits), (1, 2, 4));
    assert!(!state.advance_retrohunt(hunt.id, 1, 2, &[hit(1, 2, 20)]).unwrap());
    let done = state.retrohunt(hunt.id).unwrap();
    assert_eq!((done.state, done.step, done.hits), (HuntState::Done, 2, 6));
    assert!(done.finished.is_some() && state.next_retrohunt().unwrap().is_none());
    let hits = state.retrohunt_hits(hunt.id, 10, 0).unwrap();
    assert_eq!(hits.len(), 2);
    assert_eq!((hits[0].indicator, hits[0].count), (1, 5));
    assert_eq!((hits[0].first.as_micros(), hits[0].last.as_micros()), (20, 105));
    assert_eq!(state.retrohunt_hits(hunt.id, 10, 1).unwrap().len(), 1);
    state.delete_retrohunt(hunt.id, &actor).unwrap();
    assert!(state.retrohunt_hits(hunt.id, 10, 0).unwrap().is_empty());
}

#[test]
fn hunts_take_turns_can_be_cancelled_and_can_fail() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let first = state.create_retrohunt(&new("first"), &actor).unwrap().id;
    fixture.advance(std::time::Duration::from_secs(1));
    let second = state.create_retrohunt(&new("second"), &actor).unwrap().id;
    assert_eq!(state.next_retrohunt().unwrap().unwrap().id, first);
    assert_eq!(state.next_retrohunt().unwrap().unwrap().id, first, "what runs goes on");
    state.cancel_retrohunt(first, &actor).unwrap();
    assert!(!state.advance_retrohunt(first, 0, 5, &[hit(1, 1, 1)]).unwrap(), "it stops at the next step");
    assert_eq!(state.retrohunt(first).unwrap().hits, 0);
    assert_eq!(state.next_retrohunt().unwrap().unwrap().id, second);
    state.end_retrohunt(second, Some("the table cannot be read")).unwrap();
    let failed = state.retrohunt(second).unwrap();
    assert_eq!((failed.state, failed.error.as_deref()), (HuntState::Failed, Some("the table cannot be read")));
    state.cancel_retrohunt(second, &actor).unwrap();
    assert_eq!(state.retrohunt(second).unwrap().state, HuntState::Failed, "what ended stays so");
    let list: Vec<HuntId> = state.retrohunts(10).unwrap().into_iter().map(|hunt| hunt.id).collect();
    assert_eq!(list, [second, first]);
}

#[test]
fn what_cannot_be_is_refused() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    for bad in [
        NewRetrohunt { until: Timestamp::from_micros(0), ..new("range") },
        NewRetrohunt { selection: json!("x".repeat(70_000)), ..new("selection") },
        new("bad\nname"),
    ] {
        assert!(matches!(state.create_retrohunt(&bad, &actor), Err(StateError::Invalid { .. })), "{}", bad.name);
    }
    let unknown = HuntId(Uuid::nil());
    assert!(matches!(state.advance_retrohunt(unknown, 0, 1, &[]), Err(StateError::NotFound { .. })));
    assert!(matches!(state.cancel_retrohunt(unknown, &actor), Err(StateError::NotFound { .. })));
}
