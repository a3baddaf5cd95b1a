//! Reads what a request carries, with our bounds and our one error shape instead of the framework's.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, MatchedPath, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use crate::auth::Known;
use crate::error::ApiError;
use crate::intake::body;
use crate::options::Options;
use crate::parts::Shared;

/// Bytes of an API request's body. Statements and queries have smaller bounds of their own.
const API_BODY_BYTES_MAX: usize = 1 << 20;

/// Bytes of the body of an import: eight MiB of text, and what JSON adds to write it.
const IMPORT_BODY_BYTES_MAX: usize = 12 << 20;

/// Bytes of the body of a request without a credential: a login.
const STRANGER_BODY_BYTES_MAX: usize = 16 << 10;

/// Longest part of a path that an error repeats.
const NAME_CHARS_MAX: usize = 64;

/// A JSON body. Comes last, after whoever asks was checked.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

/// As [`JsonBody`], for calls that bring a file.
#[derive(Debug)]
pub(crate) struct ImportBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Shared> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, ApiError> {
        read_json(request, shared, API_BODY_BYTES_MAX).await.map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<Shared> for ImportBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, ApiError> {
        read_json(request, shared, IMPORT_BODY_BYTES_MAX).await.map(Self)
    }
}

async fn read_json<T: DeserializeOwned>(request: Request, shared: &Shared, bytes_max: usize) -> Result<T, ApiError> {
    if !is_json(&request) {
        let message = "the body must be JSON, announced by `Content-Type: application/json`";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message));
    }
    let (limit_bytes, budget) = match request.extensions().get::<Known>() {
        Some(Known) => (bytes_max, &shared.budget),
        None => (STRANGER_BODY_BYTES_MAX, &shared.strangers),
    };
    let mut body = request.into_body();
    let held = body::read(&mut body, limit_bytes, shared.patience, budget).await?;
    serde_json::from_slice(&held.bytes).map_err(|cause| ApiError::bad_request(format!("the body: {cause}")))
}

fn is_json(request: &Request) -> bool {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = value.split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// The parameters after `?`.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection| ApiError::bad_request(rejection.body_text().to_lowercase()))
    }
}

/// The variable parts of the path. What cannot be an id is the id of nothing.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send + 'static, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(ApiError::not_found(format!("no {} `{}`", thing(parts), last(parts, state).await))),
        }
    }
}

/// What the last variable part of the path names, by the list it stands in: `alert filter` for `/alert-filters/{id}`.
fn thing(parts: &Parts) -> String {
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let list = route.rsplit_once("/{").map_or(route, |(before, _)| before).rsplit('/').next().unwrap_or_default();
    let list = list.replace('-', " ");
    match list.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => list.trim_end_matches('s').to_owned(),
    }
}

/// The last variable part of the path, as it was asked for.
async fn last<S: Send + Sync>(parts: &mut Parts, state: &S) -> String {
    let raw = RawPathParams::from_request_parts(parts, state).await.ok();
    let value = raw.as_ref().and_then(|raw| raw.iter().last()).map_or("", |(_, value)| value);
    value.chars().take(NAME_CHARS_MAX).collect()
}

/// The client's address; none in tests that have no connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) Option<IpAddr>);

impl FromRequestParts<Shared> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Self::Rejection> {
        Ok(Self(peer(parts, &shared.options)))
    }
}

/// The client's address: the other end of the connection or, when a proxy we trust is there, the last address in
/// `X-Forwarded-For` that is no such proxy. What stands before it, anybody could have written.
pub(crate) fn peer(parts: &Parts, options: &Options) -> Option<IpAddr> {
    let trusted = |address: IpAddr| options.trusted_proxies.iter().any(|network| network.contains(address));
    let mut client = parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    let values = parts.headers.get_all("x-forwarded-for").iter().rev();
    let mut hops = values.flat_map(|value| value.to_str().unwrap_or("").rsplit(','));
    while trusted(client) {
        match hops.next().and_then(|hop| hop.trim().parse::<IpAddr>().ok()) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
    }
    Some(client)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Network;

    #[test]
    fn only_a_trusted_proxy_tells_who_the_client_is() {
        let proxies = Network { address: "10.0.0.0".parse().unwrap(), prefix: 8 };
        let options = Options { trusted_proxies: vec![proxies], ..Options::default() };
        for (end, forwarded, client) in [
            ("203.0.113.1", &["198.51.100.7"][..], "203.0.113.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["1.2.3.4, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1", &["1.2.3.4", "198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["nonsense"], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
        ] {
            let mut parts = axum::http::Request::new(()).into_parts().0;
            let end: IpAddr = end.parse().unwrap();
            parts.extensions.insert(ConnectInfo(SocketAddr::from((end, 1))));
            for value in forwarded {
                parts.headers.append("x-forwarded-for", value.parse().unwrap());
            }
            assert_eq!(peer(&parts, &options), Some(client.parse().unwrap()), "{end} {forwarded:?}");
        }
    }
}
