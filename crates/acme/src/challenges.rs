//! Answers to checks by plain HTTP (RFC 8555 section 8.3).

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::net::TcpListener;

use crate::plain;

/// The path below which authorities look.
pub(crate) const PATH: &str = "/.well-known/acme-challenge/";
/// Tokens have 128 bits or somewhat more; longer texts are none.
const TOKEN_CHARS_MAX: usize = 256;

/// What to answer to checks by plain HTTP. Empty while no order is going on.
#[derive(Clone, Debug, Default)]
pub struct HttpChallenges(Arc<RwLock<BTreeMap<String, String>>>);

impl HttpChallenges {
    /// The key authorisation for the token at the end of `/.well-known/acme-challenge/{token}`.
    #[must_use]
    pub fn answer(&self, token: &str) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    /// Answers checks on a listener of its own until `stop` is over. Whoever asks for something else under one of `names`
    /// is sent to the same path with https.
    pub async fn serve(self, listener: TcpListener, names: Vec<String>, stop: impl Future<Output = ()>) {
        plain::serve(self, listener, names, stop).await;
    }

    pub(crate) fn challenge(&self, token: &str, answer: &str) -> Result<(), String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if token.is_empty() || token.len() > TOKEN_CHARS_MAX || !token.bytes().all(plain) {
            return Err("the authority gave a token that is none".to_owned());
        }
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(token.to_owned(), answer.to_owned());
        Ok(())
    }

    pub(crate) fn end_challenges(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
