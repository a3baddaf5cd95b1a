//! Receipts on disk: what the segments can no longer prove. One file for each hour in which segments were given up;
//! records of a fixed size with a checksum each, so a torn end costs only itself.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crc32fast::hash;
use tidegate_event::{Position, Timestamp};

use crate::disk::Disk;
use crate::error::JournalError;
use crate::frame::{array_at, u32_at, u64_at};
use crate::receipts::Kept;

const RECORD_BYTES: usize = 40;
const HOUR_MICROS: i64 = 3_600_000_000;

/// Appends receipts to the file of the hour.
pub(crate) fn write(directory: &Path, disk: &dyn Disk, now: Timestamp, kept: &[Kept]) -> Result<(), JournalError> {
    if kept.is_empty() {
        return Ok(());
    }
    let path = directory.join(format!("receipts-{:010}", hour(now).max(0)));
    let is_new = !path.exists();
    append(&path, disk, kept).map_err(|error| JournalError::io("write", &path, error))?;
    if is_new {
        disk.sync_names(directory).map_err(|error| JournalError::io("sync", directory, error))?;
    }
    Ok(())
}

fn append(path: &Path, disk: &dyn Disk, kept: &[Kept]) -> io::Result<()> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    let bytes: Vec<u8> = kept.iter().flat_map(encode).collect();
    // Behind a torn record, the next one begins at a whole multiple again.
    let end = file.metadata()?.len().next_multiple_of(RECORD_BYTES as u64);
    disk.write_at(&file, &bytes, end)?;
    disk.sync(&file)
}

/// All receipts in all files, by position. Unreadable ones are left out: the worst that follows is a duplicate.
pub(crate) fn read(directory: &Path) -> Vec<Kept> {
    let mut found = Vec::new();
    for (_, path) in files(directory) {
        let mut bytes = Vec::new();
        if let Err(error) = File::open(&path).and_then(|mut file| file.read_to_end(&mut bytes)) {
            tracing::warn!("cannot read the receipts in `{}`: {error}", path.display());
        }
        found.extend(bytes.chunks_exact(RECORD_BYTES).filter_map(decode));
    }
    found.sort_by_key(|kept: &Kept| kept.position);
    found.dedup_by_key(|kept| kept.position);
    found
}

/// Removes the files in which nothing can be within the window any more.
pub(crate) fn remove_expired(directory: &Path, now: Timestamp, window: Duration) {
    let window_hours = i64::try_from(window.as_secs() / 3600).unwrap_or(i64::MAX - 2);
    for (written, path) in files(directory) {
        // An hour for the hour's own length, an hour for the window's fraction.
        if written.saturating_add(window_hours).saturating_add(2) < hour(now)
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!("cannot remove `{}`: {error}", path.display());
        }
    }
}

fn files(directory: &Path) -> Vec<(i64, PathBuf)> {
    let Ok(listing) = fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<(i64, PathBuf)> = listing
        .flatten()
        .filter_map(|file| {
            let hour = file.file_name().to_str()?.strip_prefix("receipts-")?.parse().ok()?;
            Some((hour, file.path()))
        })
        .collect();
    files.sort();
    files
}

fn hour(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(HOUR_MICROS)
}

fn encode(kept: &Kept) -> [u8; RECORD_BYTES] {
    let mut out = [0; RECORD_BYTES];
    out[4..20].copy_from_slice(&kept.digest);
    out[20..28].copy_from_slice(&kept.position.0.to_le_bytes());
    out[28..36].copy_from_slice(&kept.received.as_micros().to_le_bytes());
    out[36..40].copy_from_slice(&kept.records.to_le_bytes());
    let crc = hash(&out[4..]);
    out[..4].copy_from_slice(&crc.to_le_bytes());
    out
}

fn decode(bytes: &[u8]) -> Option<Kept> {
    (u32_at(bytes, 0) == hash(&bytes[4..RECORD_BYTES])).then(|| Kept {
        digest: array_at(bytes, 4),
        position: Position(u64_at(bytes, 20)),
        received: Timestamp::from_micros(i64::from_le_bytes(array_at(bytes, 28))),
        records: u32_at(bytes, 36),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::System;

    fn kept(position: u64) -> Kept {
        let received = Timestamp::from_micros(position as i64);
        Kept { digest: [position as u8; 16], position: Position(position), received, records: 5 }
    }

    #[test]
    fn written_is_read_back_also_behind_a_torn_record() {
        let directory = tempfile::tempdir().unwrap();
        let now = Timestamp::from_micros(HOUR_MICROS * 500);
        let all: Vec<Kept> = (1..=6).map(kept).collect();
        write(directory.path(), &System, now, &all[3..]).unwrap();
        write(directory.path(), &System, now, &all[..3]).unwrap();
        assert_eq!(read(directory.path()), all);

        let path = directory.path().join("receipts-0000000500");
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(RECORD_BYTES as u64 * 5 + 7).unwrap();
        write(directory.path(), &System, now, &[kept(9)]).unwrap();
        assert_eq!(read(directory.path()).iter().map(|kept| kept.position.0).collect::<Vec<_>>(), [1, 2, 4, 5, 6, 9]);
    }

    #[test]
    fn files_go_when_their_window_is_over() {
        let directory = tempfile::tempdir().unwrap();
        let at = |hour: i64| Timestamp::from_micros(HOUR_MICROS * hour);
        write(directory.path(), &System, at(100), &[kept(1)]).unwrap();
        remove_expired(directory.path(), at(125), Duration::from_secs(24 * 3600));
        assert_eq!(read(directory.path()).len(), 1);
        remove_expired(directory.path(), at(127), Duration::from_secs(24 * 3600));
        assert_eq!(read(directory.path()).len(), 0);
    }
}
