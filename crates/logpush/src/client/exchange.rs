//! One call and its repetitions: timeouts, bounds, `Retry-After`.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Client, envelope};
use crate::error::LogpushError;
use crate::reach::why_unreachable;

/// Bytes of an answer. Some hundred jobs with all fields have less than a megabyte.
const ANSWER_BYTES_MAX: usize = 16 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Validation of a destination waits for an upload, which Cloudflare gives up after some seconds.
const TIMEOUT: Duration = Duration::from_secs(60);

/// An answer that is no refusal.
pub(super) struct Answer {
    pub(super) value: Value,
}

/// Why a call failed, and when Cloudflare wants it again.
pub(super) struct Failed {
    pub(super) error: LogpushError,
    retry_after: Option<Duration>,
}

impl From<LogpushError> for Failed {
    fn from(error: LogpushError) -> Self {
        Self { error, retry_after: None }
    }
}

pub(super) fn http() -> Result<reqwest::Client, LogpushError> {
    let builder = reqwest::Client::builder()
        // A token is for the server it was given for.
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")));
    builder.build().map_err(|error| LogpushError::Wrong(format!("cannot speak HTTP: {error}")))
}

impl Client {
    /// A call whose `result` is a `T`.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        action: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, LogpushError> {
        envelope::result(action, self.exchange(action, method, path, body).await?.value)
    }

    /// A call whose `result` is looked at by the caller.
    pub(crate) async fn value(
        &self,
        action: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, LogpushError> {
        self.ask(action, method, path, body).await
    }

    /// A call that may safely be made twice, made again while Cloudflare says 429 or 5xx.
    pub(super) async fn exchange(
        &self,
        action: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, LogpushError> {
        let mut attempt = 1;
        loop {
            let failed = match self.try_once(action, &method, path, body, attempt).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let Some(pause) = self.pause_after(&failed, attempt) else { return Err(failed.error) };
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// How long to wait before the next attempt; `None` when there is none.
    pub(super) fn pause_after(&self, failed: &Failed, attempt: u32) -> Option<Duration> {
        let status = failed.error.status()?;
        let again = status == StatusCode::TOO_MANY_REQUESTS.as_u16() || status >= 500;
        if !again || attempt >= self.retry.attempts_max {
            return None;
        }
        let doubled = self.retry.pause.saturating_mul(1 << (attempt - 1).min(16));
        Some(failed.retry_after.unwrap_or(doubled).min(self.retry.pause_max))
    }

    pub(super) async fn try_once(
        &self,
        action: &str,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        attempt: u32,
    ) -> Result<Answer, Failed> {
        let mut request = self
            .http
            .request(method.clone(), self.api.join(path))
            .header("Authorization", bearer(self.token.reveal())?)
            .header("Accept", "application/json");
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let mut answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = answer.status().as_u16();
        let retry_after = retry_after(answer.headers());
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.unreachable(&error))? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                let cause = format!("more than {ANSWER_BYTES_MAX} bytes");
                return Err(LogpushError::Unexpected { action: action.to_owned(), cause }.into());
            }
            bytes.extend_from_slice(&chunk);
        }
        let value: Value = match serde_json::from_slice(&bytes) {
            Ok(value @ Value::Object(_)) if is_envelope(status, &value) => value,
            // Some deletions are answered with nothing.
            _ if bytes.is_empty() && (200..300).contains(&status) && method == Method::DELETE => Value::Null,
            _ => return Err(Failed { error: self.not_json(status, &bytes), retry_after }),
        };
        match envelope::refusal(action, status, &value, attempt) {
            Some(refusal) => Err(Failed { error: LogpushError::Refused(Box::new(refusal)), retry_after }),
            None => Ok(Answer { value }),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> LogpushError {
        LogpushError::Unreachable { host: self.api.as_str().to_owned(), cause: why_unreachable(error) }
    }

    fn not_json(&self, status: u16, bytes: &[u8]) -> LogpushError {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).to_lowercase();
        let is_page = start.contains("<html") || start.contains("<!doctype");
        let what = match start.trim() {
            _ if is_page => "a web page",
            "" => "nothing",
            _ => "something else",
        };
        let (what, advice) = match status {
            500.. => (
                what,
                "Cloudflare, or something before it, has a problem: look at https://www.cloudflarestatus.com and try later",
            ),
            300..400 => ("a redirection", "give the address that it leads to as the address of the API"),
            429 => (what, "it has too many calls: try again in a few minutes"),
            _ if is_page => (what, "check the address of the API, and whether a proxy or login page stands in between"),
            _ => (what, "this is not the Cloudflare API: check its address (`--api-url`, or `api_url` in [logpush])"),
        };
        LogpushError::NotJson { host: self.api.as_str().to_owned(), status, what, advice }
    }
}

/// Whether JSON is an answer of Cloudflare's: what another server says to an address that it does not know is none.
fn is_envelope(status: u16, value: &Value) -> bool {
    let is_refusal = (400..500).contains(&status) && status != StatusCode::TOO_MANY_REQUESTS.as_u16();
    !is_refusal || ["success", "errors"].iter().any(|member| value.get(member).is_some())
}

/// The header that carries the token, marked so that HTTP libraries do not log it.
fn bearer(token: &str) -> Result<reqwest::header::HeaderValue, LogpushError> {
    let text = zeroize::Zeroizing::new(format!("Bearer {token}"));
    let mut value = reqwest::header::HeaderValue::from_str(&text)
        .map_err(|_| LogpushError::Wrong("the token cannot stand in a header".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// `Retry-After` in seconds, or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let seconds = at.as_second() - jiff::Timestamp::now().as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}
