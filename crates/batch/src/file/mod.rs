//! Files and standard input, as the command line reads them: gzip, zstd or plain, NDJSON (or any lines) or a JSON array,
//! all told apart by content. A file of any size passes through a bounded buffer.

mod chunk;
mod elements;
mod input;
mod lines;
mod position;
mod shape;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

pub use chunk::Chunk;
pub use input::Progress;

use crate::error::BatchError;
use crate::limits::Limits;
use elements::Elements;
use input::Input;
use lines::Lines;
use position::Position;
use shape::Shape;

/// How much text one chunk gets at a time. Large enough that a worker thread is worth its hand-over, small enough for
/// the second-level cache.
const CHUNK_BYTES: usize = 256 << 10;

/// Why a file could not be read to its end.
#[derive(Clone, Debug, Error)]
pub enum FileError {
    /// The system refused.
    #[error("cannot read `{name}`: {cause}")]
    Io {
        /// The file as the user named it.
        name: String,
        /// What the system said.
        cause: Arc<io::Error>,
    },
    /// Its compression or the array around its records is damaged. The records before that were given out.
    #[error("`{name}`: {cause}")]
    Damaged {
        /// The file as the user named it.
        name: String,
        /// What is wrong, and where.
        cause: BatchError,
    },
}

/// The records of one file, a chunk at a time.
pub struct Records {
    input: Input,
    record_bytes_max: usize,
    shape: Option<Shape>,
    lines: Lines,
    elements: Elements,
    /// Text that was read but not given out: the head of an incomplete record.
    carry: Vec<u8>,
    /// Where `carry` begins.
    position: Position,
    /// What came after the records that were given out last.
    failed: Option<FileError>,
    ended: bool,
}

/// Opens a file, or standard input for `-`.
///
/// # Errors
/// [`FileError::Io`] when it cannot be opened.
pub fn open(path: &Path, limits: &Limits) -> Result<Records, FileError> {
    if path == Path::new("-") {
        return Ok(from_reader(Box::new(io::stdin()), "standard input", None, limits));
    }
    let name = path.display().to_string();
    let opened = File::open(path).and_then(|file| {
        let metadata = file.metadata()?;
        match metadata.is_dir() {
            true => Err(io::Error::from(io::ErrorKind::IsADirectory)),
            false => Ok((file, metadata.is_file().then_some(metadata.len()))),
        }
    });
    match opened {
        Ok((file, total)) => Ok(from_reader(Box::new(file), &name, total, limits)),
        Err(cause) => Err(FileError::Io { name, cause: Arc::new(cause) }),
    }
}

/// Reads from anything; `name` is for errors, `total_bytes` for progress.
#[must_use]
pub fn from_reader(reader: Box<dyn Read + Send>, name: &str, total_bytes: Option<u64>, limits: &Limits) -> Records {
    Records {
        input: Input::new(reader, name, total_bytes),
        record_bytes_max: limits.record_bytes_max,
        shape: None,
        lines: Lines::default(),
        elements: Elements::default(),
        carry: Vec::new(),
        position: Position::default(),
        failed: None,
        ended: false,
    }
}

impl Records {
    /// The next records; `None` after the last.
    ///
    /// # Errors
    /// [`FileError`]; all records before the damage were given out by then, and nothing more comes.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, FileError> {
        let mut chunk = Chunk::default();
        Ok(self.read_chunk(&mut chunk)?.then_some(chunk))
    }

    /// As [`Records::next_chunk`], into a chunk whose memory is used again. False after the last.
    ///
    /// # Errors
    /// As [`Records::next_chunk`].
    pub fn read_chunk(&mut self, chunk: &mut Chunk) -> Result<bool, FileError> {
        loop {
            if let Some(failed) = self.failed.take() {
                return Err(failed);
            }
            chunk.clear();
            if self.ended {
                return Ok(false);
            }
            self.fill(chunk);
            if !chunk.is_empty() {
                return Ok(true);
            }
        }
    }

    /// How far the file was read, also usable from another thread.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.input.progress()
    }

    /// Reads one block behind what was carried over, and cuts the records out of it.
    fn fill(&mut self, chunk: &mut Chunk) {
        std::mem::swap(&mut chunk.text, &mut self.carry);
        self.carry.clear();
        let known = chunk.text.len();
        chunk.text.resize(known + CHUNK_BYTES, 0);
        let read = self.input.read(&mut chunk.text[known..]);
        chunk.text.truncate(known + *read.as_ref().unwrap_or(&0));
        let at_end = matches!(read, Ok(0));
        self.ended = at_end || read.is_err();
        self.failed = read.err();
        let Some(shape) = self.shape.or_else(|| self.find_shape(&chunk.text, at_end)) else {
            std::mem::swap(&mut chunk.text, &mut self.carry);
            return;
        };
        self.cut(shape, chunk, known, at_end);
    }

    fn find_shape(&mut self, text: &[u8], at_end: bool) -> Option<Shape> {
        let shape = shape::shape(text).or(at_end.then_some(Shape::Lines))?;
        if let Shape::Array { at, wrapped } = shape {
            self.elements.begin(at, wrapped);
        }
        self.shape = Some(shape);
        Some(shape)
    }

    fn cut(&mut self, shape: Shape, chunk: &mut Chunk, known: usize, at_end: bool) {
        let bytes_max = self.record_bytes_max;
        let kept = match shape {
            Shape::Lines => Ok(self.lines.cut(chunk, known, self.position.line(), bytes_max, at_end)),
            Shape::Array { .. } => self.elements.cut(chunk, self.position.line(), bytes_max, at_end),
        };
        match kept {
            Ok(kept) => {
                self.carry.extend_from_slice(&chunk.text[kept..]);
                self.position.advance(&chunk.text[..kept]);
            }
            Err(mistake) => {
                let cause = self.position.error(&chunk.text, mistake);
                // Whatever the input says after a wrong byte is of no use any more.
                self.failed = Some(FileError::Damaged { name: self.input.name().to_owned(), cause });
                self.ended = true;
            }
        }
    }
}

#[cfg(test)]
mod tests;
