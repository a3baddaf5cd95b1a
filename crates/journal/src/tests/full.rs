//! No room, and disks that refuse.

use std::sync::{Arc, Mutex};

use super::*;

#[test]
fn the_journals_own_bound_and_how_it_ends() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { journal_bytes_max: 4 * small().segment_bytes, ..small() };
    let (journal, _) = open(directory.path(), options.clone());
    let mut stored = 0;
    let error = loop {
        match journal.append_wait(entry(stored + 1)) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 1000);
    };
    assert!(is_full(&error), "{error}");
    assert_eq!(error.to_string(), "the journal is full: its segments reached the bound of 24576 bytes");
    assert!(is_full(&journal.append_wait(sized(900, 20_000)).unwrap_err()));
    assert_eq!(numbers(&read_all(&journal)), (1..=stored).collect::<Vec<_>>());
    journal.commit(Position(stored / 2));
    until("room", || journal.append_wait(entry(stored + 1)).is_ok());
    drop(journal);
    let (journal, report) = open(directory.path(), options);
    assert_eq!((report.torn_bytes, report.quarantined.len()), (0, 0));
    assert_eq!(numbers(&drain(&mut journal.reader(Position(stored)))), [stored + 1]);
}

#[test]
fn a_full_disk_takes_nothing_half_and_recovers() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    let (journal, _) = open_on(directory.path(), small(), &disk);
    let mut stored = 0_u64;
    for (write, allocate) in [(false, true), (true, false), (true, true)] {
        for _ in 0..7 {
            stored += 1;
            journal.append_wait(entry(stored)).unwrap();
        }
        disk.set(Faulty::no_space(write, allocate));
        let error = loop {
            match journal.append_wait(entry(stored + 1)) {
                Ok(_) => stored += 1,
                Err(error) => break error,
            }
        };
        assert!(is_full(&error), "{error}");
        assert!(is_full(&journal.append_wait(sized(901, 10_000)).unwrap_err()));
        let files: Vec<_> = std::fs::read_dir(directory.path()).unwrap().flatten().collect();
        assert!(!files.iter().any(|file| file.file_name().to_string_lossy().starts_with("spare-")));
        disk.set(Faulty::no_space(false, false));
    }
    drop(journal);
    let (journal, report) = open(directory.path(), small());
    assert_eq!(report.quarantined, []);
    assert_eq!(numbers(&read_all(&journal)), (1..=stored).collect::<Vec<_>>());
}

#[test]
fn space_that_runs_out_in_the_middle_of_a_write() {
    for budget in (0..400).step_by(7) {
        let directory = tempfile::tempdir().unwrap();
        let disk = Arc::new(Faulty::default());
        let (journal, _) = open_on(directory.path(), small(), &disk);
        journal.append_wait(entry(1)).unwrap();
        disk.set(|state| state.space = Some(budget));
        let result = journal.append_wait(entry(5));
        assert_eq!(result.is_ok(), budget >= 384, "{budget}: {result:?}");
        let expected = if result.is_ok() { vec![1, 5] } else { vec![1] };
        assert_eq!(numbers(&read_all(&journal)), expected);
        drop(journal);
        let (journal, report) = open(directory.path(), small());
        assert_eq!((report.torn_bytes, report.quarantined.len()), (0, 0));
        assert_eq!(numbers(&read_all(&journal)), expected);
    }
}

#[test]
fn after_a_failed_sync_nothing_of_the_group_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    let (journal, _) = open_on(directory.path(), small(), &disk);
    for at in 1..=3 {
        journal.append_wait(entry(at)).unwrap();
    }
    disk.set(Faulty::bad_sync(true));
    for at in 4..=6 {
        let error = journal.append_wait(entry(at)).unwrap_err();
        assert!(matches!(&error, JournalError::Io { action: "sync", .. }), "{error}");
    }
    assert_eq!(journal.stats().last, Position(3));
    assert!(journal.stats().sync_failures > 0);
    disk.set(Faulty::bad_sync(false));
    for at in 7..=9 {
        assert_eq!(journal.append_wait(entry(at)).unwrap().position, Position(at - 3));
    }
    assert_eq!(numbers(&read_all(&journal)), [1, 2, 3, 7, 8, 9]);
    commit(&journal, 6, 1);
    assert_eq!(files(directory.path(), "spare-").len(), 0, "a file that failed is not used again");
    drop(journal);
    let (journal, report) = open(directory.path(), small());
    assert_eq!(report.quarantined, []);
    assert_eq!(numbers(&read_all(&journal)), [7, 8, 9]);
}

#[test]
fn a_queue_at_its_bound_says_busy() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    let (journal, _) = open_on(directory.path(), Options { queue_bytes_max: 1200, ..small() }, &disk);
    journal.append_wait(sized(1, 5000)).unwrap();
    disk.set(|state| state.held = true);
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let append = |number| {
        let outcomes = Arc::clone(&outcomes);
        journal.append(sized(number, 400), move |result| outcomes.lock().unwrap().push(result.is_ok()));
    };
    append(2);
    until("the first is at the disk", || disk.get(|state| state.waiting == 1));
    append(3);
    append(4);
    assert_eq!(*outcomes.lock().unwrap(), [false]);
    disk.set(|state| state.held = false);
    until("the others are stored", || outcomes.lock().unwrap().len() == 3);
    until("the queue is empty", || journal.stats().queued_bytes == 0);
    assert_eq!(journal.append_wait(sized(4, 400)).unwrap().position, Position(4));
}
