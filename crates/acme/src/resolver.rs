//! Which certificate a TLS connection gets: the authority's check its challenge (RFC 8737), everybody else the current one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tidegate_event::Timestamp;

/// The protocol by which an authority announces its check. The listener must offer it after its own ones.
pub const ALPN: &[u8] = b"acme-tls/1";

/// Time between two log lines about connections that come too early.
const LOG_PAUSE_MICROS: i64 = 60_000_000;

/// Gives each connection its certificate. There is one for as long as the process lives; what it gives changes.
#[derive(Debug, Default)]
pub struct Resolver {
    current: RwLock<Option<Arc<CertifiedKey>>>,
    challenges: RwLock<BTreeMap<String, Arc<CertifiedKey>>>,
    logged_micros: AtomicI64,
}

impl Resolver {
    pub(crate) fn set(&self, certificate: Arc<CertifiedKey>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(certificate);
    }

    /// Answers the check of `name` from now on.
    pub(crate) fn challenge(&self, name: &str, digest: &[u8]) -> Result<(), String> {
        let certificate = challenge_certificate(name, digest)?;
        let mut challenges = self.challenges.write().unwrap_or_else(PoisonError::into_inner);
        challenges.insert(name.to_owned(), Arc::new(certificate));
        Ok(())
    }

    pub(crate) fn end_challenges(&self) {
        self.challenges.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn answer_to_check(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let challenges = self.challenges.read().unwrap_or_else(PoisonError::into_inner);
        let found = name.and_then(|name| challenges.get(&name.to_ascii_lowercase())).cloned();
        if found.is_none() {
            tracing::debug!(?name, "somebody asked for the answer to a check that is not going on");
        }
        found
    }

    fn current(&self) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        if current.is_none() {
            let (now, last) = (Timestamp::now().as_micros(), self.logged_micros.load(Ordering::Relaxed));
            if now.saturating_sub(last) >= LOG_PAUSE_MICROS {
                self.logged_micros.store(now, Ordering::Relaxed);
                tracing::warn!("refused TLS connections: there is no certificate yet");
            }
        }
        current
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // A check offers this protocol and no other: RFC 8737 section 3.
        let is_check = hello.alpn().is_some_and(|mut offered| offered.next() == Some(ALPN) && offered.next().is_none());
        if is_check { self.answer_to_check(hello.server_name()) } else { self.current() }
    }
}

/// A certificate that nobody trusts, with the digest of the key authorisation in its extension.
fn challenge_certificate(name: &str, digest: &[u8]) -> Result<CertifiedKey, String> {
    const DIGEST_BYTES: usize = 32;
    if digest.len() != DIGEST_BYTES {
        return Err("the digest of the key authorisation has a wrong length".to_owned());
    }
    let failed = |error: rcgen::Error| format!("no certificate for the check of `{name}` could be made: {error}");
    let mut params = CertificateParams::new(vec![name.to_owned()]).map_err(failed)?;
    params.distinguished_name = DistinguishedName::new();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let pair = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&pair).map_err(failed)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
    let key = default_provider().key_provider.load_private_key(key).map_err(|error| error.to_string())?;
    // Not `from_der`: it reads the certificate to compare the keys, and refuses the critical extension that RFC 8737 wants.
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}
