//! The checks of an authority: a real connection by TLS with `acme-tls/1` (RFC 8737) or by HTTP (RFC 8555 section 8.3).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs::default_provider};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned};

pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Takes whatever certificate comes; the caller looks at it.
#[derive(Debug)]
struct Anything(Arc<CryptoProvider>);

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    // rustls reads the certificate for this, and refuses the critical extension that RFC 8737 wants. Who holds the key is
    // not what is checked here.
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Connects, and gives the certificate that the other side showed.
pub(crate) fn connect(to: SocketAddr, name: &str, alpn: &[&[u8]]) -> Result<(Stream, Vec<u8>), String> {
    let provider = Arc::new(default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything(provider)))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(to).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(|error| error.to_string())?;
    }
    let shown = connection.peer_certificates().and_then(|chain| chain.first()).ok_or("no certificate")?.to_vec();
    Ok((StreamOwned::new(connection, stream), shown))
}

/// RFC 8737 section 3: the protocol is agreed on, and the certificate is for the name alone and has the critical extension.
pub(crate) fn by_tls(to: SocketAddr, name: &str, key_authorization: &str) -> Result<(), String> {
    let (stream, certificate) = connect(to, name, &[b"acme-tls/1"])?;
    if stream.conn.alpn_protocol() != Some(b"acme-tls/1") {
        return Err("the protocol was not agreed on".to_owned());
    }
    let digest = digest(&SHA256, key_authorization.as_bytes());
    // id-pe-acmeIdentifier, critical, an octet string with an octet string of 32 bytes.
    let extension =
        [b"\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x1f\x01\x01\xff\x04\x22\x04\x20".as_slice(), digest.as_ref()].concat();
    if !certificate.windows(extension.len()).any(|window| window == extension) {
        return Err("Incorrect validation certificate for tls-alpn-01 challenge".to_owned());
    }
    match super::der::facts(&certificate).map(|facts| facts.names) {
        Some(names) if names == [name] => Ok(()),
        names => Err(format!("the certificate is for {names:?}")),
    }
}

pub(crate) fn by_http(to: SocketAddr, token: &str, key_authorization: &str) -> Result<(), String> {
    let mut stream = TcpStream::connect(to).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let request = format!("GET /.well-known/acme-challenge/{token} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
    let mut text = String::new();
    stream.read_to_string(&mut text).map_err(|error| error.to_string())?;
    match text.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200 ") && body == key_authorization => Ok(()),
        _ => Err(format!("the wrong text: {text}")),
    }
}
