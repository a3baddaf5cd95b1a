//! Finds the intake key a sender presents.
//!
//! Places, the first that holds one wins: `X-SEKOIAIO-INTAKE-KEY`, `X-Tidegate-Intake-Key`, the password of HTTP
//! Basic, `intake_key` in the query. Only when none does, the JSON body is asked, where its framing defines one.

use std::fmt;

use axum::http::{HeaderMap, header};
use data_encoding::BASE64;

/// A longer text is no key of ours and is not worth hashing.
const KEY_BYTES_MAX: usize = 512;

/// Header names, in their order of precedence.
const HEADERS: [&str; 2] = ["x-sekoiaio-intake-key", "x-tidegate-intake-key"];

/// An intake key as presented; not yet known to be one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PresentedKey(String);

impl PresentedKey {
    pub(crate) fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.chars().take(KEY_BYTES_MAX).collect()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedKey(…)")
    }
}

/// The key in the headers or the query, if there is one.
pub(crate) fn find(headers: &HeaderMap, query: &str) -> Option<PresentedKey> {
    HEADERS
        .iter()
        .find_map(|name| {
            headers.get(*name).and_then(|value| PresentedKey::new(&String::from_utf8_lossy(value.as_bytes())))
        })
        .or_else(|| basic_password(headers))
        .or_else(|| parameter(query, "intake_key").and_then(|text| PresentedKey::new(&text)))
}

fn basic_password(headers: &HeaderMap) -> Option<PresentedKey> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || encoded.len() > 2 * KEY_BYTES_MAX {
        return None;
    }
    let decoded = BASE64.decode(encoded.trim().as_bytes()).ok()?;
    let decoded = String::from_utf8_lossy(&decoded);
    PresentedKey::new(decoded.split_once(':')?.1)
}

/// The first value of `name` in a query string, percent-decoded.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decode(key) == name).then(|| percent_decode(value))
    })
}

/// Undoes `%41` and `+`; what is no such sequence stays as it is.
fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        match (byte, ahead.next().and_then(hex), ahead.next().and_then(hex)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                bytes = ahead;
            }
            (b'+', ..) => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect::<HeaderMap>()
    }

    #[test]
    fn the_first_place_wins() {
        let all = [
            ("x-sekoiaio-intake-key", "one"),
            ("x-tidegate-intake-key", "two"),
            ("authorization", "Basic dXNlcjp0aHJlZQ=="),
        ];
        for (skip, expected) in ["one", "two", "three", "four"].into_iter().enumerate() {
            let found = find(&headers(&all[skip.min(3)..]), "a=b&intake_key=four");
            assert_eq!(found, PresentedKey::new(expected), "{expected}");
        }
        assert_eq!(find(&headers(&[]), "a=b"), None);
        assert_eq!(find(&headers(&[("x-sekoiaio-intake-key", "  ")]), ""), None);
    }

    #[test]
    fn odd_credentials_are_no_key_and_no_panic() {
        for value in ["Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer abc", "Basic ", "basic OnA="] {
            let found = find(&headers(&[("authorization", value)]), "");
            assert_eq!(found.is_some(), value == "basic OnA=", "{value}");
        }
        let long = "k".repeat(100_000);
        let found = find(&headers(&[("x-tidegate-intake-key", &long)]), "").unwrap();
        assert_eq!(found.as_str().len(), KEY_BYTES_MAX);
        assert_eq!(format!("{found:?}"), "PresentedKey(…)");
    }

    #[test]
    fn parameters_are_percent_decoded() {
        assert_eq!(parameter("path=%24.a%2eb&x", "path").as_deref(), Some("$.a.b"));
        assert_eq!(parameter("path=a+b%", "path").as_deref(), Some("a b%"));
        assert_eq!(parameter("x&path", "path").as_deref(), Some(""));
        assert_eq!(parameter("xpath=1", "path"), None);
        assert_eq!(parameter("p=%zz%4", "p").as_deref(), Some("%zz%4"));
    }
}
