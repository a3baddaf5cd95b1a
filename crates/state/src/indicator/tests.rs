use std::time::Duration;

use super::*;
use crate::testing::Fixture;

fn name(value: &str) -> NewIndicator {
    NewIndicator { value: value.to_owned(), kind: "name", scope: "domain", ..NewIndicator::default() }
}

fn collection(fixture: &Fixture, name: &str) -> CollectionId {
    fixture.state.collection_named(name, &Actor::system()).unwrap().id
}

fn values(fixture: &Fixture, filter: &IndicatorFilter) -> Vec<String> {
    let rows = fixture.state.indicators(filter, 100, None).unwrap();
    assert_eq!(fixture.state.count_indicators(filter).unwrap(), rows.len() as u64);
    rows.into_iter().map(|row| row.value).collect()
}

#[test]
fn indicators_are_added_changed_and_seen_again_under_one_number() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let blue = collection(&fixture, "Blue");
    let mut evil = name("evil.example");
    evil.tags = vec!["c2".into()];
    let before = state.intelligence_revision().unwrap();
    let done = state.upsert_indicators(blue, Some("feed"), &[evil.clone(), name("other.example")]).unwrap();
    assert_eq!(done, Upserted { added: 2, ..Upserted::default() });
    let revision = state.intelligence_revision().unwrap();
    assert!(revision > before);
    fixture.advance(Duration::from_secs(60));
    let done = state.upsert_indicators(blue, Some("feed"), std::slice::from_ref(&evil)).unwrap();
    assert_eq!(done, Upserted { unchanged: 1, ..Upserted::default() });
    assert_eq!(state.intelligence_revision().unwrap(), revision, "nothing to compile anew");
    evil.confidence = Some(80);
    evil.valid_until = Some(Timestamp::from_micros(5));
    let done = state.upsert_indicators(blue, None, std::slice::from_ref(&evil)).unwrap();
    assert_eq!(done, Upserted { updated: 1, ..Upserted::default() });
    let row = &state.indicators(&IndicatorFilter::default(), 10, None).unwrap()[0];
    assert_eq!((row.id, row.value.as_str(), row.confidence, row.feed.clone()), (1, "evil.example", Some(80), None));
    assert_eq!((row.tags.as_slice(), row.valid_until), (&["c2".to_owned()][..], Some(Timestamp::from_micros(5))));
    assert!(row.seen > row.created);
    assert_eq!(state.indicator(1).unwrap(), *row);
    assert!(matches!(state.indicator(99), Err(StateError::NotFound { .. })));
    // The same value in another collection is another indicator.
    let green = collection(&fixture, "Green");
    assert_eq!(state.upsert_indicators(green, None, &[evil]).unwrap().added, 1);
    assert_eq!(state.last_indicator().unwrap(), 3);
}

#[test]
fn pages_and_filters() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let (blue, green) = (collection(&fixture, "Blue"), collection(&fixture, "Green"));
    let at = |micros| Some(Timestamp::from_micros(micros));
    let mut tagged = name("tagged.example");
    tagged.tags = vec!["c2".into(), "loader".into()];
    tagged.description = Some("A Loader's home".into());
    let timed = NewIndicator { valid_from: at(10), valid_until: at(20), ..name("timed.example") };
    let ip = NewIndicator { value: "198.51.100.7".into(), kind: "ip", scope: "exact", ..NewIndicator::default() };
    state.upsert_indicators(blue, Some("f1"), &[tagged, timed]).unwrap();
    state.upsert_indicators(green, None, &[ip]).unwrap();
    let all = IndicatorFilter::default();
    assert_eq!(values(&fixture, &all).len(), 3);
    let first = state.indicators(&all, 2, None).unwrap();
    let rest = state.indicators(&all, 2, Some(first[1].id)).unwrap();
    assert_eq!((first.len(), rest.len(), rest[0].value.as_str()), (2, 1, "198.51.100.7"));
    let one = |filter: IndicatorFilter| values(&fixture, &filter);
    assert_eq!(one(IndicatorFilter { collection: Some(green), ..all.clone() }), ["198.51.100.7"]);
    assert_eq!(one(IndicatorFilter { feed: Some("f1".into()), ..all.clone() }).len(), 2);
    assert_eq!(one(IndicatorFilter { kind: Some("ip".into()), ..all.clone() }), ["198.51.100.7"]);
    assert_eq!(one(IndicatorFilter { tag: Some("c2".into()), ..all.clone() }), ["tagged.example"]);
    assert_eq!(one(IndicatorFilter { tag: Some("c".into()), ..all.clone() }), [""; 0]);
    for text in ["LOADER'S", "agged", "loader"] {
        let filter = IndicatorFilter { text: Some(Match::Holds(text.into())), ..all.clone() };
        assert_eq!(one(filter), ["tagged.example"], "{text}");
    }
    let is = IndicatorFilter { text: Some(Match::Is("timed.example".into())), ..all.clone() };
    assert_eq!(one(is), ["timed.example"]);
    assert_eq!(one(IndicatorFilter { valid_at: at(15), ..all.clone() }).len(), 3);
    assert_eq!(one(IndicatorFilter { valid_at: at(20), ..all.clone() }).len(), 2);
    state.enable_collection(blue, false, &Actor::system()).unwrap();
    assert_eq!(one(IndicatorFilter { enabled_only: true, ..all.clone() }), ["198.51.100.7"]);
    let injected = IndicatorFilter { text: Some(Match::Is("' OR 1=1 --".into())), ..all };
    assert_eq!(one(injected), [""; 0]);
}

#[test]
fn expiring_deleting_and_counting() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let blue = collection(&fixture, "Blue");
    let start = fixture.state.now();
    state.upsert_indicators(blue, Some("f"), &[name("a.example"), name("b.example"), name("c.example")]).unwrap();
    fixture.advance(Duration::from_secs(60));
    let run = state.now();
    state.upsert_indicators(blue, Some("f"), &[name("a.example")]).unwrap();
    assert_eq!(state.expire_unseen("f", run).unwrap(), 2);
    assert_eq!(state.expire_unseen("f", run).unwrap(), 0);
    let counts = state.collection_counts().unwrap();
    assert_eq!((counts[0].total, counts[0].valid), (3, 1));
    // What is listed again counts again.
    state.upsert_indicators(blue, Some("f"), &[name("b.example")]).unwrap();
    assert_eq!(state.collection_counts().unwrap()[0].valid, 2);
    assert_eq!(state.expire_indicators(&[1, 3, 99], start, &actor).unwrap(), 2);
    assert_eq!(state.expire_indicators(&[1], run, &actor).unwrap(), 0, "an earlier end stays");
    assert_eq!(state.prune_indicators(run).unwrap(), 2);
    assert_eq!(state.delete_indicators(&[2, 77], &actor).unwrap(), 1);
    assert!(state.collection_counts().unwrap().is_empty());
    // Numbers are never given again.
    state.upsert_indicators(blue, None, &[name("d.example")]).unwrap();
    assert_eq!(state.indicators(&IndicatorFilter::default(), 10, None).unwrap()[0].id, 4);
    let trail = state.audit(&crate::AuditFilter { action: Some("indicator".into()), ..Default::default() }, 10, None);
    assert_eq!(trail.unwrap().len(), 2);
}

#[test]
fn what_is_out_of_bounds_is_refused() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let blue = collection(&fixture, "Blue");
    for bad in [
        NewIndicator { value: String::new(), ..name("") },
        name(&"x".repeat(301)),
        NewIndicator { description: Some("x".repeat(3000)), ..name("a.example") },
        NewIndicator { tags: vec!["x".repeat(5000)], ..name("a.example") },
        NewIndicator { confidence: Some(101), ..name("a.example") },
        NewIndicator { kind: "hash", ..name("a.example") },
        NewIndicator { scope: "all", ..name("a.example") },
    ] {
        let refused = state.upsert_indicators(blue, None, &[name("good.example"), bad]);
        assert!(matches!(refused, Err(StateError::Invalid { .. })));
    }
    assert_eq!(state.count_indicators(&IndicatorFilter::default()).unwrap(), 0, "nothing of a bad batch is kept");
    let nowhere = state.upsert_indicators(CollectionId(99), None, &[name("a.example")]);
    assert!(matches!(nowhere, Err(StateError::NotFound { .. })));
    let many = vec![1; IDS_MAX + 1];
    assert!(state.delete_indicators(&many, &Actor::system()).is_err());
}

#[test]
fn collections_are_made_switched_and_deleted_with_what_they_hold() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let blue = state.create_collection("Blue", "what is blue", &actor).unwrap();
    assert!(matches!(state.create_collection("blue", "", &actor), Err(StateError::Duplicate { .. })));
    assert!(matches!(state.create_collection("a\nb", "", &actor), Err(StateError::Invalid { .. })));
    assert_eq!(state.collection_named("BLUE", &actor).unwrap(), blue);
    let rows: Vec<NewIndicator> = (0..12_000).map(|number| name(&format!("n{number}.example"))).collect();
    assert_eq!(state.upsert_indicators(blue.id, None, &rows).unwrap().added, 12_000);
    state.enable_collection(blue.id, false, &actor).unwrap();
    assert!(!state.collections().unwrap()[0].enabled);
    assert_eq!(state.delete_collection(blue.id, &actor).unwrap(), 12_000);
    assert!(state.collections().unwrap().is_empty());
    assert!(matches!(state.delete_collection(blue.id, &actor), Err(StateError::NotFound { .. })));
}

/// `cargo test --release -p tidegate-state -- --ignored a_million`
#[test]
#[ignore = "writes a million rows"]
fn a_million_rows_go_in_and_come_out() {
    let fixture = Fixture::new();
    let blue = collection(&fixture, "Blue");
    let rows: Vec<NewIndicator> = (0..1_000_000).map(|number| name(&format!("n{number:07}.evil.example"))).collect();
    let began = std::time::Instant::now();
    assert_eq!(fixture.state.upsert_indicators(blue, Some("f"), &rows).unwrap().added, 1_000_000);
    eprintln!("added in {:?}", began.elapsed());
    let began = std::time::Instant::now();
    assert_eq!(fixture.state.upsert_indicators(blue, Some("f"), &rows).unwrap().unchanged, 1_000_000);
    eprintln!("seen again in {:?}", began.elapsed());
    let began = std::time::Instant::now();
    let (mut after, mut count) = (None, 0);
    loop {
        let page = fixture.state.indicators(&IndicatorFilter::default(), 10_000, after).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        count += page.len();
    }
    eprintln!("read in {:?}", began.elapsed());
    assert_eq!(count, 1_000_000);
}
