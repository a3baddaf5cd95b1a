//! Binds the address, and serves until told to stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket};

use crate::connection::Gate;
use crate::parts::{ServerParts, Shared};
use crate::router::router;
use crate::tls::{self, Files, TlsError};

/// Connections the system may hold ready before we take them.
const BACKLOG: u32 = 1024;

/// Bytes of a request's headers.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// Headers of a request.
const HEADERS_MAX: usize = 100;

/// Streams a client may have open on one HTTP/2 connection.
const STREAMS_MAX: u32 = 100;

/// How often an HTTP/2 peer is asked whether it is still there, and how long it may take to say so.
const PING_PAUSE: Duration = Duration::from_secs(30);
const PONG_TIME_MAX: Duration = Duration::from_secs(15);

/// Why the server does not serve.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address cannot be used.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// TLS cannot be offered.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Only one of the two files of TLS is configured.
    #[error("`tls_certificate` and `tls_key` are needed together")]
    HalfTls,
    /// Serving ended with an error.
    #[error("serving failed")]
    Serve(#[source] io::Error),
}

/// A server that has its address but takes no requests yet.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
    parts: ServerParts,
}

/// Where certificates come from, and the configuration that has them.
enum Tls {
    Files(Files, RustlsConfig),
    Resolved(RustlsConfig),
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Files(files, _) => f.debug_tuple("Files").field(files).finish(),
            Self::Resolved(_) => f.write_str("Resolved"),
        }
    }
}

impl Bound {
    /// Binds the address in the options and loads the certificate. Call it before slow work at the start, so that a
    /// wrong address is known at once, and from within a Tokio runtime.
    ///
    /// # Errors
    /// When the address is taken or not ours, or the certificate cannot be used.
    pub fn new(parts: ServerParts) -> Result<Self, ServeError> {
        let address = parts.options.listen;
        let tls = match (&parts.options.tls_certificate, &parts.options.tls_key) {
            (Some(certificate), Some(key)) => {
                let files = Files { certificate: certificate.clone(), key: key.clone() };
                let config = RustlsConfig::from_config(tls::load(&files)?);
                Some(Tls::Files(files, config))
            }
            (None, None) => match &parts.certificates {
                Some(certificates) => Some(Tls::Resolved(RustlsConfig::from_config(tls::with(certificates.clone())?))),
                None => None,
            },
            _ => return Err(ServeError::HalfTls),
        };
        let listen = |source| ServeError::Listen { address, source };
        let listener = listen_on(address).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { listener, address, tls, parts })
    }

    /// The address it listens on; the port is the real one when 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address to type into a browser on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The address that others reach it at, when it is configured.
    #[must_use]
    pub fn public_url(&self) -> Option<&str> {
        self.parts.options.public_url.as_deref()
    }

    /// Serves until `stop` is over; then takes no more connections and gives requests in flight their time.
    ///
    /// # Errors
    /// When serving fails as a whole; one bad connection is no failure.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), ServeError> {
        let Self { listener, address, tls, parts } = self;
        let loopback_only = address.ip().to_canonical().is_loopback() && parts.options.public_url.is_none();
        let gate = Gate::new(parts.options.connections_max);
        let header_time_max = Duration::from_secs(parts.options.header_seconds_max);
        let stop_time_max = Duration::from_secs(parts.options.stop_seconds_max);
        let app = router(Shared::new(parts, loopback_only)).into_make_service_with_connect_info::<SocketAddr>();

        let handle = Handle::new();
        let stopping = tokio::spawn({
            let handle = handle.clone();
            async move {
                stop.await;
                handle.graceful_shutdown(Some(stop_time_max));
            }
        });
        let server = bounded(Server::from_listener(listener), header_time_max).handle(handle);
        let served = match tls {
            Some(Tls::Resolved(config)) => {
                let acceptor = RustlsAcceptor::new(config).handshake_timeout(header_time_max).acceptor(gate);
                server.acceptor(acceptor).serve(app).await
            }
            Some(Tls::Files(files, config)) => {
                let reloading = tokio::spawn(tls::reload_on_change(files, config.clone()));
                let acceptor = RustlsAcceptor::new(config).handshake_timeout(header_time_max).acceptor(gate);
                let served = server.acceptor(acceptor).serve(app).await;
                reloading.abort();
                served
            }
            None => server.acceptor(gate).serve(app).await,
        };
        stopping.abort();
        served.map_err(ServeError::Serve)
    }
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Without it a restart would wait for the old connections' TIME_WAIT.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Sets the bounds on what a peer may make a connection hold.
fn bounded(mut server: Server<SocketAddr>, header_time_max: Duration) -> Server<SocketAddr> {
    let builder = server.http_builder();
    // The timer runs while a connection is idle too, so it also ends those.
    builder.http1().header_read_timeout(header_time_max).max_buf_size(HEADER_BYTES_MAX).max_headers(HEADERS_MAX);
    builder
        .http2()
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX as u32)
        .keep_alive_interval(PING_PAUSE)
        .keep_alive_timeout(PONG_TIME_MAX);
    server.first_request_timeout(header_time_max).accept_error_handler(|peer, error| {
        tracing::debug!(?peer, %error, "a connection was not accepted");
    })
}

#[cfg(test)]
mod tests;
