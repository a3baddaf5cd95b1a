//! How a bucket is followed.

use std::time::Duration;

use tidegate_batch::Limits;

/// Objects that may be read at the same time.
pub const CONCURRENCY_MAX: usize = 64;

/// How a bucket is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long to wait between two looks.
    pub interval: Duration,
    /// Objects that are read at the same time.
    pub concurrency: usize,
    /// How late an object may come, by its name, and still be found at the next look.
    pub look_back: Duration,
    /// An object that is larger is not read.
    pub object_bytes_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            concurrency: 8,
            look_back: Duration::from_hours(7 * 24),
            object_bytes_max: Limits::default().compressed_bytes_max as u64,
        }
    }
}
