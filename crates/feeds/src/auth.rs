//! How we prove to a feed who we are.

use std::fmt;

use reqwest::RequestBuilder;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::error::FeedError;

/// How we prove to a feed who we are. `Debug` shows no secret.
#[derive(Clone, Default)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// User name and password.
    Basic(String, Zeroizing<String>),
    /// A bearer token.
    Bearer(Zeroizing<String>),
    /// A header of the feed's own, such as `Auth-Key`.
    Header(String, Zeroizing<String>),
    /// A parameter of the address, such as `auth-key`.
    Query(String, Zeroizing<String>),
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic(..) => "Basic(…)",
            Self::Bearer(_) => "Bearer(…)",
            Self::Header(..) => "Header(…)",
            Self::Query(..) => "Query(…)",
        })
    }
}

impl Auth {
    /// Whether there is anything that must not reach a stranger.
    pub(crate) const fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// The address, with the parameter when it is one.
    pub(crate) fn address(&self, mut url: Url) -> Url {
        if let Self::Query(name, secret) = self {
            url.query_pairs_mut().append_pair(name, secret);
        }
        url
    }

    pub(crate) fn apply(&self, request: RequestBuilder) -> Result<RequestBuilder, FeedError> {
        Ok(match self {
            Self::None | Self::Query(..) => request,
            Self::Basic(user, password) => request.basic_auth(user, Some(password.as_str())),
            Self::Bearer(token) => request.bearer_auth(token.as_str()),
            Self::Header(name, secret) => {
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| FeedError::Auth)?;
                let mut secret = HeaderValue::from_str(secret).map_err(|_| FeedError::Auth)?;
                secret.set_sensitive(true);
                request.header(name, secret)
            }
        })
    }
}
