//! Public names and a folder come in, a certificate of an ACME authority (RFC 8555) that renews itself comes out, as what
//! a TLS listener asks for each connection.
//! It will never know what is served under the names, nor where the configuration stands.

mod acme;
mod ari;
mod cache;
mod certificate;
mod challenges;
mod der;
mod error;
mod explain;
mod external;
mod http;
mod options;
mod order;
mod pace;
mod plain;
mod resolver;
mod status;

pub use acme::Acme;
pub use challenges::HttpChallenges;
pub use error::AcmeError;
pub use external::ExternalAccount;
pub use options::{Challenge, LETS_ENCRYPT, LETS_ENCRYPT_STAGING, Options};
pub use pace::Pace;
pub use resolver::{ALPN, Resolver};
pub use status::Status;
