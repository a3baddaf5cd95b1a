//! Packs records into bodies as Logpush uploads them: NDJSON in one gzip member.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::generator::Generator;
use tidegate_event::Timestamp;

/// A body ready to be sent.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The gzip bytes.
    pub body: Vec<u8>,
    /// Lines in it.
    pub records: usize,
    /// Bytes before compression.
    pub bytes_plain: usize,
}

/// Makes batches of a generator's records.
#[derive(Debug)]
pub struct Packer {
    records_max: usize,
    level: Compression,
    text: Vec<u8>,
}

impl Packer {
    /// Batches of at most `records_max` records, compressed at a level from 1 (fast) to 9.
    #[must_use]
    pub fn new(records_max: usize, level: u32) -> Self {
        Self { records_max: records_max.max(1), level: Compression::new(level.clamp(1, 9)), text: Vec::new() }
    }

    /// The next batch of records up to a moment; `None` when there are none.
    pub fn next(&mut self, generator: &mut Generator, until: Timestamp) -> Option<Batch> {
        self.text.clear();
        let records = generator.next_batch(until, self.records_max, &mut self.text);
        (records > 0).then(|| Batch { body: gzip(&self.text, self.level), records, bytes_plain: self.text.len() })
    }
}

/// One gzip member.
pub(crate) fn gzip(text: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 6 + 64), level);
    encoder.write_all(text).expect("a vector takes every byte");
    encoder.finish().expect("a vector takes every byte")
}
