//! A disk that fails when it is told to.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Condvar, Mutex};

use crate::disk::Disk;

/// A disk that fails when it is told to, and that knows what a power cut would lose.
#[derive(Default)]
pub(crate) struct Faulty {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub(crate) struct State {
    /// Bytes that can still be written; then the process is as good as dead: every operation fails.
    pub(crate) budget: Option<u64>,
    /// The next write finds no space after so many bytes; what is overwritten has its space.
    pub(crate) space: Option<u64>,
    /// Syncs that still work, then likewise.
    pub(crate) syncs: Option<u64>,
    /// The next operations of a kind fail with this error, the others work.
    pub(crate) write_error: Option<i32>,
    pub(crate) sync_error: Option<i32>,
    pub(crate) allocate_error: Option<i32>,
    /// Syncs wait.
    pub(crate) held: bool,
    pub(crate) waiting: usize,
    pub(crate) written: u64,
    dead: bool,
    unsynced: Vec<Unsynced>,
}

struct Unsynced {
    file: File,
    inode: u64,
    offset: u64,
    before: Vec<u8>,
    after: Vec<u8>,
}

const NO_SPACE: i32 = 28;
const IO_ERROR: i32 = 5;

impl Faulty {
    pub(crate) fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }

    pub(crate) fn get<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.lock().unwrap())
    }

    pub(crate) fn no_space(write: bool, allocate: bool) -> impl FnOnce(&mut State) {
        move |state| {
            state.write_error = write.then_some(NO_SPACE);
            state.allocate_error = allocate.then_some(NO_SPACE);
        }
    }

    pub(crate) fn bad_sync(bad: bool) -> impl FnOnce(&mut State) {
        move |state| state.sync_error = bad.then_some(IO_ERROR)
    }

    /// What the power cut leaves: of every block written since its file's last sync, `fate` says whether it is new (0),
    /// old (1) or garbage (2).
    pub(crate) fn cut_power(&self, mut fate: impl FnMut() -> u8) {
        let unsynced = std::mem::take(&mut self.state.lock().unwrap().unsynced);
        for Unsynced { file, offset, before, after, .. } in unsynced {
            const BLOCK_BYTES: usize = 64;
            for start in (0..after.len()).step_by(BLOCK_BYTES) {
                let end = after.len().min(start + BLOCK_BYTES);
                let bytes = match fate() {
                    0 => continue,
                    1 => before[start..end].to_vec(),
                    _ => vec![0xa5; end - start],
                };
                file.write_all_at(&bytes, offset + start as u64).unwrap();
            }
        }
    }
}

impl State {
    fn check(&self, error: Option<i32>) -> io::Result<()> {
        let error = if self.dead { Some(IO_ERROR) } else { error };
        error.map_or(Ok(()), |code| Err(io::Error::from_raw_os_error(code)))
    }
}

fn inode(file: &File) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&file.metadata().unwrap())
}

impl Disk for Faulty {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.check(state.write_error)?;
        let space = state.space.take();
        let most = state.budget.or(space);
        let allowed = most.map_or(bytes.len(), |most| bytes.len().min(most as usize));
        let bytes_now = &bytes[..allowed];
        let mut before = vec![0; allowed];
        let _ = file.read_at(&mut before, offset);
        let file_too = file.try_clone().unwrap();
        state.unsynced.push(Unsynced { inode: inode(file), file: file_too, offset, before, after: bytes_now.to_vec() });
        file.write_all_at(bytes_now, offset)?;
        state.written += allowed as u64;
        if let Some(budget) = &mut state.budget {
            *budget -= allowed as u64;
            if allowed < bytes.len() {
                state.dead = true;
            }
        }
        state.check((allowed < bytes.len()).then_some(NO_SPACE))
    }

    /// Leaves the real disk alone: nothing here survives the machine anyway.
    fn sync(&self, file: &File) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.waiting += 1;
        while state.held {
            state = self.changed.wait(state).unwrap();
        }
        state.waiting -= 1;
        match &mut state.syncs {
            Some(0) => state.dead = true,
            Some(left) => *left -= 1,
            None => {}
        }
        state.check(state.sync_error)?;
        let inode = inode(file);
        state.unsynced.retain(|unsynced| unsynced.inode != inode);
        Ok(())
    }

    fn allocate(&self, file: &File, size: u64) -> io::Result<()> {
        let state = self.state.lock().unwrap();
        state.check(state.allocate_error)?;
        file.set_len(size)
    }

    fn sync_names(&self, _directory: &Path) -> io::Result<()> {
        self.state.lock().unwrap().check(None)
    }
}
