//! An authority that the tests run themselves, written from RFC 8555, RFC 8737 and RFC 9773, and a machine for it to check.

pub(crate) mod authority;
pub(crate) mod jws;
pub(crate) mod machine;
pub(crate) mod validate;
pub(crate) mod web;

#[path = "../../src/der.rs"]
#[allow(dead_code, reason = "the reader of the library, of which the authority needs another part")]
pub(crate) mod der;
