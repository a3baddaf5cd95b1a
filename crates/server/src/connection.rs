//! Bounds what one connection and all of them together may hold: their number, and how long a peer may refuse to read.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

/// How long a peer may take nothing of an answer. An export holds a query open for as long as it is read.
const WRITE_PAUSE_MAX: Duration = Duration::from_secs(60);

/// Lets connections in up to a number, and watches each.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    seats: Arc<Semaphore>,
    write_pause_max: Duration,
}

impl Gate {
    pub(crate) fn new(connections_max: usize) -> Self {
        let seats = Arc::new(Semaphore::new(connections_max.clamp(1, Semaphore::MAX_PERMITS)));
        Self { seats, write_pause_max: WRITE_PAUSE_MAX }
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Gate {
    type Stream = Watched;
    type Service = S;
    type Future = std::future::Ready<io::Result<(Watched, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let admitted = Arc::clone(&self.seats).try_acquire_owned();
        let watched = match admitted {
            Ok(seat) => stream.set_nodelay(true).map(|()| {
                let write_pause_max = self.write_pause_max;
                (Watched { stream, waiting: None, write_pause_max, _seat: seat }, service)
            }),
            Err(_) => Err(io::Error::other("too many connections are open")),
        };
        std::future::ready(watched)
    }
}

/// A connection that fails when its peer stops reading.
#[derive(Debug)]
pub(crate) struct Watched {
    stream: TcpStream,
    waiting: Option<Pin<Box<Sleep>>>,
    write_pause_max: Duration,
    _seat: OwnedSemaphorePermit,
}

impl Watched {
    fn watch<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let timer = self.waiting.get_or_insert_with(|| Box::pin(sleep(self.write_pause_max)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer stopped reading")))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn one_connection_too_many_is_turned_away_and_seats_are_given_back() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let gate = Gate::new(1);
        let mut clients = Vec::new();
        let mut accepted = Vec::new();
        for _ in 0..2 {
            clients.push(TcpStream::connect(address).await.unwrap());
            accepted.push(gate.accept(listener.accept().await.unwrap().0, ()).await);
        }
        assert!(accepted[0].is_ok() && accepted[1].is_err());
        accepted.clear();
        clients.push(TcpStream::connect(address).await.unwrap());
        assert!(gate.accept(listener.accept().await.unwrap().0, ()).await.is_ok());
    }

    #[tokio::test]
    async fn a_peer_that_never_reads_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let gate = Gate { write_pause_max: Duration::from_millis(50), ..Gate::new(1) };
        let (mut stream, ()) = gate.accept(listener.accept().await.unwrap().0, ()).await.unwrap();
        let error = stream.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(client);
    }
}
