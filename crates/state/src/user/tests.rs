use super::*;
use crate::audit::AuditFilter;
use crate::session::Client;
use crate::testing::{Fixture, PASSWORD};
use crate::token::NewToken;
use std::time::Duration;

fn secret() -> Secret {
    Secret::new(PASSWORD)
}

#[test]
fn users_are_made_listed_and_changed() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let alice = fixture.user("alice", Role::Viewer);
    assert_eq!(state.user_by_name("ALICE").unwrap(), alice);
    assert_eq!(state.users().unwrap().iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["admin", "alice"]);
    assert_eq!(state.set_role(alice.id, Role::Analyst, &actor).unwrap().role, Role::Analyst);
    assert!(!state.set_user_enabled(alice.id, false, &actor).unwrap().enabled);
    assert!(state.set_user_enabled(alice.id, true, &actor).unwrap().enabled);
    state.delete_user(alice.id, &actor).unwrap();
    assert!(matches!(state.user(alice.id), Err(StateError::NotFound { kind: "user", .. })));
    assert!(matches!(state.delete_user(alice.id, &actor), Err(StateError::NotFound { .. })));
}

#[test]
fn wrong_users_are_refused() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    fixture.user("alice", Role::Viewer);
    let make = |name: &str, password: &str| state.create_user(name, &Secret::new(password), Role::Viewer, &actor);
    assert!(matches!(make("Alice", PASSWORD), Err(StateError::Duplicate { .. })));
    assert!(matches!(make("bob", "short"), Err(StateError::Invalid { what: "password", .. })));
    for name in ["", "b ob", "bob\n", "x".repeat(65).as_str()] {
        assert!(matches!(make(name, PASSWORD), Err(StateError::Invalid { what: "user name", .. })), "{name:?}");
    }
}

#[test]
fn somebody_can_always_administer() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let admin = state.user_by_name("admin").unwrap();
    let refused = |result: Result<(), StateError>| assert!(matches!(result, Err(StateError::LastAdmin { .. })));
    refused(state.delete_user(admin.id, &actor));
    refused(state.set_role(admin.id, Role::Viewer, &actor).map(|_| ()));
    refused(state.set_user_enabled(admin.id, false, &actor).map(|_| ()));
    let second = fixture.user("second", Role::Admin);
    state.set_user_enabled(second.id, false, &actor).unwrap();
    refused(state.delete_user(admin.id, &actor));
    state.set_user_enabled(second.id, true, &actor).unwrap();
    state.delete_user(admin.id, &actor).unwrap();
    refused(state.delete_user(second.id, &actor));
}

#[test]
fn two_admins_cannot_remove_each_other() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let ids = [state.user_by_name("admin").unwrap().id, fixture.user("second", Role::Admin).id];
    let other = fixture.second();
    let removed = std::thread::scope(|scope| {
        let first = scope.spawn(|| state.delete_user(ids[0], &actor).is_ok());
        let second = scope.spawn(|| other.delete_user(ids[1], &actor).is_ok());
        usize::from(first.join().unwrap()) + usize::from(second.join().unwrap())
    });
    assert_eq!(removed, 1);
}

#[test]
fn a_new_password_closes_the_other_sessions() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let alice = fixture.user("alice", Role::Viewer);
    let open = || state.open_session(alice.id, Duration::from_hours(1), &Client::default()).unwrap();
    let (stays, goes) = (open(), open());
    let keep = state.sessions(alice.id).unwrap().into_iter().map(|session| session.id).find(|id| {
        let principal = state.session(stays.reveal()).unwrap().unwrap();
        principal.via == crate::Via::Session { id: *id }
    });
    state.set_password(alice.id, &Secret::new("another fine passphrase"), keep, &actor).unwrap();
    assert!(state.session(stays.reveal()).unwrap().is_some());
    assert!(state.session(goes.reveal()).unwrap().is_none());
    assert!(matches!(state.verify_login("alice", &secret(), None), Err(StateError::BadLogin)));
    state.verify_login("alice", &Secret::new("another fine passphrase"), None).unwrap();
    state.set_password(alice.id, &Secret::new("short"), None, &actor).unwrap_err();
}

#[test]
fn who_is_disabled_or_deleted_is_out_at_once() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let alice = fixture.user("alice", Role::Viewer);
    let session = state.open_session(alice.id, Duration::from_hours(1), &Client::default()).unwrap();
    let new = NewToken { name: "ci", role: Role::Viewer, expires: None };
    let (_, token) = state.create_token(alice.id, &new, &actor).unwrap();
    state.set_user_enabled(alice.id, false, &actor).unwrap();
    assert!(state.session(session.reveal()).unwrap().is_none());
    assert!(state.token(token.reveal()).unwrap().is_none());
    assert!(state.open_session(alice.id, Duration::from_hours(1), &Client::default()).is_err());
    state.set_user_enabled(alice.id, true, &actor).unwrap();
    assert!(state.session(session.reveal()).unwrap().is_none(), "sessions do not come back");
    assert!(state.token(token.reveal()).unwrap().is_some());
    state.delete_user(alice.id, &actor).unwrap();
    assert!(state.token(token.reveal()).unwrap().is_none());
}

#[test]
fn the_trail_tells_each_change_and_no_password() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::command_line("root"));
    let alice = fixture.user("alice", Role::Viewer);
    state.set_password(alice.id, &secret(), None, &actor).unwrap();
    state.set_role(alice.id, Role::Admin, &actor).unwrap();
    state.delete_user(alice.id, &actor).unwrap();
    let filter = AuditFilter { target: Some("alice".into()), ..AuditFilter::default() };
    let trail = state.audit(&filter, 10, None).unwrap();
    let actions: Vec<_> = trail.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["user.delete", "user.role", "user.password", "user.create"]);
    let text = serde_json::to_string(&trail).unwrap();
    assert!(!text.contains(PASSWORD) && !text.contains("argon2"));
}
