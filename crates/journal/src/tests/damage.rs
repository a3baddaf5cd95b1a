//! Bytes that change on the disk.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::*;
use crate::segment::DATA_START;

const COUNT: u64 = 24;

/// A closed journal over several segments.
fn filled() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path(), small());
    for at in 1..=COUNT {
        journal.append_wait(entry(at)).unwrap();
    }
    assert!(journal.stats().segments >= 3);
    directory
}

fn flip(file: &PathBuf, offset: u64) {
    let file = OpenOptions::new().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 0x21], offset).unwrap();
}

/// Every offset worth flipping: all of the header, every entry byte with a stride that meets each field.
fn offsets() -> impl Iterator<Item = u64> {
    (0..64).chain((DATA_START..6 << 10).step_by(5))
}

/// At most one entry is missing; the others are all there, in order, once.
fn missing(batches: &[Batch]) -> Option<u64> {
    let numbers = numbers(batches);
    assert_eq!(positions(batches), numbers);
    assert!(numbers.is_sorted_by(|a, b| a < b));
    let missing: Vec<u64> = (1..=COUNT).filter(|number| !numbers.contains(number)).collect();
    assert!(missing.len() <= 1, "{missing:?} are missing");
    missing.first().copied()
}

#[test]
fn a_byte_damaged_anywhere_before_opening_costs_one_entry_at_most() {
    let original = filled();
    let count = segment_files(original.path()).len();
    let mut lost = 0;
    for segment in 0..count {
        for offset in offsets() {
            let directory = copy_directory(original.path());
            flip(&segment_files(directory.path())[segment], offset);
            let (journal, report) = open(directory.path(), small());
            let gone = missing(&read_all(&journal));
            let reported: Vec<_> = report.quarantined.iter().filter(|range| range.first <= range.last).collect();
            assert_eq!(reported.iter().map(|range| range.first.0).collect::<Vec<_>>(), Vec::from_iter(gone));
            lost += u64::from(gone.is_some());
            if let Some(range) = report.quarantined.first() {
                let copy = std::fs::read(range.copy.as_ref().unwrap()).unwrap();
                assert_eq!(copy.len() as u64, range.bytes);
            }
            // The sender of a lost batch gets it in with its next try; the others are still known.
            if let Some(gone) = gone {
                assert!(!journal.append_wait(entry(gone)).unwrap().duplicate);
            }
            for at in [1, 2, COUNT] {
                assert!(journal.append_wait(entry(at)).unwrap().duplicate, "{at}");
            }
            let expected = COUNT + u64::from(gone.is_some());
            assert_eq!(journal.stats().last.0, expected);
            drop(journal);
            let (journal, report) = open(directory.path(), small());
            assert_eq!(
                (report.quarantined.len(), report.torn_bytes),
                (0, 0),
                "told once, segment {segment} at {offset}"
            );
            assert_eq!(read_all(&journal).len() as u64, COUNT);
        }
    }
    assert!(lost > 300);
}

#[test]
fn a_byte_damaged_under_an_open_journal_is_met_by_the_reader() {
    let original = filled();
    let mut lost = 0;
    for offset in offsets() {
        let directory = copy_directory(original.path());
        let (journal, report) = open(directory.path(), small());
        assert_eq!(report.quarantined, []);
        flip(&segment_files(directory.path())[1], offset);
        let gone = missing(&read_all(&journal));
        assert_eq!(journal.stats().quarantined, u64::from(gone.is_some()), "at {offset}");
        if let Some(gone) = gone {
            lost += 1;
            assert!(!journal.append_wait(entry(gone)).unwrap().duplicate);
        }
        // The second reader finds the place marked.
        let again = read_all(&journal);
        assert_eq!(again.len() as u64, COUNT, "at {offset}");
        assert_eq!(journal.stats().quarantined, u64::from(gone.is_some()));
    }
    assert!(lost > 100);
}

#[test]
fn a_damaged_range_over_several_entries_is_one_range() {
    let directory = filled();
    let file = OpenOptions::new().write(true).open(&segment_files(directory.path())[1]).unwrap();
    file.write_all_at(&[0xff; 900], DATA_START + 40).unwrap();
    let (journal, report) = open(directory.path(), small());
    let [range] = &report.quarantined[..] else { panic!("{:?}", report.quarantined) };
    assert!(range.last.0 > range.first.0);
    let expected: Vec<u64> = (1..=COUNT).filter(|at| !(range.first.0..=range.last.0).contains(at)).collect();
    assert_eq!(numbers(&read_all(&journal)), expected);
}

#[test]
fn a_missing_segment_is_told() {
    let directory = filled();
    std::fs::remove_file(&segment_files(directory.path())[1]).unwrap();
    let (journal, report) = open(directory.path(), small());
    let [range] = &report.quarantined[..] else { panic!("{:?}", report.quarantined) };
    let left = numbers(&read_all(&journal));
    assert_eq!(left.len() as u64, COUNT - (range.last.0 - range.first.0 + 1));
    drop(journal);
    assert_eq!(open(directory.path(), small()).1.quarantined, []);
}

#[test]
fn damage_in_what_is_committed_is_nobodys_loss() {
    let directory = filled();
    let (journal, _) = open(directory.path(), small());
    // Within the last segment, which stays.
    journal.commit(Position(COUNT));
    until("given up", || journal.stats().segments == 1);
    drop(journal);
    flip(&segment_files(directory.path())[0], DATA_START + 4);
    let (journal, report) = open(directory.path(), small());
    assert_eq!(report.quarantined, []);
    assert_eq!(journal.append_wait(entry(COUNT + 1)).unwrap().position, Position(COUNT + 1));
    assert_eq!(positions(&drain(&mut journal.reader(Position(COUNT)))), [COUNT + 1]);
}
