//! A batch that is sent again.

use std::sync::{Arc, Mutex};

use super::*;
use crate::Receipt;

fn later(number: u64, hours: i64) -> Entry {
    let entry = entry(number);
    let received = Timestamp::from_micros(entry.received.as_micros() + hours * 3_600_000_000);
    Entry { received, ..entry }
}

#[test]
fn sent_again_is_answered_with_the_first_receipt() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path(), small());
    let first = journal.append_wait(entry(1)).unwrap();
    let again = journal.append_wait(later(1, 23)).unwrap();
    assert_eq!(again, Receipt { duplicate: true, ..first });
    let others = [
        Entry { intake: IntakeId(Uuid::from_u128(77)), ..entry(1) },
        Entry { head: b"other".to_vec(), ..entry(1) },
        Entry { body: Bytes::from_static(b"other"), ..entry(1) },
        // The border between head and body counts.
        Entry {
            head: [entry(1).head, entry(1).body[..1].to_vec()].concat(),
            body: entry(1).body.slice(1..),
            ..entry(1)
        },
    ];
    for other in others {
        assert!(!journal.append_wait(other).unwrap().duplicate);
    }
    assert!(!journal.append_wait(later(1, 25)).unwrap().duplicate);
    assert_eq!(journal.stats().duplicates, 1);
    assert_eq!(read_all(&journal).len(), 6);
}

#[test]
fn recognised_after_a_restart_and_after_its_segment_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path(), small());
    for at in 1..=60 {
        journal.append_wait(entry(at)).unwrap();
    }
    commit(&journal, 40, 3);
    drop(journal);
    for round in 0..3 {
        let (journal, _) = open(directory.path(), small());
        assert_eq!(journal.stats().receipts, 60);
        for at in 1..=60 {
            let receipt = journal.append_wait(later(at, 1)).unwrap();
            assert_eq!((receipt.position, receipt.duplicate), (Position(at), true), "round {round}");
        }
        // The second round has everything given up that can be.
        commit(&journal, 60, 1);
    }
    let (journal, _) = open(directory.path(), small());
    assert!(!journal.append_wait(later(1, 30)).unwrap().duplicate);
    assert!(journal.append_wait(later(1, 31)).unwrap().duplicate);
}

#[test]
fn receipts_are_bounded_and_the_oldest_go() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path(), Options { receipts_max: 10, ..small() });
    for at in 1..=30 {
        journal.append_wait(entry(at)).unwrap();
    }
    let stats = journal.stats();
    assert_eq!((stats.receipts, stats.receipts_evicted), (10, 20));
    assert!(journal.append_wait(entry(30)).unwrap().duplicate);
    assert!(!journal.append_wait(entry(20)).unwrap().duplicate);
}

#[test]
fn switched_off_it_stores_everything() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path(), Options { dedupe_window: Duration::ZERO, ..small() });
    for at in 1..=3 {
        assert_eq!(journal.append_wait(entry(1)).unwrap().position, Position(at));
    }
}

type Outcomes = Arc<Mutex<Vec<Result<Receipt, JournalError>>>>;

fn append(journal: &Journal, entry: Entry, outcomes: &Outcomes) {
    let outcomes = Arc::clone(outcomes);
    journal.append(entry, move |result| outcomes.lock().unwrap().push(result));
}

#[test]
fn one_on_its_way_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    let (journal, _) = open_on(directory.path(), small(), &disk);
    journal.append_wait(entry(9)).unwrap();
    disk.set(|state| state.held = true);
    let outcomes = Outcomes::default();
    append(&journal, entry(1), &outcomes);
    until("the first is at the disk", || disk.get(|state| state.waiting == 1));
    append(&journal, entry(1), &outcomes);
    append(&journal, entry(1), &outcomes);
    assert!(outcomes.lock().unwrap().is_empty());
    disk.set(|state| state.held = false);
    until("all are answered", || outcomes.lock().unwrap().len() == 3);
    let receipts: Vec<_> = outcomes.lock().unwrap().iter().map(|result| result.clone().unwrap()).collect();
    assert_eq!(receipts.iter().map(|receipt| receipt.duplicate).collect::<Vec<_>>(), [false, true, true]);
    assert!(receipts.iter().all(|receipt| receipt.position == Position(2)));
    assert_eq!(read_all(&journal).len(), 2);
}

#[test]
fn one_that_fails_on_its_way_fails_for_all_and_is_stored_next_time() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    let (journal, _) = open_on(directory.path(), small(), &disk);
    journal.append_wait(entry(9)).unwrap();
    disk.set(|state| state.held = true);
    let outcomes = Outcomes::default();
    append(&journal, entry(1), &outcomes);
    until("the first is at the disk", || disk.get(|state| state.waiting == 1));
    append(&journal, entry(1), &outcomes);
    disk.set(Faulty::bad_sync(true));
    disk.set(|state| state.held = false);
    until("both are answered", || outcomes.lock().unwrap().len() == 2);
    assert!(outcomes.lock().unwrap().iter().all(Result::is_err));
    disk.set(Faulty::bad_sync(false));
    let receipt = journal.append_wait(entry(1)).unwrap();
    assert_eq!((receipt.position, receipt.duplicate), (Position(2), false));
}

#[test]
fn a_token_tells_after_a_long_time_how_an_append_ended() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path(), small());
    let (stored, never) = (entry(1), entry(2));
    assert!(journal.receipt(&Journal::token(&stored), stored.received).is_none());
    let receipt = journal.append_wait(stored.clone()).unwrap();
    drop(journal);
    let (journal, _) = open(directory.path(), small());
    let found = journal.receipt(&Journal::token(&stored), stored.received);
    assert_eq!(found, Some(Receipt { duplicate: true, ..receipt }));
    assert_eq!(journal.receipt(&Journal::token(&never), never.received), None);
    // Whatever the clock says now, the time that was written down counts.
    assert_eq!(journal.receipt(&Journal::token(&stored), later(1, 100).received), None);
}
