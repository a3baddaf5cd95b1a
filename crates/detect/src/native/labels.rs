//! Grammars of names that tools make: what one name alone gives away.
//!
//! Names are in lower case without a trailing dot.

mod bazar;
mod cobalt_strike;
mod sliver;

pub use bazar::{BazarShape, bazar};
pub use cobalt_strike::{CobaltShape, cobalt_strike};
pub use sliver::{SliverKind, SliverMessage, sliver};

/// Whether a name is a UUIDv4 without dashes directly below its registered domain, as EvilProxy names the hosts that it
/// passes on to.
#[must_use]
pub fn evilproxy(name: &str, registered_domain: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() == registered_domain.len() + 33
        && bytes[32] == b'.'
        && bytes[12] == b'4'
        && matches!(bytes[16], b'8' | b'9' | b'a' | b'b')
        && !registered_domain.is_empty()
        && name.ends_with(registered_domain)
        && bytes[..32].iter().all(|byte| is_hex(*byte))
}

#[cfg(test)]
pub(super) fn sliver_name(kind: u32, id: u32, data: &[u8], domain: &str) -> String {
    sliver::tests::encode(kind, id, 0, data, domain)
}

const fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashless_uuids_of_version_4_below_the_registered_domain() {
        let label = "0f8fad5bd9cb469fa16570867728950e";
        assert!(evilproxy(&format!("{label}.docs-share.example"), "docs-share.example"));
        for (name, domain) in [
            // A part deeper, version 1, wrong variant, not hexadecimal, no domain.
            (format!("{label}.cdn.docs.example"), "docs.example"),
            ("0f8fad5bd9cb169fa16570867728950e.docs.example".to_owned(), "docs.example"),
            ("0f8fad5bd9cb469fc16570867728950e.docs.example".to_owned(), "docs.example"),
            ("0f8fad5bd9cb469fa16570867728950z.docs.example".to_owned(), "docs.example"),
            (format!("{label}."), ""),
            (label.to_owned(), ""),
            ("\u{e9}".repeat(16) + ".a", "a"),
        ] {
            assert!(!evilproxy(&name, domain), "{name}");
        }
    }
}
