//! Where the table keeps its files, and how they become durable.

use std::fs::File;
use std::path::{Path, PathBuf};

use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::error::StoreError;
use crate::schema::DAY;

/// Folder of the table's log.
pub(crate) const LOG: &str = "_delta_log";
/// Ending of a data file.
const DATA: &str = "parquet";

/// A day as the partition value spells it, `2026-05-04`.
pub(crate) fn day_text(day: i32) -> String {
    let mut text = Timestamp::from_micros(i64::from(day) * 86_400_000_000).to_rfc3339();
    text.truncate(10);
    text
}

/// The day behind a partition value.
pub(crate) fn day_of(text: &str) -> Option<i32> {
    Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")).ok().map(Timestamp::day)
}

/// A new data file of a day: its path in the table, with `/` whatever the system.
pub(crate) fn new_data_file(day: i32) -> String {
    format!("{DAY}={}/part-{}.{DATA}", day_text(day), Uuid::new_v4())
}

/// The folder of a commit's file.
pub(crate) fn commit_file(dir: &Path, version: u64) -> PathBuf {
    dir.join(LOG).join(format!("{version:020}.json"))
}

/// Every data file on disk, as paths in the table.
pub(crate) fn data_files(dir: &Path) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(StoreError::io(dir))? {
        let folder = entry.map_err(StoreError::io(dir))?;
        let name = folder.file_name().to_string_lossy().into_owned();
        if !name.starts_with(DAY) || !folder.path().is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(folder.path()).map_err(StoreError::io(folder.path()))? {
            let file = entry.map_err(StoreError::io(folder.path()))?;
            if file.path().extension().is_some_and(|ending| ending == DATA) {
                found.push(format!("{name}/{}", file.file_name().to_string_lossy()));
            }
        }
    }
    Ok(found)
}

/// Makes the content of a file durable.
pub(crate) fn sync_file(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(StoreError::io(path))
}

/// Makes the names in a folder durable. Systems that cannot open a folder need no such step.
pub(crate) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    match File::open(path) {
        Ok(folder) => folder.sync_all().map_err(StoreError::io(path)),
        Err(_) if cfg!(windows) => Ok(()),
        Err(cause) => Err(StoreError::io(path)(cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_one_spelling() {
        for day in [-719_162, -1, 0, 1, 20_000, 2_932_896] {
            assert_eq!(day_of(&day_text(day)), Some(day), "{}", day_text(day));
        }
        assert_eq!(day_text(20_577), "2026-05-04");
        assert_eq!(day_of("yesterday"), None);
    }
}
