use tidegate_event::Position;

use super::*;
use crate::testing::{Fixture, START};
use crate::{Counts, NewTarget, Routing, TargetKind};

fn receive(fixture: &Fixture, position: u64, intake: IntakeId, age: Duration) {
    let now = fixture.state.now();
    let counts = Counts {
        valid: 1,
        batches: 1,
        last_batch: Some(now),
        last_event: Some(crate::clock::before(now, age)),
        ..Counts::default()
    };
    assert!(fixture.state.add_counts(Position(position), &[(intake, counts)]).unwrap());
}

#[test]
fn an_intake_that_falls_silent_or_lags_is_told_once_and_once_when_it_is_well() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let target = NewTarget {
        name: "t".into(),
        kind: TargetKind::Syslog,
        config: json!({}),
        secret: None,
        routing: Routing::default(),
        template: None,
        enabled: true,
    };
    state.create_target(&target, &actor).unwrap();
    let intake = state.create_intake("Gateway", "f", &actor).unwrap().0.id;
    state.watch_intake(intake, IntakeLimits { silence_s: Some(600), lag_s: Some(3_600) }, &actor).unwrap();
    let mut told = Vec::new();
    let mut check = |minutes: u64| {
        fixture.advance(Duration::from_mins(minutes));
        told.extend(state.check_intakes().unwrap().into_iter().map(|news| news.kind.as_str()));
        told.extend(state.check_intakes().unwrap().into_iter().map(|_| "twice"));
    };
    check(9);
    check(1);
    receive(&fixture, 1, intake, Duration::from_mins(1));
    check(5);
    receive(&fixture, 2, intake, Duration::from_mins(90));
    // The latest event of the day is still the fresh one.
    check(1);
    fixture.advance(Duration::from_hours(24));
    receive(&fixture, 3, intake, Duration::from_hours(3));
    check(1);
    receive(&fixture, 4, intake, Duration::from_mins(2));
    check(1);
    check(30);
    let expected = ["intake.silent", "intake.recovered", "intake.lagging", "intake.recovered", "intake.silent"];
    assert_eq!(told, expected);
    let notices: Vec<_> = state.take_due(10).unwrap().into_iter().map(|due| due.notice).collect();
    assert_eq!(notices.iter().map(|notice| notice.kind.as_str()).collect::<Vec<_>>(), expected);
    assert_eq!(notices[0].payload["intake"]["name"], "Gateway");
    let watched = state.watched_intakes().unwrap();
    assert!(watched[0].silent_since.is_some() && watched[0].lagging_since.is_none());
    let keys: std::collections::BTreeSet<_> = notices.iter().map(|notice| &notice.key).collect();
    assert_eq!(keys.len(), notices.len());
}

#[test]
fn limits_are_checked_and_disabled_intakes_left_alone() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let intake = state.create_intake("a", "f", &actor).unwrap().0.id;
    let silence = |silence_s| IntakeLimits { silence_s: Some(silence_s), lag_s: None };
    for bad in [0, 59, 31 * 86_400, u64::MAX] {
        assert!(matches!(state.watch_intake(intake, silence(bad), &actor), Err(StateError::Invalid { .. })));
    }
    let watched = |state: &State| state.watched_intakes().unwrap().iter().map(|watch| watch.limits).collect::<Vec<_>>();
    assert_eq!(watched(state), [IntakeLimits::USUAL]);
    let nowhere = IntakeId(uuid::Uuid::nil());
    assert!(matches!(state.watch_intake(nowhere, silence(60), &actor), Err(StateError::NotFound { .. })));
    state.watch_intake(intake, silence(60), &actor).unwrap();
    let off = crate::IntakeChange { enabled: Some(false), ..Default::default() };
    state.change_intake(intake, &off, &actor).unwrap();
    fixture.advance(Duration::from_hours(1));
    assert!(state.check_intakes().unwrap().is_empty());
    state.change_intake(intake, &crate::IntakeChange { enabled: Some(true), ..Default::default() }, &actor).unwrap();
    assert_eq!(state.check_intakes().unwrap().len(), 1);
    assert_eq!(state.watched_intakes().unwrap()[0].silent_since, Some(START));
    state.watch_intake(intake, IntakeLimits::default(), &actor).unwrap();
    assert!(state.watched_intakes().unwrap().is_empty());
}
