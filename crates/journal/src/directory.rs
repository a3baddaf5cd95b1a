//! The journal's directory: who owns it, which node it is, and how far it was known to be at the last good moment.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;

use rustix::fs::{FlockOperation, flock};
use tidegate_event::{NodeId, Position};
use uuid::Uuid;

use crate::disk::Disk;
use crate::error::JournalError;
use crate::segment::Segment;

const NODE: &str = "node";
const LOCK: &str = "lock";
const MARK: &str = "mark";

/// A directory that this process alone works on.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) path: PathBuf,
    pub(crate) node: NodeId,
    /// The node id was drawn just now.
    pub(crate) created: bool,
    /// Holds the lock as long as it is open.
    _lock: File,
}

/// Segment files by their generation.
pub(crate) type Generations = Vec<(u64, PathBuf)>;

impl Directory {
    pub(crate) fn open(path: &Path, disk: &dyn Disk) -> Result<Self, JournalError> {
        fs::create_dir_all(path).map_err(|error| JournalError::io("create", path, error))?;
        let lock = lock(path)?;
        let found = read_node(path)?;
        let node = match found {
            Some(node) => node,
            None => draw_node(path, disk)?,
        };
        Ok(Self { path: path.to_owned(), node, created: found.is_none(), _lock: lock })
    }

    /// The segment files, and the spare ones, each by ascending generation.
    pub(crate) fn list(&self) -> Result<(Generations, Generations), JournalError> {
        let failed = |error| JournalError::io("list", &self.path, error);
        let (mut segments, mut spares) = (Vec::new(), Vec::new());
        for file in fs::read_dir(&self.path).map_err(failed)? {
            let file = file.map_err(failed)?;
            let name = file.file_name();
            let name = name.to_string_lossy();
            if let Some(generation) = Segment::generation_of(&name, "segment") {
                segments.push((generation, file.path()));
            } else if let Some(generation) = Segment::generation_of(&name, "spare") {
                spares.push((generation, file.path()));
            }
        }
        segments.sort();
        spares.sort();
        Ok((segments, spares))
    }
}

fn lock(directory: &Path) -> Result<File, JournalError> {
    let path = directory.join(LOCK);
    let failed = |error| JournalError::io("lock", &path, error);
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let pid = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
            return Err(JournalError::Locked { dir: directory.to_owned(), pid });
        }
        Err(error) => return Err(failed(error.into())),
    }
    // The number is a courtesy to whoever comes second; on a full disk there is none.
    let _ = file.set_len(0).and_then(|()| file.write_all(process::id().to_string().as_bytes()));
    Ok(file)
}

fn read_node(directory: &Path) -> Result<Option<NodeId>, JournalError> {
    let path = directory.join(NODE);
    let unusable = |cause: String| JournalError::Unusable { path: path.clone(), cause };
    match fs::read_to_string(&path) {
        Ok(text) => match Uuid::try_parse(text.trim()) {
            Ok(node) => Ok(Some(NodeId(node))),
            Err(_) => Err(unusable("it does not hold the node's id (a UUID)".into())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let has_segments = fs::read_dir(directory)
                .map_err(|error| JournalError::io("list", directory, error))?
                .flatten()
                .any(|file| Segment::generation_of(&file.file_name().to_string_lossy(), "segment").is_some());
            match has_segments {
                // A new id would make the segments unreadable and give their events new ids.
                true => Err(unusable("it is missing although there are segments; bring it back from a backup".into())),
                false => Ok(None),
            }
        }
        Err(error) => Err(JournalError::io("read", &path, error)),
    }
}

fn draw_node(directory: &Path, disk: &dyn Disk) -> Result<NodeId, JournalError> {
    let node = Uuid::new_v4();
    let path = directory.join(NODE);
    replace(&path, format!("{node}\n").as_bytes(), Some(disk))
        .map_err(|error| JournalError::io("write", &path, error))?;
    disk.sync_names(directory).map_err(|error| JournalError::io("sync", directory, error))?;
    if let Some(parent) = directory.parent() {
        // The directory's own name; not every file system lets its parent be opened.
        let _ = disk.sync_names(parent);
    }
    Ok(NodeId(node))
}

/// How far the journal was at some moment: may lag, never leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Everything up to here is in the table.
    pub(crate) committed: Position,
    /// Everything up to here was on disk.
    pub(crate) synced: Position,
}

impl Mark {
    /// The last mark written; nothing, when there is none to be read.
    pub(crate) fn read(directory: &Path) -> Self {
        let text = fs::read_to_string(directory.join(MARK)).unwrap_or_default();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().parse().ok().map(Position)
        };
        match (value("committed "), value("synced "), text.ends_with("end\n")) {
            (Some(committed), Some(synced), true) => Self { committed, synced },
            _ => Self::default(),
        }
    }

    /// Not synced: losing it costs a little time at the next start.
    pub(crate) fn write(self, directory: &Path) -> io::Result<()> {
        let text = format!("committed {}\nsynced {}\nend\n", self.committed.0, self.synced.0);
        replace(&directory.join(MARK), text.as_bytes(), None)
    }
}

/// Writes a small file so that either the old or the new content is there.
fn replace(path: &Path, bytes: &[u8], sync: Option<&dyn Disk>) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    if let Some(disk) = sync {
        disk.sync(&file)?;
    }
    fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::System;

    #[test]
    fn the_second_opener_is_told_who_was_first() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("journal");
        let first = Directory::open(&path, &System).unwrap();
        assert!(first.created);
        let error = Directory::open(&path, &System).unwrap_err();
        assert!(matches!(error, JournalError::Locked { pid: Some(pid), .. } if pid == process::id()), "{error}");
        assert!(
            error.to_string().ends_with(&format!("is in use by another tidegate process (process {})", process::id()))
        );
        let node = first.node;
        drop(first);
        let again = Directory::open(&path, &System).unwrap();
        assert_eq!((again.node, again.created), (node, false));
    }

    #[test]
    fn a_lost_node_id_is_not_replaced_in_silence() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("node"), "no uuid").unwrap();
        assert!(matches!(Directory::open(directory.path(), &System), Err(JournalError::Unusable { .. })));
        fs::remove_file(directory.path().join("node")).unwrap();
        fs::write(directory.path().join(Segment::name(1)), "").unwrap();
        assert!(matches!(Directory::open(directory.path(), &System), Err(JournalError::Unusable { .. })));
    }

    #[test]
    fn a_torn_mark_is_no_mark() {
        let directory = tempfile::tempdir().unwrap();
        let mark = Mark { committed: Position(12), synced: Position(34) };
        mark.write(directory.path()).unwrap();
        assert_eq!(Mark::read(directory.path()), mark);
        let path = directory.path().join(MARK);
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(Mark::read(directory.path()), Mark::default());
        }
    }
}
