//! The compressions a body may have, as headers name them and as their first bytes show them.

use std::fmt;

use crate::error::BatchError;

/// Longest piece of an unknown header value that is repeated in an error.
const NAME_CHARS_MAX: usize = 40;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 1950, or the bare RFC 1951 that some senders mean by `deflate`.
    Deflate,
    /// RFC 8878.
    Zstd,
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
        })
    }
}

impl Coding {
    /// The coding that a request's `Content-Encoding` names.
    ///
    /// # Errors
    /// [`BatchError::UnknownCoding`] for one we cannot undo.
    pub fn of_header(header: &str) -> Result<Self, BatchError> {
        let unknown = || BatchError::UnknownCoding { name: header.chars().take(NAME_CHARS_MAX).collect() };
        Self::from_name(header).ok_or_else(unknown)
    }

    /// The coding a `Content-Encoding` value names; `None` for one we do not know or for several in a row.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut found = Self::Identity;
        for part in name.split(',').map(str::trim) {
            let coding = match part.to_ascii_lowercase().as_str() {
                // A character set is no coding, but a common mistake.
                "" | "identity" | "none" | "utf-8" | "utf8" => continue,
                "gzip" | "x-gzip" => Self::Gzip,
                "deflate" => Self::Deflate,
                "zstd" => Self::Zstd,
                _ => return None,
            };
            if found != Self::Identity {
                return None;
            }
            found = coding;
        }
        Some(found)
    }

    /// The coding whose magic number `body` begins with. Deflate has none that could not be text.
    #[must_use]
    pub fn from_content(body: &[u8]) -> Option<Self> {
        match body {
            [0x1f, 0x8b, 0x08, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            // A skippable frame: what the parallel compressors put first.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// A zlib header: method 8, and the two bytes divide by 31 (RFC 1950, 2.2).
pub(crate) fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [method, flags, ..]
        if method & 0x0f == 8 && method >> 4 <= 7 && (u16::from(*method) << 8 | u16::from(*flags)).is_multiple_of(31))
}

/// Whether `body` can be text: what tells a plain body under a wrong header from a damaged compressed one.
pub(crate) fn is_text(body: &[u8]) -> bool {
    const LOOK_BYTES: usize = 1024;
    let head = &body[..body.len().min(LOOK_BYTES)];
    !head.iter().any(|byte| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names() {
        assert_eq!(Coding::from_name("GZip"), Some(Coding::Gzip));
        assert_eq!(Coding::from_name("x-gzip, identity"), Some(Coding::Gzip));
        assert_eq!(Coding::from_name(""), Some(Coding::Identity));
        assert_eq!(Coding::from_name("utf-8"), Some(Coding::Identity));
        assert_eq!(Coding::from_name("br"), None);
        assert_eq!(Coding::of_header("br"), Err(BatchError::UnknownCoding { name: "br".into() }));
        assert_eq!(Coding::from_name("gzip, gzip"), None);
    }

    #[test]
    fn zlib_headers() {
        assert!(is_zlib(b"\x78\x9c") && is_zlib(b"\x78\x01") && is_zlib(b"\x78\xda"));
        assert!(!is_zlib(b"{\"") && !is_zlib(b"\x78"));
    }
}
