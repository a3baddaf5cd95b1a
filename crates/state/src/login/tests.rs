use std::time::Duration;

use super::*;
use crate::audit::AuditFilter;
use crate::principal::Role;
use crate::testing::{Fixture, PASSWORD, START};

fn login(state: &State, name: &str, password: &str, from: &str) -> Result<User, StateError> {
    state.verify_login(name, &Secret::new(password), Some(from.parse().unwrap()))
}

#[test]
fn the_first_login_works_and_is_made_once() {
    let fixture = Fixture::new();
    let first = fixture.first.as_ref().unwrap();
    assert_eq!(first.user, "admin");
    let user = fixture.state.verify_login(&first.user, &first.password, None).unwrap();
    assert_eq!((user.role, user.last_login), (Role::Admin, Some(START)));
    let (_, again) = State::open(&fixture.dir.path().join(crate::FILE_NAME)).unwrap();
    assert!(again.is_none());
}

#[test]
fn whatever_is_wrong_looks_the_same() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let alice = fixture.user("alice", Role::Viewer);
    login(state, "Alice", PASSWORD, "192.0.2.1").unwrap();
    let bob = fixture.user("bob", Role::Viewer);
    state.set_user_enabled(bob.id, false, &Actor::system()).unwrap();
    for (name, password) in [
        ("alice", "wrong wrong wrong"),
        ("nobody", PASSWORD),
        ("bob", PASSWORD),
        ("", ""),
        (&*"x".repeat(9_000), &*"y".repeat(9_000)),
    ] {
        let error = login(state, name, password, "192.0.2.1").unwrap_err();
        assert!(matches!(error, StateError::BadLogin), "{error}");
    }
    let trail = state.audit(&AuditFilter { action: Some("login".into()), ..AuditFilter::default() }, 10, None).unwrap();
    assert_eq!(trail.len(), 6);
    assert!(trail.iter().all(|entry| entry.target.len() <= 64 && entry.address.is_some()));
    assert_eq!(state.user(alice.id).unwrap().last_login, Some(START));
}

#[test]
fn an_unknown_user_takes_as_long_as_a_wrong_password() {
    let fixture = Fixture::new();
    fixture.user("alice", Role::Viewer);
    let time = |name: &str| {
        let mut times: Vec<_> = (0..5)
            .map(|_| {
                let start = std::time::Instant::now();
                login(&fixture.state, name, "wrong wrong wrong", "127.0.0.1").unwrap_err();
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[2]
    };
    time("warm-up");
    let (known, unknown) = (time("alice"), time("nobody"));
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    // Without the stand-in hash the ratio is in the hundreds.
    assert!((0.2..5.0).contains(&ratio), "{known:?} {unknown:?}");
}

#[test]
fn guessing_is_slowed_down_for_the_guesser_only() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    fixture.user("alice", Role::Viewer);
    for _ in 0..10 {
        login(state, "alice", "wrong wrong wrong", "192.0.2.66").unwrap_err();
    }
    let Err(StateError::Throttled { retry_after }) = login(state, "ALICE", PASSWORD, "192.0.2.66") else {
        panic!("not throttled")
    };
    assert_eq!(retry_after, Duration::from_mins(1));
    login(state, "alice", PASSWORD, "192.0.2.7").unwrap();
    fixture.advance(Duration::from_mins(1));
    login(state, "alice", PASSWORD, "192.0.2.66").unwrap();
    login(state, "alice", "wrong wrong wrong", "192.0.2.66").unwrap_err();
    login(state, "alice", PASSWORD, "192.0.2.66").unwrap();
}
