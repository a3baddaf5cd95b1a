//! A machine with a TLS listener that asks the resolver, and sends back what it is sent.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::ResolvesServerCert;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tidegate_acme::ALPN;

use super::web::Listener;

pub(crate) fn start(certificates: Arc<dyn ResolvesServerCert>) -> Listener {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec(), ALPN.to_vec()];
    let config = Arc::new(config);
    Listener::start(move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        let mut byte = [0];
        while matches!(stream.read(&mut byte), Ok(1)) {
            if stream.write_all(&byte).is_err() {
                return;
            }
        }
    })
}
