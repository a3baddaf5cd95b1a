//! A certificate with its chain and key, ready to be served.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use tidegate_event::Timestamp;

use crate::der::{self, Facts};

/// Certificates of a chain.
const CHAIN_MAX: usize = 16;

/// See the module.
#[derive(Clone)]
pub(crate) struct Certificate {
    pub(crate) key: Arc<CertifiedKey>,
    pub(crate) facts: Facts,
    pem: String,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the key.
        self.facts.fmt(f)
    }
}

impl Certificate {
    /// Reads chain and key of one text; the error continues a sentence that begins with where they came from.
    pub(crate) fn from_pem(pem: String) -> Result<Self, String> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| "holds a damaged certificate".to_owned())?;
        if chain.is_empty() || chain.len() > CHAIN_MAX {
            return Err(format!("holds {} certificates instead of 1 to {CHAIN_MAX}", chain.len()));
        }
        let facts = der::facts(&chain[0]).ok_or("holds a certificate that cannot be read")?;
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| "holds no private key")?;
        let key = CertifiedKey::from_der(chain, key, &default_provider())
            .map_err(|error| format!("holds a certificate that cannot be used with its key: {error}"))?;
        Ok(Self { key: Arc::new(key), facts, pem })
    }

    /// Chain and key as text.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Whether it is for all of these names.
    pub(crate) fn covers(&self, names: &[String]) -> bool {
        names.iter().all(|name| self.facts.names.contains(name))
    }

    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.facts.not_after <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificate_and_key_must_fit() {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let good = Certificate::from_pem(format!("{key}{chain}")).unwrap();
        assert!(good.covers(&["a.example".to_owned()]));
        assert!(!good.covers(&["a.example".to_owned(), "b.example".to_owned()]));
        assert!(good.is_over(good.facts.not_after));
        for (text, why) in [
            (String::new(), "holds 0 certificates"),
            (key.clone(), "holds 0 certificates"),
            (chain.clone(), "holds no private key"),
            (format!("{}{chain}", other.signing_key.serialize_pem()), "cannot be used with its key"),
            (format!("{key}{}", chain.replace("MII", "!!!")), "holds a damaged certificate"),
            (format!("{key}{}", chain.repeat(17)), "holds 17 certificates"),
        ] {
            let found = Certificate::from_pem(text).unwrap_err();
            assert!(found.contains(why), "{why}: {found}");
        }
    }
}
