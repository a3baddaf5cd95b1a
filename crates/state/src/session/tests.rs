use super::*;
use crate::testing::Fixture;

const DAY: Duration = Duration::from_hours(24);

fn client() -> Client {
    Client { address: Some("192.0.2.1".parse().unwrap()), agent: Some(format!("Browser\u{7}{}", "x".repeat(500))) }
}

#[test]
fn a_session_lives_until_it_is_idle_expires_or_is_closed() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let alice = fixture.user("alice", Role::Analyst);
    let open = || state.open_session(alice.id, 2 * DAY, &client()).unwrap();
    let alive = |secret: &Secret| state.session(secret.reveal()).unwrap();

    let used = open();
    let principal = alive(&used).unwrap();
    assert_eq!((principal.user, principal.name.as_str(), principal.role), (alice.id, "alice", Role::Analyst));
    let idle = open();
    for _ in 0..4 {
        fixture.advance(Duration::from_hours(11));
        assert!(alive(&used).is_some());
    }
    assert!(alive(&idle).is_none());
    assert_eq!(state.sessions(alice.id).unwrap().len(), 1);
    fixture.advance(Duration::from_hours(4));
    assert!(alive(&used).is_none(), "two days are over");

    let (first, second) = (open(), open());
    let Some(Principal { via: Via::Session { id }, .. }) = alive(&first) else { panic!("no session") };
    let stranger = fixture.user("stranger", Role::Viewer);
    assert!(matches!(state.close_session(stranger.id, id, &actor), Err(StateError::NotFound { .. })));
    state.close_session(alice.id, id, &actor).unwrap();
    assert!(alive(&first).is_none() && alive(&second).is_some());
    state.prune().unwrap();
    assert_eq!(state.close_sessions(alice.id, None, &actor).unwrap(), 1);
    assert!(alive(&second).is_none());
}

#[test]
fn what_is_no_session_is_nobody() {
    let fixture = Fixture::new();
    for secret in ["", "tgs_", "tgt_x", "' OR 1=1", &"x".repeat(9_000), Purpose::Session.draw().unwrap().reveal()] {
        assert_eq!(fixture.state.session(secret).unwrap(), None);
    }
    let nobody = UserId(Uuid::new_v4());
    assert!(matches!(fixture.state.open_session(nobody, DAY, &Client::default()), Err(StateError::NotFound { .. })));
}

#[test]
fn a_csrf_token_belongs_to_its_session() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let alice = fixture.user("alice", Role::Viewer);
    let (first, second) = (
        state.open_session(alice.id, DAY, &Client::default()).unwrap(),
        state.open_session(alice.id, DAY, &Client::default()).unwrap(),
    );
    let token = state.csrf_token(first.reveal());
    assert!(state.csrf_matches(first.reveal(), &token));
    assert!(!state.csrf_matches(second.reveal(), &token));
    assert!(!state.csrf_matches(first.reveal(), ""));
    assert!(!token.contains(first.reveal()) && !token.contains(&first.hint()));
}

#[test]
fn sessions_are_bounded_by_user_and_told_apart() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let alice = fixture.user("alice", Role::Viewer);
    let mut secrets = Vec::new();
    for _ in 0..SESSIONS_MAX + 5 {
        fixture.advance(Duration::from_secs(1));
        secrets.push(state.open_session(alice.id, DAY, &client()).unwrap());
    }
    let listed = state.sessions(alice.id).unwrap();
    assert_eq!(listed.len(), usize::try_from(SESSIONS_MAX).unwrap());
    assert!(state.session(secrets[0].reveal()).unwrap().is_none());
    assert!(state.session(secrets[5].reveal()).unwrap().is_some());
    let agent = listed[0].agent.as_ref().unwrap();
    assert!(agent.starts_with("Browserx") && agent.len() == AGENT_CHARS_MAX);
    let text = serde_json::to_string(&listed).unwrap();
    assert!(secrets.iter().all(|secret| !text.contains(secret.reveal())));
}
