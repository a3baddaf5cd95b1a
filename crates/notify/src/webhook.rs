//! Webhooks: the whole message as JSON, signed.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::error::{ConfigError, Failure};
use crate::http::{check_url, send};
use crate::message::Message;
use crate::notifier::Notifier;
use crate::template::Template;
use crate::text::standard;

/// Holds `v1=` and the signature in hexadecimal digits.
pub const SIGNATURE_HEADER: &str = "x-tidegate-signature";
/// Holds the time of sending, in seconds since 1970: refuse what is older than some minutes.
pub const TIMESTAMP_HEADER: &str = "x-tidegate-timestamp";
const KEY_HEADER: &str = "x-tidegate-key";
const HEADERS_MAX: usize = 20;
const SECRET_BYTES_MIN: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    url: String,
    /// Further headers, which are no secrets.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Sends the secret in this header in place of signing with it: `Authorization`.
    secret_header: Option<String>,
}

/// A webhook that can be used.
#[derive(Debug)]
pub(crate) struct Webhook {
    pub(crate) url: Url,
    headers: HeaderMap,
    sign_with: Option<Key>,
}

struct Key(Zeroizing<String>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Webhook {
    pub(crate) fn new(config: &Value, secret: Option<&str>) -> Result<Self, ConfigError> {
        let config = Config::deserialize(config)?;
        let mut headers = HeaderMap::new();
        if config.headers.len() > HEADERS_MAX {
            return Err(ConfigError::value("headers", format!("are more than {HEADERS_MAX}")));
        }
        for (name, value) in &config.headers {
            headers.insert(header_name(name)?, header_value(value)?);
        }
        let mut sign_with = secret.map(|secret| Key(Zeroizing::new(secret.to_owned())));
        match (&config.secret_header, secret) {
            (Some(name), Some(secret)) => {
                let mut value = header_value(secret)?;
                value.set_sensitive(true);
                headers.insert(header_name(name)?, value);
                sign_with = None;
            }
            (Some(_), None) => return Err(ConfigError::value("secret", "is needed for `secret_header`")),
            (None, Some(secret)) if secret.len() < SECRET_BYTES_MIN => {
                return Err(ConfigError::value("secret", format!("is shorter than {SECRET_BYTES_MIN} bytes")));
            }
            (None, _) => {}
        }
        Ok(Self { url: check_url(&config.url)?, headers, sign_with })
    }

    pub(crate) async fn tell(
        &self,
        notifier: &Notifier,
        template: Option<&Template>,
        message: &Message,
    ) -> Result<(), Failure> {
        let mut body = message.body();
        let text = match template {
            Some(template) => template.render(&body, str::to_owned),
            None => standard(message, str::to_owned),
        };
        body["text"] = json!(text);
        let body = body.to_string();
        let seconds = notifier.now().as_micros().div_euclid(1_000_000).to_string();
        let mut request = notifier
            .http()
            .post(self.url.clone())
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(KEY_HEADER, HeaderValue::from_str(&message.key).unwrap_or(HeaderValue::from_static("?")))
            .header(TIMESTAMP_HEADER, &seconds);
        if let Some(Key(secret)) = &self.sign_with {
            let signature = signature(secret.as_bytes(), &seconds, body.as_bytes());
            request = request.header(SIGNATURE_HEADER, format!("v1={signature}"));
        }
        send(notifier.policy(), &self.url, request.body(body)).await
    }
}

/// HMAC-SHA256 with the target's secret over the timestamp header, a full stop and the body; in hexadecimal digits.
#[must_use]
pub fn signature(secret: &[u8], timestamp: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut context = hmac::Context::with_key(&key);
    context.update(timestamp.as_bytes());
    context.update(b".");
    context.update(body);
    HEXLOWER.encode(context.sign().as_ref())
}

fn header_name(name: &str) -> Result<HeaderName, ConfigError> {
    let parsed: HeaderName =
        name.parse().map_err(|_| ConfigError::value("header", format!("`{name}` is no name of a header")))?;
    let ours = ["host", "content-type", "content-length", "transfer-encoding", "connection"];
    if ours.contains(&parsed.as_str()) || parsed.as_str().starts_with("x-tidegate-") {
        return Err(ConfigError::value("header", format!("`{name}` is set by Tidegate")));
    }
    Ok(parsed)
}

fn header_value(value: &str) -> Result<HeaderValue, ConfigError> {
    HeaderValue::from_str(value).map_err(|_| ConfigError::value("header", "holds characters that no header can"))
}
