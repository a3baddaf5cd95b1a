//! Sends as Logpush does: the parameters of the destination become headers, the body is gzip.

#![allow(unreachable_pub, reason = "a part of a test program")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use tidegate_e2e::{Http, Reply, Request, gzip};

/// What Logpush uploads when a job is made.
const TEST_UPLOAD: &str = r#"{"content":"tests"}"#;

/// Sends to destinations.
pub struct Sender(Http);

impl Sender {
    pub fn new(http: Http) -> Self {
        Self(http)
    }

    /// Sends a batch.
    pub fn send(&self, to: &str, body: &[u8]) -> Result<Reply, String> {
        self.0.send(&request(to, body))
    }

    /// Sends a batch with a pause in its middle.
    pub fn send_slowly(&self, to: &str, body: &[u8], pause: Duration) -> Result<Reply, String> {
        self.0.send_slowly(&request(to, body), pause)
    }

    /// Sends a batch and closes the connection before the answer.
    pub fn send_and_leave(&self, to: &str, body: &[u8]) -> Result<(), String> {
        self.0.send_and_leave(&request(to, body))
    }

    /// Sends the validation upload; says why it failed, in Cloudflare's words.
    pub fn validate(&mut self, to: &str) -> Option<String> {
        match self.send(to, &gzip(TEST_UPLOAD.as_bytes())) {
            Ok(reply) if (200..300).contains(&reply.status) => None,
            Ok(reply) => Some(format!("error writing object: error uploading: status code {}", reply.status)),
            Err(error) => Some(format!("error writing object: error uploading: {error}")),
        }
    }
}

fn request(to: &str, body: &[u8]) -> Request {
    let (address, query) = to.split_once('?').unwrap_or((to, ""));
    let mut request = Request::new("POST", address);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let name = name.strip_prefix("header_").expect("a destination of ours has headers only");
        request = request.header(name, decoded(value));
    }
    request.header("Content-Encoding", "gzip").body(body)
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push(char::from(u8::from_str_radix(&part[..2], 16).expect("an escaped character")));
        out.push_str(&part[2..]);
    }
    out
}

/// A time in RFC 3339, from seconds since 1970 (the days from Howard Hinnant's civil calendar).
pub fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (i64::try_from(seconds / 86_400).expect("a date of ours"), seconds % 86_400);
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

/// A server with an expired certificate, and the authority that signed it.
pub struct Expired {
    pub url: String,
    pub authority: PathBuf,
    _server: tidegate_e2e::Server,
}

/// Starts one with the certificates of the contract's tests in `folder`.
pub fn expired(folder: &Path) -> Expired {
    let config = format!(
        "[server]\ntls_certificate = \"{}\"\ntls_key = \"{}\"\n",
        folder.join("expired.pem").display(),
        folder.join("server.key").display()
    );
    let server = tidegate_e2e::Server::start_unasked(&config);
    Expired { url: server.url().to_owned(), authority: folder.join("ca.pem"), _server: server }
}
