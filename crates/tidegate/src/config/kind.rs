//! The kinds of values a key can have: sizes, spans of time, addresses, paths.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::value::{Raw, Value, must_be, text};

impl Value for bool {
    const KIND: &'static str = "`true` or `false`";

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Bool(truth) => Ok(*truth),
            Raw::Text(text) if text == "true" => Ok(true),
            Raw::Text(text) if text == "false" => Ok(false),
            _ => Err(must_be::<Self>(raw)),
        }
    }

    fn show(&self) -> Raw {
        Raw::Bool(*self)
    }
}

macro_rules! counts {
    ($($kind:ty)+) => {$(
        impl Value for $kind {
            const KIND: &'static str = "a whole number from 1";

            fn read(raw: &Raw) -> Result<Self, String> {
                let number = match raw {
                    Raw::Integer(number) => Self::try_from(*number).ok(),
                    Raw::Text(text) => text.replace('_', "").parse().ok(),
                    _ => None,
                };
                number.filter(|number| *number > 0).ok_or_else(|| must_be::<Self>(raw))
            }

            fn show(&self) -> Raw {
                Raw::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }
    )+};
}

counts!(u32 usize);

impl Value for PathBuf {
    const KIND: &'static str = "a path";

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) if !text.is_empty() && !text.contains('\0') => Ok(Self::from(text)),
            _ => Err(must_be::<Self>(raw)),
        }
    }

    fn show(&self) -> Raw {
        Raw::Text(self.display().to_string())
    }

    fn rebase(&mut self, folder: &Path) {
        // The folder of `tidegate.toml` is the empty path, which leaves a relative path as it is.
        *self = folder.join(&*self);
    }
}

impl Value for SocketAddr {
    const KIND: &'static str = "an IP address and a port such as `127.0.0.1:8080` or `[::]:8080`";

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => text.parse().map_err(|_| must_be::<Self>(raw)),
            _ => Err(must_be::<Self>(raw)),
        }
    }

    fn show(&self) -> Raw {
        Raw::Text(self.to_string())
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

impl Size {
    /// As a number of bytes in memory.
    pub(crate) fn in_memory(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, bytes) =
            SIZES.iter().find(|(_, bytes)| self.0 != 0 && self.0.is_multiple_of(*bytes)).unwrap_or(&("B", 1));
        write!(f, "{} {unit}", self.0 / bytes)
    }
}

impl Value for Size {
    const KIND: &'static str = "a size such as `64 MiB`";

    fn read(raw: &Raw) -> Result<Self, String> {
        let size = match raw {
            Raw::Integer(bytes) => u64::try_from(*bytes).ok(),
            Raw::Text(text) => parse(text, |unit| {
                let unit = if unit.is_empty() { "B" } else { unit };
                SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, bytes)| *bytes)
            }),
            _ => None,
        };
        size.filter(|bytes| *bytes > 0).map(Self).ok_or_else(|| must_be::<Self>(raw))
    }

    fn show(&self) -> Raw {
        Raw::Text(self.to_string())
    }
}

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

const SPANS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let (unit, length) =
            SPANS.iter().find(|(_, length)| millis != 0 && millis.is_multiple_of(*length)).unwrap_or(&("s", 1_000));
        write!(f, "{}{unit}", millis / length)
    }
}

impl Value for Span {
    const KIND: &'static str = "a length of time such as `30s`, `24h` or `7d`";

    fn read(raw: &Raw) -> Result<Self, String> {
        let text = text::<Self>(raw)?;
        let millis = parse(text, |unit| SPANS.iter().find(|(name, _)| *name == unit).map(|(_, length)| *length));
        // A century is longer than anybody means, and short enough for every clock.
        let bounded = millis.filter(|millis| (1..=100 * 365 * 86_400_000).contains(millis));
        bounded.map(Duration::from_millis).map(Self).ok_or_else(|| must_be::<Self>(raw))
    }

    fn show(&self) -> Raw {
        Raw::Text(self.to_string())
    }
}

/// A whole number and its unit.
fn parse(text: &str, unit: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let number: u64 = text[..split].replace('_', "").parse().ok()?;
    number.checked_mul(unit(text[split..].trim())?)
}

/// The address under which people reach the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicUrl(pub(crate) String);

impl Value for PublicUrl {
    const KIND: &'static str = "an address such as `https://tidegate.example.com`";

    fn read(raw: &Raw) -> Result<Self, String> {
        let text = text::<Self>(raw)?;
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let host = rest.map(|rest| rest.trim_end_matches('/')).filter(|host| !host.is_empty());
        match host {
            Some(host) if host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte)) => {
                Ok(Self(text.trim_end_matches('/').to_owned()))
            }
            Some(_) => Err("must hold nothing but scheme, host and port".to_owned()),
            None => Err(must_be::<Self>(raw)),
        }
    }

    fn show(&self) -> Raw {
        Raw::Text(self.0.clone())
    }
}

/// The identifier of an account or zone at Cloudflare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CloudflareId(pub(crate) String);

impl Value for CloudflareId {
    const KIND: &'static str = "an identifier of Cloudflare, 32 hexadecimal digits";

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) if is_identifier(text.trim()) => Ok(Self(text.trim().to_owned())),
            _ => Err(must_be::<Self>(raw)),
        }
    }

    fn show(&self) -> Raw {
        Raw::Text(self.0.clone())
    }
}

fn is_identifier(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Where the Cloudflare API is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiAddress(pub(crate) String);

impl Value for ApiAddress {
    const KIND: &'static str = "an address such as `https://api.cloudflare.com`";

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => match tidegate_logpush::ApiUrl::parse(text) {
                Ok(_) => Ok(Self(text.clone())),
                Err(error) => Err(format!("is no address of the API: {error}")),
            },
            _ => Err(must_be::<Self>(raw)),
        }
    }

    fn show(&self) -> Raw {
        Raw::Text(self.0.clone())
    }
}

/// An IP address, or all that begin like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Value for Network {
    const KIND: &'static str = "an IP address or network such as `10.0.0.1` or `10.0.0.0/8`";

    fn read(raw: &Raw) -> Result<Self, String> {
        let text = text::<Self>(raw)?;
        let (address, prefix) = text.split_once('/').map_or((text, None), |(left, right)| (left, Some(right)));
        let address: IpAddr = address.parse().map_err(|_| must_be::<Self>(raw))?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(prefix) => prefix.parse().ok().filter(|prefix| *prefix <= bits).ok_or_else(|| must_be::<Self>(raw))?,
        };
        Ok(Self { address, prefix })
    }

    fn show(&self) -> Raw {
        Raw::Text(self.to_string())
    }
}

/// Which log lines are written, as `tracing` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLevel(pub(crate) String);

impl Value for LogLevel {
    const KIND: &'static str =
        "`error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,tidegate_store=debug`";

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            // A bare word that is no level would be taken for the name of a module, and silence everything else.
            Raw::Text(text) if is_filter(text) => Ok(Self(text.clone())),
            _ => Err(must_be::<Self>(raw)),
        }
    }

    fn show(&self) -> Raw {
        Raw::Text(self.0.clone())
    }
}

fn is_filter(text: &str) -> bool {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let directives = text.split(',').all(|directive| directive.contains('=') || LEVELS.contains(&directive.trim()));
    directives && EnvFilter::try_new(text).is_ok()
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl Value for LogFormat {
    const KIND: &'static str = "`text` or `json`";

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) if text == "text" => Ok(Self::Text),
            Raw::Text(text) if text == "json" => Ok(Self::Json),
            _ => Err(must_be::<Self>(raw)),
        }
    }

    fn show(&self) -> Raw {
        Raw::Text(if *self == Self::Text { "text" } else { "json" }.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Value>(text: &str) -> Option<String> {
        T::read(&Raw::Text(text.to_owned())).ok().map(|value| match value.show() {
            Raw::Text(text) => text,
            other => other.to_toml(),
        })
    }

    #[test]
    fn sizes() {
        let cases = [
            ("64 MiB", "64 MiB"),
            ("64mib", "64 MiB"),
            ("1024KiB", "1 MiB"),
            ("5 GB", "5 GB"),
            ("4096", "4 KiB"),
            ("1_000 B", "1 KB"),
            ("7", "7 B"),
        ];
        for (text, shown) in cases {
            assert_eq!(read::<Size>(text).as_deref(), Some(shown), "{text}");
        }
        for text in ["", "0", "-1 MiB", "1.5 GiB", "64 Mb/s", "MiB", "99999999999 TiB"] {
            assert_eq!(read::<Size>(text), None, "{text}");
        }
        assert_eq!(Size::read(&Raw::Integer(4096)), Ok(Size(4096)));
        assert_eq!(Size::read(&Raw::Bool(true)).unwrap_err(), "must be a size such as `64 MiB`, not `true`");
    }

    #[test]
    fn spans() {
        for (text, shown) in [("30s", "30s"), ("24h", "1d"), ("90m", "90m"), ("1500 ms", "1500ms"), ("120s", "2m")] {
            assert_eq!(read::<Span>(text).as_deref(), Some(shown), "{text}");
        }
        for text in ["", "30", "0s", "-1s", "1.5h", "1y", "s", "99999d"] {
            assert_eq!(read::<Span>(text), None, "{text}");
        }
        assert!(Span::read(&Raw::Integer(30)).is_err());
    }

    #[test]
    fn addresses() {
        assert_eq!(read::<SocketAddr>("[::]:8080").as_deref(), Some("[::]:8080"));
        assert_eq!(read::<SocketAddr>("localhost"), None);
        assert_eq!(read::<Network>("10.0.0.1").as_deref(), Some("10.0.0.1/32"));
        assert_eq!(read::<Network>("fd00::/8").as_deref(), Some("fd00::/8"));
        for text in ["10.0.0.0/33", "10.0.0/8", "", "x/8", "::/129", "10.0.0.0/-1"] {
            assert_eq!(read::<Network>(text), None, "{text}");
        }
        assert!(read::<CloudflareId>("023e105f4ecef8ad9ca31a8372d0c353").is_some());
        for text in ["", "a/b", "my-account", "023e105f4ecef8ad9ca31a8372d0c35", "023e105f4ecef8ad9ca31a8372d0c35g"] {
            assert_eq!(read::<CloudflareId>(text), None, "{text}");
        }
        assert_eq!(read::<ApiAddress>("http://127.0.0.1:8099").as_deref(), Some("http://127.0.0.1:8099"));
        assert_eq!(read::<ApiAddress>("http://api.example"), None);
        assert_eq!(read::<PublicUrl>("https://a.example:8443/").as_deref(), Some("https://a.example:8443"));
        for text in ["a.example", "ftp://a", "https://", "https://u:p@a", "https://a/b", "https://a?x"] {
            assert_eq!(read::<PublicUrl>(text), None, "{text}");
        }
    }

    #[test]
    fn words_and_numbers() {
        assert_eq!(read::<LogLevel>("info,tidegate_store=debug").as_deref(), Some("info,tidegate_store=debug"));
        for text in ["loud", "", "info,x=loud"] {
            assert_eq!(read::<LogLevel>(text), None, "{text}");
        }
        assert_eq!(read::<LogFormat>("json").as_deref(), Some("json"));
        assert_eq!(read::<LogFormat>("xml"), None);
        assert_eq!(read::<u32>("131_072").as_deref(), Some("131072"));
        assert_eq!(read::<u32>("0"), None);
        assert_eq!(read::<bool>("yes"), None);
        assert_eq!(read::<Option<u32>>("none").as_deref(), Some("\"none\""));
    }
}
