//! Killed at any byte, and power cuts: what was acknowledged is there, in order, once.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;

/// Appends `count` entries, `burst` at a time without waiting; the numbers that were acknowledged, in order.
fn append(journal: &Journal, count: u64, burst: u64) -> Vec<u64> {
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    for at in 1..=count {
        let pending = Arc::clone(&acknowledged);
        let done = move |result: Result<crate::Receipt, JournalError>| {
            if let Ok(receipt) = result {
                pending.lock().unwrap().push((receipt.position.0, at));
            }
        };
        if at % burst == 0 {
            let (sender, receiver) = std::sync::mpsc::channel();
            journal.append(entry(at), move |result| {
                done(result);
                sender.send(()).unwrap();
            });
            receiver.recv().unwrap();
        } else {
            journal.append(entry(at), done);
        }
    }
    until("all are answered", || journal.stats().queued_bytes == 0 && Arc::strong_count(&acknowledged) == 1);
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(acknowledged.is_sorted());
    acknowledged.into_iter().map(|(_, number)| number).collect()
}

/// Opens what a crash left and goes on with it; returns the entries that were found.
fn recover(path: &std::path::Path, acknowledged: &[u64]) -> Vec<u64> {
    let (journal, report) = open(path, small());
    let batches = read_all(&journal);
    let found = numbers(&batches);
    assert_eq!(report.replayable as usize, found.len());
    assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
    assert!(acknowledged.iter().all(|number| found.contains(number)), "{acknowledged:?} of {found:?}");
    let at = batches.iter().map(|batch| batch.position).collect::<Vec<_>>();
    let next = journal.append_wait(entry(500)).unwrap();
    assert!(at.iter().all(|position| *position < next.position));
    drop(journal);
    let (journal, report) = open(path, small());
    assert_eq!((report.quarantined.len(), report.torn_bytes), (0, 0));
    let mut expected = found.clone();
    expected.push(500);
    assert_eq!(numbers(&read_all(&journal)), expected);
    found
}

#[test]
fn killed_at_any_byte_exactly_the_acknowledged_prefix_is_left() {
    for burst in [1, 4] {
        let disk = Arc::new(Faulty::default());
        let directory = tempfile::tempdir().unwrap();
        let count = 14;
        let (journal, _) = open_on(directory.path(), small(), &disk);
        assert_eq!(append(&journal, count, burst).len() as u64, count);
        let total = disk.get(|state| state.written);
        for budget in (0..total).step_by(3) {
            let directory = tempfile::tempdir().unwrap();
            let disk = Arc::new(Faulty::default());
            disk.set(|state| state.budget = Some(budget));
            let (journal, _) = open_on(directory.path(), small(), &disk);
            let acknowledged = append(&journal, count, burst);
            drop(journal);
            let found = recover(directory.path(), &acknowledged);
            let whole: Vec<u64> = (1..=count).collect();
            assert!(whole.starts_with(&found), "{found:?}");
            // The group that was being written may be there up to the byte; with one entry a group that is no entry
            // but the acknowledged ones, or the one whose last byte was its padding.
            let extra = found.len() - acknowledged.len();
            assert!(extra <= burst as usize, "{extra} more than the acknowledged at {budget}");
        }
    }
}

#[test]
fn a_file_cut_at_any_byte_is_a_prefix() {
    let original = tempfile::tempdir().unwrap();
    let (journal, _) = open(original.path(), small());
    for at in 1..=6 {
        journal.append_wait(entry(at)).unwrap();
    }
    drop(journal);
    // As after a crash: without the mark that a graceful close leaves.
    std::fs::remove_file(original.path().join("mark")).unwrap();
    for cut in (0..6 << 10).step_by(7) {
        for zeros in [false, true] {
            let directory = copy_directory(original.path());
            let path = segment_files(directory.path()).remove(0);
            let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            file.set_len(cut).unwrap();
            if zeros {
                file.set_len(6 << 10).unwrap();
            }
            let found = recover(directory.path(), &[]);
            assert!([1, 2, 3, 4, 5, 6].starts_with(&found), "{found:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn a_power_cut_loses_nothing_that_was_acknowledged(
        syncs in 1_u64..14,
        burst in 1_u64..8,
        commit_at in prop::option::of(1_u64..8),
        fates in prop::collection::vec(0_u8..3, 1..200),
        garbage: bool,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let disk = Arc::new(Faulty::default());
        let (journal, _) = open_on(directory.path(), small(), &disk);
        // Used segments have old entries where new ones go.
        if let Some(at) = commit_at {
            for number in 100..100 + at * 8 {
                journal.append_wait(entry(number)).unwrap();
            }
            journal.commit(Position(at * 8));
            until("given up", || journal.stats().segments == 1);
        }
        disk.set(|state| state.syncs = Some(syncs));
        let mut reader = journal.reader(Position(journal.stats().last.0));
        let acknowledged = append(&journal, 40, burst);
        prop_assert_eq!(numbers(&drain(&mut reader)), acknowledged.clone());
        let start = reader.position().0 - acknowledged.len() as u64;
        drop((reader, journal));
        // A killed process leaves no mark beyond the commit.
        let _ = std::fs::remove_file(directory.path().join("mark"));
        let mut at = 0;
        disk.cut_power(|| {
            at += 1;
            let fate = fates[at % fates.len()];
            if garbage { fate } else { fate % 2 }
        });
        let (journal, report) = open(directory.path(), small());
        prop_assert!(report.quarantined.is_empty(), "{:?}", report.quarantined);
        let batches: Vec<Batch> = drain(&mut journal.reader(Position(start)));
        let found = numbers(&batches);
        prop_assert!(found.is_sorted_by(|a, b| a < b), "{:?}", found);
        prop_assert!(found.starts_with(&acknowledged), "{:?} of {:?}", acknowledged, found);
        let expected: Vec<u64> = (start + 1..=start + acknowledged.len() as u64).collect();
        prop_assert_eq!(&positions(&batches)[..acknowledged.len()], &expected[..]);
        let next = journal.append_wait(entry(500)).unwrap();
        prop_assert!(!next.duplicate);
        drop(journal);
        let (journal, report) = open(directory.path(), small());
        prop_assert!(report.quarantined.is_empty(), "{:?}", report.quarantined);
        let again = numbers(&drain(&mut journal.reader(Position(start))));
        prop_assert_eq!(&again[..found.len()], &found[..]);
        prop_assert_eq!(again.last(), Some(&500));
    }

    #[test]
    fn any_bytes_in_the_files_are_harmless(at in 0_usize..6 << 10, bytes in prop::collection::vec(any::<u8>(), 1..300)) {
        let directory = tempfile::tempdir().unwrap();
        let (journal, _) = open(directory.path(), small());
        for at in 1..=12 {
            journal.append_wait(entry(at)).unwrap();
        }
        drop(journal);
        let path = segment_files(directory.path()).remove(0);
        let mut content = std::fs::read(&path).unwrap();
        let end = content.len().min(at + bytes.len());
        content[at..end].copy_from_slice(&bytes[..end - at]);
        std::fs::write(&path, content).unwrap();
        let (journal, _) = open(directory.path(), small());
        let found = numbers(&read_all(&journal));
        prop_assert!(found.is_sorted_by(|a, b| a < b));
        journal.append_wait(entry(13)).unwrap();
    }
}
