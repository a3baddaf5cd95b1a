//! Where the API is.

use std::net::IpAddr;

use reqwest::Url;

use crate::error::LogpushError;
use crate::secret::mask;

/// Where the path of every call begins, from `https://developers.cloudflare.com/api/`.
const BASE_PATH: &str = "/client/v4";
const CLOUDFLARE: &str = "https://api.cloudflare.com/client/v4";

/// The address below which all calls lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiUrl(String);

impl Default for ApiUrl {
    fn default() -> Self {
        Self(CLOUDFLARE.to_owned())
    }
}

impl ApiUrl {
    /// The API of another server: of `https://host` the calls lie below `/client/v4`, as with Cloudflare; a path that is
    /// given is taken as it is.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] for what is no address, or one over which the token would travel readable.
    pub fn parse(text: &str) -> Result<Self, LogpushError> {
        let wrong = |why: &str| LogpushError::Wrong(format!("`{}` {why}", mask(text)));
        let url = Url::parse(text.trim()).map_err(|_| wrong("is no address such as `https://api.cloudflare.com`"))?;
        let host = url.host_str().ok_or_else(|| wrong("names no host"))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("holds more than a host and a path"));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_this_machine(host) => {}
            "http" => return Err(wrong("is not encrypted, and the token would be readable on the way; use https")),
            _ => return Err(wrong("is not reached by https")),
        }
        let path = Some(url.path().trim_end_matches('/')).filter(|path| !path.is_empty()).unwrap_or(BASE_PATH);
        Ok(Self(format!("{}{path}", url.origin().ascii_serialization())))
    }

    /// The address of a call.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}/{path}", self.0)
    }

    /// The address itself, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(crate) fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_stands_for_cloudflare() {
        for (text, expected) in [
            ("https://api.cloudflare.com/client/v4/", CLOUDFLARE),
            ("http://127.0.0.1:8099", "http://127.0.0.1:8099/client/v4"),
            ("http://[::1]:8099/", "http://[::1]:8099/client/v4"),
            ("https://proxy.example/cf", "https://proxy.example/cf"),
        ] {
            assert_eq!(ApiUrl::parse(text).unwrap().as_str(), expected);
        }
        assert_eq!(ApiUrl::default(), ApiUrl::parse("https://api.cloudflare.com").unwrap());
    }

    #[test]
    fn a_token_does_not_travel_readable() {
        for wrong in
            ["http://api.cloudflare.com", "http://localhost.example", "ftp://x", "x", "https://u:p@x", "https://x?a=b"]
        {
            let error = ApiUrl::parse(wrong).unwrap_err().to_string();
            assert!(!error.contains("u:p"), "{error}");
        }
    }
}
