use super::run::ERROR_CHARS_MAX;
use super::*;
use crate::clock::after;
use crate::testing::Fixture;

fn new<'a>(fixture: &Fixture, name: &'a str) -> NewFeed<'a> {
    NewFeed {
        name,
        kind: FeedKind::Http,
        url: "https://feeds.example/list.txt?key=hidden-in-url",
        collection: fixture.state.collection_named("Blue", &Actor::system()).unwrap().id,
        settings: json!({"tags": ["x"]}),
        auth: None,
        interval: Duration::from_hours(1),
        enabled: true,
    }
}

fn read_run() -> FeedRun {
    FeedRun::Read {
        etag: Some("\"v1\"".into()),
        last_modified: Some("Mon, 01 Jan 2026 00:00:00 GMT".into()),
        added_after: None,
        accepted: 10,
        refused: 2,
        report: json!({"records": 12}),
    }
}

#[test]
fn a_feed_is_due_runs_and_is_due_again() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let feed = state.create_feed(&new(&fixture, "One"), &actor).unwrap();
    assert_eq!((feed.state, feed.enabled, feed.auth.as_str()), (FeedState::New, true, "none"));
    let taken = state.take_due_feed().unwrap().unwrap();
    assert_eq!((taken.id, taken.state), (feed.id, FeedState::Running));
    assert_eq!(state.take_due_feed().unwrap(), None, "nobody else takes it");
    assert!(matches!(state.take_feed(feed.id), Err(StateError::Invalid { .. })));
    let done = state.finish_feed(feed.id, &read_run()).unwrap();
    assert_eq!((done.state, done.accepted, done.refused, done.etag.as_deref()), (FeedState::Ok, 10, 2, Some("\"v1\"")));
    assert_eq!(done.due, after(state.now(), Duration::from_hours(1)));
    assert_eq!(state.take_due_feed().unwrap(), None);
    fixture.advance(Duration::from_hours(1));
    assert!(state.take_due_feed().unwrap().is_some());
    let done = state.finish_feed(feed.id, &FeedRun::Unchanged).unwrap();
    assert_eq!((done.state, done.accepted, done.etag.as_deref()), (FeedState::Unchanged, 10, Some("\"v1\"")));
}

#[test]
fn failures_come_again_sooner_and_slow_down() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let id = state.create_feed(&new(&fixture, "One"), &Actor::system()).unwrap().id;
    let mut waits = Vec::new();
    for _ in 0..6 {
        state.take_feed(id).unwrap();
        let failed = state.finish_feed(id, &FeedRun::Failed("host did not answer".repeat(100))).unwrap();
        assert_eq!(failed.error.as_ref().map(|error| error.chars().count()), Some(ERROR_CHARS_MAX));
        waits.push((failed.due.as_micros() - state.now().as_micros()) / 60_000_000);
        fixture.advance(Duration::from_hours(1));
    }
    assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
    state.take_feed(id).unwrap();
    let done = state.finish_feed(id, &read_run()).unwrap();
    assert_eq!((done.failures, done.error), (0, None));
}

#[test]
fn a_run_that_died_is_taken_again() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    state.create_feed(&new(&fixture, "One"), &Actor::system()).unwrap();
    state.take_due_feed().unwrap().unwrap();
    fixture.advance(Duration::from_hours(1));
    assert_eq!(fixture.second().take_due_feed().unwrap(), None);
    fixture.advance(Duration::from_hours(2));
    assert!(fixture.second().take_due_feed().unwrap().is_some());
}

#[test]
fn the_secret_is_kept_apart_and_told_to_nobody() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let secrets = [
        FeedAuth::Basic("someone".into(), Secret::new("hunter2hunter2")),
        FeedAuth::Bearer(Secret::new("hunter2hunter2")),
        FeedAuth::Header("Auth-Key".into(), Secret::new("hunter2hunter2")),
        FeedAuth::Query("auth-key".into(), Secret::new("hunter2hunter2")),
    ];
    let id = state.create_feed(&new(&fixture, "One"), &actor).unwrap().id;
    assert_eq!(state.feed_auth(id).unwrap(), FeedAuth::None);
    for auth in secrets {
        let changed = NewFeed { auth: Some(auth.clone()), ..new(&fixture, "One") };
        let feed = state.change_feed(id, &changed, &actor).unwrap();
        assert_eq!(state.feed_auth(id).unwrap(), auth);
        assert!(!format!("{feed:?} {auth:?}").contains("hunter2h"));
        assert!(!serde_json::to_string(&feed).unwrap().contains("hunter2"));
    }
    // Without a new one the old one stays.
    state.change_feed(id, &new(&fixture, "Two"), &actor).unwrap();
    assert!(matches!(state.feed_auth(id).unwrap(), FeedAuth::Query(..)));
    let trail =
        state.audit(&crate::AuditFilter { action: Some("feed".into()), ..Default::default() }, 20, None).unwrap();
    let trail = serde_json::to_string(&trail).unwrap();
    assert!(!trail.contains("hunter2") && !trail.contains("hidden-in-url"));
    assert!(trail.contains("feeds.example"));
}

#[test]
fn a_change_forgets_the_version_and_what_cannot_be_is_refused() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let id = state.create_feed(&new(&fixture, "One"), &actor).unwrap().id;
    state.take_feed(id).unwrap();
    state.finish_feed(id, &read_run()).unwrap();
    let changed = state.change_feed(id, &NewFeed { enabled: false, ..new(&fixture, "One") }, &actor).unwrap();
    assert_eq!((changed.etag, changed.due), (None, state.now()));
    assert_eq!(state.take_due_feed().unwrap(), None, "it is off");
    assert!(matches!(state.create_feed(&new(&fixture, "ONE"), &actor), Err(StateError::Duplicate { .. })));
    let good = new(&fixture, "Two");
    for bad in [
        NewFeed { url: "ftp://feeds.example/", ..good.clone() },
        NewFeed { url: "https://user:pw@feeds.example/", ..good.clone() },
        NewFeed { url: "https://feeds.example/a b", ..good.clone() },
        NewFeed { interval: Duration::from_secs(1), ..good.clone() },
        NewFeed { settings: json!("x".repeat(20_000)), ..good.clone() },
        NewFeed { auth: Some(FeedAuth::Bearer(Secret::new("a\nb"))), ..good.clone() },
        NewFeed { auth: Some(FeedAuth::Bearer(Secret::new(""))), ..good.clone() },
        NewFeed { name: "", ..good.clone() },
    ] {
        assert!(matches!(state.create_feed(&bad, &actor), Err(StateError::Invalid { .. })), "{bad:?}");
    }
    let nowhere = NewFeed { collection: CollectionId(99), ..good };
    assert!(matches!(state.create_feed(&nowhere, &actor), Err(StateError::NotFound { .. })));
    let blue = changed.collection;
    assert!(matches!(state.delete_collection(blue, &actor), Err(StateError::Invalid { .. })), "a feed fills it");
    state.delete_feed(id, &actor).unwrap();
    assert!(matches!(state.feed(id), Err(StateError::NotFound { .. })));
    assert!(state.feeds().unwrap().is_empty());
    state.delete_collection(blue, &actor).unwrap();
}
