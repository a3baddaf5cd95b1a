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
    let mut stream = connect(config, request)?;
    let body = request.body.as_deref().unwrap_or_default();
    stream.write_all(&head(request)).and_then(|()| stream.write_all(body)).map_err(|error| told(&error))?;
    read(&mut stream).map_err(|error| told(&error))
}

/// As [`send`], with a pause in the middle of the body.
pub(crate) fn send_slowly(config: &Arc<ClientConfig>, request: &Request, pause: Duration) -> Result<Reply, String> {
    let told = |error: &dyn std::fmt::Display| format!("{} {}: {error}", request.method, request.url);
    let mut stream = connect(config, request)?;
    let body = request.body.as_deref().unwrap_or_default();
    let (first, rest) = body.split_at(body.len() / 2);
    let begun = stream.write_all(&head(request)).and_then(|()| stream.write_all(first)).and_then(|()| stream.flush());
    begun.map_err(|error| told(&error))?;
    std::thread::sleep(pause);
    stream.write_all(rest).map_err(|error| told(&error))?;
    read(&mut stream).map_err(|error| told(&error))
}

/// Sends a request whole, and closes the connection without waiting for the answer.
pub(crate) fn send_and_leave(config: &Arc<ClientConfig>, request: &Request) -> Result<(), String> {
    let mut stream = connect(config, request)?;
    let body = request.body.as_deref().unwrap_or_default();
    let sent = stream.write_all(&head(request)).and_then(|()| stream.write_all(body)).and_then(|()| stream.flush());
    sent.map_err(|error| format!("{} {}: {error}", request.method, request.url))
}

fn connect(config: &Arc<ClientConfig>, request: &Request) -> Result<StreamOwned<ClientConnection, TcpStream>, String> {
    let told = |error: &dyn std::fmt::Display| format!("{} {}: {error}", request.method, request.url);
    let (authority, _) = parts(request).ok_or_else(|| told(&"is not https"))?;
    let stream = TcpStream::connect(authority).map_err(|error| told(&error))?;
    stream.set_read_timeout(Some(TIME_MAX)).map_err(|error| told(&error))?;
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_owned();
    let name = ServerName::try_from(host).map_err(|error| told(&error))?;
    let connection = ClientConnection::new(Arc::clone(config), name).map_err(|error| told(&error))?;
    Ok(StreamOwned::new(connection, stream))
}

/// The host with its port, and the path with its query.
fn parts(request: &Request) -> Option<(&str, String)> {
    let rest = request.url.strip_prefix("https://")?;
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    Some((authority, if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }))
}

fn head(request: &Request) -> Vec<u8> {
    let (authority, path) = parts(request).unwrap_or_default();
    let mut text = format!("{} {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n", request.method);
    for (name, value) in &request.headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("Content-Length: {}\r\n\r\n", request.body.as_deref().unwrap_or_default().len());
    text.into_bytes()
}

fn read(stream: &mut impl Read) -> Result<Reply, String> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n").ok_or("no answer came")?;
    let body = bytes.split_off(head + 4);
    Reply::with_head(&bytes, body).ok_or_else(|| "the answer is not HTTP".to_owned())
}
