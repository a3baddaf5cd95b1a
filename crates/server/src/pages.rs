//! The web pages, embedded at build time; without them, one plain page that says how to get them.

use std::sync::LazyLock;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::guard;

/// Path and content of every file of the built web application; empty in a build without it.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

const INDEX: &str = "/index.html";

/// Vite puts a hash of the content into the names below this folder.
const HASHED: &str = "/assets/";

const PLAIN_PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tidegate</title>
</head>
<body>
<h1>Tidegate is running</h1>
<p>This program was built without its web pages. To get them, either use a release binary, or build them with Node.js
and build the program again:</p>
<pre>npm --prefix ui ci
npm --prefix ui run build
cargo build --release</pre>
<p>Everything else works without them:</p>
<ul>
<li>the API below <code>/api/v1</code>, described in <code>docs/openapi.json</code> of the source and, with an API token,
at <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>;</li>
<li>searching from the shell: <code>tidegate search --help</code>;</li>
<li>receiving logs: point a Logpush HTTP destination at <code>/plain/batch</code>;</li>
<li>the guides in the folder <code>docs</code> of the source, beginning with <code>README.md</code>.</li>
</ul>
</body>
</html>
"#;

static TAGS: LazyLock<Vec<HeaderValue>> = LazyLock::new(|| FILES.iter().map(|(_, content)| tag(content)).collect());

/// `GET /`: the application, or the plain page.
pub(crate) async fn index(headers: HeaderMap) -> Response {
    file(INDEX, &headers).unwrap_or_else(|| page(StatusCode::OK, PLAIN_PAGE))
}

/// Everything no route takes: a file of the application; one of its own addresses, which it reads itself; or a 404.
pub(crate) async fn fallback(request: Request) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let reads = method == Method::GET || method == Method::HEAD;
    if reads && let Some(found) = file(path, request.headers()) {
        return found;
    }
    let is_page = reads && !path.starts_with("/api/") && !path.starts_with(HASHED) && wants_html(request.headers());
    match is_page.then(|| file(INDEX, request.headers())).flatten() {
        Some(page) => page,
        None => guard::not_found(method.clone(), request.uri().clone()).await.into_response(),
    }
}

fn wants_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("text/html"))
}

fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    // The table is sorted by path.
    let index = FILES.binary_search_by(|(name, _)| (*name).cmp(path)).ok()?;
    let (name, content) = FILES[index];
    let tag = &TAGS[index];
    let caching = if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let fresh = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag);
    let mut response = if fresh { StatusCode::NOT_MODIFIED.into_response() } else { content.into_response() };
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    answer.insert(header::ETAG, tag.clone());
    Some(response)
}

fn page(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], text)
        .into_response()
}

fn tag(content: &[u8]) -> HeaderValue {
    let text = format!("\"{}\"", &blake3::hash(content).to_hex()[..32]);
    HeaderValue::from_str(&text).expect("quoted hexadecimal digits are a header value")
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_page_obeys_our_own_policy() {
        for forbidden in ["<script", "<style", "style=", " onclick", "http://", "https://"] {
            assert!(!PLAIN_PAGE.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn embedded_files_are_found_by_path() {
        for (name, content) in FILES {
            let response = file(name, &HeaderMap::new()).unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{name}");
            let again = HeaderMap::from_iter([(header::IF_NONE_MATCH, tag(content))]);
            assert_eq!(file(name, &again).unwrap().status(), StatusCode::NOT_MODIFIED, "{name}");
        }
        assert!(file("/../Cargo.toml", &HeaderMap::new()).is_none());
    }
}
