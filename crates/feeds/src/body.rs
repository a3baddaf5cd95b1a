//! What was fetched, or brought in by hand: bytes on disk, perhaps packed.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tidegate_detect::intel::{Indicator, ReadOptions, Report, read};

use crate::error::FeedError;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What was fetched. Dropping it frees the space.
#[derive(Debug)]
pub struct Body {
    file: File,
    /// How much came over the wire.
    pub bytes: u64,
    /// What the server calls this version.
    pub etag: Option<String>,
    /// When the server changed it last, in its words.
    pub last_modified: Option<String>,
}

/// A feed that was brought in by hand: the same files, without a network.
///
/// # Errors
/// [`FeedError::Disk`] when it cannot be opened.
pub fn open_file(path: &Path) -> Result<Body, FeedError> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    Ok(Body { file, bytes, etag: None, last_modified: None })
}

impl Body {
    pub(crate) const fn new(file: File, bytes: u64) -> Self {
        Self { file, bytes, etag: None, last_modified: None }
    }

    /// The bytes from the beginning, gzip undone (told by content, so files that are named `.gz` work as well).
    ///
    /// # Errors
    /// [`FeedError::Disk`].
    pub fn open(&mut self) -> Result<Box<dyn Read + Send + '_>, FeedError> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut head = [0; 2];
        let packed = self.file.read(&mut head)? == 2 && head == GZIP;
        self.file.seek(SeekFrom::Start(0))?;
        let input = BufReader::with_capacity(64 << 10, &self.file);
        Ok(if packed { Box::new(MultiGzDecoder::new(input)) } else { Box::new(input) })
    }

    /// Reads the indicators and hands each to `sink`. Blocks: call it off the async threads.
    ///
    /// # Errors
    /// [`FeedError::Content`] when it is no feed.
    pub fn read(
        &mut self,
        options: &ReadOptions<'_>,
        sink: &mut dyn FnMut(Indicator) -> ControlFlow<()>,
    ) -> Result<Report, FeedError> {
        Ok(read(self.open()?, options, sink)?)
    }
}
