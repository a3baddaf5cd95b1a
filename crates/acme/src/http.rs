//! The HTTP client that the ACME library speaks through: ours, with its bounds.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http_body_util::BodyExt;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use thiserror::Error as ThisError;

use crate::error::AcmeError;
use crate::options::shown;

/// Bytes of an answer; a chain of a hundred names has about ten thousand.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Bytes of the root file.
const ROOT_BYTES_MAX: u64 = 1 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why an answer is none.
#[derive(Debug, ThisError)]
pub(crate) enum HttpTrouble {
    #[error("cannot reach the authority at `{host}`: {cause}")]
    Unreachable { host: String, cause: String },
    #[error("`{url}` answered with status {status} and {what} instead of JSON")]
    NotJson { url: String, status: u16, what: &'static str },
    #[error("`{url}` answered with more than {ANSWER_BYTES_MAX} bytes")]
    TooLong { url: String },
}

/// See the module. Clones share what they noted.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    retry_after: Arc<Mutex<Option<Duration>>>,
}

impl Http {
    /// Trusts the system's roots or, when there is a file, the roots in it alone.
    pub(crate) fn new(root: Option<&Path>) -> Result<Self, AcmeError> {
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            // RFC 8555 has no redirections, and what is signed for one address is not for another.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = root {
            builder = builder.tls_certs_only(roots(path)?);
        }
        let client = builder.build().map_err(|error| AcmeError::Wrong(format!("cannot speak HTTPS: {error}")))?;
        Ok(Self { client, retry_after: Arc::default() })
    }

    /// How long the authority wanted to be left alone in its last refusal, once.
    pub(crate) fn take_retry_after(&self) -> Option<Duration> {
        self.retry_after.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A document that needs no signature.
    pub(crate) async fn get(&self, url: &str) -> Result<serde_json::Value, Error> {
        let request = self.client.get(url).build().map_err(|error| Error::Other(Box::new(error)))?;
        let (parts, body) = self.clone().exchange(request).await?;
        if !parts.status.is_success() {
            return Err(Error::Str("a document"));
        }
        Ok(serde_json::from_slice(&body)?)
    }

    async fn exchange(self, request: reqwest::Request) -> Result<(http::response::Parts, Bytes), Error> {
        let other = |trouble: HttpTrouble| Error::Other(Box::new(trouble));
        let url = shown(request.url().as_str());
        let host = shown(request.url().authority());
        let unreachable =
            |error: &reqwest::Error| other(HttpTrouble::Unreachable { host: host.clone(), cause: cause(error) });
        let is_head = request.method() == reqwest::Method::HEAD;
        let mut response = self.client.execute(request).await.map_err(|error| unreachable(&error))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(other(HttpTrouble::TooLong { url }));
            }
            body.extend_from_slice(&chunk);
        }
        let (parts, _) = http::Response::<reqwest::Body>::from(response).into_parts();
        let status = parts.status.as_u16();
        if matches!(status, 429 | 503) {
            *self.retry_after.lock().unwrap_or_else(PoisonError::into_inner) = retry_after(&parts.headers);
        }
        match strange(status, &body, is_head) {
            Some(what) => Err(other(HttpTrouble::NotJson { url, status, what })),
            None => Ok((parts, Bytes::from(body))),
        }
    }
}

impl HttpClient for Http {
    fn request(
        &self,
        request: http::Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let http = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map(|whole| whole.to_bytes()).unwrap_or_default();
            let request = reqwest::Request::try_from(http::Request::from_parts(parts, body))
                .map_err(|error| Error::Other(Box::new(error)))?;
            let (parts, body) = http.exchange(request).await?;
            Ok(BytesResponse { parts, body: Box::new(body) })
        })
    }
}

fn roots(path: &Path) -> Result<Vec<reqwest::Certificate>, AcmeError> {
    use std::io::Read;
    let failed = |why: String| AcmeError::Root { path: path.to_owned(), why };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    file.take(ROOT_BYTES_MAX).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
    let roots = reqwest::Certificate::from_pem_bundle(&bytes).map_err(|error| failed(error.to_string()))?;
    if roots.is_empty() { Err(failed("it holds no certificate in PEM form".to_owned())) } else { Ok(roots) }
}

/// What came instead of an answer in ACME's form. A certificate is none either, but neither a web page.
fn strange(status: u16, body: &[u8], is_head: bool) -> Option<&'static str> {
    let start = body.trim_ascii_start();
    if start.starts_with(b"<") {
        return Some("a web page");
    }
    match status {
        300..400 => Some("a redirection"),
        400.. if !is_head && serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body).is_err() => {
            Some(if start.is_empty() { "nothing" } else { "something else" })
        }
        _ => None,
    }
}

/// The innermost cause, which is the one that tells something.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    shown(&innermost.to_string())
}

/// `Retry-After` in seconds; its other form, a date, is as good as none here.
fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_answer_is_told_apart() {
        for (status, body, what) in [
            (200, "{}", None),
            (200, "-----BEGIN CERTIFICATE-----", None),
            (200, "", None),
            (200, " \n<!doctype html>", Some("a web page")),
            (403, "<html>", Some("a web page")),
            (403, r#"{"type":"x"}"#, None),
            (502, "bad gateway", Some("something else")),
            (500, "", Some("nothing")),
            (500, "[]", Some("something else")),
            (301, "", Some("a redirection")),
        ] {
            assert_eq!(strange(status, body.as_bytes(), false), what, "{status} {body}");
        }
        assert_eq!(strange(405, b"", true), None);
    }
}
