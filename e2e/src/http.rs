//! An HTTP client that takes every answer as it comes: no redirects, no errors made of statuses.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use serde_json::Value;
use ureq::{Agent, RequestExt, http};

use crate::tls;

const ANSWER_BYTES_MAX: u64 = 256 << 20;
const TIME_MAX: Duration = Duration::from_secs(60);
/// Below the ten seconds after which the server closes an idle connection.
const IDLE_MAX: Duration = Duration::from_secs(4);

/// A client.
#[derive(Clone, Debug)]
pub struct Http {
    agent: Agent,
    /// For addresses with `https`.
    tls: Option<Arc<ClientConfig>>,
}

/// What to ask.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Default for Http {
    fn default() -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_age(IDLE_MAX)
            .allow_non_standard_methods(true)
            .proxy(None)
            .timeout_global(Some(TIME_MAX));
        Self { agent: config.build().into(), tls: None }
    }
}

impl Http {
    /// A client that believes this certificate and no other.
    #[must_use]
    pub fn trusting(certificate_pem: &[u8]) -> Self {
        Self { tls: Some(tls::trusting(certificate_pem)), ..Self::default() }
    }

    /// Sends a request; the error is that of a connection.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub fn send(&self, request: &Request) -> Result<Reply, String> {
        if let Some(tls) = self.tls.as_ref().filter(|_| request.url.starts_with("https:")) {
            return tls::send(tls, request);
        }
        let mut built = http::Request::builder().method(request.method.as_str()).uri(&request.url);
        for (name, value) in &request.headers {
            built = built.header(name, value);
        }
        let told = |error: ureq::Error| format!("{} {}: {error}", request.method, request.url);
        let answer = match &request.body {
            Some(body) => built.body(&body[..]).expect("a test's request is well formed").with_agent(&self.agent).run(),
            None => built.body(()).expect("a test's request is well formed").with_agent(&self.agent).run(),
        };
        let mut answer = answer.map_err(told)?;
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec().map_err(told)?;
        Ok(Reply { status: answer.status().as_u16(), headers, body })
    }
}

impl Http {
    /// Sends a request over TLS with a pause in the middle of its body.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub fn send_slowly(&self, request: &Request, pause: Duration) -> Result<Reply, String> {
        tls::send_slowly(self.tls.as_ref().ok_or("this client speaks no TLS")?, request, pause)
    }

    /// Sends a request over TLS whole, and closes the connection without waiting for the answer.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn send_and_leave(&self, request: &Request) -> Result<(), String> {
        tls::send_and_leave(self.tls.as_ref().ok_or("this client speaks no TLS")?, request)
    }
}

impl Request {
    /// A request without headers or body.
    #[must_use]
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self { method: method.to_owned(), url: url.into(), headers: Vec::new(), body: None }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string())
    }
}

impl Reply {
    /// The answer with this head, and with this body, of which chunks are put together.
    pub(crate) fn with_head(head: &[u8], body: Vec<u8>) -> Option<Self> {
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        let mut reply = Self { status, headers, body };
        if reply.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            reply.body = unchunked(&reply.body)?;
        }
        Some(reply)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in the answer {self:?}"))
    }

    /// The answer, when it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The sentence of a refusal with this status.
    #[track_caller]
    pub fn refusal(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        let answer = self.json();
        let sentence = answer.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
        assert!(sentence.contains(' '), "no sentence says why: {answer}");
        sentence.to_owned()
    }

    /// The ids of the events of an accepted batch.
    #[must_use]
    #[track_caller]
    pub fn event_ids(&self) -> Vec<String> {
        assert_eq!(self.status, 200, "{}", self.text());
        let answer = self.json();
        let ids = answer["event_ids"].as_array().unwrap_or_else(|| panic!("no `event_ids` in {answer}"));
        ids.iter().map(|id| id.as_str().expect("an id is text").to_owned()).collect()
    }
}

/// The data of a chunked body; `None` when it is not whole.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(data);
        }
        data.extend_from_slice(rest.get(end + 2..end + 2 + size)?);
        rest = rest.get(end + 2 + size + 2..)?;
    }
}
