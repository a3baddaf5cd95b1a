use std::time::Duration;

use super::*;
use crate::audit::AuditFilter;
use crate::testing::{Fixture, START};

fn new(name: &str, role: Role) -> NewToken<'_> {
    NewToken { name, role, expires: None }
}

#[test]
fn a_token_acts_for_its_user_until_it_ends() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let alice = fixture.user("alice", Role::Analyst);
    let (token, secret) = state.create_token(alice.id, &new("ci", Role::Viewer), &actor).unwrap();
    let principal = state.token(secret.reveal()).unwrap().unwrap();
    assert_eq!((principal.user, principal.role), (alice.id, Role::Viewer));
    assert_eq!(principal.via, Via::Token { id: token.id, name: "ci".into() });
    assert_eq!(principal.actor(None).via, "token ci");
    assert_eq!(state.tokens(Some(alice.id)).unwrap()[0].last_used, Some(START));
    fixture.advance(Duration::from_mins(4));
    state.token(secret.reveal()).unwrap();
    assert_eq!(state.tokens(None).unwrap()[0].last_used, Some(START), "written lazily");
    fixture.advance(Duration::from_mins(1));
    state.token(secret.reveal()).unwrap();
    assert_eq!(state.tokens(None).unwrap()[0].last_used, Some(after(START, Duration::from_mins(5))));

    let stranger = fixture.user("stranger", Role::Admin);
    assert!(matches!(state.revoke_token(stranger.id, token.id, &actor), Err(StateError::NotFound { .. })));
    state.revoke_token(alice.id, token.id, &actor).unwrap();
    assert_eq!(state.token(secret.reveal()).unwrap(), None);

    let expires = Some(after(state.now(), Duration::from_hours(1)));
    let (_, short) = state.create_token(alice.id, &NewToken { expires, ..new("short", Role::Viewer) }, &actor).unwrap();
    assert!(state.token(short.reveal()).unwrap().is_some());
    fixture.advance(Duration::from_hours(1));
    assert!(state.token(short.reveal()).unwrap().is_none());
    let past = NewToken { expires: Some(START), ..new("past", Role::Viewer) };
    assert!(matches!(state.create_token(alice.id, &past, &actor), Err(StateError::Invalid { .. })));
}

#[test]
fn a_token_never_does_more_than_its_owner_or_its_maker() {
    let fixture = Fixture::new();
    let (state, system) = (&fixture.state, Actor::system());
    let alice = fixture.user("alice", Role::Analyst);
    let make = |name: &str, role, actor: &Actor| state.create_token(alice.id, &new(name, role), actor);
    assert!(matches!(make("a", Role::Admin, &system), Err(StateError::Invalid { what: "token role", .. })));
    let (_, viewer) = make("viewer", Role::Viewer, &system).unwrap();
    let weak = state.token(viewer.reveal()).unwrap().unwrap().actor(None);
    assert!(matches!(make("b", Role::Analyst, &weak), Err(StateError::Invalid { .. })));
    make("c", Role::Viewer, &weak).unwrap();
    let (_, analyst) = make("analyst", Role::Analyst, &system).unwrap();
    state.set_role(alice.id, Role::Viewer, &system).unwrap();
    assert_eq!(state.token(analyst.reveal()).unwrap().unwrap().role, Role::Viewer);
}

#[test]
fn names_are_unique_by_user_and_numbers_bounded() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let (alice, bob) = (fixture.user("alice", Role::Viewer), fixture.user("bob", Role::Viewer));
    state.create_token(alice.id, &new("ci", Role::Viewer), &actor).unwrap();
    state.create_token(bob.id, &new("ci", Role::Viewer), &actor).unwrap();
    let same = state.create_token(alice.id, &new("CI", Role::Viewer), &actor);
    assert!(matches!(same, Err(StateError::Duplicate { .. })));
    let more =
        (0..TOKENS_MAX).map(|index| state.create_token(alice.id, &new(&format!("t{index}"), Role::Viewer), &actor));
    assert_eq!(more.filter(Result::is_err).count(), 1);
    let nobody = UserId(Uuid::new_v4());
    assert!(matches!(state.create_token(nobody, &new("x", Role::Viewer), &actor), Err(StateError::NotFound { .. })));
}

#[test]
fn secrets_are_nowhere_but_in_the_answer() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let alice = fixture.user("alice", Role::Viewer);
    let (token, secret) = state.create_token(alice.id, &new("ci", Role::Viewer), &actor).unwrap();
    assert_eq!(token.hint, secret.hint());
    let trail = state.audit(&AuditFilter::default(), 100, None).unwrap();
    let text = serde_json::to_string(&(trail, state.tokens(None).unwrap())).unwrap();
    assert!(!text.contains(secret.reveal()));
    for secret in ["", "tgt_", Purpose::ApiToken.draw().unwrap().reveal(), &"x".repeat(9_000)] {
        assert_eq!(state.token(secret).unwrap(), None);
    }
}
