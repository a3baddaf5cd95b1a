//! Where a job sends: our intake's address with the key as a header parameter.

use std::fmt;

use reqwest::Url;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::encoding::{decode, encode};
use crate::error::LogpushError;
use crate::secret::{IntakeKey, is_hidden, mask};

/// A destination is refused beyond this.
pub(crate) const DESTINATION_BYTES_MAX: usize = 4_096;
/// Parameters of a destination that are looked at.
const PARAMETERS_MAX: usize = 64;
/// Our endpoint for Logpush.
const ENDPOINT: &str = "/plain/batch";
/// Cloudflare turns parameters with this prefix into request headers.
const HEADER_PREFIX: &str = "header_";

/// The header that carries the intake key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Header {
    /// `X-Tidegate-Intake-Key`.
    #[default]
    Tidegate,
    /// `X-SEKOIAIO-INTAKE-KEY`, as in the public guide for gateway_dns; our intake takes it, too.
    Guide,
}

impl Header {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tidegate => "X-Tidegate-Intake-Key",
            Self::Guide => "X-SEKOIAIO-INTAKE-KEY",
        }
    }
}

/// A `destination_conf`. `Debug` and `Display` mask its secrets; it is wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Destination(Zeroizing<String>);

/// What Cloudflare says about a destination.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Validity {
    /// Whether the validation upload succeeded.
    #[serde(default)]
    pub valid: bool,
    /// Why not.
    #[serde(default, deserialize_with = "crate::job::or_default")]
    pub message: String,
}

impl Destination {
    /// The destination of an intake: `public_url` is the address of the server as Cloudflare reaches it, `extra` are
    /// further headers, such as those of an Access service token.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when Logpush could not send there.
    pub fn of_intake(
        public_url: &str,
        key: &IntakeKey,
        header: Header,
        extra: &[(String, Zeroizing<String>)],
    ) -> Result<Self, LogpushError> {
        let mut text = Zeroizing::new(endpoint(public_url)?);
        put_header(&mut text, header.name(), key.reveal())?;
        extra.iter().try_for_each(|(name, value)| put_header(&mut text, name, value))?;
        bounded(text)
    }

    /// The address of a server's endpoint with further headers alone. Validation uploads need no key, so this is what can
    /// be checked before an intake is made.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when Logpush could not send there.
    pub fn without_key(public_url: &str, extra: &[(String, Zeroizing<String>)]) -> Result<Self, LogpushError> {
        let mut text = Zeroizing::new(endpoint(public_url)?);
        extra.iter().try_for_each(|(name, value)| put_header(&mut text, name, value))?;
        bounded(text)
    }

    /// The same destination with another address and key; what else it says, such as further headers, stays. Without an
    /// address it keeps its own.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when Logpush could not send there.
    pub fn moved(&self, public_url: Option<&str>, key: &IntakeKey) -> Result<Self, LogpushError> {
        let mut text = Zeroizing::new(match public_url {
            Some(url) => endpoint(url)?,
            None => self.address().to_owned(),
        });
        let names = [Header::Guide, Header::Tidegate].map(|header| format!("{HEADER_PREFIX}{}", header.name()));
        let is_key = |name: &str| name == "intake_key" || names.iter().any(|known| name.eq_ignore_ascii_case(known));
        let header = if self.header(Header::Guide.name()).is_some() { Header::Guide } else { Header::Tidegate };
        put_header(&mut text, header.name(), key.reveal())?;
        let query = self.0.split_once('?').map_or("", |(_, query)| query);
        for part in query.split('&').take(PARAMETERS_MAX).filter(|part| !part.is_empty()) {
            if !is_key(&decode(part.split('=').next().unwrap_or(part))) {
                text.push('&');
                text.push_str(part);
            }
        }
        bounded(text)
    }

    /// The same destination with these headers, in place of those of the same names.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when Logpush could not send there.
    pub fn with_headers(&self, headers: &[(String, Zeroizing<String>)]) -> Result<Self, LogpushError> {
        let (address, query) = self.0.split_once('?').unwrap_or((&self.0, ""));
        let is_replaced = |part: &&str| {
            let name = decode(part.split('=').next().unwrap_or(part));
            headers.iter().any(|(header, _)| name.eq_ignore_ascii_case(&format!("{HEADER_PREFIX}{header}")))
        };
        let kept: Vec<&str> = query.split('&').filter(|part| !part.is_empty() && !is_replaced(part)).collect();
        let mut text = Zeroizing::new(address.to_owned());
        for part in kept {
            let before = if text.contains('?') { '&' } else { '?' };
            text.push(before);
            text.push_str(part);
        }
        headers.iter().try_for_each(|(name, value)| put_header(&mut text, name, value))?;
        bounded(text)
    }

    /// A destination as Cloudflare or a user wrote it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The text itself: for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The address without its parameters, as far as it can be compared: no slash at its end.
    #[must_use]
    pub fn address(&self) -> &str {
        self.0.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/')
    }

    /// Whether two destinations are the same address, whatever their parameters. Hosts ignore case, and every one of our
    /// endpoints is served below `/api/v1/intake-http`, too.
    #[must_use]
    pub fn same_address(&self, other: &Self) -> bool {
        same_address(self.address(), other.address())
    }

    /// The value of a header that Cloudflare sends, decoded. Header names ignore case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Zeroizing<String>> {
        let wanted = format!("{HEADER_PREFIX}{name}");
        let found = self.parameters().find(|(key, _)| decode(key).eq_ignore_ascii_case(&wanted));
        found.map(|(_, value)| Zeroizing::new(decode(value)))
    }

    /// The intake key that it carries: the header that our intake would take first, or the `intake_key` parameter.
    #[must_use]
    pub fn intake_key(&self) -> Option<IntakeKey> {
        let of_header = [Header::Guide, Header::Tidegate].into_iter().find_map(|header| self.header(header.name()));
        let plain =
            || self.parameters().find(|(key, _)| *key == "intake_key").map(|(_, value)| Zeroizing::new(decode(value)));
        IntakeKey::new(&of_header.or_else(plain)?).ok()
    }

    /// The same destination with other words in place of its secrets, for what people see and copy: `words` is given the
    /// name of a parameter, or nothing for the intake key.
    pub(crate) fn with_secrets_as(&self, words: impl Fn(Option<&str>) -> String) -> String {
        let key = self.intake_key();
        let is_key = |value: &str| key.as_ref().is_some_and(|key| decode(value) == key.reveal());
        let Some((address, query)) = self.0.split_once('?') else { return mask(&self.0) };
        let parts = query.split('&').map(|part| match part.split_once('=') {
            Some((name, value)) if is_key(value) => format!("{name}={}", words(None)),
            Some((name, _)) if is_hidden(&name.to_ascii_lowercase()) => format!("{name}={}", words(Some(name))),
            _ => mask(part),
        });
        format!("{}?{}", mask(address), parts.collect::<Vec<_>>().join("&"))
    }

    fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let query = self.0.split_once('?').map_or("", |(_, query)| query);
        query.split('&').take(PARAMETERS_MAX).filter_map(|parameter| parameter.split_once('='))
    }
}

fn put_header(text: &mut Zeroizing<String>, name: &str, value: &str) -> Result<(), LogpushError> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        return Err(LogpushError::Wrong("a header name is made of letters, digits, `-` and `_`".to_owned()));
    }
    let before = if text.contains('?') { '&' } else { '?' };
    text.push_str(&format!("{before}{HEADER_PREFIX}{name}="));
    text.push_str(&encode(value));
    Ok(())
}

fn bounded(text: Zeroizing<String>) -> Result<Destination, LogpushError> {
    if text.len() > DESTINATION_BYTES_MAX {
        return Err(LogpushError::Wrong(format!("the destination is longer than {DESTINATION_BYTES_MAX} bytes")));
    }
    Ok(Destination(text))
}

/// Hosts ignore case; every one of our endpoints is served below `/api/v1/intake-http`, too.
pub(crate) fn same_address(is: &str, wanted: &str) -> bool {
    let plain = |address: &str| {
        let address = address.trim_end_matches('/').replace("/api/v1/intake-http/", "/").replace(":443/", "/");
        match address.split_once("://").map(|(scheme, rest)| (scheme, rest.split_once('/').unwrap_or((rest, "")))) {
            Some((scheme, (host, path))) => format!("{}://{}/{path}", scheme.to_lowercase(), host.to_lowercase()),
            None => address,
        }
    };
    plain(is) == plain(wanted)
}

/// Our endpoint for Logpush below a server's address.
pub(crate) fn endpoint(public_url: &str) -> Result<String, LogpushError> {
    let wrong = |why: &str| LogpushError::Wrong(format!("the public address `{}` {why}", mask(public_url)));
    let url = Url::parse(public_url.trim()).map_err(|_| wrong("is none such as `https://tidegate.example.com`"))?;
    if url.scheme() != "https" {
        return Err(wrong("does not begin with `https://`: Logpush sends over trusted TLS only"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("holds more than a host and a path"));
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix(ENDPOINT).unwrap_or(path);
    Ok(format!("{}{path}{ENDPOINT}", url.origin().ascii_serialization()))
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Destination({self})")
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(&self.0))
    }
}

impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> IntakeKey {
        IntakeKey::new("tgi_0123456789ABCDEFGHwxyz").unwrap()
    }

    #[test]
    fn a_destination_carries_the_key_as_a_header_and_does_not_print_it() {
        let extra = [("CF-Access-Client-Secret".to_owned(), Zeroizing::new("a b/c".to_owned()))];
        let made = Destination::of_intake("https://t.example/", &key(), Header::Tidegate, &extra).unwrap();
        let expected = "https://t.example/plain/batch?header_X-Tidegate-Intake-Key=tgi_0123456789ABCDEFGHwxyz\
                        &header_CF-Access-Client-Secret=a%20b%2Fc";
        assert_eq!(made.reveal(), expected);
        assert_eq!(made.address(), "https://t.example/plain/batch");
        assert_eq!(made.intake_key(), Some(key()));
        assert_eq!(*made.header("cf-access-client-secret").unwrap(), "a b/c");
        for shown in
            [made.to_string(), format!("{made:?}"), made.with_secrets_as(|name| name.unwrap_or("KEY").to_owned())]
        {
            assert!(!shown.contains("wxyz") && !shown.contains("a%20b"), "{shown}");
        }
        let shown = made.with_secrets_as(|name| name.map_or("KEY".to_owned(), str::to_uppercase));
        assert!(
            shown.ends_with("Intake-Key=KEY&header_CF-Access-Client-Secret=HEADER_CF-ACCESS-CLIENT-SECRET"),
            "{shown}"
        );
    }

    #[test]
    fn addresses_that_logpush_cannot_send_to_are_refused() {
        for wrong in
            ["http://t.example", "t.example", "https://", "https://u:p@t.example", "https://t.example/?a=b", "s3://b"]
        {
            let error = Destination::of_intake(wrong, &key(), Header::Tidegate, &[]).unwrap_err().to_string();
            assert!(error.contains("public address"), "{error}");
        }
        let bad = [("X Y".to_owned(), Zeroizing::default())];
        assert!(Destination::of_intake("https://t.example", &key(), Header::Guide, &bad).is_err());
        assert_eq!(
            endpoint("https://t.example:8443/in/plain/batch/").unwrap(),
            "https://t.example:8443/in/plain/batch"
        );
    }

    #[test]
    fn a_moved_destination_keeps_what_is_not_ours() {
        let new = IntakeKey::new("tgi_new_key_0123456789").unwrap();
        let access = "header_CF-Access-Client-Id=x%20y&tags=a%3Ab";
        for (old, address, expected) in [
            (
                format!("https://old/plain/batch?header_x-tidegate-intake-key=K1&{access}"),
                Some("https://t.example"),
                format!("https://t.example/plain/batch?header_X-Tidegate-Intake-Key={}&{access}", new.reveal()),
            ),
            (
                format!("https://old/plain/batch?{access}&header_X-SEKOIAIO-INTAKE-KEY=K1&intake_key=K2"),
                None,
                format!("https://old/plain/batch?header_X-SEKOIAIO-INTAKE-KEY={}&{access}", new.reveal()),
            ),
            (
                "https://old/plain/batch".to_owned(),
                None,
                format!("https://old/plain/batch?header_X-Tidegate-Intake-Key={}", new.reveal()),
            ),
        ] {
            assert_eq!(Destination::new(&old).moved(address, &new).unwrap().reveal(), expected);
        }
        assert!(Destination::new("https://old").moved(Some("http://t.example"), &new).is_err());
    }

    #[test]
    fn headers_take_the_place_of_those_of_the_same_name() {
        let new = [("CF-Access-Client-Secret".to_owned(), Zeroizing::new("n w".to_owned()))];
        for (old, expected) in [
            ("https://t/plain/batch", "https://t/plain/batch?header_CF-Access-Client-Secret=n%20w"),
            (
                "https://t/p?header_cf-access-client-secret=old&header_X-Tidegate-Intake-Key=K&tags=a%3Ab",
                "https://t/p?header_X-Tidegate-Intake-Key=K&tags=a%3Ab&header_CF-Access-Client-Secret=n%20w",
            ),
        ] {
            assert_eq!(Destination::new(old).with_headers(&new).unwrap().reveal(), expected);
        }
        let bad = [("X Y".to_owned(), Zeroizing::default())];
        assert!(Destination::new("https://t").with_headers(&bad).is_err());
    }

    #[test]
    fn keys_are_found_however_they_are_written() {
        for text in [
            "https://t/plain/batch?tags=a&header_x-tidegate-intake-key=tgi%5F0123456789ABCDEFGHwxyz",
            "https://t/plain/batch?header_X-SEKOIAIO-INTAKE-KEY=tgi_0123456789ABCDEFGHwxyz",
            "https://t/plain/batch?intake_key=tgi_0123456789ABCDEFGHwxyz&b",
        ] {
            assert_eq!(Destination::new(text).intake_key(), Some(key()), "{text}");
        }
        assert_eq!(Destination::new("s3://bucket/logs?region=eu").intake_key(), None);
        assert_eq!(Destination::new("").address(), "");
    }
}
