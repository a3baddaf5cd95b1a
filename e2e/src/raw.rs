//! A connection without a client's manners, for hostile senders.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::http::Reply;

/// An answer's head is shorter.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// A connection that sends what it is told to.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Raw {
    /// Connects.
    #[must_use]
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(10)).expect("the server can be reached");
        stream.set_write_timeout(Some(Duration::from_secs(20))).expect("a socket takes a timeout");
        stream.set_nodelay(true).expect("a socket takes the option");
        Self { stream, read: Vec::new() }
    }

    /// Sends bytes; `false` when the server has closed the connection.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Says that nothing follows.
    pub fn finish(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next answer; `None` when the server closes the connection without one.
    ///
    /// # Panics
    /// When neither happens within `limit`.
    #[track_caller]
    pub fn reply(&mut self, limit: Duration) -> Option<Reply> {
        let end = Instant::now() + limit;
        let head_end = loop {
            if let Some(at) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.read.len() < HEAD_BYTES_MAX, "the answer has no head");
            if !self.more(end) {
                return None;
            }
        };
        let head: Vec<u8> = self.read.drain(..head_end).collect();
        let reply = Reply::with_head(&head, Vec::new());
        let mut reply = reply.unwrap_or_else(|| panic!("`{}` is no head", String::from_utf8_lossy(&head)));
        let length: usize = reply.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        while self.read.len() < length && self.more(end) {}
        reply.body = self.read.drain(..length.min(self.read.len())).collect();
        Some(reply)
    }

    /// Whether the server closes the connection before `limit` is over; what it still says is passed over.
    #[must_use]
    pub fn is_closed_within(&mut self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            self.read.clear();
            if !self.more_or_timeout(end).unwrap_or(true) {
                return true;
            }
        }
        false
    }

    #[track_caller]
    fn more(&mut self, end: Instant) -> bool {
        self.more_or_timeout(end).expect("the server answers in time")
    }

    /// Reads what is there: `Some(false)` when the connection is over, `None` when the time is.
    fn more_or_timeout(&mut self, end: Instant) -> Option<bool> {
        let left = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        self.stream.set_read_timeout(Some(left)).expect("a socket takes a timeout");
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer) {
            Ok(0) => Some(false),
            Ok(count) => {
                self.read.extend_from_slice(&buffer[..count]);
                Some(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
            Err(error) if error.kind() == ErrorKind::Interrupted => Some(true),
            Err(_) => Some(false),
        }
    }
}
