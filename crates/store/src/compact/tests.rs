use super::*;

fn file(index: usize, day: i32, bytes: u64) -> Candidate {
    Candidate { day, bytes, first: -i64::try_from(index).unwrap_or(0), index }
}

fn options() -> Options {
    Options { file_bytes: 100, compact_files: 10, files_max: 50, ..Options::default() }
}

fn chosen(files: Vec<Candidate>) -> Vec<usize> {
    choose(files, 20, &options()).into_iter().map(|file| file.index).collect()
}

#[test]
fn a_quiet_day_is_left_alone() {
    assert!(chosen((0..9).map(|index| file(index, 20, 1)).collect()).is_empty());
    assert!(chosen((0..7).map(|index| file(index, 19, 1)).collect()).is_empty());
    assert!(chosen((0..20).map(|index| file(index, 20, 90)).collect()).is_empty(), "large files are done");
}

#[test]
fn the_oldest_files_of_a_crowded_day_become_one() {
    let files: Vec<Candidate> = (0..12).map(|index| file(index, 20, 30)).collect();
    assert_eq!(chosen(files), [11, 10, 9]);
    assert_eq!(chosen((0..8).map(|index| file(index, 19, 1)).collect()).len(), 8, "a past day needs fewer");
}

#[test]
fn a_crowded_table_compacts_what_it_can() {
    let files: Vec<Candidate> = (0..60).map(|index| file(index, i32::try_from(index / 2).unwrap_or(0), 1)).collect();
    assert_eq!(chosen(files).len(), 2);
}
