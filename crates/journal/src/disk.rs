//! The few file operations that a journal's promise rests on, behind a seam so that tests can make each of them fail.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};

/// What can fail between a promise and its keeping.
pub(crate) trait Disk: Send + Sync + 'static {
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Returns when all written data of the file is on disk.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Gives the file `size` bytes of real blocks.
    fn allocate(&self, file: &File, size: u64) -> io::Result<()>;
    /// Returns when created, renamed and removed names in `directory` are on disk.
    fn sync_names(&self, directory: &Path) -> io::Result<()>;
}

/// The operating system.
pub(crate) struct System;

impl Disk for System {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn allocate(&self, file: &File, size: u64) -> io::Result<()> {
        match fallocate(file, FallocateFlags::empty(), 0, size) {
            // Some file systems cannot allocate ahead; then a write finds out that the disk is full.
            Err(rustix::io::Errno::OPNOTSUPP) => file.set_len(size),
            result => result.map_err(io::Error::from),
        }
    }

    fn sync_names(&self, directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }
}
