use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::audit::AuditFilter;
use crate::clock::after;
use crate::testing::{Fixture, START, finding};
use crate::{AssetKind, Effort, NewAlertFilter, NewAsset, NewFinding, Role, State, StateError};

fn raise(state: &State, findings: &[NewFinding]) -> Vec<(Option<AlertId>, Outcome)> {
    state.raise(findings).unwrap().into_iter().map(|folded| (folded.alert, folded.outcome)).collect()
}

fn all(state: &State) -> Vec<Alert> {
    state.alerts(&AlertQuery::default(), AlertSort::Newest, 1_000, None).unwrap().alerts
}

fn status(status: AlertStatus) -> AlertChange {
    AlertChange { status: Some(status), ..Default::default() }
}

#[test]
fn findings_fold_into_one_alert_and_replays_do_nothing() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let first = finding(1, 1, "198.51.100.7", "evil.example", 3);
    let done = raise(state, std::slice::from_ref(&first));
    assert_eq!(done[0].1, Outcome::Raised);
    let id = done[0].0.unwrap();
    let more = [
        first.clone(),
        finding(1, 1, "198.51.100.7", "evil.example", 2),
        finding(1, 1, "198.51.100.7", "evil.example", 20),
        finding(2, 1, "198.51.100.7", "EVIL.example", 5),
        finding(3, 1, "198.51.100.8", "evil.example", 1),
    ];
    let outcomes: Vec<_> = raise(state, &more).into_iter().map(|(_, outcome)| outcome).collect();
    use Outcome::{Grown, Known, Raised};
    assert_eq!(outcomes, [Known, Known, Grown, Grown, Raised]);
    for _ in 0..2 {
        let alert = state.alert(id).unwrap();
        assert_eq!((alert.findings, alert.occurrences), (2, 25));
        assert_eq!((alert.first_seen, alert.last_seen), (START, after(START, Duration::from_secs(19))));
        assert_eq!((alert.severity, alert.urgency, alert.urgency_level), (75, 75, Urgency::High));
        assert_eq!((alert.status, alert.number, alert.note.as_str()), (AlertStatus::Pending, 1, "20 names"));
        assert_eq!(alert.rule.attack, ["T1071.004"]);
        assert_eq!(state.alert_events(id).unwrap().len(), 15);
        assert_eq!(all(state).len(), 2);
        assert!(raise(state, &more).iter().all(|(_, outcome)| *outcome == Known), "a replay");
    }
    let event = state.alert_events(id).unwrap()[0].clone();
    assert_eq!(state.alerts_of_events(&[event.id, Uuid::from_u128(77)]).unwrap(), [(event.id, id)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn the_database_folds_as_the_pure_fold_says(
        list in prop::collection::vec((1_u128..8, 1_u64..30, 0_usize..3), 1..30),
        cuts in prop::collection::vec(1_usize..6, 1..10),
    ) {
        let list: Vec<_> = list.iter().map(|(id, count, _)| finding(*id, 1, "a", &format!("t{}.example", id % 3), *count)).collect();
        let (one, two) = (Fixture::new(), Fixture::new());
        one.state.raise(&list).unwrap();
        // The other one gets it backwards, in small batches, and everything twice.
        let mut rest: Vec<_> = list.iter().rev().chain(&list).cloned().collect();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let batch: Vec<_> = rest.drain(..(*cut).min(rest.len())).collect();
            two.state.raise(&batch).unwrap();
        }
        let sums = |state: &State| {
            let mut sums: Vec<_> = all(state).into_iter().map(|alert| {
                let events = state.alert_events(alert.id).unwrap();
                (alert.target, alert.findings, alert.occurrences, alert.first_seen, alert.last_seen, alert.note, events)
            }).collect();
            sums.sort_by(|a, b| a.0.cmp(&b.0));
            sums
        };
        prop_assert_eq!(sums(&one.state), sums(&two.state));
        let hits = |state: &State| -> u64 {
            let to = after(START, Duration::from_hours(2));
            state.alert_timeline(TimelineOf::All, START, to).unwrap().iter().map(|hour| hour.hits).sum()
        };
        prop_assert_eq!(hits(&one.state), sums(&one.state).iter().map(|sum| sum.2).sum::<u64>());
        prop_assert_eq!(hits(&two.state), hits(&one.state));
    }
}

#[test]
fn after_closing_a_recurrence_is_a_new_alert() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let old = raise(state, &[finding(1, 1, "a", "b", 5)])[0].0.unwrap();
    let reject =
        AlertChange { status: Some(AlertStatus::Rejected), comment: Some("a test".into()), ..Default::default() };
    let closed = state.change_alert(old, &reject, &actor).unwrap();
    assert_eq!((closed.status, closed.closed), (AlertStatus::Rejected, Some(START)));
    assert_eq!(raise(state, &[finding(1, 1, "a", "b", 5)]), [(Some(old), Outcome::Known)], "a replay is no recurrence");
    let done = raise(state, &[finding(1, 1, "a", "b", 7), finding(2, 1, "a", "b", 1)]);
    assert_eq!((done[0].1, done[1].1), (Outcome::Raised, Outcome::Grown));
    let new = state.alert(done[0].0.unwrap()).unwrap();
    assert_eq!((new.findings, new.occurrences), (2, 3), "only what was not counted before");
    assert_eq!(state.alert(old).unwrap().occurrences, 5);
    let again = state.change_alert(old, &status(AlertStatus::Ongoing), &actor);
    assert!(matches!(again, Err(StateError::Invalid { .. })), "a newer one is open");
    state.change_alert(new.id, &status(AlertStatus::Closed), &actor).unwrap();
    let opened = state.change_alert(old, &status(AlertStatus::Ongoing), &actor).unwrap();
    assert_eq!(opened.closed, None);
}

#[test]
fn a_flood_of_one_rule_is_folded_and_counted() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let limit = u128::try_from(raise::OPEN_OF_A_RULE_MAX).unwrap();
    let flood: Vec<_> = (0..limit + 40).map(|id| finding(id, 1, "a", &format!("d{id}.example"), 2)).collect();
    raise(state, &flood[..200]);
    raise(state, &flood[200..]);
    raise(state, &flood);
    raise(state, &[finding(9_999, 2, "a", "b", 1)]);
    let alerts = all(state);
    assert_eq!(alerts.len(), usize::try_from(limit).unwrap() + 2, "other rules are not concerned");
    let overflow: Vec<_> = alerts.iter().filter(|alert| alert.overflow).collect();
    assert_eq!(overflow.len(), 1);
    assert_eq!((overflow[0].findings, overflow[0].occurrences), (40, 80));
    assert_eq!(alerts.iter().map(|alert| alert.occurrences).sum::<u64>(), 2 * (flood.len() as u64) + 1);
    assert_eq!(state.alert_events(overflow[0].id).unwrap().len(), 80);
}

#[test]
fn hostile_text_is_cut_not_refused() {
    let fixture = Fixture::new();
    let mut hostile = finding(1, 1, "a", &"é".repeat(5_000), 1);
    hostile.name = Some("<img onerror>\u{202e}".into());
    hostile.note = "x".repeat(100_000);
    hostile.matched = vec![("f".into(), "v".repeat(10_000)); 1_000];
    hostile.events = vec![hostile.events[0].clone(); 1_000];
    hostile.count = 0;
    hostile.rule.severity = 255;
    hostile.last_seen = Timestamp::from_micros(i64::MIN);
    let id = raise(&fixture.state, &[hostile])[0].0.unwrap();
    let alert = fixture.state.alert(id).unwrap();
    assert_eq!((alert.severity, alert.occurrences, alert.name.as_deref()), (100, 1, Some("<img onerror>\u{202e}")));
    assert!(alert.target.unwrap().len() <= 1 << 10);
    assert!(alert.note.len() <= 2 << 10 && alert.matched.len() == 32);
    assert!(alert.last_seen >= alert.first_seen);
}

#[test]
fn alert_filters_hide_count_once_and_end() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let filter = NewAlertFilter {
        name: "scanner".into(),
        rule: Some(Uuid::from_u128(1)),
        condition: "source.ip:198.51.100.7".into(),
        comment: String::new(),
        enabled: true,
        expires: Some(after(START, Duration::from_hours(1))),
    };
    let filter = state.create_alert_filter(&filter, &actor).unwrap();
    let hidden = |id, rule, count| NewFinding { hidden_by: Some(filter.id), ..finding(id, rule, "a", "b", count) };
    for _ in 0..2 {
        raise(state, &[hidden(1, 1, 3), hidden(1, 1, 7), hidden(2, 1, 1)]);
        assert_eq!(state.alert_filter(filter.id).unwrap().hidden, 8, "a replay hides nothing more");
    }
    assert!(all(state).is_empty());
    assert_eq!(raise(state, &[hidden(3, 2, 1)])[0].1, Outcome::Raised, "another rule's finding");
    fixture.advance(Duration::from_hours(1));
    let done = raise(state, &[hidden(1, 1, 9)]);
    assert_eq!(done[0].1, Outcome::Raised, "the filter is over");
    assert_eq!(state.alert(done[0].0.unwrap()).unwrap().occurrences, 2, "what was hidden stays hidden");
}

#[test]
fn assets_weigh_alerts_when_raised_and_when_assets_change() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let asset = |kind, value: &str, criticality| {
        let new = NewAsset { kind, value: value.into(), title: String::new(), comment: String::new(), criticality };
        state.set_asset(&new, &actor).unwrap()
    };
    asset(AssetKind::Network, "198.51.100.0/24", 20);
    let id = raise(state, &[finding(1, 1, "198.51.100.7", "evil.example", 1)])[0].0.unwrap();
    let weigh = || {
        let alert = state.alert(id).unwrap();
        (alert.criticality, alert.urgency)
    };
    assert_eq!(weigh(), (Some(20), 47));
    let server = asset(AssetKind::Ip, "198.51.100.7", 100);
    assert_eq!(weigh(), (Some(100), 87));
    assert_eq!(state.assets_of(&["198.51.100.7"]).unwrap().len(), 2);
    asset(AssetKind::Ip, "198.51.100.7", 40);
    assert_eq!(weigh(), (Some(40), 57));
    state.delete_asset(server.id, &actor).unwrap();
    assert_eq!(weigh(), (Some(20), 47));
    state.change_alert(id, &status(AlertStatus::Closed), &actor).unwrap();
    asset(AssetKind::Network, "198.51.0.0/16", 90);
    assert_eq!(weigh(), (Some(20), 47), "what is closed stays as it was");
}

#[test]
fn work_on_an_alert_leaves_a_history() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let alice = fixture.user("alice", Role::Analyst);
    let id = raise(state, &[finding(1, 1, "a", "b", 1)])[0].0.unwrap();
    let actor = Actor::command_line("alice");
    let take = AlertChange {
        status: Some(AlertStatus::Ongoing),
        verdict: Some(Some(Verdict::TruePositive)),
        assignee: Some(Some(alice.id)),
        comment: Some("mine".into()),
    };
    let alert = state.change_alert(id, &take, &actor).unwrap();
    assert_eq!(alert.assignee.as_ref().unwrap().name, "alice");
    state.change_alert(id, &take, &actor).unwrap();
    let say = |text: &str| AlertChange { comment: Some(text.into()), ..Default::default() };
    for bad in [say(" "), say(&"x".repeat(5_000)), say("\u{1b}[2J")] {
        assert!(matches!(state.change_alert(id, &bad, &actor), Err(StateError::Invalid { .. })));
    }
    let nobody = AlertChange { assignee: Some(Some(UserId(Uuid::nil()))), ..Default::default() };
    assert!(matches!(state.change_alert(id, &nobody, &actor), Err(StateError::NotFound { .. })));
    let history: Vec<_> = state
        .alert_history(id)
        .unwrap()
        .into_iter()
        .map(|line| {
            (line.kind, line.was.unwrap_or_default(), line.became.unwrap_or_default(), line.comment.unwrap_or_default())
        })
        .collect();
    let expected = [
        ("status", "pending", "ongoing", "mine"),
        ("verdict", "", "true_positive", ""),
        ("assignee", "", "alice", ""),
        ("comment", "", "", "mine"),
    ];
    assert_eq!(history.len(), expected.len());
    for (line, expected) in history.iter().zip(expected) {
        assert_eq!((&*line.0, &*line.1, &*line.2, &*line.3), expected);
    }
    state.delete_user(alice.id, &Actor::system()).unwrap();
    assert_eq!(state.alert(id).unwrap().assignee, None);
    let trail = state.audit(&AuditFilter { action: Some("alert".into()), ..Default::default() }, 9, None).unwrap();
    assert_eq!(trail.len(), 2);
    assert_eq!(trail[1].detail["status"], "ongoing");
}

#[test]
fn many_alerts_are_changed_at_once_with_one_audit_entry() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let findings: Vec<_> = (1..=12).map(|id| finding(id, id % 2, "a", &format!("t{id}"), 1)).collect();
    raise(state, &findings);
    let odd = AlertQuery { rules: vec![Uuid::from_u128(1)], ..Default::default() };
    let close = AlertChange { status: Some(AlertStatus::Closed), comment: Some("done".into()), ..Default::default() };
    let done = state.change_alerts(&odd, &close, &actor).unwrap();
    assert_eq!((done.changed, done.unchanged, done.refused.len()), (6, 0, 0));
    raise(state, &[finding(101, 1, "a", "t1", 1)]);
    let reopen = state.change_alerts(&odd, &status(AlertStatus::Pending), &actor).unwrap();
    assert_eq!((reopen.changed, reopen.unchanged, reopen.refused.len()), (5, 1, 1), "{reopen:?}");
    assert!(reopen.refused[0].1.contains("is open"), "{reopen:?}");
    let trail = state.audit(&AuditFilter { action: Some("alert".into()), ..Default::default() }, 9, None).unwrap();
    assert_eq!(trail.len(), 2);
    assert_eq!(trail[1].detail["changed"], 6);
}

#[test]
fn lists_filter_sort_and_page() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let mut findings: Vec<_> = (1..=30_u128)
        .map(|id| {
            let mut finding =
                finding(id, id % 3, &format!("10.0.0.{}", id % 5), &format!("T{id}.example"), (id * 7 % 11 + 1) as u64);
            finding.rule.severity = [10, 30, 50, 75, 95][(id % 5) as usize];
            finding
        })
        .collect();
    findings[4].rule.effort = Effort::Master;
    for finding in &findings {
        raise(state, std::slice::from_ref(finding));
        fixture.advance(Duration::from_secs(1));
    }
    for (sort, key) in [
        (AlertSort::MostUrgent, (|alert| (i64::from(alert.urgency), alert.number)) as fn(&Alert) -> (i64, i64)),
        (AlertSort::MostFrequent, |alert| (alert.occurrences as i64, alert.number)),
        (AlertSort::Newest, |alert| (alert.number, alert.number)),
        (AlertSort::Updated, |alert| (alert.updated.as_micros(), alert.number)),
    ] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = state.alerts(&AlertQuery::default(), sort, 7, after.as_deref()).unwrap();
            assert_eq!(page.total, 30);
            seen.extend(page.alerts.iter().map(key));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 30, "{sort:?}");
        assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "{sort:?}");
    }
    let count = |query: AlertQuery| state.alerts(&query, AlertSort::default(), 1, None).unwrap().total;
    let query = AlertQuery::default;
    assert_eq!(count(AlertQuery { urgencies: vec![Urgency::High], ..query() }), 12);
    assert_eq!(count(AlertQuery { urgencies: vec![Urgency::High, Urgency::Low], ..query() }), 24);
    assert_eq!(count(AlertQuery { severity_min: Some(50), ..query() }), 18);
    assert_eq!(count(AlertQuery { rules: vec![Uuid::from_u128(0), Uuid::from_u128(2)], ..query() }), 20);
    assert_eq!(count(AlertQuery { technique: Some("t1071".into()), ..query() }), 30);
    assert_eq!(count(AlertQuery { technique: Some("T107".into()), ..query() }), 0);
    assert_eq!(count(AlertQuery { source: Some("10.0.0.3".into()), ..query() }), 6);
    assert_eq!(count(AlertQuery { target: Some("t9.EXAMPLE".into()), ..query() }), 1);
    assert_eq!(count(AlertQuery { text: Some("t9.Exam".into()), ..query() }), 1);
    assert_eq!(count(AlertQuery { text: Some("#12".into()), ..query() }), 1);
    assert_eq!(count(AlertQuery { text: Some("x%' OR 1=1 --".into()), ..query() }), 0);
    assert_eq!(count(AlertQuery { unassigned: true, statuses: vec![AlertStatus::Pending], ..query() }), 30);
    assert_eq!(count(AlertQuery { from: Some(after(START, Duration::from_secs(10))), ..query() }), 3);
    assert_eq!(count(AlertQuery { to: Some(START), ..query() }), 0);
    let one = all(state)[3].id;
    assert_eq!(count(AlertQuery { ids: vec![one], ..query() }), 1);
    state.change_alert(one, &status(AlertStatus::Closed), &actor).unwrap();
    let counts = state.alert_counts().unwrap();
    assert_eq!((counts.low + counts.medium + counts.high, counts.pending, counts.all), (29, 29, 30));
    assert!(matches!(state.alerts(&query(), AlertSort::Newest, 1, Some("nonsense")), Err(StateError::Invalid { .. })));
    let long = AlertQuery { text: Some("x".repeat(2_000)), ..query() };
    assert!(matches!(state.alerts(&long, AlertSort::Newest, 1, None), Err(StateError::Invalid { .. })));
}

#[test]
fn similar_alerts_tell_how_they_ended() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let old = raise(state, &[finding(1, 1, "a", "b", 1)])[0].0.unwrap();
    let end = AlertChange { verdict: Some(Some(Verdict::Benign)), ..status(AlertStatus::Closed) };
    state.change_alert(old, &end, &actor).unwrap();
    let shared = raise(state, &[finding(2, 1, "z", "b", 1)])[0].0.unwrap();
    raise(state, &[finding(3, 1, "q", "r", 1), finding(4, 2, "a", "b", 1)]);
    let now = raise(state, &[finding(5, 1, "a", "b", 1)])[0].0.unwrap();
    let similar = state.similar_alerts(now, 10).unwrap();
    let found: Vec<_> = similar.iter().map(|similar| (similar.alert.id, similar.same, similar.same_source)).collect();
    assert_eq!(found, [(old, true, true), (shared, false, false)]);
    assert!(similar.iter().all(|similar| similar.same_target && !similar.same_name));
    let endings = state.endings(now).unwrap();
    assert_eq!(endings[0], Endings { status: AlertStatus::Pending, verdict: None, count: 2 });
    assert_eq!(endings[1], Endings { status: AlertStatus::Closed, verdict: Some(Verdict::Benign), count: 1 });
}

#[test]
fn hits_by_hour_and_by_rule() {
    let fixture = Fixture::new();
    let state = &fixture.state;
    let later = |mut finding: NewFinding, hours: u64| {
        let by = Duration::from_hours(hours);
        (finding.first_seen, finding.last_seen) = (after(finding.first_seen, by), after(finding.last_seen, by));
        finding
    };
    let one = raise(state, &[finding(1, 1, "a", "b", 3)])[0].0.unwrap();
    raise(state, &[later(finding(2, 1, "a", "b", 4), 5), later(finding(3, 2, "a", "b", 2), 5)]);
    let to = after(START, Duration::from_hours(24));
    let hits = |of| -> Vec<_> {
        state.alert_timeline(of, START, to).unwrap().iter().map(|hour| (hour.hits, hour.alerts)).collect()
    };
    assert_eq!(hits(TimelineOf::All), [(3, 1), (6, 2)]);
    assert_eq!(hits(TimelineOf::Alert(one)), [(3, 1), (4, 1)]);
    assert_eq!(hits(TimelineOf::Rule(Uuid::from_u128(2))), [(2, 1)]);
    let long = state.alert_timeline(TimelineOf::All, START, after(START, Duration::from_hours(401 * 24)));
    assert!(matches!(long, Err(StateError::Invalid { .. })));
    let rules = state.rule_hits(7).unwrap();
    assert_eq!((rules[&Uuid::from_u128(1)].hits, rules[&Uuid::from_u128(1)].alerts), (7, 1));
    fixture.advance(Duration::from_hours(7 * 24 + 2));
    assert_eq!(state.rule_hits(7).unwrap()[&Uuid::from_u128(1)].hits, 4);
}

#[test]
fn what_is_old_and_closed_goes_and_what_is_open_stays() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let done = raise(state, &[finding(1, 1, "a", "b", 1), finding(2, 1, "a", "c", 1)]);
    state.change_alert(done[0].0.unwrap(), &status(AlertStatus::Closed), &actor).unwrap();
    fixture.advance(Duration::from_hours(401 * 24));
    state.prune().unwrap();
    let left: Vec<_> = all(state).into_iter().map(|alert| Some(alert.id)).collect();
    assert_eq!(left, [done[1].0]);
    let rows = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        state.read(|connection| Ok(connection.query_row(&sql, [], |row| row.get::<_, i64>(0))?)).unwrap()
    };
    assert_eq!((rows("findings"), rows("alert_events"), rows("alert_hours"), rows("alert_history")), (0, 1, 1, 0));
}
