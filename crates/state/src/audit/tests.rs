use serde_json::json;

use super::*;
use crate::testing::{Fixture, START};
use std::time::Duration;

fn entry<'a>(actor: &'a Actor, action: &'static str, target: &'a str) -> Audit<'a> {
    Audit { actor, action, target, detail: json!({"n": 1}) }
}

#[test]
fn entries_are_listed_newest_first_by_filter_and_cursor() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let (alice, bob) = (Actor::command_line("alice"), Actor::anonymous("bob\n", Some("192.0.2.1".parse().unwrap())));
    for index in 0..5 {
        fixture.advance(Duration::from_secs(1));
        state.record(&entry(&alice, "rule.enable", &format!("r{index}"))).unwrap();
        state.record(&entry(&bob, "ruleset.load", "x")).unwrap();
    }
    let all = state.audit(&AuditFilter::default(), 100, None).unwrap();
    assert_eq!(all.len(), 11, "with the creation of the first admin");
    assert!(all.windows(2).all(|pair| pair[0].id > pair[1].id));
    assert_eq!((all[0].actor.as_str(), all[0].via.as_str()), ("bob", "login"));
    assert_eq!(all[0].address, Some("192.0.2.1".parse().unwrap()));

    let rules = AuditFilter { action: Some("rule".into()), ..AuditFilter::default() };
    let first = state.audit(&rules, 3, None).unwrap();
    let rest = state.audit(&rules, 3, Some(first[2].id)).unwrap();
    assert_eq!(
        first.iter().chain(&rest).map(|entry| entry.target.as_str()).collect::<Vec<_>>(),
        ["r4", "r3", "r2", "r1", "r0"]
    );

    let of = |filter| state.audit(&filter, 100, None).unwrap().len();
    assert_eq!(of(AuditFilter { actor: Some("alice".into()), ..AuditFilter::default() }), 5);
    assert_eq!(of(AuditFilter { target: Some("r3".into()), ..AuditFilter::default() }), 1);
    let from = Some(Timestamp::from_micros(START.as_micros() + 4_000_000));
    assert_eq!(of(AuditFilter { from, ..AuditFilter::default() }), 4);
    assert_eq!(of(AuditFilter { to: from, ..AuditFilter::default() }), 7);
}

#[test]
fn entries_cannot_be_changed_and_end_by_age_only() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    state.record(&entry(&actor, "old.entry", "x")).unwrap();
    let changed = state.read(|connection| Ok(connection.execute("UPDATE audit SET actor = 'mallory'", [])?));
    assert!(changed.unwrap_err().to_string().contains("state database failed"));
    fixture.advance(Duration::from_hours(399 * 24));
    state.record(&entry(&actor, "new.entry", "x")).unwrap();
    state.prune().unwrap();
    assert_eq!(state.audit(&AuditFilter::default(), 100, None).unwrap().len(), 3);
    fixture.advance(Duration::from_hours(2 * 24));
    state.prune().unwrap();
    let left = state.audit(&AuditFilter::default(), 100, None).unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].action, "new.entry");
}

#[test]
fn failed_logins_are_bounded_in_number_and_push_nothing_else_out() {
    let fixture = Fixture::new();
    let nobody = Actor::anonymous("x", None);
    let count = |action: &str| {
        let sql = "SELECT count(*) FROM audit WHERE action = ?1";
        fixture.state.read(|connection| Ok(connection.query_row(sql, [action], |row| row.get::<_, i64>(0))?)).unwrap()
    };
    fixture
        .state
        .write(|transaction| {
            for _ in 0..FAILED_LOGINS_MAX + 50 {
                append(transaction, START, &entry(&nobody, LOGIN_FAILED, "x"))?;
            }
            prune(transaction, Timestamp::from_micros(0))
        })
        .unwrap();
    assert_eq!(count(LOGIN_FAILED), FAILED_LOGINS_MAX);
    assert_eq!(count("user.create"), 1);
}

#[test]
fn a_detail_has_a_bound() {
    let fixture = Fixture::new();
    let actor = Actor::system();
    let audit =
        Audit { actor: &actor, action: "a.b", target: "x", detail: Value::String("x".repeat(DETAIL_BYTES_MAX)) };
    assert!(matches!(fixture.state.record(&audit), Err(StateError::Invalid { .. })));
}
