//! Why the journal did not do what it was asked.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use thiserror::Error;

/// Why the journal did not do what it was asked. Cheap to clone: one failed sync answers a whole group of appends.
#[derive(Clone, Debug, Error)]
pub enum JournalError {
    /// Another process works on the directory.
    #[error("`{}` is in use by another tidegate process{}", dir.display(), holder(*.pid))]
    Locked {
        /// The journal's directory.
        dir: PathBuf,
        /// The process that holds the lock, when it left its number.
        pid: Option<u32>,
    },
    /// The disk or the journal's own bound has no room; nothing of the entry was kept. Worth another try later.
    #[error("the journal is full: {cause}")]
    Full {
        /// Which bound was met.
        cause: FullCause,
    },
    /// More bytes wait for the disk than the queue may hold. Worth another try soon.
    #[error("the journal is behind: {queued_bytes} bytes wait for the disk")]
    Busy {
        /// Bytes waiting when the entry came.
        queued_bytes: usize,
    },
    /// The entry can never be stored.
    #[error("{part} of {bytes} bytes is above the journal's bound of {bytes_max}")]
    TooLarge {
        /// `head` or `body`.
        part: &'static str,
        /// Its size.
        bytes: usize,
        /// The bound.
        bytes_max: usize,
    },
    /// The journal was closed while the call waited.
    #[error("the journal is closed")]
    Closed,
    /// The directory holds something this version cannot work with.
    #[error("`{}`: {cause}", path.display())]
    Unusable {
        /// The file in question.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The operating system refused.
    #[error("cannot {action} `{}`: {cause}", path.display())]
    Io {
        /// What was tried, as a verb: `write`, `sync`.
        action: &'static str,
        /// The file in question.
        path: PathBuf,
        /// What the system said.
        cause: Arc<io::Error>,
    },
}

/// Which bound a full journal met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FullCause {
    /// The file system has no space left (or the quota is used up).
    Disk,
    /// The bound `journal_bytes_max`.
    Bound {
        /// Its value.
        bytes_max: u64,
    },
}

impl fmt::Display for FullCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk => f.write_str("no space left on the disk"),
            Self::Bound { bytes_max } => write!(f, "its segments reached the bound of {bytes_max} bytes"),
        }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

impl JournalError {
    /// Wraps a refusal of the system; "no space" in any of its forms becomes [`JournalError::Full`].
    pub(crate) fn io(action: &'static str, path: &Path, cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { cause: FullCause::Disk }
            }
            _ => Self::Io { action, path: path.to_owned(), cause: Arc::new(cause) },
        }
    }
}
