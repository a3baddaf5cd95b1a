use std::time::Duration;

use super::*;
use crate::audit::AuditFilter;
use crate::clock::after;
use crate::testing::{Fixture, START};

fn new(name: &str, condition: &str) -> NewAlertFilter {
    NewAlertFilter {
        name: name.into(),
        rule: None,
        condition: condition.into(),
        comment: "known scanner".into(),
        enabled: true,
        expires: None,
    }
}

#[test]
fn filters_are_made_changed_listed_and_deleted() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::command_line("alice"));
    let before = state.revision(Topic::AlertFilters).unwrap();
    let one = state.create_alert_filter(&new("One", "source.ip:10.0.0.1"), &actor).unwrap();
    let two = state.create_alert_filter(&new("Two", "user.email:bot*"), &actor).unwrap();
    assert_eq!((one.author.as_str(), one.hidden, one.last_hidden), ("alice", 0, None));
    let taken = state.create_alert_filter(&new("ONE", "x"), &actor);
    assert!(matches!(taken, Err(StateError::Duplicate { .. })));
    let taken = state.change_alert_filter(two.id, &new("one", "x"), &actor);
    assert!(matches!(taken, Err(StateError::Duplicate { .. })));
    fixture.advance(Duration::from_mins(1));
    let off = NewAlertFilter { enabled: false, ..new("one", "source.ip:10.0.0.2") };
    let changed = state.change_alert_filter(one.id, &off, &actor).unwrap();
    assert_eq!((changed.name.as_str(), changed.created), ("one", START));
    assert!(changed.updated > changed.created);
    let active: Vec<_> = state.active_alert_filters().unwrap().into_iter().map(|filter| filter.id).collect();
    assert_eq!(active, [two.id]);
    state.delete_alert_filter(one.id, &actor).unwrap();
    assert!(matches!(state.delete_alert_filter(one.id, &actor), Err(StateError::NotFound { .. })));
    assert_eq!(state.alert_filters().unwrap().len(), 1);
    assert_eq!(fixture.second().revision(Topic::AlertFilters).unwrap(), before + 4);
    let filter = AuditFilter { action: Some("alert_filter".into()), ..Default::default() };
    let trail = state.audit(&filter, 9, None).unwrap();
    assert_eq!(trail.len(), 4);
    assert_eq!(trail[3].detail["condition"], "source.ip:10.0.0.1");
}

#[test]
fn a_filter_ends_and_bad_ones_are_refused() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let hour = Some(after(START, Duration::from_hours(1)));
    state.create_alert_filter(&NewAlertFilter { expires: hour, ..new("short", "x") }, &actor).unwrap();
    assert_eq!(state.active_alert_filters().unwrap().len(), 1);
    fixture.advance(Duration::from_hours(1));
    assert!(state.active_alert_filters().unwrap().is_empty());
    let bad = [
        NewAlertFilter { expires: Some(START), ..new("past", "x") },
        new("", "x"),
        new("empty", "  "),
        new("all", " * "),
        new("long", &"x".repeat(CONDITION_BYTES_MAX + 1)),
        new("control", "a\0b"),
        NewAlertFilter { comment: "x".repeat(COMMENT_BYTES_MAX + 1), ..new("comment", "x") },
    ];
    for new in bad {
        assert!(matches!(state.create_alert_filter(&new, &actor), Err(StateError::Invalid { .. })), "{}", new.name);
    }
}
