//! The journal as a whole: what was acknowledged is what is read, whatever happens in between.

mod crash;
mod damage;
mod dedupe;
mod faulty;
mod full;
mod life;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidegate_event::{IntakeId, Position, Timestamp};
use uuid::Uuid;

use crate::{Batch, Entry, Journal, JournalError, OpenReport, Options, Reader};
use faulty::Faulty;

/// Segments so small that a few entries fill one.
pub(crate) fn small() -> Options {
    Options { segment_bytes: 6 << 10, ..Options::default() }
}

/// Entry number `number`, of a size that varies with it.
pub(crate) fn entry(number: u64) -> Entry {
    let length = usize::try_from(number * 53 % 300).unwrap();
    Entry {
        intake: IntakeId(Uuid::from_u128(u128::from(number % 3))),
        received: Timestamp::from_micros(1_700_000_000_000_000 + number as i64),
        records: number as u32,
        head: vec![number as u8; usize::try_from(number % 4).unwrap()],
        body: format!("{number}:{}", "x".repeat(length)).into_bytes().into(),
    }
}

pub(crate) fn sized(number: u64, bytes: usize) -> Entry {
    let mut body = vec![b'y'; bytes];
    body[..8].copy_from_slice(&number.to_le_bytes());
    Entry { body: Bytes::from(body), ..entry(number) }
}

/// Opens without syncing for real: thousands of journals are opened here, and no test cuts the machine's power.
pub(crate) fn open(path: &Path, options: Options) -> (Journal, OpenReport) {
    open_on(path, options, &Arc::default())
}

pub(crate) fn open_on(path: &Path, options: Options, disk: &Arc<Faulty>) -> (Journal, OpenReport) {
    Journal::open_on(path, options, Arc::clone(disk) as _).unwrap()
}

/// All that can be read now.
pub(crate) fn drain(reader: &mut Reader) -> Vec<Batch> {
    std::iter::from_fn(|| reader.next(Duration::ZERO).unwrap()).collect()
}

pub(crate) fn read_all(journal: &Journal) -> Vec<Batch> {
    drain(&mut journal.reader(Position(0)))
}

/// The number of the entry that a batch was made of, once all of it is found to be as it was.
pub(crate) fn number(batch: &Batch) -> u64 {
    let number = u64::from(batch.records);
    let Entry { intake, received, records, head, body } = entry(number);
    assert_eq!((batch.intake, batch.received, batch.records), (intake, received, records));
    assert_eq!((&batch.head[..], &batch.body), (&head[..], &body));
    number
}

pub(crate) fn numbers(batches: &[Batch]) -> Vec<u64> {
    batches.iter().map(number).collect()
}

pub(crate) fn positions(batches: &[Batch]) -> Vec<u64> {
    batches.iter().map(|batch| batch.position.0).collect()
}

/// Polls a condition that another thread brings about.
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..20_000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("never happened: {what}");
}

/// Says that everything up to `position` is in the table, and waits until that had its effect.
pub(crate) fn commit(journal: &Journal, position: u64, segments: usize) {
    journal.commit(Position(position));
    until("segments are given up", || journal.stats().segments == segments);
}

pub(crate) fn copy_directory(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(from).unwrap().flatten() {
        if file.file_type().unwrap().is_file() {
            std::fs::copy(file.path(), to.path().join(file.file_name())).unwrap();
        }
    }
    to
}

pub(crate) fn segment_files(path: &Path) -> Vec<std::path::PathBuf> {
    files(path, "segment-")
}

pub(crate) fn files(path: &Path, prefix: &str) -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(path)
        .unwrap()
        .flatten()
        .filter(|file| file.file_name().to_string_lossy().starts_with(prefix))
        .map(|file| file.path())
        .collect();
    found.sort();
    found
}

pub(crate) fn is_full(error: &JournalError) -> bool {
    matches!(error, JournalError::Full { .. })
}
