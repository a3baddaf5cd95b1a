//! Requests over TLS, one a connection: enough to see that a server offers it, without a second TLS stack in the client.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::http::{Reply, Request};

const TIME_MAX: Duration = Duration::from_secs(30);

/// What a client believes that knows this certificate and no other.
pub(crate) fn trusting(certificate_pem: &[u8]) -> Arc<ClientConfig> {
    let certificate = CertificateDer::from_pem_slice(certificate_pem).expect("the file holds a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("the certificate can be believed");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("the provider knows the versions").with_root_certificates(roots);
    Arc::new(config.with_no_client_auth())
}

/// Sends a request and reads until the server has said everything.
pub(crate) fn send(config: &Arc<ClientConfig>, request: &Request) -> Result<Reply, String> {
    let told = |error: &dyn std::fmt::Display| format!("{} {}: {error}", request.method, request.url);
    let rest = request.url.strip_prefix("https://").ok_or_else(|| told(&"is not https"))?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let stream = TcpStream::connect(authority).map_err(|error| told(&error))?;
    stream.set_read_timeout(Some(TIME_MAX)).map_err(|error| told(&error))?;
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_owned();
    let name = ServerName::try_from(host).map_err(|error| told(&error))?;
    let connection = ClientConnection::new(Arc::clone(config), name).map_err(|error| told(&error))?;
    let mut stream = StreamOwned::new(connection, stream);
    let body = request.body.as_deref().unwrap_or_default();
    let mut text = format!("{} /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n", request.method);
    for (name, value) in &request.headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(body)).map_err(|error| told(&error))?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map_err(|error| told(&error))?;
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(|| told(&"no answer came"))?;
    let body = bytes.split_off(head + 4);
    Reply::with_head(&bytes, body).ok_or_else(|| told(&"the answer is not HTTP"))
}
