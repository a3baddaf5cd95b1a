//! The same server over TLS, with certificates of an authority that only the tests trust. They are valid from 2020 to
//! 2120, save the expired one; nothing but these tests knows their key.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of the support")]

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::http::{Request, Response, Server, exchange};

pub const GOOD: &str = include_str!("tls/good.pem");
pub const EXPIRED: &str = include_str!("tls/expired.pem");
pub const OTHER_NAME: &str = include_str!("tls/other_name.pem");
const KEY: &str = include_str!("tls/server.key");
const AUTHORITY: &str = include_str!("tls/ca.pem");

pub fn server(certificate: &str, answer: impl FnMut(Request) -> Response + Send + 'static) -> Server {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let (config, mut answer) = (Arc::new(config), answer);
    Server::accept(move |stream| {
        stream.set_read_timeout(Some(std::time::Duration::from_secs(60)))?;
        let connection = ServerConnection::new(Arc::clone(&config)).map_err(std::io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        exchange(&mut stream, &mut answer)?;
        stream.conn.send_close_notify();
        std::io::Write::flush(&mut stream)
    })
}

/// A client that trusts the tests' authority, and nothing else.
pub fn client() -> reqwest::Client {
    let authority = reqwest::Certificate::from_pem(AUTHORITY.as_bytes()).unwrap();
    reqwest::Client::builder()
        .tls_certs_only([authority])
        .redirect(reqwest::redirect::Policy::none())
        .timeout(std::time::Duration::from_secs(60))
        .build()
        .unwrap()
}
