//! The ordinary life of a journal.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use super::*;

#[test]
fn what_was_appended_is_what_is_read_also_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, report) = Journal::open(directory.path(), small()).unwrap();
    assert_eq!(report, OpenReport { created: true, ..OpenReport::default() });
    let node = journal.node();
    for at in 1..=60 {
        let receipt = journal.append_wait(entry(at)).unwrap();
        assert_eq!((receipt.position, receipt.records, receipt.duplicate), (Position(at), at as u32, false));
    }
    assert!(journal.stats().segments > 3);
    assert_eq!(numbers(&read_all(&journal)), (1..=60).collect::<Vec<_>>());
    drop(journal);
    let (journal, report) = Journal::open(directory.path(), small()).unwrap();
    assert_eq!(report, OpenReport { replayable: 60, ..OpenReport::default() });
    assert_eq!((journal.node(), journal.stats().last), (node, Position(60)));
    assert_eq!(journal.append_wait(entry(61)).unwrap().position, Position(61));
    let batches = drain(&mut journal.reader(Position(33)));
    assert_eq!(positions(&batches), (34..=61).collect::<Vec<_>>());
    assert_eq!(numbers(&batches), (34..=61).collect::<Vec<_>>());
}

#[test]
fn empty_and_large_entries_have_their_place() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path(), small());
    let nothing = Entry { head: Vec::new(), body: Bytes::new(), ..entry(1) };
    let large = sized(2, 100_000);
    for entry in [&nothing, &large, &sized(3, 50)] {
        journal.append_wait(entry.clone()).unwrap();
    }
    drop(journal);
    let (journal, report) = open(directory.path(), small());
    assert_eq!((report.replayable, report.torn_bytes, report.quarantined.len()), (3, 0, 0));
    let batches = read_all(&journal);
    assert!(batches[0].body.is_empty() && batches[0].head.is_empty());
    assert_eq!((&batches[1].body, &batches[1].head[..]), (&large.body, &large.head[..]));
    assert_eq!(batches[2].body.len(), 50);
    let too_large = Entry { body: vec![0; crate::BODY_BYTES_MAX + 1].into(), ..entry(4) };
    assert!(matches!(journal.append_wait(too_large), Err(JournalError::TooLarge { part: "a body", .. })));
    let too_large = Entry { head: vec![0; crate::HEAD_BYTES_MAX + 1], ..entry(4) };
    assert!(matches!(journal.append_wait(too_large), Err(JournalError::TooLarge { part: "a head", .. })));
}

#[test]
fn a_reader_follows_without_delay_and_ends_with_the_journal() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path(), small());
    let mut reader = journal.reader(Position(0));
    let started = Instant::now();
    assert_eq!(reader.next(Duration::from_millis(30)).unwrap(), None);
    assert!(started.elapsed() >= Duration::from_millis(30));
    let following = thread::spawn(move || {
        let mut seen = Vec::new();
        loop {
            match reader.next(Duration::from_secs(60)) {
                Ok(Some(batch)) => seen.push(number(&batch)),
                Ok(None) => panic!("waited a minute"),
                Err(JournalError::Closed) => return seen,
                Err(error) => panic!("{error}"),
            }
        }
    });
    for at in 1..=50 {
        journal.append_wait(entry(at)).unwrap();
    }
    drop(journal);
    assert_eq!(following.join().unwrap(), (1..=50).collect::<Vec<_>>());
}

#[test]
fn many_appenders_and_readers_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path(), small());
    let journal = Arc::new(journal);
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let mut reader = journal.reader(Position(0));
            thread::spawn(move || {
                let next = || reader.next(Duration::from_secs(60)).unwrap().unwrap();
                std::iter::repeat_with(next).take(400).collect::<Vec<_>>()
            })
        })
        .collect();
    let receipts = Arc::new(Mutex::new(Vec::new()));
    let appenders: Vec<_> = (0..8_u64)
        .map(|thread| {
            let (journal, receipts) = (Arc::clone(&journal), Arc::clone(&receipts));
            thread::spawn(move || {
                for at in 0..50 {
                    let receipts = Arc::clone(&receipts);
                    let number = thread * 50 + at + 1;
                    journal.append(entry(number), move |result| {
                        receipts.lock().unwrap().push((result.unwrap().position, number));
                    });
                }
            })
        })
        .collect();
    appenders.into_iter().for_each(|appender| appender.join().unwrap());
    let read: Vec<Vec<Batch>> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    assert_eq!(read[0], read[1]);
    assert_eq!(positions(&read[0]), (1..=400).collect::<Vec<_>>());
    until("all are acknowledged", || receipts.lock().unwrap().len() == 400);
    let mut receipts = receipts.lock().unwrap().clone();
    receipts.sort();
    assert_eq!(receipts.iter().map(|(_, number)| *number).collect::<Vec<_>>(), numbers(&read[0]));
    assert_eq!(journal.stats().queued_bytes, 0);
}

#[test]
fn what_waits_is_stored_before_the_journal_closes() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Faulty::default());
    let (journal, _) = open_on(directory.path(), small(), &disk);
    disk.set(|state| state.held = true);
    let acknowledged = Arc::new(Mutex::new(0));
    for at in 1..=30 {
        let acknowledged = Arc::clone(&acknowledged);
        journal.append(entry(at), move |result| *acknowledged.lock().unwrap() += u32::from(result.is_ok()));
    }
    let closing = thread::spawn(move || drop(journal));
    disk.set(|state| state.held = false);
    closing.join().unwrap();
    assert_eq!(*acknowledged.lock().unwrap(), 30);
    assert_eq!(read_all(&open(directory.path(), small()).0).len(), 30);
}

#[test]
fn committed_segments_are_used_again_and_positions_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path(), small());
    for round in 0..20 {
        for at in 1..=20 {
            journal.append_wait(entry(round * 20 + at)).unwrap();
        }
        commit(&journal, round * 20 + 20, 1);
        let stats = journal.stats();
        assert!(stats.spare_segments <= 2 && stats.bytes <= 3 * small().segment_bytes, "{stats:?}");
    }
    assert_eq!(files(directory.path(), "spare-").len(), 2);
    drop(journal);
    let (journal, report) = open(directory.path(), small());
    assert_eq!((report.replayable, report.torn_bytes, report.quarantined.len()), (0, 0, 0));
    assert_eq!((journal.stats().last, journal.stats().committed), (Position(400), Position(400)));
    assert_eq!(journal.append_wait(entry(401)).unwrap().position, Position(401));
    assert_eq!(numbers(&drain(&mut journal.reader(Position(400)))), [401]);
    assert_eq!(numbers(&read_all(&journal)).last(), Some(&401));
}

#[test]
fn a_reader_that_lags_behind_the_commit_reads_on_with_what_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path(), small());
    let mut lagging = journal.reader(Position(0));
    for at in 1..=60 {
        journal.append_wait(entry(at)).unwrap();
    }
    assert_eq!(number(&lagging.next(Duration::ZERO).unwrap().unwrap()), 1);
    commit(&journal, 60, 1);
    for at in 61..=100 {
        journal.append_wait(entry(at)).unwrap();
    }
    let rest = numbers(&drain(&mut lagging));
    assert!(rest.ends_with(&(61..=100).collect::<Vec<_>>()), "{rest:?}");
    assert!(rest.is_sorted());
}

#[test]
fn a_table_that_is_ahead_is_believed() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path(), small());
    journal.append_wait(entry(1)).unwrap();
    journal.commit(Position(1000));
    let mut reader = journal.reader(Position(1000));
    assert_eq!(reader.next(Duration::ZERO).unwrap(), None);
    assert_eq!(journal.append_wait(entry(2)).unwrap().position, Position(1001));
    assert_eq!(positions(&drain(&mut reader)), [1001]);
    drop(journal);
    let (journal, report) = open(directory.path(), small());
    assert_eq!(report.quarantined, []);
    assert_eq!(journal.append_wait(entry(3)).unwrap().position, Position(1002));
}

#[test]
fn a_panicking_receiver_hurts_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path(), small());
    journal.append(entry(1), |_| panic!("on purpose"));
    assert_eq!(journal.append_wait(entry(2)).unwrap().position, Position(2));
}

#[test]
fn segments_of_another_directory_are_refused() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for directory in [&one, &other] {
        open(directory.path(), small()).0.append_wait(entry(1)).unwrap();
    }
    let stray = segment_files(other.path()).remove(0);
    std::fs::copy(&stray, one.path().join(stray.file_name().unwrap())).unwrap();
    let Err(error) = Journal::open(one.path(), small()) else { panic!("opened a foreign segment") };
    assert!(error.to_string().contains("belongs to another data directory"), "{error}");
}
