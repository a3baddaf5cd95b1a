//! What every request passes and every answer carries: the host check, the security headers, the 404 and 405.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::parts::Shared;

/// DNS names are chosen by attackers and end up on our pages: nothing but our own files may run or be loaded.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// One year, as browsers ask for.
const TRANSPORT_SECURITY: &str = "max-age=31536000";

/// Bytes of path and query we are ready to look at.
const URI_BYTES_MAX: usize = 16 << 10;

/// Refuses requests for a host that is not ours, and puts the security headers on every answer.
pub(crate) async fn guard(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let version = request.version();
    let response = match refuse(&shared, &request) {
        Some(error) => error.into_response(),
        None => next.run(request).await,
    };
    secured(response, &shared, version)
}

fn refuse(shared: &Shared, request: &Request) -> Option<ApiError> {
    if shared.loopback_only && !is_loopback_name(host(request.headers(), request.uri())) {
        let message = "this server answers on this machine only; set `public_url` to reach it by another name";
        return Some(ApiError::new(StatusCode::MISDIRECTED_REQUEST, "wrong_host", message));
    }
    let uri_bytes = request.uri().path().len() + request.uri().query().map_or(0, str::len);
    (uri_bytes > URI_BYTES_MAX).then(|| {
        let message = format!("path and query are longer than {URI_BYTES_MAX} bytes");
        ApiError::new(StatusCode::URI_TOO_LONG, "uri_too_long", message)
    })
}

fn secured(mut response: Response, shared: &Shared, version: Version) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if shared.options.is_secure() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(TRANSPORT_SECURITY));
    }
    // Answers are somebody's data unless a page says otherwise.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if version >= Version::HTTP_2 {
        // HTTP/2 has no such header; the connection serves other streams.
        headers.remove(header::CONNECTION);
    }
    response
}

/// The host a request is for: HTTP/2 has it in the URI, HTTP/1.1 in a header.
pub(crate) fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> &'a str {
    let named = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    uri.authority().map(|authority| authority.as_str()).or(named).unwrap_or("")
}

/// Whether a browser page of another site could not have caused this `Host`: with DNS rebinding the name stays the
/// attacker's while the address becomes ours.
fn is_loopback_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, port)) if port.is_empty() || is_port(port) => name,
            _ => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            Some(_) => return false,
            None => host,
        },
    };
    name.eq_ignore_ascii_case("localhost") || matches!(name, "127.0.0.1" | "::1")
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The answer for a path nobody serves.
pub(crate) async fn not_found(method: Method, uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    ApiError::not_found(format!("nothing is at `{method} {path}`"))
}

/// The answer for a path that is served, but not by this method.
pub(crate) async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", format!("`{path}` does not take `{method}`"))
}

/// The answer when a handler panics; the panic hook has logged where.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    ApiError::internal("a handler panicked").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8080"] {
            assert!(is_loopback_name(host), "{host}");
        }
        for host in
            ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "[::1]evil", "[::1", "a:b"]
        {
            assert!(!is_loopback_name(host), "{host}");
        }
    }
}
