//! Files that are on disk but no longer, or never were, in the table: deleted once no query can still read them.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use deltalake::DeltaTable;

use crate::error::StoreError;
use crate::layout::data_files;
use crate::table::files;

/// Dead files and when they died.
#[derive(Debug, Default)]
pub(crate) struct Graveyard {
    dead: HashMap<String, Instant>,
}

impl Graveyard {
    /// Finds what an earlier process left: replaced files, and files whose commit never came. Nobody knows when they
    /// died, so their time starts now.
    pub(crate) fn open(dir: &Path, table: &DeltaTable) -> Result<Self, StoreError> {
        let alive = alive(table)?;
        let now = Instant::now();
        let dead = data_files(dir)?.into_iter().filter(|path| !alive.contains(path)).map(|path| (path, now)).collect();
        Ok(Self { dead })
    }

    /// Notes files that have just left the table, or perhaps never came into it.
    pub(crate) fn bury(&mut self, paths: impl IntoIterator<Item = String>) {
        let now = Instant::now();
        self.dead.extend(paths.into_iter().map(|path| (path, now)));
    }

    /// Deletes what has been dead for longer than `keep`; gives how many files that were. What is in the table after
    /// all is left alone.
    pub(crate) fn vacuum(&mut self, dir: &Path, keep: Duration, table: &DeltaTable) -> Result<u64, StoreError> {
        if self.dead.values().all(|since| since.elapsed() < keep) {
            return Ok(0);
        }
        let alive = alive(table)?;
        let mut deleted = 0;
        self.dead.retain(|path, since| {
            if since.elapsed() < keep {
                return true;
            }
            if alive.contains(path) {
                return false;
            }
            let place = dir.join(path);
            match std::fs::remove_file(&place) {
                Ok(()) => deleted += 1,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot delete `{}`, trying again later", place.display());
                    return true;
                }
            }
            // Goes only when it is empty; a flush that needs it makes it again.
            if let Some(folder) = place.parent() {
                let _ = std::fs::remove_dir(folder);
            }
            false
        });
        Ok(deleted)
    }
}

/// The files of the table.
fn alive(table: &DeltaTable) -> Result<HashSet<String>, StoreError> {
    Ok(files(table)?.iter().map(|file| file.path().into_owned()).collect())
}
