use super::*;
use crate::audit::AuditFilter;
use crate::testing::Fixture;

fn new(name: &str, shared: bool) -> NewSavedQuery {
    NewSavedQuery {
        name: name.into(),
        kind: QueryKind::Events,
        query: "dns.response_code:NXDomain".into(),
        view: json!({"last": "24h"}),
        shared,
    }
}

#[test]
fn queries_are_their_owners_unless_shared() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let (alice, bob) = (fixture.user("alice", Role::Viewer).id, fixture.user("bob", Role::Viewer).id);
    let viewer = Actor { role: Role::Viewer, ..Actor::command_line("x") };
    let own = state.save_query(alice, &new("mine", false), &viewer).unwrap();
    let shared = state.save_query(alice, &new("ours", true), &viewer).unwrap();
    assert_eq!((own.owner_name.as_str(), &own.view), ("alice", &json!({"last": "24h"})));
    assert!(matches!(state.save_query(alice, &new("MINE", false), &viewer), Err(StateError::Duplicate { .. })));
    state.save_query(bob, &new("mine", false), &viewer).unwrap();
    assert_eq!(state.saved_queries(bob).unwrap().len(), 2);
    assert!(matches!(state.saved_query(own.id, bob), Err(StateError::NotFound { .. })));
    assert_eq!(state.saved_query(shared.id, bob).unwrap().owner, alice);
    assert!(matches!(state.change_query(shared.id, bob, &new("x", true), &viewer), Err(StateError::NotFound { .. })));
    assert!(matches!(state.delete_query(shared.id, bob, &viewer), Err(StateError::NotFound { .. })));
    assert!(matches!(state.delete_query(own.id, bob, &Actor::system()), Err(StateError::NotFound { .. })));
    state.change_query(shared.id, bob, &new("tidied", true), &Actor::system()).unwrap();
    state.change_query(own.id, alice, &new("mine", true), &viewer).unwrap();
    state.delete_query(own.id, alice, &viewer).unwrap();
    state.delete_user(alice, &Actor::system()).unwrap();
    assert_eq!(state.saved_queries(bob).unwrap().len(), 1);
    let trail = state.audit(&AuditFilter { action: Some("query".into()), ..Default::default() }, 9, None).unwrap();
    assert_eq!(trail.len(), 6);
}

#[test]
fn history_is_bounded_and_repeats_take_one_line() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let (alice, bob) = (fixture.user("alice", Role::Viewer).id, fixture.user("bob", Role::Viewer).id);
    let view = json!({});
    let run = |user, query: &str| {
        let ran = RanQuery { kind: QueryKind::Sql, query, view: &view, rows: Some(3), took_ms: None };
        state.remember_query(user, &ran)
    };
    for index in 0..HISTORY_OF_A_USER_MAX + 20 {
        run(alice, &format!("SELECT {}", index / 2)).unwrap();
    }
    for index in 0..HISTORY_OF_A_USER_MAX {
        run(alice, &format!("SELECT x{index}")).unwrap();
    }
    run(bob, "SELECT 1").unwrap();
    let history = state.query_history(alice, usize::MAX).unwrap();
    assert_eq!(history.len() as i64, HISTORY_OF_A_USER_MAX);
    assert_eq!((history[0].query.as_str(), history[0].rows), ("SELECT x499", Some(3)));
    assert!(history.windows(2).all(|pair| pair[0].id > pair[1].id && pair[0].query != pair[1].query));
    assert!(matches!(run(alice, &"x".repeat(QUERY_BYTES_MAX + 1)), Err(StateError::Invalid { .. })));
    state.forget_queries(alice).unwrap();
    assert!(state.query_history(alice, 10).unwrap().is_empty());
    assert_eq!(state.query_history(bob, 10).unwrap().len(), 1);
}

#[test]
fn bad_queries_are_refused() {
    let fixture = Fixture::new();
    let alice = fixture.user("alice", Role::Viewer).id;
    for bad in [
        NewSavedQuery { name: String::new(), ..new("x", false) },
        NewSavedQuery { kind: QueryKind::Sql, query: String::new(), ..new("x", false) },
        NewSavedQuery { query: "x".repeat(QUERY_BYTES_MAX + 1), ..new("x", false) },
        NewSavedQuery { view: json!("x".repeat(VIEW_BYTES_MAX)), ..new("x", false) },
    ] {
        let saved = fixture.state.save_query(alice, &bad, &Actor::system());
        assert!(matches!(saved, Err(StateError::Invalid { .. })), "{bad:?}");
    }
}
