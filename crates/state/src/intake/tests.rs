use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::*;
use crate::audit::AuditFilter;
use crate::testing::Fixture;

const FORMAT: &str = "cloudflare-gateway-dns";

fn actor() -> Actor {
    Actor::command_line("tester")
}

#[test]
fn a_key_opens_its_intake_until_it_is_rotated() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let (intake, key) = state.create_intake("Gateway", FORMAT, &actor()).unwrap();
    assert_eq!(intake.key_hint, key.hint());
    assert_eq!(state.intake_by_key(key.reveal()), Some(Arc::clone(&intake)));
    assert_eq!(state.intake(intake.id), Some(Arc::clone(&intake)));
    assert_eq!(state.intake_by_name("GATEWAY"), Some(Arc::clone(&intake)));

    let second = state.rotate_intake_key(intake.id, Some(Duration::from_hours(1)), &actor()).unwrap();
    assert_eq!(state.intake_by_key(key.reveal()).unwrap().id, intake.id);
    assert_eq!(state.intake_by_key(second.reveal()).unwrap().key_hint, second.hint());
    fixture.advance(Duration::from_hours(1));
    assert_eq!(state.intake_by_key(key.reveal()), None);

    let third = state.rotate_intake_key(intake.id, None, &actor()).unwrap();
    assert_eq!(state.intake_by_key(second.reveal()), None);
    assert!(state.intake_by_key(third.reveal()).is_some());
    let keys = "SELECT count(*) FROM intake_keys";
    let count = |sql: &str| state.read(|c| Ok(c.query_row(sql, [], |row| row.get::<_, i64>(0))?)).unwrap();
    assert_eq!(count(keys), 1, "replaced keys leave nothing behind");
}

#[test]
fn a_second_rotation_does_not_prolong_the_first_key() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let (intake, first) = state.create_intake("a", FORMAT, &actor()).unwrap();
    state.rotate_intake_key(intake.id, Some(Duration::from_hours(1)), &actor()).unwrap();
    state.rotate_intake_key(intake.id, Some(Duration::from_hours(10)), &actor()).unwrap();
    fixture.advance(Duration::from_hours(2));
    assert_eq!(state.intake_by_key(first.reveal()), None);
    let long = state.rotate_intake_key(intake.id, Some(Duration::from_hours(31 * 24)), &actor());
    assert!(matches!(long, Err(StateError::Invalid { .. })));
}

#[test]
fn changes_take_effect_and_names_stay_unique() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let (one, key) = state.create_intake("one", FORMAT, &actor()).unwrap();
    let (two, _) = state.create_intake("two", FORMAT, &actor()).unwrap();
    let rename = |id, name: &str| {
        state.change_intake(id, &IntakeChange { name: Some(name.into()), ..Default::default() }, &actor())
    };
    assert!(matches!(rename(two.id, "ONE"), Err(StateError::Duplicate { .. })));
    assert_eq!(rename(one.id, "One").unwrap().name, "One");
    assert_eq!(rename(one.id, "uno").unwrap().name, "uno");
    assert_eq!(state.intake_by_name("one"), None);
    assert!(matches!(state.create_intake("two", FORMAT, &actor()), Err(StateError::Duplicate { .. })));
    let enable = |enabled| IntakeChange { enabled: Some(enabled), ..Default::default() };
    state.change_intake(one.id, &enable(false), &actor()).unwrap();
    assert!(!state.intake_by_key(key.reveal()).unwrap().enabled, "the caller tells the sender so");
    state.change_intake(one.id, &enable(true), &actor()).unwrap();
    assert!(state.intake_by_key(key.reveal()).unwrap().enabled);
    let format = IntakeChange { format: Some("cloudflare-dns-logs".into()), ..Default::default() };
    assert_eq!(state.change_intake(one.id, &format, &actor()).unwrap().format, "cloudflare-dns-logs");
}

#[test]
fn a_deleted_intake_keeps_its_name_for_its_events_only() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let (old, key) = state.create_intake("gateway", FORMAT, &actor()).unwrap();
    state.delete_intake(old.id, &actor()).unwrap();
    assert_eq!(state.intake_by_key(key.reveal()), None);
    assert_eq!(state.intake_by_name("gateway"), None);
    assert!(state.intakes().is_empty());
    assert_eq!(state.intake(old.id).unwrap().name, "gateway");
    let (new, _) = state.create_intake("gateway", FORMAT, &actor()).unwrap();
    assert_eq!(state.intake_by_name("gateway").unwrap().id, new.id);
    assert!(matches!(state.delete_intake(old.id, &actor()), Err(StateError::NotFound { .. })));
    assert!(matches!(state.rotate_intake_key(old.id, None, &actor()), Err(StateError::NotFound { .. })));
    state.create_intake_with_key("again", FORMAT, &key, &actor()).unwrap();
}

#[test]
fn a_key_from_elsewhere_goes_on_working_if_it_is_fit_to() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let bring = |name: &str, key: &str| state.create_intake_with_key(name, FORMAT, &Secret::new(key), &actor());
    let intake = bring("moved", "aB3dE5gH7jK9mN1p").unwrap();
    assert_eq!(intake.key_hint, "mN1p");
    assert_eq!(state.intake_by_key("aB3dE5gH7jK9mN1p").unwrap().id, intake.id);
    let long = "x1y2z3".repeat(50);
    for bad in
        ["aB3dE5gH7jK9mN1", "aaaaaaaaaaaaaaaabbbb", "aB3dE5gH7jK9 mN1p", "äB3dE5gH7jK9mN1p", &long, "aB3dE5gH7jK9mN1p"]
    {
        assert!(matches!(bring("bad", bad), Err(StateError::Invalid { what: "intake key", .. })), "{bad}");
    }
    assert_eq!(state.intakes().len(), 1);
}

#[test]
fn wrong_names_formats_and_keys_are_refused() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    for (name, format) in [("", FORMAT), ("a\u{1b}[31m", FORMAT), ("ok", ""), ("ok", "../etc/passwd")] {
        assert!(matches!(state.create_intake(name, format, &actor()), Err(StateError::Invalid { .. })), "{name:?}");
    }
    for key in ["", "tgi_", "' OR 1=1 --", &"x".repeat(100_000)] {
        assert_eq!(state.intake_by_key(key), None);
    }
}

#[test]
fn every_change_leaves_a_trace_without_secrets() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let (intake, first) = state.create_intake("a", FORMAT, &actor()).unwrap();
    let second = state.rotate_intake_key(intake.id, None, &actor()).unwrap();
    state.change_intake(intake.id, &IntakeChange::default(), &actor()).unwrap();
    state.delete_intake(intake.id, &actor()).unwrap();
    state.create_intake("a\n", FORMAT, &actor()).unwrap_err();
    let trail = state.audit(&AuditFilter { action: Some("intake".into()), ..Default::default() }, 10, None).unwrap();
    let actions: Vec<_> = trail.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["intake.delete", "intake.change", "intake.rotate", "intake.create"]);
    assert!(trail.iter().all(|entry| entry.actor == "tester" && entry.via == "command line"));
    let text = serde_json::to_string(&trail).unwrap();
    let file = std::fs::read(fixture.dir.path().join(crate::FILE_NAME)).unwrap();
    for key in [first, second] {
        assert!(!text.contains(key.reveal()));
        assert!(!file.windows(key.reveal().len()).any(|window| window == key.reveal().as_bytes()));
    }
}

/// Polls until `done`, since another process's change is seen after at most a second.
fn soon(done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(10), "not seen");
        std::thread::yield_now();
    }
}

#[test]
fn another_process_is_noticed() {
    let fixture = Fixture::new();
    let (server, shell) = (&fixture.state, fixture.second());
    let (intake, key) = shell.create_intake("made elsewhere", FORMAT, &actor()).unwrap();
    soon(|| server.intake_by_key(key.reveal()).is_some());
    assert_eq!(server.intakes().len(), 1);
    assert_eq!(server.intake(intake.id).unwrap().name, "made elsewhere");
    shell.delete_intake(intake.id, &actor()).unwrap();
    soon(|| server.intake_by_key(key.reveal()).is_none());
    assert!(matches!(server.delete_intake(intake.id, &actor()), Err(StateError::NotFound { .. })));
}

#[test]
fn ten_thousand_bad_keys_a_second_are_no_burden() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let (_, key) = state.create_intake("a", FORMAT, &actor()).unwrap();
    let keys: Vec<_> = (0..1_000).map(|index| format!("tgi_{index:0>43}")).collect();
    let start = Instant::now();
    for _ in 0..10 {
        assert!(keys.iter().all(|key| state.intake_by_key(key).is_none()));
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(state.intake_by_key(key.reveal()).is_some());
}

#[test]
fn look_ups_and_changes_go_on_side_by_side() {
    let fixture = Fixture::new();
    let (state, done) = (&fixture.state, AtomicBool::new(false));
    let (steady, key) = state.create_intake("steady", FORMAT, &actor()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(state.intake_by_key(key.reveal()).unwrap().id, steady.id);
                    assert!(state.intake_by_key("tgi_unknown").is_none());
                }
            });
        }
        let makers: Vec<_> = (0..2)
            .map(|maker| {
                scope.spawn(move || {
                    for index in 0..10 {
                        let (intake, key) = state.create_intake(&format!("{maker} {index}"), FORMAT, &actor()).unwrap();
                        assert_eq!(state.intake_by_key(key.reveal()).unwrap().id, intake.id);
                        state.delete_intake(intake.id, &actor()).unwrap();
                        assert!(state.intake_by_key(key.reveal()).is_none());
                    }
                })
            })
            .collect();
        let results: Vec<_> = makers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok));
    });
    assert_eq!(state.intakes().len(), 1);
}
