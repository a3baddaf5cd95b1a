//! Fetching over HTTP: conditional, bounded in size and time, gzip, and no secret to strangers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, RETRY_AFTER,
};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode, Url};
use tokio::io::AsyncWriteExt;

use crate::auth::Auth;
use crate::body::Body;
use crate::error::FeedError;

/// More is not taken over the wire.
pub const FEED_WIRE_BYTES_MAX: u64 = 512 << 20;
const REDIRECTS_MAX: usize = 5;
const HEADER_BYTES_MAX: usize = 1 << 10;
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// How feeds are fetched.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Where what is fetched is kept while it is read (unnamed files).
    pub spool: PathBuf,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for the next bytes.
    pub idle_timeout: Duration,
    /// How long one fetch may take in all.
    pub timeout: Duration,
    /// The most that is taken of one feed.
    pub bytes_max: u64,
}

impl FetchOptions {
    /// The usual bounds, with what is fetched kept in `spool`.
    #[must_use]
    pub fn new(spool: impl Into<PathBuf>) -> Self {
        Self {
            spool: spool.into(),
            connect_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(60),
            timeout: Duration::from_mins(30),
            bytes_max: FEED_WIRE_BYTES_MAX,
        }
    }
}

/// Fetches feeds. Cheap to share.
#[derive(Clone, Debug)]
pub struct Fetcher {
    open: Client,
    guarded: Client,
    options: FetchOptions,
}

/// What to fetch.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Where it is.
    pub url: &'a str,
    /// How we prove who we are.
    pub auth: &'a Auth,
    /// What the server called the version we have.
    pub etag: Option<&'a str>,
    /// When the server changed that version, in its words.
    pub last_modified: Option<&'a str>,
}

/// What came.
#[derive(Debug)]
pub enum Fetched {
    /// We have it already.
    Unchanged,
    /// A new version.
    Body(Body),
}

impl Fetcher {
    /// Sets up the clients.
    ///
    /// # Errors
    /// [`FeedError::Client`] when the system's certificates cannot be read and the like.
    pub fn new(options: FetchOptions) -> Result<Self, FeedError> {
        let build = |guarded: bool| {
            Client::builder()
                .redirect(Policy::custom(move |attempt| follow(attempt, guarded)))
                .connect_timeout(options.connect_timeout)
                .read_timeout(options.idle_timeout)
                .timeout(options.timeout)
                .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(|error| FeedError::Client(chain(&error.without_url())))
        };
        Ok(Self { open: build(false)?, guarded: build(true)?, options })
    }

    /// Fetches a feed unless it is still the version we have.
    ///
    /// # Errors
    /// [`FeedError`].
    pub async fn fetch(&self, request: &Request<'_>) -> Result<Fetched, FeedError> {
        let url = address(request.url)?;
        let mut headers = HeaderMap::new();
        let conditions = [(IF_NONE_MATCH, request.etag), (IF_MODIFIED_SINCE, request.last_modified)];
        for (name, value) in conditions {
            if let Some(value) = value.and_then(|value| value.parse().ok()) {
                headers.insert(name, value);
            }
        }
        let response = self.send(url, request.auth, headers, "*/*").await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(Fetched::Unchanged);
        }
        let (etag, last_modified) = (header(&response, ETAG), header(&response, LAST_MODIFIED));
        let mut body = self.spool(response, self.options.bytes_max).await?;
        body.etag = etag;
        body.last_modified = last_modified;
        Ok(Fetched::Body(body))
    }

    /// Sends a request; an answer that is neither a success nor "not modified" is an error.
    pub(crate) async fn send(
        &self,
        url: Url,
        auth: &Auth,
        headers: HeaderMap,
        accept: &'static str,
    ) -> Result<Response, FeedError> {
        let host = host_of(&url);
        let client = if auth.is_some() { &self.guarded } else { &self.open };
        let request =
            client.get(auth.address(url)).headers(headers).header(ACCEPT, accept).header(ACCEPT_ENCODING, "gzip");
        let sent = auth.apply(request)?.send().await;
        let response = sent.map_err(|error| explain(&host, error))?;
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let code = status.as_u16();
        Err(match code {
            401 | 403 | 407 => FeedError::Refused { host, status: code },
            429 | 503 => FeedError::Busy { host, status: code, retry_after: retry_after(&response) },
            _ => FeedError::Status { host, status: code },
        })
    }

    /// Writes what comes to an unnamed file.
    pub(crate) async fn spool(&self, mut response: Response, bytes_max: u64) -> Result<Body, FeedError> {
        let host = host_of(response.url());
        match header(&response, CONTENT_ENCODING).as_deref().map(str::trim) {
            None | Some("" | "identity" | "gzip" | "x-gzip") => {}
            Some(other) => return Err(FeedError::Encoding(other.chars().take(40).collect())),
        }
        if response.content_length().is_some_and(|length| length > bytes_max) {
            return Err(FeedError::TooLarge { bytes_max });
        }
        let spool: &Path = &self.options.spool;
        let mut file = tokio::fs::File::from_std(tempfile::tempfile_in(spool)?);
        let mut bytes = 0_u64;
        while let Some(chunk) = response.chunk().await.map_err(|error| explain(&host, error))? {
            bytes += chunk.len() as u64;
            if bytes > bytes_max {
                return Err(FeedError::TooLarge { bytes_max });
            }
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        Ok(Body::new(file.into_std().await, bytes))
    }
}

/// An http or https address.
pub(crate) fn address(url: &str) -> Result<Url, FeedError> {
    let refused = || FeedError::Address(url.split(['?', '#']).next().unwrap_or_default().chars().take(200).collect());
    let url = Url::parse(url).map_err(|_| refused())?;
    let plain = url.username().is_empty() && url.password().is_none();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && plain { Ok(url) } else { Err(refused()) }
}

/// Where we follow: a few steps, never from https to http, and with a secret only on the same host.
fn follow(attempt: Attempt<'_>, guarded: bool) -> reqwest::redirect::Action {
    let why = match attempt.previous().last() {
        _ if attempt.previous().len() > REDIRECTS_MAX => "too often",
        Some(from) if from.scheme() == "https" && attempt.url().scheme() != "https" => "from https to http",
        Some(from) if guarded && from.origin() != attempt.url().origin() => {
            "to another host, which must not get the secret"
        }
        _ => return attempt.follow(),
    };
    attempt.error(why)
}

pub(crate) fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn header(response: &Response, name: HeaderName) -> Option<String> {
    let text = response.headers().get(name)?.to_str().ok()?;
    (text.len() <= HEADER_BYTES_MAX).then(|| text.to_owned())
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = header(response, RETRY_AFTER)?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// Without the address: its parameters may hold a key.
pub(crate) fn explain(host: &str, error: reqwest::Error) -> FeedError {
    let host = host.to_owned();
    if error.is_timeout() {
        return FeedError::Slow { host };
    }
    let redirect = error.is_redirect();
    let why = chain(&error.without_url());
    if redirect { FeedError::Redirect { host, why } } else { FeedError::Unreachable { host, why } }
}

/// The last cause says most.
fn chain(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string().chars().take(200).collect()
}
