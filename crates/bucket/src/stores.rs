//! Buckets of S3-compatible servers and folders, by way of `object_store`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig};
use tidegate_event::Timestamp;

use crate::credentials::Credentials;
use crate::error::BucketError;
use crate::explain::{Doing, explain};
use crate::place::Place;
use crate::shelf::{Object, ReadError, Shelf};

/// Objects that are looked at together; a page of S3 has as many.
const PAGE_OBJECTS_MAX: usize = 1000;
/// Files of a folder that are sorted in memory.
const FOLDER_FILES_MAX: usize = 500_000;
/// A file that was changed less than this ago may still be written.
const SETTLE_MICROS: i64 = 10_000_000;
/// How long one request may take, its body included.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(120);
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Tries of one request; after them the whole look ends, and comes again later.
const RETRIES_MAX: usize = 2;
const RETRY_TIME_MAX: Duration = Duration::from_secs(30);

/// Opens a bucket or a folder. Nothing is asked of it yet.
///
/// # Errors
/// [`BucketError::Settings`] when it cannot work; [`BucketError::NoBucket`] for a folder that is not there.
pub fn open(place: &Place, credentials: Option<&Credentials>) -> Result<Box<dyn Shelf>, BucketError> {
    match place {
        Place::Folder(path) => {
            if !path.is_dir() {
                return Err(BucketError::NoBucket(format!("the folder `{}` does not exist", path.display())));
            }
            let store =
                LocalFileSystem::new_with_prefix(path).map_err(|error| explain(place, Doing::Listing, &error))?;
            Ok(Box::new(Store { place: place.clone(), store: Arc::new(store), prefix: None }))
        }
        Place::S3 { prefix, .. } => {
            let prefix = match prefix.as_str() {
                "" => None,
                prefix => Some(Path::parse(prefix).map_err(|error| settings(place, &error))?),
            };
            Ok(Box::new(Store { place: place.clone(), store: s3(place, credentials)?, prefix }))
        }
    }
}

fn s3(place: &Place, credentials: Option<&Credentials>) -> Result<Arc<dyn ObjectStore>, BucketError> {
    let Place::S3 { endpoint, region, bucket, path_style, .. } = place else {
        return Err(BucketError::Settings(format!("{place} is no bucket")));
    };
    let is_plain = endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    let client = ClientOptions::new()
        .with_timeout(REQUEST_TIME_MAX)
        .with_connect_timeout(CONNECT_TIME_MAX)
        .with_allow_http(is_plain);
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(200),
        max_backoff: Duration::from_secs(5),
        ..BackoffConfig::default()
    };
    let retry = RetryConfig { backoff, max_retries: RETRIES_MAX, retry_timeout: RETRY_TIME_MAX };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_virtual_hosted_style_request(!path_style)
        .with_client_options(client)
        .with_retry(retry);
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(if *path_style { endpoint.clone() } else { hosted(endpoint, bucket) });
    }
    match credentials {
        Some(keys) => {
            builder =
                builder.with_access_key_id(&keys.access_key_id).with_secret_access_key(keys.secret_access_key.reveal());
            if let Some(token) = &keys.session_token {
                builder = builder.with_token(token.reveal());
            }
        }
        // Machines at Amazon get keys from where they run; nobody else does.
        None if endpoint.is_none() => {}
        None => {
            return Err(BucketError::Settings(format!(
                "{place}: no credentials; set `credentials_file`, or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`"
            )));
        }
    }
    Ok(Arc::new(builder.build().map_err(|error| settings(place, &error))?))
}

/// With the bucket's name in the host, the endpoint is that host.
fn hosted(endpoint: &str, bucket: &str) -> String {
    match endpoint.split_once("://") {
        Some((scheme, host)) => format!("{scheme}://{bucket}.{host}"),
        None => endpoint.to_owned(),
    }
}

fn settings(place: &Place, error: &dyn std::fmt::Display) -> BucketError {
    BucketError::Settings(format!("{place}: {error}"))
}

struct Store {
    place: Place,
    store: Arc<dyn ObjectStore>,
    prefix: Option<Path>,
}

impl Shelf for Store {
    fn list<'a>(&'a self, after: Option<&'a str>) -> BoxStream<'a, Result<Vec<Object>, BucketError>> {
        if matches!(self.place, Place::Folder(_)) {
            let pages = async move {
                let pages = self.folder(after).await?.into_iter().map(Ok::<_, BucketError>);
                Ok::<_, BucketError>(stream::iter(pages))
            };
            return stream::once(pages).try_flatten().boxed();
        }
        let found = match after.and_then(|after| Path::parse(after).ok()) {
            Some(after) => self.store.list_with_offset(self.prefix.as_ref(), &after),
            None => self.store.list(self.prefix.as_ref()),
        };
        let found = found.map_ok(object).map_err(|error| explain(&self.place, Doing::Listing, &error));
        found.try_chunks(PAGE_OBJECTS_MAX).map_err(|error| error.1).boxed()
    }

    fn read<'a>(&'a self, object: &'a Object) -> BoxFuture<'a, Result<Bytes, ReadError>> {
        Box::pin(async move {
            let failed = |error: object_store::Error| match error {
                // Said of objects and of buckets.
                object_store::Error::NotFound { .. } if !error.to_string().contains("NoSuchBucket") => ReadError::Gone,
                error => ReadError::Failed(explain(&self.place, Doing::Reading(&object.key), &error)),
            };
            let path = Path::parse(&object.key).map_err(|error| failed(error.into()))?;
            let found = self.store.get(&path).await.map_err(failed)?;
            let differs = matches!((&found.meta.e_tag, &object.etag), (Some(now), Some(then)) if now != then);
            if found.meta.size != object.bytes || differs {
                return Err(ReadError::Changed);
            }
            let bytes = found.bytes().await.map_err(failed)?;
            if bytes.len() as u64 != object.bytes {
                let sentence = format!("{}: `{}` ended after {} bytes", self.place, object.key, bytes.len());
                return Err(ReadError::Failed(BucketError::Unreachable(sentence)));
            }
            Ok(bytes)
        })
    }
}

impl Store {
    /// A folder is listed in no order: all of it is sorted. Files that may still be written are left for later.
    async fn folder(&self, after: Option<&str>) -> Result<Vec<Vec<Object>>, BucketError> {
        if let Place::Folder(path) = &self.place
            && !path.is_dir()
        {
            return Err(BucketError::NoBucket(format!("the folder `{}` does not exist", path.display())));
        }
        let settled = Timestamp::now().as_micros() - SETTLE_MICROS;
        let mut files = Vec::new();
        let mut found = self.store.list(None);
        while let Some(file) = found.next().await {
            let file = match file {
                Ok(file) => object(file),
                // It went while the folder was walked.
                Err(object_store::Error::NotFound { .. }) => continue,
                Err(error) => return Err(explain(&self.place, Doing::Listing, &error)),
            };
            if file.changed.as_micros() > settled || after.is_some_and(|after| file.key.as_str() <= after) {
                continue;
            }
            if files.len() >= FOLDER_FILES_MAX {
                let sentence = format!("{} holds more than {FOLDER_FILES_MAX} files; move old ones away", self.place);
                return Err(BucketError::Full(sentence));
            }
            files.push(file);
        }
        files.sort_by(|left, right| left.key.cmp(&right.key));
        Ok(files.chunks(PAGE_OBJECTS_MAX).map(<[Object]>::to_vec).collect())
    }
}

fn object(found: ObjectMeta) -> Object {
    Object {
        key: found.location.to_string(),
        bytes: found.size,
        changed: Timestamp::from_micros(found.last_modified.timestamp_micros()),
        etag: found.e_tag,
    }
}

#[cfg(test)]
mod tests;
