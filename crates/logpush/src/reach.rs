//! Whether Cloudflare will reach the intake: the validation upload, sent from here as Logpush sends it.

use std::error::Error;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Response, Url};
use rustls::{CertificateError, Error as TlsError};

use crate::destination::Destination;
use crate::error::LogpushError;
use crate::secret::mask;

/// `{"content":"tests"}` in gzip: what Logpush uploads as `test.txt.gz` when a job is made.
const TEST_UPLOAD: [u8; 39] = [
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 206, 207, 43, 73, 205, 43, 81, 178, 82, 42, 73, 45, 46, 41, 86, 170,
    5, 0, 52, 246, 217, 137, 19, 0, 0, 0,
];
/// Logpush gives a connection 5 seconds, and as many for TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Logpush gives up when nothing moves for 10 seconds.
const TIMEOUT: Duration = Duration::from_secs(10);
/// An answer slower than this leaves little before Logpush gives up.
const SLOW_AFTER: Duration = Duration::from_secs(3);
/// Bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: usize = 4 << 10;
/// Causes of an error that are looked at.
const CAUSES_MAX: usize = 16;

/// What became of the upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was answered with success over trusted TLS.
    Reachable,
    /// As above, but after a long time.
    Slow,
    /// The address is one that only this network knows; nothing was sent.
    Private,
    /// The intake does not take the key.
    KeyRefused,
    /// Something else than the intake answered.
    NotTheIntake,
    /// The intake answered that it cannot, or a proxy did.
    Failing,
    /// No connection, or none in time.
    Unreachable,
    /// The certificate is not one that Cloudflare trusts.
    Untrusted,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// In a word.
    pub verdict: Verdict,
    /// In a sentence that says what to do.
    pub sentence: String,
    /// How long it took.
    pub took: Duration,
}

impl Reach {
    /// Whether a job can be made.
    #[must_use]
    pub const fn is_fine(&self) -> bool {
        matches!(self.verdict, Verdict::Reachable | Verdict::Slow)
    }
}

/// Sends validation uploads.
#[derive(Clone, Debug)]
pub struct Probe {
    http: reqwest::Client,
    private_allowed: bool,
    slow_after: Duration,
}

impl Probe {
    /// A probe that trusts what the system trusts.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when the system's certificates cannot be read.
    pub fn new() -> Result<Self, LogpushError> {
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")));
        let http = builder.build().map_err(|error| LogpushError::Wrong(format!("cannot speak HTTP: {error}")))?;
        Ok(Self::with_client(http))
    }

    /// A probe with a client of the caller's.
    #[must_use]
    pub const fn with_client(http: reqwest::Client) -> Self {
        Self { http, private_allowed: false, slow_after: SLOW_AFTER }
    }

    /// A probe for a server that is reached by private addresses, with a client that trusts it.
    #[must_use]
    pub const fn private(http: reqwest::Client) -> Self {
        Self { http, private_allowed: true, slow_after: SLOW_AFTER }
    }

    /// The same probe that takes an address of this network for public, as for a relay that forwards to it.
    #[must_use]
    pub const fn allow_private(mut self, allowed: bool) -> Self {
        self.private_allowed = allowed;
        self
    }

    /// The same probe that calls an answer slow after another time than 3 seconds.
    #[must_use]
    pub const fn slow_after(mut self, time: Duration) -> Self {
        self.slow_after = time;
        self
    }

    /// Sends the upload to a destination.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when the destination is no address that Logpush could send to.
    pub async fn check(&self, to: &Destination) -> Result<Reach, LogpushError> {
        let wrong = || LogpushError::Wrong(format!("`{to}` is no address that Logpush sends to"));
        let mut url = Url::parse(to.reveal()).map_err(|_| wrong())?;
        if url.scheme() != "https" {
            return Err(LogpushError::Wrong(format!(
                "`{to}` does not begin with `https://`: Logpush sends over TLS only"
            )));
        }
        // Before anything is sent: who may name an address must not be able to look around in this network by it.
        if !self.private_allowed && is_private(&url).await {
            let sentence = format!(
                "`{}` is an address of this network only: Cloudflare needs a public address, or a Tunnel",
                host(&url)
            );
            return Ok(Reach { verdict: Verdict::Private, sentence, took: Duration::ZERO });
        }
        let pairs: Vec<(String, String)> =
            url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        url.set_query(None);
        let mut request = self.http.post(url.clone()).header("Content-Encoding", "gzip");
        for (name, value) in &pairs {
            let Some(name) = name.strip_prefix("header_") else {
                url.query_pairs_mut().append_pair(name, value);
                continue;
            };
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        let start = Instant::now();
        let (client, built) = request.body(TEST_UPLOAD.to_vec()).build_split();
        let mut built = built.map_err(|_| wrong())?;
        *built.url_mut() = url.clone();
        let (verdict, sentence) = match client.execute(built).await {
            Ok(answer) => judge(answer, start, self.slow_after).await,
            Err(error) => judge_error(&error),
        };
        let took = start.elapsed();
        Ok(Reach { verdict, sentence: format!("`{}` {sentence}", shown(&url, verdict)), took })
    }
}

/// The place that a verdict is about: a path only where the path may be what is wrong.
fn shown(url: &Url, verdict: Verdict) -> String {
    match verdict {
        Verdict::NotTheIntake => format!("{}{}", host(url), url.path()),
        _ => host(url),
    }
}

fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

async fn judge(mut answer: Response, start: Instant, slow_after: Duration) -> (Verdict, String) {
    let status = answer.status().as_u16();
    let location = answer.headers().get("Location").and_then(|value| value.to_str().ok()).map(mask);
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES_MAX {
        match answer.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return judge_error(&error),
        }
    }
    let start_of_body = String::from_utf8_lossy(&bytes).to_lowercase();
    let is_page = start_of_body.contains("<html") || start_of_body.contains("<!doctype");
    let elapsed = start.elapsed();
    match status {
        200..300 if is_page => (
            Verdict::NotTheIntake,
            "answers with a web page instead of the intake: check the path and what the proxy passes on".to_owned(),
        ),
        200..300 if elapsed >= slow_after => (
            Verdict::Slow,
            format!("takes the validation upload, but only after {} s; Logpush gives up after 10", elapsed.as_secs()),
        ),
        200..300 => (Verdict::Reachable, "takes the validation upload over trusted TLS".to_owned()),
        300..=399 => (
            Verdict::NotTheIntake,
            format!(
                "sends on to `{}`; Logpush does not follow: a login page of Access wants its service token's headers in the \
                 destination, any other redirection the final address",
                location.unwrap_or_default()
            ),
        ),
        401 => (Verdict::KeyRefused, "refuses the key: take the intake's present one, or rotate it".to_owned()),
        403 if is_page => (
            Verdict::NotTheIntake,
            "answers 403 with a web page: Access or a firewall stands in front; add the service token's headers to the \
             destination, or an exception"
                .to_owned(),
        ),
        _ if is_page => (
            Verdict::NotTheIntake,
            format!("answers {status} with a web page instead of the intake: check the path and what the proxy passes on"),
        ),
        404 | 405 => (
            Verdict::NotTheIntake,
            format!("answers {status}: there is no intake; check what stands before `/plain/batch`, and what the proxy passes on"),
        ),
        421 => (Verdict::Failing, "answers 421: the server does not know itself by this name; set `server.public_url`".to_owned()),
        _ => (Verdict::Failing, format!("answers {status} to the validation upload: its log says why")),
    }
}

fn judge_error(error: &reqwest::Error) -> (Verdict, String) {
    let verdict = if tls_cause(error).is_some() { Verdict::Untrusted } else { Verdict::Unreachable };
    (verdict, format!("cannot be reached: {}", why_unreachable(error)))
}

/// Why a request did not arrive, and what to do, without the address, which may hold a key.
pub(crate) fn why_unreachable(error: &reqwest::Error) -> String {
    if let Some(cause) = tls_cause(error) {
        return why_untrusted(cause);
    }
    if error.is_timeout() {
        return "no answer in time: check that the address is right and no firewall is in the way".to_owned();
    }
    let text = causes(error).map(ToString::to_string).last().unwrap_or_default();
    let lower = causes(error).map(|cause| cause.to_string().to_lowercase()).collect::<Vec<_>>().join(": ");
    if lower.contains("dns") || lower.contains("lookup") || lower.contains("name or service not known") {
        return "its name cannot be resolved: check the spelling and the DNS record".to_owned();
    }
    if io_kind(error) == Some(std::io::ErrorKind::ConnectionRefused) {
        return "the connection was refused: nothing listens there, or a firewall says no".to_owned();
    }
    if lower.contains("corrupt message") || lower.contains("invalidcontenttype") {
        return "it does not speak TLS at this port".to_owned();
    }
    mask(&text)
}

fn why_untrusted(cause: &TlsError) -> String {
    let TlsError::InvalidCertificate(certificate) = cause else {
        return match cause {
            TlsError::InvalidMessage(_) => "it does not speak TLS at this port".to_owned(),
            other => format!("TLS failed: {other}"),
        };
    };
    match certificate {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired: renew it".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet: check the clocks".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name: make one for this address".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "its certificate comes from no public authority, or the server does not send the \
                                            whole chain"
                .to_owned()
        }
        CertificateError::Revoked => "its certificate was revoked: make a new one".to_owned(),
        other => {
            // Some of them list bytes, which help nobody.
            let text = other.to_string();
            let name = text.split(['{', '(']).next().unwrap_or_default().trim();
            format!(
                "its certificate is not trusted ({name}): it must come from a public authority, and be sent with its chain"
            )
        }
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause_of(*error)).take(CAUSES_MAX)
}

/// What an I/O error wraps is not its source but its inside.
fn cause_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(inside) => Some(inside),
        None => error.source(),
    }
}

fn tls_cause(error: &reqwest::Error) -> Option<&TlsError> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn io_kind(error: &reqwest::Error) -> Option<std::io::ErrorKind> {
    causes(error).filter_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind).last()
}

/// Whether a name stands for addresses of this network only.
async fn is_private(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match tokio::net::lookup_host((bare, 443)).await {
        Ok(addresses) => {
            let all: Vec<IpAddr> = addresses.map(|address| address.ip()).collect();
            !all.is_empty() && all.iter().all(|address| !is_public(*address))
        }
        Err(_) => false,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || shared)
        }
        IpAddr::V6(v6) => {
            let mapped = v6.to_ipv4_mapped().is_some_and(|v4| !is_public(v4.into()));
            !(v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local() || mapped)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_upload_is_the_documented_one() {
        let mut text = String::new();
        flate2::read::GzDecoder::new(&TEST_UPLOAD[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, r#"{"content":"tests"}"#);
    }

    #[test]
    fn addresses_that_cloudflare_cannot_reach() {
        for private in
            ["10.0.0.1", "192.168.1.1", "127.0.0.1", "169.254.1.1", "100.64.0.1", "::1", "fd00::1", "::ffff:10.0.0.1"]
        {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["192.0.2.1", "100.128.0.1", "2001:db8::1", "172.32.0.1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
