use std::fs;

use super::*;
use crate::testing::Fixture;
use crate::{Actor, FILE_NAME, Role};

fn in_dir() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE_NAME);
    (dir, path)
}

#[test]
fn state_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<State>();
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, path) = in_dir();
    fs::write(&path, b"").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let (state, _) = State::open(&path).unwrap();
    state.create_intake("a", "f", &Actor::system()).unwrap();
    let mut files = 0;
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        files += 1;
    }
    assert_eq!(files, 3, "database, write-ahead log and its index");
}

#[test]
fn a_file_that_is_no_database_is_refused_with_a_sentence() {
    let (_dir, path) = in_dir();
    fs::write(&path, "these are not the rows you are looking for, they are many more bytes than a header has").unwrap();
    let error = State::open(&path).unwrap_err();
    assert!(matches!(error, StateError::Damaged { .. }));
    assert!(
        error.to_string().contains("state.db` is not a usable state database: it is not an SQLite database"),
        "{error}"
    );
}

#[test]
fn a_damaged_database_is_refused_with_a_sentence() {
    let (_dir, path) = in_dir();
    drop(State::open(&path).unwrap());
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle..].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let error = State::open(&path).unwrap_err();
    assert!(matches!(error, StateError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("restore it from a backup"), "{error}");
}

#[test]
fn a_folder_or_a_missing_folder_is_refused_with_a_sentence() {
    let (dir, path) = in_dir();
    for bad in [dir.path(), &path.join("below").join("nowhere")] {
        let error = State::open(bad).unwrap_err();
        assert!(matches!(error, StateError::File { .. }), "{error:?}");
        assert!(error.to_string().starts_with("cannot open `"), "{error}");
    }
}

#[test]
fn foreign_and_newer_databases_are_refused() {
    let (_dir, path) = in_dir();
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let error = State::open(&path).unwrap_err();
    assert!(error.to_string().contains("it belongs to another program"), "{error}");

    let (_dir, path) = in_dir();
    drop(State::open(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 77").unwrap();
    let error = State::open(&path).unwrap_err();
    assert!(matches!(error, StateError::Newer { found: 77, .. }), "{error:?}");
}

#[test]
fn opening_a_new_file_at_once_makes_one_admin() {
    let (_dir, path) = in_dir();
    let opened: Vec<_> = std::thread::scope(|scope| {
        let openers: Vec<_> = (0..4).map(|_| scope.spawn(|| State::open(&path).unwrap())).collect();
        openers.into_iter().map(|opener| opener.join().unwrap()).collect()
    });
    assert_eq!(opened.iter().filter(|(_, first)| first.is_some()).count(), 1);
    assert_eq!(opened[0].0.users().unwrap().len(), 1);
}

#[test]
fn writers_of_two_processes_wait_for_each_other() {
    let fixture = Fixture::new();
    let other = fixture.second();
    std::thread::scope(|scope| {
        for (state, name) in [(&fixture.state, "x"), (&other, "y")] {
            scope.spawn(move || {
                for index in 0..20 {
                    state.create_intake(&format!("{name}{index}"), "f", &Actor::system()).unwrap();
                }
            });
        }
    });
    assert_eq!(fixture.second().intakes().len(), 40);
}

#[test]
fn a_panic_in_a_change_leaves_everything_as_it_was() {
    let fixture = Fixture::new();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        fixture.state.write(|transaction| -> Result<(), StateError> {
            transaction.execute("DELETE FROM users", [])?;
            panic!("in the middle")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(fixture.state.users().unwrap().len(), 1);
    fixture.user("alice", Role::Viewer);
}
