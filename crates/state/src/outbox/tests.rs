use super::*;
use crate::audit::AuditFilter;
use crate::testing::{Fixture, START, finding};
use crate::{Actor, NewTarget, Routing, TargetKind, Urgency};

fn target(fixture: &Fixture, name: &str, routing: Routing) -> TargetId {
    let new = NewTarget {
        name: name.into(),
        kind: TargetKind::Webhook,
        config: json!({"url": "https://hooks.example/x"}),
        secret: Some(Secret::new("hunter2hunter2hunter2")),
        routing,
        template: None,
        enabled: true,
    };
    fixture.state.create_target(&new, &Actor::system()).unwrap().id
}

#[test]
fn an_alert_is_queued_once_for_each_target_that_wants_it() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let all = target(&fixture, "all", Routing::default());
    target(&fixture, "critical", Routing { severity_min: 90, ..Routing::default() });
    target(&fixture, "other rule", Routing { rules: vec![uuid::Uuid::from_u128(9)], ..Routing::default() });
    target(&fixture, "intakes", Routing { alerts: false, ..Routing::default() });
    let findings = [finding(1, 1, "a", "b", 3)];
    for _ in 0..3 {
        state.raise(&findings).unwrap();
    }
    state.raise(&[finding(1, 1, "a", "b", 9), finding(2, 1, "a", "b", 9)]).unwrap();
    let due = state.take_due(10).unwrap();
    assert_eq!(due.len(), 1);
    let Due { notice, target, secret } = &due[0];
    assert_eq!((target.id, notice.kind), (all, NoticeKind::AlertRaised));
    assert_eq!(secret.as_ref().unwrap().reveal(), "hunter2hunter2hunter2");
    let alert = &notice.payload["alert"];
    assert_eq!(notice.key, format!("{}:alert.raised", alert["id"].as_str().unwrap()));
    assert_eq!((&alert["rule"]["name"], &alert["urgency_level"]), (&json!("Rule 1"), &json!("high")));
    assert_eq!((&alert["occurrences"], &alert["event_count"]), (&json!(1), &json!(3)), "as the API names them");
    assert_eq!(notice.payload["events"].as_array().unwrap().len(), 3);
    assert!(!format!("{due:?}").contains("hunter2"));
    assert!(state.take_due(10).unwrap().is_empty(), "taken");
    state.notice_delivered(notice.id).unwrap();
    let target = state.target(all).unwrap();
    assert_eq!((target.delivered, target.last_ok), (1, Some(START)));
    assert_eq!(state.next_due().unwrap(), None);
}

#[test]
fn an_alert_that_becomes_more_urgent_is_told_again() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    target(&fixture, "medium", Routing { urgency_min: Urgency::Medium, ..Routing::default() });
    let with = |id, severity| {
        let mut finding = finding(id, 1, "a", "b", 1);
        finding.rule.severity = severity;
        finding
    };
    for (id, severity) in [(1, 30), (2, 60), (3, 61), (4, 95), (5, 10)] {
        state.raise(&[with(id, severity)]).unwrap();
    }
    let kinds: Vec<_> = state.take_due(10).unwrap().into_iter().map(|due| due.notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::AlertEscalated; 2]);
}

#[test]
fn failures_are_tried_again_later_and_given_up_in_the_end() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let id = target(&fixture, "t", Routing::default());
    state.raise(&[finding(1, 1, "a", "b", 3), finding(2, 1, "c", "d", 3)]).unwrap();
    let due = state.take_due(1).unwrap();
    let rejected = state.take_due(1).unwrap();
    let failed = state.notice_failed(rejected[0].notice.id, "answered 404", false, None).unwrap();
    assert_eq!(failed, Delivery::GivenUp);
    let notice = due[0].notice.id;
    let mut waits = Vec::new();
    loop {
        let long = (waits.len() == 2).then_some(Duration::from_mins(10));
        let text = "refused https://x/?token=abcdefgh";
        if state.notice_failed(notice, text, true, long).unwrap() == Delivery::GivenUp {
            break;
        }
        let wait = state.next_due().unwrap().unwrap().as_micros() - state.now().as_micros();
        waits.push(wait / 1_000_000);
        fixture.advance(Duration::from_micros(wait as u64 - 1));
        assert!(state.take_due(10).unwrap().is_empty());
        fixture.advance(Duration::from_micros(1));
        assert_eq!(state.take_due(10).unwrap()[0].notice.id, notice);
    }
    assert_eq!(waits, [15, 30, 600, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
    let target = state.target(id).unwrap();
    assert_eq!(target.given_up, 2);
    assert_eq!(target.last_error.as_deref(), Some("refused https://x/?token=…"));
    assert_eq!(state.notice_failed(notice, "late", true, None).unwrap(), Delivery::Delivered, "nothing waits");
    let notices = state.notices(Some(id), 10).unwrap();
    assert!(notices.iter().all(|notice| notice.delivery == Delivery::GivenUp));
    fixture.advance(Duration::from_hours(15 * 24));
    state.prune().unwrap();
    assert!(state.notices(None, 10).unwrap().is_empty());
}

#[test]
fn what_a_crashed_sender_took_is_handed_out_again() {
    let fixture = Fixture::new();
    target(&fixture, "t", Routing::default());
    fixture.state.raise(&[finding(1, 1, "a", "b", 3)]).unwrap();
    let first = fixture.state.take_due(10).unwrap();
    fixture.advance(LEASE);
    let second = fixture.second().take_due(10).unwrap();
    assert_eq!(first[0].notice.key, second[0].notice.key);
    assert_eq!(second[0].notice.attempts, 1);
    let mut taken = 2;
    loop {
        fixture.advance(LEASE);
        if fixture.state.take_due(10).unwrap().is_empty() {
            break;
        }
        taken += 1;
    }
    assert_eq!(taken, ATTEMPTS_MAX);
    assert_eq!(fixture.state.notices(None, 1).unwrap()[0].delivery, Delivery::GivenUp);
    assert_eq!(fixture.state.targets().unwrap()[0].given_up, 1);
}

#[test]
fn a_flood_of_notices_is_held_back_and_counted() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let id = target(&fixture, "t", Routing { per_hour_max: Some(5), ..Routing::default() });
    let findings: Vec<_> = (1..=12).map(|id| finding(id, 1, "a", &format!("t{id}"), 1)).collect();
    state.raise(&findings).unwrap();
    assert_eq!((state.take_due(100).unwrap().len(), state.target(id).unwrap().held_back), (5, 7));
    fixture.advance(Duration::from_hours(1));
    state.raise(&[finding(77, 1, "a", "t77", 1)]).unwrap();
    assert_eq!(state.target(id).unwrap().held_back, 7);
}

#[test]
fn what_waits_for_a_disabled_target_waits_and_goes_with_a_deleted_one() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let id = target(&fixture, "t", Routing::default());
    state.raise(&[finding(1, 1, "a", "b", 1)]).unwrap();
    let change = |enabled| {
        let new = NewTarget {
            name: "t".into(),
            kind: TargetKind::Webhook,
            config: json!({"url": "https://hooks.example/y"}),
            secret: None,
            routing: Routing::default(),
            template: None,
            enabled,
        };
        state.change_target(id, &new, &actor).unwrap()
    };
    change(false);
    state.raise(&[finding(2, 1, "x", "y", 1)]).unwrap();
    assert!(state.take_due(10).unwrap().is_empty() && state.next_due().unwrap().is_none());
    change(true);
    let due = state.take_due(10).unwrap();
    assert_eq!(due.len(), 1, "nothing is queued for a disabled target");
    assert_eq!(due[0].target.config["url"], "https://hooks.example/y");
    assert!(due[0].secret.is_some(), "an unspoken secret stays");
    state.delete_target(id, &actor).unwrap();
    assert!(state.notices(None, 10).unwrap().is_empty());
    let trail = state.audit(&AuditFilter { action: Some("target".into()), ..Default::default() }, 9, None).unwrap();
    assert_eq!(trail.len(), 4);
}
