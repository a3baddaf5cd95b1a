//! Bodies as senders compress them.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

const MEMORY: &str = "writing to memory cannot fail";

/// One gzip member.
#[must_use]
pub fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect(MEMORY);
    encoder.finish().expect(MEMORY)
}

/// A gzip member for each of `parts`.
#[must_use]
pub fn gzip_members(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().flat_map(|part| gzip(part)).collect()
}

/// What HTTP calls `deflate` (RFC 1950).
#[must_use]
pub fn deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect(MEMORY);
    encoder.finish().expect(MEMORY)
}

/// What some senders mean by `deflate` (RFC 1951).
#[must_use]
pub fn raw_deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect(MEMORY);
    encoder.finish().expect(MEMORY)
}

/// One zstd frame.
#[must_use]
pub fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 1).expect(MEMORY)
}
