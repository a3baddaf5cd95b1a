use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Bound, ServeError};
use crate::options::Options;
use crate::testing::{Staged, gzip, parts};

struct Running {
    address: SocketAddr,
    key: String,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<(), ServeError>>,
    _directory: TempDir,
}

fn options() -> Options {
    Options { listen: "127.0.0.1:0".parse().unwrap(), ..Options::default() }
}

fn start(options: Options) -> Running {
    let directory = tempfile::tempdir().unwrap();
    let Staged { parts, key, .. } = parts(directory.path(), options, tidegate_journal::Options::default());
    let bound = Bound::new(parts).unwrap();
    let address = bound.address();
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(bound.run(async move {
        let _ = stopped.await;
    }));
    Running { address, key, stop: Some(stop), served, _directory: directory }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes on a new connection and reads until the server closes it.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        read_all(&mut stream).await
    }

    fn head(&self, path: &str, more: &str) -> String {
        format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nx-sekoiaio-intake-key: {}\r\n{more}\r\n", self.key)
    }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset after the answer is the system's way to say that we sent more than was read.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_batch_goes_over_a_socket() {
    let server = start(options());
    let body = gzip(b"{}\n{}\n");
    let mut request =
        server.head("/plain/batch", &format!("connection: close\r\ncontent-length: {}\r\n", body.len())).into_bytes();
    request.extend_from_slice(&body);
    let answer = server.exchange(&request).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["event_ids"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_senders_end_by_themselves_and_block_nobody() {
    let server = start(Options { header_seconds_max: 1, body_pause_seconds_max: 1, body_seconds_max: 3, ..options() });
    let begun = Instant::now();
    let mut silent = server.connect().await;
    let mut half_head = server.connect().await;
    half_head.write_all(b"POST /plain/batch HTTP/1.1\r\nhost: loc").await.unwrap();
    let mut half_body = server.connect().await;
    let head = server.head("/plain/batch", "content-length: 1000\r\n");
    half_body.write_all(format!("{head}{{\"half\":").as_bytes()).await.unwrap();
    let mut dripping = server.connect().await;
    dripping.write_all(head.as_bytes()).await.unwrap();
    let drip = async {
        while begun.elapsed() < Duration::from_secs(8) && dripping.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        read_all(&mut dripping).await
    };
    let quick = async {
        let request = server.head("/plain/batch", "connection: close\r\ncontent-length: 2\r\n") + "{}";
        let answer = server.exchange(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(begun.elapsed() < Duration::from_secs(1));
    };
    let (dripped, paused, headless, nothing, ()) =
        tokio::join!(drip, read_all(&mut half_body), read_all(&mut half_head), read_all(&mut silent), quick);
    assert!(paused.starts_with("HTTP/1.1 408"), "{paused}");
    assert!(paused.contains("connection: close"), "{paused}");
    assert!(dripped.is_empty() || dripped.starts_with("HTTP/1.1 408"), "{dripped}");
    assert!(headless.is_empty() || headless.starts_with("HTTP/1.1 408"), "{headless}");
    assert_eq!(nothing, "");
    assert!(begun.elapsed() < Duration::from_secs(7), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_claimed_length_is_only_a_claim() {
    let server = start(Options { body_pause_seconds_max: 1, ..options() });
    for (claim, status) in [("1073741824", "413"), ("60000000", "408")] {
        let request = server.head("/plain/batch", &format!("content-length: {claim}\r\n")) + "{}";
        let answer = server.exchange(request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn a_refused_sender_still_reads_the_answer() {
    let server = start(options());
    let length = 300_000;
    let head = format!(
        "POST /plain/batch HTTP/1.1\r\nhost: localhost\r\nx-sekoiaio-intake-key: wrong\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    let mut request = head.into_bytes();
    request.resize(request.len() + length, b'x');
    let answer = server.exchange(&request).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(answer.contains("intake key"), "{answer}");
}

#[tokio::test]
async fn a_sender_that_asks_first_is_told_without_sending() {
    let server = start(options());
    let head = "POST /plain/batch HTTP/1.1\r\nhost: localhost\r\nx-sekoiaio-intake-key: wrong\r\nexpect: 100-continue\r\ncontent-length: 5000000\r\n\r\n";
    let answer = server.exchange(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[tokio::test]
async fn one_request_is_never_taken_for_two() {
    let server = start(Options { header_seconds_max: 1, body_pause_seconds_max: 1, ..options() });
    let inner = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for more in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "content-length: +5\r\n",
        "content-length : 5\r\n",
    ] {
        let request = format!("{}0\r\n\r\n{inner}", server.head("/plain/batch", more));
        let answer = server.exchange(request.as_bytes()).await;
        // Either it is refused, or the chunked body ends where it ends and what follows is a request of its own; the
        // length of a message is never taken from two places at once.
        let first = answer.lines().next().unwrap_or("").to_owned();
        let both = more.contains("chunked\r\n") && !more.contains("xchunked");
        assert!(first.contains(" 400") || (both && first.contains(" 200")), "{more:?}: {answer}");
    }
}

#[tokio::test]
async fn a_name_that_leads_here_from_elsewhere_is_refused() {
    let server = start(options());
    let ask = |host: &str| format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    for host in ["localhost", "127.0.0.1:80", "[::1]"] {
        assert!(server.exchange(ask(host).as_bytes()).await.starts_with("HTTP/1.1 200"), "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", ""] {
        let answer = server.exchange(ask(host).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 421"), "{host} {answer}");
    }
    let public = start(Options { public_url: Some("http://tide.example".into()), ..options() });
    assert!(public.exchange(ask("tide.example").as_bytes()).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn connections_are_bounded() {
    let server = start(Options { connections_max: 2, ..options() });
    let _held = [server.connect().await, server.connect().await];
    let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    // The third one is closed; when is up to the system.
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let mut third = server.connect().await;
        let _ = third.write_all(request).await;
        if read_all(&mut third).await.is_empty() {
            break;
        }
        assert!(Instant::now() < end, "a third connection is served");
    }
}

#[tokio::test]
async fn stopping_finishes_what_is_under_way() {
    let mut server = start(options());
    let mut stream = server.connect().await;
    stream.write_all(server.head("/plain/batch", "content-length: 2\r\n").as_bytes()).await.unwrap();
    stream.write_all(b"{").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop.take().unwrap().send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stream.write_all(b"}").await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.served.await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

fn test_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/serve").join(name)
}

#[tokio::test]
async fn tls_comes_from_files() {
    let certificate = test_file("test-certificate.pem");
    let server = start(Options {
        tls_certificate: Some(certificate.clone()),
        tls_key: Some(test_file("test-key.pem")),
        ..options()
    });
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&certificate).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let address = server.address;
    let answer = tokio::task::spawn_blocking(move || {
        use std::io::{Read, Write};
        let name = ServerName::try_from("localhost").unwrap();
        let session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = std::net::TcpStream::connect(address).unwrap();
        let mut stream = rustls::StreamOwned::new(session, socket);
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("strict-transport-security"), "{answer}");
}

#[tokio::test]
async fn wrong_files_and_taken_addresses_are_named() {
    let refused = |options: Options| {
        let directory = tempfile::tempdir().unwrap();
        let staged = parts(directory.path(), options, tidegate_journal::Options::default());
        Bound::new(staged.parts).unwrap_err().to_string()
    };
    let key = Some(test_file("test-key.pem"));
    let missing = refused(Options { tls_certificate: Some("/nowhere.pem".into()), tls_key: key.clone(), ..options() });
    assert_eq!(missing, "cannot read `/nowhere.pem`");
    let swapped = refused(Options { tls_certificate: key.clone(), tls_key: key, ..options() });
    assert!(swapped.contains("holds no certificate"), "{swapped}");
    let half = refused(Options { tls_certificate: Some("/x.pem".into()), ..options() });
    assert!(half.contains("needed together"));
    let taken = start(options());
    let again = refused(Options { listen: taken.address, ..options() });
    assert!(again.contains(&taken.address.to_string()), "{again}");
}
