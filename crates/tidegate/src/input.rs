//! The files a verb reads: opened one after the other, read ahead on a thread of their own, with progress.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use eyre::eyre;
use tidegate_batch::Limits;
use tidegate_batch::file::{self, Chunk};

use crate::exit::Failure;
use crate::progress::Progress;

/// Chunks read ahead of who works on them.
const AHEAD: usize = 4;

/// Chunks of records of several files, in order.
pub(crate) struct Inputs {
    chunks: Receiver<Result<Part, file::FileError>>,
    progress: Progress,
    records: u64,
}

struct Part {
    name: Arc<str>,
    chunk: Chunk,
    read_bytes: u64,
}

impl Inputs {
    /// Starts to read. `what` is said beside the progress.
    pub(crate) fn open(files: &[PathBuf], limits: &Limits, what: &'static str) -> Self {
        let (send, chunks) = sync_channel(AHEAD);
        let total = files.iter().map(|file| size_of(file)).sum::<Option<u64>>();
        let (files, limits) = (files.to_vec(), *limits);
        std::thread::spawn(move || {
            let mut before = 0;
            for path in files {
                let name: Arc<str> = path.display().to_string().into();
                let mut records = match file::open(&path, &limits) {
                    Ok(records) => records,
                    Err(error) => {
                        // Nobody listens any more when this fails.
                        let _ = send.send(Err(error));
                        return;
                    }
                };
                loop {
                    let part = match records.next_chunk() {
                        Ok(Some(chunk)) => {
                            let read_bytes = before + records.progress().read_bytes();
                            Ok(Part { name: Arc::clone(&name), chunk, read_bytes })
                        }
                        Ok(None) => break,
                        Err(error) => Err(error),
                    };
                    let failed = part.is_err();
                    if send.send(part).is_err() || failed {
                        return;
                    }
                }
                before += size_of(&path).unwrap_or(0);
            }
        });
        Self { chunks, progress: Progress::start(what, total, false), records: 0 }
    }

    /// The next chunk and the name of its file; `None` at the end of the last file.
    pub(crate) fn next(&mut self) -> Result<Option<(Arc<str>, Chunk)>, Failure> {
        match self.chunks.recv() {
            Ok(Ok(part)) => {
                self.records += part.chunk.len() as u64;
                let records = self.records;
                self.progress.at(part.read_bytes, || format!("{records} records"));
                Ok(Some((part.name, part.chunk)))
            }
            Ok(Err(error)) => {
                self.progress.finish();
                Err(Failure::Work(eyre!(error)))
            }
            Err(_) => {
                self.progress.finish();
                Ok(None)
            }
        }
    }
}

/// The size of a regular file; `None` for standard input and pipes.
fn size_of(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|data| data.len())
}
