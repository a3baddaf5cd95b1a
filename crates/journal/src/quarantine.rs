//! Puts damaged bytes aside, and a filler in their place so that they are met only once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::disk::Disk;
use crate::frame::{ALIGN_BYTES, Frame, HEADER_BYTES};
use crate::report::Quarantined;
use crate::scan::Hole;
use crate::segment::Segment;
use crate::window::Window;

pub(crate) const QUARANTINE: &str = "quarantine";
/// What the copies may occupy together; beyond it, damage is reported but not copied.
const COPIES_BYTES_MAX: u64 = 1 << 30;

/// Copies the hole's bytes to `quarantine/`, writes a filler over them, and says what happened.
pub(crate) fn put_aside(directory: &Path, disk: &dyn Disk, segment: &Segment, hole: Hole) -> Quarantined {
    let copy = match copy(directory, disk, segment, hole) {
        Ok(copy) => copy,
        Err(error) => {
            tracing::warn!("cannot copy damaged bytes of `{}` to quarantine: {error}", segment.path.display());
            None
        }
    };
    fill(disk, segment, hole);
    let quarantined = Quarantined {
        segment: segment.path.clone(),
        offset: hole.start,
        bytes: hole.end - hole.start,
        first: hole.first,
        last: hole.last,
        copy,
    };
    tracing::error!(
        journal.segment = %quarantined.segment.display(),
        journal.offset = quarantined.offset,
        journal.bytes = quarantined.bytes,
        journal.first = quarantined.first.0,
        journal.last = quarantined.last.0,
        "the journal is damaged: {} bytes were put aside, {} batches may be lost",
        quarantined.bytes,
        (hole.last.0 + 1).saturating_sub(hole.first.0),
    );
    quarantined
}

/// Writes a filler over the hole. A failure costs nothing but another report at the next start.
pub(crate) fn fill(disk: &dyn Disk, segment: &Segment, hole: Hole) {
    let span = (hole.end - hole.start) / ALIGN_BYTES * ALIGN_BYTES;
    if span < HEADER_BYTES as u64 {
        return;
    }
    let filler = Frame::Filler { first: hole.first, last: hole.last, span }.encode(segment.seed);
    if let Err(error) = disk.write_at(&segment.file, &filler, hole.start).and_then(|()| disk.sync(&segment.file)) {
        tracing::warn!("cannot mark damaged bytes in `{}`: {error}", segment.path.display());
    }
}

fn copy(directory: &Path, disk: &dyn Disk, segment: &Segment, hole: Hole) -> io::Result<Option<PathBuf>> {
    let bytes = hole.end - hole.start;
    let copies = directory.join(QUARANTINE);
    fs::create_dir_all(&copies)?;
    let mut occupied = 0;
    for file in fs::read_dir(&copies)? {
        occupied += file?.metadata()?.len();
    }
    if bytes == 0 || occupied.saturating_add(bytes) > COPIES_BYTES_MAX {
        return Ok(None);
    }
    let path = copies.join(format!("{}-{}", Segment::name(segment.generation), hole.start));
    let to = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
    let copied = copy_range(disk, &segment.file, hole.start, hole.end, to);
    if copied.is_err() {
        // A part of the damage is of no use, and the space may be needed.
        let _ = fs::remove_file(&path);
    }
    copied.map(|()| Some(path))
}

fn copy_range(disk: &dyn Disk, from: &File, start: u64, end: u64, mut to: File) -> io::Result<()> {
    const BLOCK_BYTES: u64 = 1 << 20;
    let mut window = Window::default();
    let mut at = start;
    while at < end {
        let block = window.get(from, at, BLOCK_BYTES.min(end - at), end)?;
        if block.is_empty() {
            break;
        }
        to.write_all(block)?;
        at += block.len() as u64;
    }
    disk.sync(&to)
}
