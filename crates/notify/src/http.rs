//! One HTTP request, and what its answer means.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode, Url};

use crate::error::{ConfigError, Failure};
use crate::policy::{Guard, Policy};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(20);
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);
const URL_BYTES_MAX: usize = 2 << 10;

/// A client that follows no redirects, uses no proxy and connects only where the policy allows.
pub(crate) fn client(policy: &Policy) -> Result<reqwest::Client, Failure> {
    reqwest::Client::builder()
        .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .dns_resolver(Guard(policy.clone()))
        .build()
        .map_err(|error| Failure::lasting(format!("cannot make an HTTP client: {}", chain(&error))))
}

/// Checks an address: http or https, a host, no password.
pub(crate) fn check_url(text: &str) -> Result<Url, ConfigError> {
    if text.len() > URL_BYTES_MAX {
        return Err(ConfigError::value("url", format!("is longer than {URL_BYTES_MAX} bytes")));
    }
    // The parser's complaint does not repeat the address, which may be a secret.
    let url = Url::parse(text).map_err(|error| ConfigError::value("url", format!("cannot be read: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(ConfigError::value("url", "must begin with `https://` or `http://` and name a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::value("url", "must not hold a user or password"));
    }
    Ok(url)
}

/// Sends a request and tells success, what may go better later, and what will not.
pub(crate) async fn send(policy: &Policy, url: &Url, request: RequestBuilder) -> Result<(), Failure> {
    // The client asks our resolver for names only; an address in the URL is checked here.
    let port = url.port_or_known_default().unwrap_or(443);
    policy.resolve(url.host_str().unwrap_or_default(), port).await?;
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Err(Failure::passing(format!("cannot be reached: {}", chain(&error.without_url())))),
    };
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let text = format!("answered {status}");
    if status.is_redirection() {
        return Err(Failure::lasting(format!("{text}; redirects are not followed")));
    }
    let passing = status.is_server_error()
        || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY].contains(&status);
    if !passing {
        return Err(Failure::lasting(text));
    }
    let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let retry_after = seconds.map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
    Err(Failure { retry_after, ..Failure::passing(text) })
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
