//! TLS from certificate files: loading them, and loading them again when they change; or from what has certificates itself.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum_server::tls_rustls::RustlsConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ResolvesServerCert;
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};
use thiserror::Error;

/// How often the files are looked at; certificates are renewed weeks before they end.
const LOOK_PAUSE: Duration = Duration::from_secs(30);

/// By which an ACME authority announces its check (RFC 8737).
const CHECK_PROTOCOL: &[u8] = b"acme-tls/1";

/// The two files TLS needs.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Why TLS cannot be offered.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds no certificate or key.
    #[error("`{}` holds no {expected} in PEM form", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// TLS itself is not to be had.
    #[error("TLS cannot be offered")]
    Provider(#[source] rustls::Error),
    /// Certificate and key do not fit together, or are of a kind we cannot use.
    #[error("the certificate in `{}` cannot be used with its key", path.display())]
    Unusable {
        /// The certificate's file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// Reads the files and builds the configuration of the TLS side.
pub(crate) fn load(files: &Files) -> Result<Arc<ServerConfig>, TlsError> {
    let certificates = read(&files.certificate)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&certificates).collect::<Result<_, _>>().unwrap_or_default();
    if chain.is_empty() {
        return Err(TlsError::Pem { path: files.certificate.clone(), expected: "certificate" });
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|_| TlsError::Pem { path: files.key.clone(), expected: "private key" })?;
    let unusable = |source| TlsError::Unusable { path: files.certificate.clone(), source };
    let mut config = builder()?.with_no_client_auth().with_single_cert(chain, key).map_err(unusable)?;
    config.alpn_protocols = protocols();
    Ok(Arc::new(config))
}

/// The configuration of the TLS side for what chooses a certificate for each connection.
pub(crate) fn with(certificates: Arc<dyn ResolvesServerCert>) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = builder()?.with_no_client_auth().with_cert_resolver(certificates);
    config.alpn_protocols = protocols();
    config.alpn_protocols.push(CHECK_PROTOCOL.to_vec());
    Ok(Arc::new(config))
}

fn builder() -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, TlsError> {
    // Named, since other parts of the program bring a second provider and rustls would refuse to choose.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(TlsError::Provider)
}

fn protocols() -> Vec<Vec<u8>> {
    vec![b"h2".to_vec(), b"http/1.1".to_vec()]
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}

/// Loads the files again whenever they change or the process gets SIGHUP, for ever. What cannot be loaded changes
/// nothing: the old certificate serves on.
pub(crate) async fn reload_on_change(files: Files, config: RustlsConfig) {
    let mut hangup = Hangup::new();
    let mut seen = changed(&files);
    loop {
        let asked = tokio::select! {
            () = hangup.wait() => true,
            () = tokio::time::sleep(LOOK_PAUSE) => false,
        };
        let now = changed(&files);
        if !asked && now == seen {
            continue;
        }
        seen = now;
        match load(&files) {
            Ok(new) => {
                config.reload_from_config(new);
                tracing::info!(path = %files.certificate.display(), "loaded the certificate again");
            }
            Err(error) => tracing::warn!(%error, "kept the old certificate, since the new one cannot be used"),
        }
    }
}

fn changed(files: &Files) -> [Option<SystemTime>; 2] {
    [&files.certificate, &files.key].map(|path| std::fs::metadata(path).and_then(|found| found.modified()).ok())
}

/// SIGHUP where the system has it.
struct Hangup(#[cfg(unix)] Option<tokio::signal::unix::Signal>);

impl Hangup {
    #[cfg(unix)]
    fn new() -> Self {
        Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok())
    }

    #[cfg(unix)]
    async fn wait(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self()
    }

    #[cfg(not(unix))]
    async fn wait(&mut self) {
        std::future::pending().await
    }
}
