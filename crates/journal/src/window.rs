//! Reads a segment through a block of memory, so that many small entries cost few system calls.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// How much is read at a time.
const BLOCK_BYTES: u64 = 256 << 10;

/// Some bytes of one file.
#[derive(Debug, Default)]
pub(crate) struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// Forgets what was read.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Gives back memory that only a very large entry needed.
    pub(crate) fn release(&mut self) {
        if self.bytes.capacity() > 16 * BLOCK_BYTES as usize {
            self.bytes = Vec::new();
        }
    }

    /// The bytes at `offset`, up to `length` of them: fewer where `end` comes before. Nothing behind `end` is read,
    /// since it may still change.
    pub(crate) fn get(&mut self, file: &File, offset: u64, length: u64, end: u64) -> io::Result<&[u8]> {
        let length = length.min(end.saturating_sub(offset));
        let inside = offset >= self.start && offset + length <= self.start + self.bytes.len() as u64;
        if !inside {
            let wanted = length.max(BLOCK_BYTES.min(end.saturating_sub(offset)));
            self.start = offset;
            self.bytes.clear();
            self.bytes.resize(usize::try_from(wanted).unwrap_or(usize::MAX), 0);
            let filled = read_at(file, &mut self.bytes, offset)?;
            self.bytes.truncate(filled);
        }
        let from = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        let to = from.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(self.bytes.len());
        Ok(self.bytes.get(from..to).unwrap_or_default())
    }
}

/// Fills as much of `buffer` as the file has.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
