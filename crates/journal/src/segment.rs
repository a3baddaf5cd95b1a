//! One segment file: a page that says what it is, then entries. Allocated ahead, used again when its entries are in the
//! table.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crc32fast::hash;
use tidegate_event::{NodeId, Position};
use uuid::Uuid;

use crate::disk::Disk;
use crate::error::JournalError;
use crate::frame::{Seed, array_at, u32_at, u64_at};

/// The entries begin behind one page, so a torn entry never touches the header.
pub(crate) const DATA_START: u64 = 4096;
/// What a header takes of that page.
const HEADER_BYTES: usize = 64;
const MAGIC: [u8; 8] = *b"TGjrnl\r\n";
/// The layout of this file; a newer one is refused.
const VERSION: u32 = 1;

/// An open segment.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Ascending number of this use of a file, for the life of the directory.
    pub(crate) generation: u64,
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) size: u64,
    /// The position of the first entry it may hold.
    pub(crate) first: Position,
    pub(crate) seed: Seed,
}

/// What the first page of a segment file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) version: u32,
    pub(crate) node: NodeId,
    pub(crate) generation: u64,
    pub(crate) first: Position,
}

impl SegmentHeader {
    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&self.version.to_le_bytes());
        out[16..32].copy_from_slice(self.node.0.as_bytes());
        out[32..40].copy_from_slice(&self.generation.to_le_bytes());
        out[40..48].copy_from_slice(&self.first.0.to_le_bytes());
        let crc = hash(&out);
        out[12..16].copy_from_slice(&crc.to_le_bytes());
        out
    }

    fn decode(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let mut bare = *bytes;
        bare[12..16].fill(0);
        (bytes[..8] == MAGIC && u32_at(bytes, 12) == hash(&bare)).then(|| Self {
            version: u32_at(bytes, 8),
            node: NodeId(Uuid::from_bytes(array_at(bytes, 16))),
            generation: u64_at(bytes, 32),
            first: Position(u64_at(bytes, 40)),
        })
    }
}

impl Segment {
    pub(crate) fn name(generation: u64) -> String {
        format!("segment-{generation:020}")
    }

    pub(crate) fn spare_name(generation: u64) -> String {
        format!("spare-{generation:020}")
    }

    /// The generation that a file's name carries behind `prefix`.
    pub(crate) fn generation_of(name: &str, prefix: &str) -> Option<u64> {
        let digits = name.strip_prefix(prefix)?.strip_prefix('-')?;
        (digits.len() == 20).then(|| digits.parse().ok()).flatten()
    }

    /// A segment for entries from `first` on, in a new file or in `spare`. Its header reaches the disk with the first
    /// group at the latest; its name is there when this returns.
    pub(crate) fn create(
        directory: &Path,
        disk: &dyn Disk,
        header: SegmentHeader,
        size: u64,
        spare: Option<&Path>,
    ) -> Result<Self, JournalError> {
        let path = directory.join(Self::name(header.generation));
        let fresh = directory.join(Self::spare_name(header.generation));
        let made = Self::prepare(&path, disk, header, size, spare.unwrap_or(&fresh), spare.is_none());
        match made {
            Ok(file) => {
                let seed = Seed::new(header.node, header.generation);
                Ok(Self { generation: header.generation, path, file, size, first: header.first, seed })
            }
            Err(error) => {
                // Half-made files are of no use, and their blocks may be what is missing.
                for leftover in [Some(path.as_path()), Some(fresh.as_path()), spare].into_iter().flatten() {
                    let _ = fs::remove_file(leftover);
                }
                Err(error)
            }
        }
    }

    fn prepare(
        path: &Path,
        disk: &dyn Disk,
        header: SegmentHeader,
        size: u64,
        from: &Path,
        is_new: bool,
    ) -> Result<File, JournalError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(is_new)
            .truncate(is_new)
            .open(from)
            .map_err(|error| JournalError::io("open", from, error))?;
        if is_new {
            disk.allocate(&file, size).map_err(|error| JournalError::io("allocate", from, error))?;
        }
        disk.write_at(&file, &header.encode(), 0).map_err(|error| JournalError::io("write", from, error))?;
        if is_new {
            // The size goes to the disk with it: without the size, the data could not be read.
            disk.sync(&file).map_err(|error| JournalError::io("sync", from, error))?;
        }
        fs::rename(from, path).map_err(|error| JournalError::io("rename", from, error))?;
        let directory = path.parent().unwrap_or(path);
        disk.sync_names(directory).map_err(|error| JournalError::io("sync", directory, error))?;
        Ok(file)
    }

    /// Opens a segment file; the header is `None` when it is damaged or of another generation than the file's name.
    pub(crate) fn open(path: &Path, generation: u64, node: NodeId) -> Result<(Self, bool), JournalError> {
        let failed = |error| JournalError::io("open", path, error);
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let header = Self::read_header(&file).filter(|header| header.generation == generation);
        if let Some(header) = header {
            Self::check(path, header, node)?;
        }
        let first = header.map_or(Position(0), |header| header.first);
        let seed = Seed::new(node, generation);
        Ok((Self { generation, path: path.to_owned(), file, size, first, seed }, header.is_some()))
    }

    fn read_header(file: &File) -> Option<SegmentHeader> {
        let mut bytes = [0; HEADER_BYTES];
        file.read_exact_at(&mut bytes, 0).ok()?;
        SegmentHeader::decode(&bytes)
    }

    fn check(path: &Path, header: SegmentHeader, node: NodeId) -> Result<(), JournalError> {
        let unusable = |cause| Err(JournalError::Unusable { path: path.to_owned(), cause });
        if header.version != VERSION {
            return unusable(format!("it has layout {}, this tidegate knows layout {VERSION}", header.version));
        }
        if header.node != node {
            return unusable(format!("it belongs to another data directory (node {})", header.node.0));
        }
        Ok(())
    }

    /// Writes the header again, after it was found damaged.
    pub(crate) fn repair_header(&self, disk: &dyn Disk, node: NodeId) -> Result<(), JournalError> {
        let header = SegmentHeader::new(node, self.generation, self.first);
        disk.write_at(&self.file, &header.encode(), 0).map_err(|error| JournalError::io("write", &self.path, error))
    }
}

impl SegmentHeader {
    pub(crate) fn new(node: NodeId, generation: u64, first: Position) -> Self {
        Self { version: VERSION, node, generation, first }
    }
}
