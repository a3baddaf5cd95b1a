//! Why a body was refused, in sentences that its sender can act on.

use std::fmt;

use thiserror::Error;

use crate::coding::Coding;
use crate::path::JsonPath;

/// Why a body was refused. Nothing of a refused body is kept.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BatchError {
    /// The body is above a bound.
    #[error("the {part} body is larger than the bound of {limit_bytes} bytes")]
    TooLarge {
        /// `compressed` or `decompressed`.
        part: &'static str,
        /// The bound it met.
        limit_bytes: usize,
    },
    /// `Content-Encoding` names something we cannot undo.
    #[error("content encoding `{name}` is not one of gzip, deflate, zstd and identity")]
    UnknownCoding {
        /// What the header said, shortened.
        name: String,
    },
    /// The compression is damaged.
    #[error("the body's {coding} data {cause} at byte {offset}")]
    Compression {
        /// The compression.
        coding: Coding,
        /// Bytes of the body that were read until then.
        offset: usize,
        /// What is wrong there.
        cause: Cause,
    },
    /// The JSON around the records is damaged or has another shape than the endpoint defines.
    #[error("line {line}, column {column} (byte {offset}): expected {expected}, found {found}")]
    Json {
        /// Byte offset in the decompressed body.
        offset: usize,
        /// Line, from 1.
        line: u32,
        /// Column in bytes, from 1.
        column: u32,
        /// What would have been right.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A document has nothing at the asked path.
    #[error("the document that begins on line {line} has nothing at `{path}`")]
    Path {
        /// Where the document begins.
        line: u32,
        /// The path asked for.
        path: JsonPath,
    },
    /// More records than a batch may hold.
    #[error("the body holds more than {records_max} records")]
    TooManyRecords {
        /// The bound.
        records_max: u32,
    },
}

/// What is wrong with compressed data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It ends before it is complete.
    CutOff,
    /// It says something impossible, or a checksum does not match.
    Damaged(String),
    /// It is complete, but something else follows.
    Followed,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff => f.write_str("is cut off: it goes on where the body ends,"),
            Self::Damaged(cause) => write!(f, "is damaged ({cause})"),
            Self::Followed => f.write_str("is followed by something else"),
        }
    }
}
