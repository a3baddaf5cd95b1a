//! Where a bucket is, as people write it and as the program needs it.

use std::fmt;
use std::path::PathBuf;

use crate::error::BucketError;

/// The region that R2 and most S3-compatible servers want when none is said.
const REGION_DEFAULT: &str = "auto";
/// The region of S3 itself when none is said.
const REGION_AWS: &str = "us-east-1";

/// Where a bucket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A bucket of an S3-compatible server.
    S3 {
        /// The server; nothing for Amazon's own.
        endpoint: Option<String>,
        /// The region that requests are signed for.
        region: String,
        /// The bucket's name.
        bucket: String,
        /// The folder in it, without slashes at its ends; empty for all of it.
        prefix: String,
        /// Whether the bucket's name stands in the path instead of the host.
        path_style: bool,
    },
    /// A folder of this machine.
    Folder(PathBuf),
}

impl Place {
    /// Reads `s3://bucket/prefix`, `file:///folder` or the path of a folder. Without `path_style`, servers other than
    /// Amazon's get the bucket's name in the path.
    ///
    /// # Errors
    /// [`BucketError::Settings`] with what is wrong.
    pub fn parse(
        url: &str,
        endpoint: Option<&str>,
        region: Option<&str>,
        path_style: Option<bool>,
    ) -> Result<Self, BucketError> {
        let wrong = |why: &str| BucketError::Settings(format!("`{url}` {why}"));
        let Some(rest) = url.strip_prefix("s3://") else {
            if endpoint.is_some() || region.is_some() || path_style.is_some() {
                return Err(wrong("is a folder, which has no endpoint, region or path style"));
            }
            let path = url.strip_prefix("file://").unwrap_or(url);
            if path.is_empty() || path.contains("://") || path.contains('\0') {
                return Err(wrong("is neither `s3://bucket/prefix` nor `file:///folder`"));
            }
            return Ok(Self::Folder(PathBuf::from(path)));
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if bucket.is_empty() || bucket.len() > 255 || !bucket.chars().all(is_name) {
            return Err(wrong("must begin like `s3://name-of-the-bucket/`"));
        }
        let prefix = prefix.trim_matches('/');
        if prefix.len() > 1024 || prefix.split('/').any(|part| matches!(part, "." | "..")) || prefix.contains("//") {
            return Err(wrong("has a prefix that cannot be one"));
        }
        if prefix.contains(['{', '}']) {
            return Err(wrong("must end before `{DATE}`: days are found by themselves"));
        }
        let endpoint = endpoint.map(|endpoint| endpoint.trim_end_matches('/').to_owned());
        if let Some(endpoint) = &endpoint {
            check_endpoint(endpoint)?;
        }
        let default = if endpoint.is_some() { REGION_DEFAULT } else { REGION_AWS };
        Ok(Self::S3 {
            path_style: path_style.unwrap_or(endpoint.is_some()),
            endpoint,
            region: region.unwrap_or(default).to_owned(),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        })
    }

    /// What progress is written down for: the same as long as the objects are the same. How they are reached (region,
    /// style, credentials) is left out.
    #[must_use]
    pub fn identity(&self, intake: impl fmt::Display) -> String {
        format!("{intake} {self}")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { endpoint, bucket, prefix, .. } => {
                write!(f, "s3://{bucket}/{prefix}")?;
                endpoint.as_ref().map_or(Ok(()), |endpoint| write!(f, " at {endpoint}"))
            }
            Self::Folder(path) => write!(f, "file://{}", path.display()),
        }
    }
}

fn check_endpoint(endpoint: &str) -> Result<(), BucketError> {
    let wrong = |why: &str| Err(BucketError::Settings(format!("the endpoint `{endpoint}` {why}")));
    let host = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
    let Some(host) = host else { return wrong("must begin with `https://` or `http://`") };
    if host.contains('@') {
        // Not repeated: it holds a password.
        return Err(BucketError::Settings("the endpoint must not hold a password".to_owned()));
    }
    if host.is_empty() || host.contains(['/', '?', '#']) || host.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return wrong("must be the address of a server without a path; the bucket stands in the `url`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Place, BucketError> {
        Place::parse(url, None, None, None)
    }

    #[test]
    fn places_are_read_with_fitting_defaults() {
        let r2 = Place::parse("s3://logs/gateway/", Some("https://1f.r2.cloudflarestorage.com/"), None, None).unwrap();
        let Place::S3 { endpoint, region, bucket, prefix, path_style } = &r2 else { panic!("{r2:?}") };
        assert_eq!(endpoint.as_deref(), Some("https://1f.r2.cloudflarestorage.com"));
        assert_eq!((region.as_str(), bucket.as_str(), prefix.as_str(), *path_style), ("auto", "logs", "gateway", true));
        assert_eq!(r2.to_string(), "s3://logs/gateway at https://1f.r2.cloudflarestorage.com");
        let Place::S3 { region, prefix, path_style, .. } = parse("s3://logs").unwrap() else { panic!() };
        assert_eq!((region.as_str(), prefix.as_str(), path_style), ("us-east-1", "", false));
        assert_eq!(parse("file:///srv/logs").unwrap(), Place::Folder("/srv/logs".into()));
        assert_eq!(parse("logs").unwrap(), Place::Folder("logs".into()));
    }

    #[test]
    fn what_cannot_be_a_place_is_refused() {
        for url in ["", "file://", "s3://", "s3:///x", "s3://a b/x", "https://a/b", "s3://a/../b", "s3://a/{DATE}"] {
            assert!(matches!(parse(url), Err(BucketError::Settings(_))), "{url}");
        }
        for endpoint in ["r2.example", "ftp://x", "https://x/bucket", "https://", "https://a b"] {
            let refused = Place::parse("s3://a", Some(endpoint), None, None).unwrap_err().to_string();
            assert!(refused.contains(endpoint), "{refused}");
        }
        let refused = Place::parse("s3://a", Some("https://me:hunter2@x"), None, None).unwrap_err().to_string();
        assert!(!refused.contains("hunter2"), "{refused}");
        assert!(Place::parse("file:///x", Some("https://x"), None, None).is_err());
    }

    #[test]
    fn the_identity_does_not_depend_on_how_the_bucket_is_reached() {
        let one = Place::parse("s3://logs/a", Some("http://minio:9000"), None, None).unwrap();
        let other = Place::parse("s3://logs/a/", Some("http://minio:9000/"), Some("eu"), Some(false)).unwrap();
        assert_eq!(one.identity(7), other.identity(7));
        assert_ne!(one.identity(7), one.identity(8));
    }
}
