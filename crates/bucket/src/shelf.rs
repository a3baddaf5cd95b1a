//! What is asked of a bucket: its objects in order, and the bytes of one.

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tidegate_event::Timestamp;

use crate::error::BucketError;

/// An object as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// When the bucket says that it was changed.
    pub changed: Timestamp,
    /// Its ETag, where the server gives one.
    pub etag: Option<String>,
}

impl Object {
    /// Tells this content of the key from another: the ETag, else size and time of change.
    #[must_use]
    pub fn version(&self) -> String {
        match &self.etag {
            Some(etag) => etag.trim_start_matches("W/").trim_matches('"').to_owned(),
            None => format!("-{}-{}", self.bytes, self.changed.as_micros()),
        }
    }
}

/// Why an object was not read.
#[derive(Debug)]
pub enum ReadError {
    /// It was deleted since it was listed.
    Gone,
    /// It was changed since it was listed.
    Changed,
    /// The server refuses to give this object, or does not come to its end.
    Failed(BucketError),
}

/// A bucket, or what behaves like one.
pub trait Shelf: Send + Sync {
    /// Its objects behind `after`, by ascending key (as bytes), in pages.
    fn list<'a>(&'a self, after: Option<&'a str>) -> BoxStream<'a, Result<Vec<Object>, BucketError>>;

    /// The bytes of an object, in the version that was listed.
    fn read<'a>(&'a self, object: &'a Object) -> BoxFuture<'a, Result<Bytes, ReadError>>;
}
