//! Durable appends: every entry is on disk, as far as fdatasync says, before its acknowledgement is counted. The limit to
//! compare with is `raw`: the same bytes, written and synced in groups without a journal.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::mpsc;
use std::time::Duration;

use divan::Bencher;
use divan::counter::BytesCount;
use tidegate_event::{IntakeId, Position, Timestamp};
use tidegate_journal::{Entry, Journal, Options};
use uuid::Uuid;

fn main() {
    divan::main();
}

/// Bytes one round appends.
const ROUND_BYTES: usize = 64 << 20;
/// A small request; a thousand compressed records; the largest upload that is common.
const BODY_BYTES: [usize; 3] = [1 << 10, 100 << 10, 4 << 20];

fn entry(body_bytes: usize, number: u64) -> Entry {
    let mut body = vec![7; body_bytes];
    body[..8].copy_from_slice(&number.to_le_bytes());
    Entry {
        intake: IntakeId(Uuid::from_u128(1)),
        received: Timestamp::from_micros(1_700_000_000_000_000),
        records: 1000,
        head: vec![1],
        body: body.into(),
    }
}

fn options() -> Options {
    Options { receipts_max: 1 << 16, ..Options::default() }
}

#[divan::bench(args = BODY_BYTES, sample_count = 10)]
fn append(bencher: Bencher<'_, '_>, body_bytes: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let (journal, _) = Journal::open(directory.path(), options()).expect("a journal");
    let count = ROUND_BYTES / body_bytes;
    let mut round = 0;
    bencher
        .counter(BytesCount::new(ROUND_BYTES))
        .with_inputs(|| {
            round += 1;
            journal.commit(journal.stats().last);
            (0..count).map(|at| entry(body_bytes, (round << 32) + at as u64)).collect::<Vec<_>>()
        })
        .bench_local_values(|entries| {
            let (sender, receiver) = mpsc::channel();
            for entry in entries {
                let sender = sender.clone();
                journal.append(entry, move |result| {
                    let _ = sender.send(result.is_ok());
                });
            }
            drop(sender);
            assert!(receiver.iter().all(|stored| stored));
        });
}

#[divan::bench(sample_count = 10)]
fn raw(bencher: Bencher<'_, '_>) {
    const GROUP_BYTES: usize = 16 << 20;
    let file = tempfile::tempfile().expect("a file");
    let group = vec![7; GROUP_BYTES];
    write_groups(&file, &group);
    bencher.counter(BytesCount::new(ROUND_BYTES)).bench_local(|| write_groups(&file, &group));
}

fn write_groups(file: &File, group: &[u8]) {
    for at in (0..ROUND_BYTES).step_by(group.len()) {
        file.write_all_at(group, at as u64).expect("a write");
        file.sync_data().expect("a sync");
    }
}

#[divan::bench(args = BODY_BYTES, sample_count = 5)]
fn replay(bencher: Bencher<'_, '_>, body_bytes: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let (journal, _) = Journal::open(directory.path(), options()).expect("a journal");
    let count = ROUND_BYTES / body_bytes;
    let (sender, receiver) = mpsc::channel();
    for at in 0..count {
        let sender = sender.clone();
        journal.append(entry(body_bytes, at as u64), move |result| {
            let _ = sender.send(result.is_ok());
        });
    }
    drop(sender);
    assert_eq!(receiver.iter().filter(|stored| *stored).count(), count);
    bencher.counter(BytesCount::new(ROUND_BYTES)).bench_local(|| {
        let mut reader = journal.reader(Position(0));
        let batches = std::iter::from_fn(|| reader.next(Duration::ZERO).expect("a batch"));
        assert_eq!(batches.count(), count);
    });
}

#[divan::bench(sample_count = 5)]
fn open(bencher: Bencher<'_, '_>) {
    let directory = tempfile::tempdir().expect("a directory");
    let (journal, _) = Journal::open(directory.path(), options()).expect("a journal");
    for at in 0..(ROUND_BYTES >> 20) as u64 {
        journal.append_wait(entry(1 << 20, at)).expect("a receipt");
    }
    drop(journal);
    bencher.counter(BytesCount::new(ROUND_BYTES)).bench_local(|| Journal::open(directory.path(), options()).is_ok());
}
