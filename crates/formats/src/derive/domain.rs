//! A host name in; top level, registered domain and subdomain out, by the ICANN section of the public suffix list.
//! Names that the list does not know (`.internal`) have no top level; letters keep their case.

use psl::{Psl, Type};

/// The parts of a name; empty where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts<'t> {
    pub(crate) top_level: &'t str,
    pub(crate) registered: &'t str,
    pub(crate) subdomain: &'t str,
}

/// Longest name whose suffix is looked up; DNS allows 253.
const NAME_BYTES_MAX: usize = 512;

/// Splits a host name, also out of a text with scheme, user, port or path around it.
pub(crate) fn split(text: &str) -> Parts<'_> {
    let name = host(text);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || is_ip(name) {
        return Parts::default();
    }
    let suffix_bytes = suffix_bytes(name);
    if suffix_bytes == 0 {
        let subdomain = name.rsplit_once('.').map_or("", |(before, _)| before);
        return Parts { subdomain, ..Parts::default() };
    }
    let top_level = &name[name.len() - suffix_bytes..];
    let Some(rest) = name[..name.len() - suffix_bytes].strip_suffix('.') else {
        return Parts { top_level, ..Parts::default() };
    };
    match rest.rfind('.') {
        Some(dot) => Parts { top_level, registered: &name[dot + 1..], subdomain: &rest[..dot] },
        None => Parts { top_level, registered: name, subdomain: "" },
    }
}

/// The host of a text that may be a URL.
fn host(text: &str) -> &str {
    let bytes = text.as_bytes();
    let rest = if bytes.iter().any(|byte| matches!(byte, b'/' | b'?' | b'#' | b'@' | b':' | b' ')) {
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let rest = rest.split(['/', '?', '#']).next().unwrap_or("");
        let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        // an address of version 6 has no labels
        let rest = if rest.matches(':').count() > 1 { "" } else { rest.split(':').next().unwrap_or("") };
        rest.trim()
    } else {
        text
    };
    rest.trim_end_matches(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'])
}

fn is_ip(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.last().is_some_and(u8::is_ascii_digit) && name.parse::<std::net::Ipv4Addr>().is_ok()
}

/// Length of the public suffix at the end of a name; 0 when the list does not know it.
fn suffix_bytes(name: &str) -> usize {
    let mut lower = [0; NAME_BYTES_MAX];
    let bytes = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let buffer = &mut lower[..name.len()];
        buffer.copy_from_slice(name.as_bytes());
        buffer.make_ascii_lowercase();
        &*buffer
    } else {
        name.as_bytes()
    };
    let mut rest = bytes;
    loop {
        let Some(suffix) = psl::List.suffix(rest) else {
            return 0;
        };
        match suffix.typ() {
            Some(Type::Icann) => return suffix.as_bytes().len(),
            None => return 0,
            // A private suffix such as `github.io`: what the list says of the name above it.
            Some(Type::Private) => {
                let bytes = suffix.as_bytes();
                match bytes.iter().position(|byte| *byte == b'.') {
                    Some(dot) => rest = &rest[rest.len() - (bytes.len() - dot - 1)..],
                    None => return 0,
                }
            }
        }
    }
}
