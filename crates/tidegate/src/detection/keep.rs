//! Keeps the memory of detection across restarts: one file, replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tidegate_event::Position;

/// The file's first bytes; another layout gets another number.
const MAGIC: &[u8; 8] = b"tgmem\x00\x00\x01";
/// A memory that is larger than every bound together was not written by us.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// The file with the memory.
#[derive(Clone, Debug)]
pub(crate) struct Kept(PathBuf);

impl Kept {
    /// The file in a data directory.
    pub(crate) fn new(data: &Path) -> Self {
        Self(data.join("detection.memory"))
    }

    /// The memory, and the last batch that it has seen; `None` when there is none or it cannot be used.
    pub(crate) fn load(&self) -> io::Result<Option<(Position, Vec<u8>)>> {
        let bytes = match fs::metadata(&self.0) {
            Ok(found) if found.len() <= FILE_BYTES_MAX => fs::read(&self.0)?,
            Ok(_) => return Err(io::Error::other("it is too large")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| io::Error::other("it is of another version"))?;
        let (position, memory) = rest.split_first_chunk::<8>().ok_or_else(|| io::Error::other("it is cut off"))?;
        Ok(Some((Position(u64::from_le_bytes(*position)), memory.to_vec())))
    }

    /// Replaces the file. When this returns, it is on disk.
    pub(crate) fn save(&self, position: Position, memory: &[u8]) -> io::Result<()> {
        let next = self.0.with_extension("next");
        let mut file = File::create(&next)?;
        file.write_all(MAGIC)?;
        file.write_all(&position.0.to_le_bytes())?;
        file.write_all(memory)?;
        file.sync_data()?;
        fs::rename(&next, &self.0)?;
        // The rename itself must survive, too.
        self.0.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::new(folder.path());
        assert_eq!(kept.load().unwrap(), None);
        for position in [Position(1), Position(u64::MAX)] {
            kept.save(position, b"memory").unwrap();
            assert_eq!(kept.load().unwrap(), Some((position, b"memory".to_vec())));
        }
        fs::write(&kept.0, b"tgmem\x00\x00\x01\x01").unwrap();
        assert_eq!(kept.load().unwrap_err().to_string(), "it is cut off");
        fs::write(&kept.0, b"something").unwrap();
        assert!(kept.load().is_err());
    }
}
