//! Where a job sends: our intake's address with the key as a header parameter.

use std::fmt;

use reqwest::Url;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::encoding::{decode, encode};
use crate::error::LogpushError;
use crate::secret::{IntakeKey, mask};

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
        text.push_str(&format!("?{HEADER_PREFIX}{}=", header.name()));
        text.push_str(&encode(key.reveal()));
        for (name, value) in extra {
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            {
                return Err(LogpushError::Wrong("a header name is made of letters, digits, `-` and `_`".to_owned()));
            }
            text.push_str(&format!("&{HEADER_PREFIX}{name}="));
            text.push_str(&encode(value));
        }
        if text.len() > DESTINATION_BYTES_MAX {
            return Err(LogpushError::Wrong(format!("the destination is longer than {DESTINATION_BYTES_MAX} bytes")));
        }
        Ok(Self(text))
    }

    /// The address of a server's endpoint alone. Validation uploads need no key, so this is what can be checked before an
    /// intake is made.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when Logpush could not send there.
    pub fn without_key(public_url: &str) -> Result<Self, LogpushError> {
        endpoint(public_url).map(|text| Self(Zeroizing::new(text)))
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

    /// The same destination with other words in place of the intake key, for what people see and copy.
    pub(crate) fn with_key_as(&self, words: &str) -> String {
        let Some(key) = self.intake_key() else {
            return mask(&self.0);
        };
        let encoded = encode(key.reveal());
        let parts = self.0.split_inclusive(['?', '&']).map(|part| match part.split_once('=') {
            Some((name, value)) => {
                let (bare, end) = value.strip_suffix('&').map_or((value, ""), |bare| (bare, "&"));
                if bare == encoded || decode(bare) == key.reveal() {
                    format!("{name}={words}{end}")
                } else {
                    mask(part)
                }
            }
            None => part.to_owned(),
        });
        parts.collect()
    }

    fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let query = self.0.split_once('?').map_or("", |(_, query)| query);
        query.split('&').take(PARAMETERS_MAX).filter_map(|parameter| parameter.split_once('='))
    }
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
        for shown in [made.to_string(), format!("{made:?}"), made.with_key_as("KEY")] {
            assert!(!shown.contains("wxyz") && !shown.contains("a%20b"), "{shown}");
        }
        assert!(made.with_key_as("KEY").contains("Intake-Key=KEY&header_CF-Access-Client-Secret=…"));
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
