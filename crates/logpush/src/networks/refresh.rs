//! Asks Cloudflare for its networks, and believes only what can be them.

use std::time::Duration;

use serde_json::Value;

use super::{Network, Networks};
use crate::api_url::ApiUrl;
use crate::error::LogpushError;
use crate::reach::why_unreachable;

/// How often it is worth asking: the list has changed a handful of times in ten years.
pub const REFRESH_PAUSE: Duration = Duration::from_secs(86_400);

const ACTION: &str = "list its networks";
/// Bytes of the answer, which has about one thousand.
const ANSWER_BYTES_MAX: usize = 256 << 10;
const TIMEOUT: Duration = Duration::from_secs(30);
/// Networks of one kind; there are fifteen and seven.
const PUBLISHED_MAX: usize = 500;
/// Nobody has more of the Internet than this: the widest are a /13 and a /29.
const PREFIX_V4_MIN: u8 = 10;
const PREFIX_V6_MIN: u8 = 24;

impl Networks {
    /// The networks that Cloudflare publishes now. It wants no token.
    ///
    /// # Errors
    /// When Cloudflare cannot be asked, or answers with a list that is empty, absurdly wide or otherwise cannot be its own.
    /// Whoever asked keeps the list that it has.
    pub async fn fetch_cloudflare(api: &ApiUrl) -> Result<Self, LogpushError> {
        let answer: Value = serde_json::from_slice(&fetch(api).await?).map_err(|_| unexpected("no JSON"))?;
        if answer.get("success").and_then(Value::as_bool) != Some(true) {
            return Err(unexpected("no success"));
        }
        Self::published(answer.get("result").unwrap_or(&Value::Null))
    }

    /// Reads the `result` of `/ips`.
    pub(super) fn published(result: &Value) -> Result<Self, LogpushError> {
        let mut networks = list(result, "ipv4_cidrs")?;
        networks.extend(list(result, "ipv6_cidrs")?);
        Self::new(networks)
    }
}

fn unexpected(cause: &str) -> LogpushError {
    LogpushError::Unexpected { action: ACTION.to_owned(), cause: cause.to_owned() }
}

async fn fetch(api: &ApiUrl) -> Result<Vec<u8>, LogpushError> {
    let unreachable = |error: reqwest::Error| LogpushError::Unreachable {
        host: api.as_str().to_owned(),
        cause: why_unreachable(&error),
    };
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| LogpushError::Wrong(format!("cannot speak HTTP: {error}")))?;
    let mut answer = client.get(api.join("ips")).send().await.map_err(unreachable)?;
    if !answer.status().is_success() {
        return Err(unexpected(&format!("status {}", answer.status().as_u16())));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(unexpected(&format!("more than {ANSWER_BYTES_MAX} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn list(result: &Value, name: &str) -> Result<Vec<Network>, LogpushError> {
    let items =
        result.get(name).and_then(Value::as_array).ok_or_else(|| unexpected(&format!("`{name}` is missing")))?;
    if items.is_empty() || items.len() > PUBLISHED_MAX {
        return Err(unexpected(&format!("`{name}` holds {} networks", items.len())));
    }
    let wants_v4 = name == "ipv4_cidrs";
    let mut networks = Vec::with_capacity(items.len());
    for item in items {
        let network: Network = item
            .as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| unexpected(&format!("`{name}` holds something that is no network")))?;
        let prefix_min = if wants_v4 { PREFIX_V4_MIN } else { PREFIX_V6_MIN };
        if network.address().is_ipv4() != wants_v4 || network.prefix() < prefix_min || is_private(network) {
            return Err(unexpected(&format!("`{name}` holds `{network}`, which cannot be Cloudflare's")));
        }
        networks.push(network);
    }
    Ok(networks)
}

/// Networks that nobody has on the Internet.
fn is_private(network: Network) -> bool {
    match network.address() {
        std::net::IpAddr::V4(address) => {
            address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_multicast()
        }
        std::net::IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address.is_multicast()
        }
    }
}
