use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;

use super::*;
use crate::alert::Urgency;
use crate::finding::{Effort, FindingRule};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_777_000_000_000_000 + seconds * 1_000_000)
}

fn event(id: u128, seconds: i64) -> EventRef {
    EventRef { at: at(seconds), id: Uuid::from_u128(id), source_ip: None, name: None }
}

/// A finding that began at `start` and saw an event a second: what it looked like when it had seen `count`.
fn finding(id: u128, start: i64, count: u64, severity: u8) -> NewFinding {
    let events = (0..count.min(10)).map(|index| event(id * 1_000_000 + u128::from(index), start + index as i64));
    NewFinding {
        id: Uuid::from_u128(id),
        rule: FindingRule {
            id: Uuid::from_u128(1),
            name: "rule".into(),
            effort: Effort::Elementary,
            severity,
            attack: Vec::new(),
        },
        source: Some("198.51.100.7".into()),
        target: Some("example.com".into()),
        name: None,
        group: vec![("source.ip".into(), "198.51.100.7".into()), ("b".into(), "B".into())],
        first_seen: at(start),
        last_seen: at(start + count as i64 - 1),
        count,
        events: events.collect(),
        matched: Vec::new(),
        note: String::new(),
        similarity: Similarity::Pair,
        hidden_by: None,
    }
}

/// Folds as the state does, with a map in place of the database.
fn fold(findings: &[NewFinding]) -> Option<Tally> {
    let mut known = HashMap::new();
    let mut tally: Option<Tally> = None;
    for finding in findings {
        let before = known.get(&finding.id).copied();
        let more = growth(before, finding.count);
        if more == 0 {
            continue;
        }
        known.insert(finding.id, finding.count);
        match &mut tally {
            Some(tally) => drop(tally.absorb(finding, more, before.is_none())),
            None => tally = Some(Tally::of(finding, more)),
        }
    }
    tally
}

fn findings() -> impl Strategy<Value = Vec<(u128, i64, u64, u8)>> {
    // Few ids, so that the same finding comes often, at several stages; more events than an alert keeps.
    prop::collection::vec((1_u128..30, 1_u64..40), 1..120).prop_map(|list| {
        list.into_iter().map(|(id, count)| (id, (id as i64 * 7919) % 1000, count, (id * 37 % 100) as u8)).collect()
    })
}

fn build(list: &[(u128, i64, u64, u8)]) -> Vec<NewFinding> {
    list.iter().map(|(id, start, count, severity)| finding(*id, *start, *count, *severity)).collect()
}

proptest! {
    #[test]
    fn the_order_of_arrival_and_replays_change_nothing(
        list in findings(),
        shuffled in any::<prop::sample::Index>(),
        replays in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..5),
    ) {
        let list = build(&list);
        let expected = fold(&list);
        let mut other = list.clone();
        other.reverse();
        let middle = shuffled.index(other.len());
        other.rotate_left(middle);
        for (from, to) in replays {
            let (from, to) = (from.index(list.len()), to.index(list.len()));
            other.extend_from_slice(&list[from.min(to)..from.max(to)]);
        }
        prop_assert_eq!(fold(&other), expected);
    }

    #[test]
    fn every_event_counts_exactly_once(list in findings()) {
        let mut largest = HashMap::new();
        for (id, _, count, _) in &list {
            let known: &mut u64 = largest.entry(*id).or_default();
            *known = (*known).max(*count);
        }
        let tally = fold(&build(&list)).unwrap();
        prop_assert_eq!(tally.occurrences, largest.values().sum::<u64>());
        prop_assert_eq!(tally.findings, largest.len() as u64);
        let ids: BTreeSet<_> = tally.events.iter().map(|event| event.id).collect();
        prop_assert_eq!(ids.len(), tally.events.len());
        prop_assert!(tally.events.len() <= 2 * EVENTS_EACH_END_MAX);
        prop_assert!(tally.events.is_sorted());
    }

    #[test]
    fn the_first_and_the_last_events_are_kept_whatever_came_between(mut ids in prop::collection::vec(0_u128..2_000, 1..400)) {
        let mut kept = Vec::new();
        for chunk in ids.chunks(7) {
            let more: Vec<_> = chunk.iter().map(|id| event(*id, *id as i64)).collect();
            merge_events(&mut kept, &more);
        }
        ids.sort_unstable();
        ids.dedup();
        let first = ids.len().min(EVENTS_EACH_END_MAX);
        let last = ids.len().saturating_sub(EVENTS_EACH_END_MAX).max(first);
        let expected: Vec<_> = ids[..first].iter().chain(&ids[last..]).map(|id| Uuid::from_u128(*id)).collect();
        prop_assert_eq!(kept.iter().map(|event| event.id).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn urgency_is_the_mean_and_severity_alone_without_an_asset() {
    for (severity, criticality, expected, level) in [
        (95, None, 95, Urgency::High),
        (30, None, 30, Urgency::Low),
        (95, Some(0), 47, Urgency::Low),
        (50, Some(49), 49, Urgency::Low),
        (50, Some(50), 50, Urgency::Medium),
        (75, Some(74), 74, Urgency::Medium),
        (75, Some(75), 75, Urgency::High),
        (100, Some(100), 100, Urgency::High),
        (255, Some(255), 100, Urgency::High),
    ] {
        let score = urgency(severity, criticality);
        assert_eq!((score, Urgency::of(score)), (expected, level), "{severity} {criticality:?}");
        let (low, high) = level.range();
        assert!((low..=high).contains(&score));
    }
}

#[test]
fn what_is_alike_depends_on_the_strategy() {
    let base = finding(1, 0, 1, 50);
    let change = |work: fn(&mut NewFinding)| {
        let mut other = base.clone();
        work(&mut other);
        other
    };
    let case = change(|finding| finding.target = Some("EXAMPLE.com".into()));
    assert_eq!(likeness(&base), likeness(&case));
    let moved = change(|finding| {
        finding.source = None;
        finding.target = Some("198.51.100.7".into());
    });
    let unnamed = change(|finding| finding.name = Some(String::new()));
    let renamed = change(|finding| finding.rule.name = "other".into());
    let other_rule = change(|finding| finding.rule.id = Uuid::from_u128(2));
    for other in [&moved, &unnamed, &other_rule] {
        assert_ne!(likeness(&base), likeness(other));
    }
    assert_eq!(likeness(&base), likeness(&renamed));

    let with = |similarity, work: fn(&mut NewFinding)| {
        let (mut one, mut two) = (base.clone(), base.clone());
        (one.similarity, two.similarity) = (similarity, similarity);
        work(&mut two);
        likeness(&one) == likeness(&two)
    };
    let target: fn(&mut NewFinding) = |finding| finding.target = Some("other.example".into());
    let source: fn(&mut NewFinding) = |finding| finding.source = Some("198.51.100.8".into());
    let group: fn(&mut NewFinding) = |finding| finding.group[0].1 = "other".into();
    let order: fn(&mut NewFinding) = |finding| finding.group.reverse();
    for (similarity, change, same) in [
        (Similarity::Pair, target, false),
        (Similarity::Pair, group, true),
        (Similarity::Group, target, true),
        (Similarity::Group, order, true),
        (Similarity::Group, group, false),
        (Similarity::Group, source, true),
    ] {
        assert_eq!(with(similarity, change), same, "{similarity:?}");
    }
    let mut of_all = base.clone();
    (of_all.similarity, of_all.group) = (Similarity::Group, Vec::new());
    assert_ne!(likeness(&of_all), overflow_likeness(base.rule.id));
}

#[test]
fn the_latest_finding_lends_the_words() {
    let mut tally = Tally::of(&finding(5, 100, 3, 50), 3);
    assert!(!tally.absorb(&finding(9, 10, 3, 95), 3, true), "an older one does not lead");
    assert_eq!(tally.severity, 95);
    assert!(tally.absorb(&finding(6, 100, 3, 10), 3, true), "the larger id settles a tie");
    assert!(tally.absorb(&finding(5, 100, 9, 10), 6, false));
    assert_eq!((tally.findings, tally.occurrences), (3, 15));
}
