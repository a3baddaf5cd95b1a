//! A file's bytes with their compression undone, a block at a time.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::FileError;
use crate::coding::Coding;
use crate::error::{BatchError, Cause};
use crate::member::Members;

/// How much is asked of the system at a time.
const BLOCK_BYTES: usize = 256 << 10;
/// What the longest magic number takes.
const MAGIC_BYTES: usize = 4;

/// How far a file was read. Clones follow the same file.
#[derive(Clone, Debug)]
pub struct Progress {
    read_bytes: Arc<AtomicU64>,
    total_bytes: Option<u64>,
}

impl Progress {
    /// Bytes read from the file, still compressed.
    #[must_use]
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }

    /// The file's size, where it has one.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }
}

/// A file's bytes with their compression undone.
pub(super) struct Input {
    reader: Box<dyn Read + Send>,
    name: String,
    progress: Progress,
    block: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
    stream: Option<Stream>,
}

enum Stream {
    Identity,
    Members { coding: Coding, members: Box<Members>, read: usize },
}

impl Input {
    pub(super) fn new(reader: Box<dyn Read + Send>, name: &str, total_bytes: Option<u64>) -> Self {
        Self {
            reader,
            name: name.to_owned(),
            progress: Progress { read_bytes: Arc::default(), total_bytes },
            block: Vec::new(),
            start: 0,
            end: 0,
            at_end: false,
            stream: None,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Fills some of `output`; 0 at the end.
    pub(super) fn read(&mut self, output: &mut [u8]) -> Result<usize, FileError> {
        if self.stream.is_none() {
            self.begin()?;
        }
        let Some(Stream::Members { .. }) = self.stream else {
            return self.read_plain(output);
        };
        loop {
            let Some(Stream::Members { coding, members, read }) = &mut self.stream else { return Ok(0) };
            let coding = *coding;
            let input = &self.block[self.start..self.end];
            match members.step(input, output) {
                Ok(step) => {
                    self.start += step.read;
                    *read += step.read;
                    if step.written > 0 {
                        return Ok(step.written);
                    }
                    if self.start < self.end && step.read > 0 {
                        continue;
                    }
                    if self.at_end {
                        let (complete, offset) = (members.is_complete(), *read);
                        return if complete { Ok(0) } else { Err(self.damaged(coding, offset, Cause::CutOff)) };
                    }
                }
                Err((taken, cause)) => {
                    let offset = *read + taken;
                    return Err(self.damaged(coding, offset, cause));
                }
            }
            self.read_block()?;
        }
    }

    /// What the block still holds first, then straight from the file.
    fn read_plain(&mut self, output: &mut [u8]) -> Result<usize, FileError> {
        if self.start < self.end {
            let length = output.len().min(self.end - self.start);
            output[..length].copy_from_slice(&self.block[self.start..self.start + length]);
            self.start += length;
            return Ok(length);
        }
        if self.at_end {
            return Ok(0);
        }
        let read = self.read_raw(output)?;
        self.at_end = read == 0;
        Ok(read)
    }

    /// Reads enough to see a magic number.
    fn begin(&mut self) -> Result<(), FileError> {
        while self.end - self.start < MAGIC_BYTES && !self.at_end {
            self.read_block()?;
        }
        self.stream = Some(match Coding::from_content(&self.block[self.start..self.end]) {
            None | Some(Coding::Identity) => Stream::Identity,
            Some(coding) => {
                let members = Members::new(coding).map_err(|cause| self.damaged(coding, 0, cause))?;
                Stream::Members { coding, members: Box::new(members), read: 0 }
            }
        });
        Ok(())
    }

    /// Reads more behind what the block still holds.
    fn read_block(&mut self) -> Result<(), FileError> {
        self.block.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        self.block.resize(BLOCK_BYTES, 0);
        let mut block = std::mem::take(&mut self.block);
        let read = self.read_raw(&mut block[self.end..]);
        self.block = block;
        let read = read?;
        self.at_end = read == 0;
        self.end += read;
        Ok(())
    }

    fn read_raw(&mut self, output: &mut [u8]) -> Result<usize, FileError> {
        loop {
            match self.reader.read(output) {
                Ok(read) => {
                    self.progress.read_bytes.fetch_add(read as u64, Ordering::Relaxed);
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(FileError::Io { name: self.name.clone(), cause: Arc::new(cause) }),
            }
        }
    }

    fn damaged(&self, coding: Coding, offset: usize, cause: Cause) -> FileError {
        let cause = BatchError::Compression { coding, offset, cause };
        FileError::Damaged { name: self.name.clone(), cause }
    }
}
