//! Delivers batches as Logpush does: gzip bodies over HTTP, no JSON content type, a key in a header, and the same
//! body again when the answer is not a success.

use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flate2::Compression;
use thiserror::Error;

use crate::batch::{Batch, gzip};

/// What Cloudflare uploads to see whether a destination works.
const VALIDATION: &[u8] = b"{\"content\":\"tests\"}";
/// How much of an answer an error quotes.
const ANSWER_BYTES_MAX: u64 = 400;

/// Where to and how.
#[derive(Clone, Debug)]
pub struct SenderOptions {
    /// The intake's address, for example `http://127.0.0.1:8080/plain/batch`.
    pub url: String,
    /// Name of the header that carries the intake key.
    pub key_header: String,
    /// The intake key.
    pub key: String,
    /// Records of a batch at most.
    pub records_max: usize,
    /// Time between uploads of live traffic.
    pub interval: Duration,
    /// Compression level, 1 to 9.
    pub level: u32,
    /// How often a batch is sent again before giving up.
    pub retries: u32,
    /// Wait before the first repetition; doubles with each, and gives way to the server's `Retry-After`.
    pub retry_wait: Duration,
    /// How long an answer may take. Logpush gives up after ten seconds without progress.
    pub timeout: Duration,
}

impl Default for SenderOptions {
    fn default() -> Self {
        Self {
            url: String::new(),
            key_header: "X-Tidegate-Intake-Key".to_owned(),
            key: String::new(),
            records_max: 1_000,
            interval: Duration::from_secs(1),
            level: 6,
            retries: 8,
            retry_wait: Duration::from_millis(250),
            timeout: Duration::from_secs(10),
        }
    }
}

/// Why a batch was not delivered.
#[derive(Debug, Error)]
pub enum SendError {
    /// The server will not take this body however often it is sent.
    #[error("`{url}` refused the batch with status {status}: {answer}")]
    Refused {
        /// Where it was sent.
        url: String,
        /// HTTP status.
        status: u16,
        /// The start of the answer.
        answer: String,
    },
    /// Every attempt failed.
    #[error("`{url}` did not take the batch in {attempts} attempts, at last: {cause}")]
    GaveUp {
        /// Where it was sent.
        url: String,
        /// Attempts made.
        attempts: u32,
        /// What the last one met.
        cause: String,
    },
}

/// Posts batches to one intake over connections that are kept open.
#[derive(Clone, Debug)]
pub struct Sender {
    agent: ureq::Agent,
    options: SenderOptions,
}

/// What one attempt came to.
enum Attempt {
    Taken,
    Refused(u16, String),
    /// Worth another try, after the wait the server asked for.
    Again(String, Option<Duration>),
}

impl Sender {
    /// A sender for these options. No connection is made yet.
    #[must_use]
    pub fn new(options: SenderOptions) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(options.timeout))
            // A proxy for the outside world is not for an intake that is usually next door.
            .proxy(None)
            .user_agent("Go-http-client/1.1")
            .accept_encoding("gzip")
            .build()
            .into();
        Self { agent, options }
    }

    /// Where to and how.
    #[must_use]
    pub const fn options(&self) -> &SenderOptions {
        &self.options
    }

    /// Uploads what Cloudflare uploads when a job is created.
    ///
    /// # Errors
    /// [`SendError`] when the destination does not answer with success.
    pub fn validate(&self) -> Result<(), SendError> {
        self.deliver(&gzip(VALIDATION, Compression::default()))
    }

    /// Delivers a batch, again and again if need be. Returns how long the last, successful attempt took.
    ///
    /// # Errors
    /// [`SendError`] when the batch is refused or every attempt failed.
    pub fn post(&self, batch: &Batch) -> Result<Duration, SendError> {
        let started = Instant::now();
        self.deliver(&batch.body)?;
        Ok(started.elapsed())
    }

    fn deliver(&self, body: &[u8]) -> Result<(), SendError> {
        let url = &self.options.url;
        let mut wait = self.options.retry_wait;
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.attempt(body) {
                Attempt::Taken => return Ok(()),
                Attempt::Refused(status, answer) => {
                    return Err(SendError::Refused { url: url.clone(), status, answer });
                }
                Attempt::Again(cause, _) if attempts > self.options.retries => {
                    return Err(SendError::GaveUp { url: url.clone(), attempts, cause });
                }
                Attempt::Again(_, asked) => {
                    std::thread::sleep(asked.unwrap_or(wait).min(self.options.timeout));
                    wait *= 2;
                }
            }
        }
    }

    fn attempt(&self, body: &[u8]) -> Attempt {
        let request = self
            .agent
            .post(&self.options.url)
            .header(self.options.key_header.as_str(), self.options.key.as_str())
            .header("Content-Encoding", "gzip");
        let mut response = match request.send(body) {
            Ok(response) => response,
            Err(error @ (ureq::Error::BadUri(_) | ureq::Error::Http(_))) => {
                return Attempt::Refused(0, error.to_string());
            }
            Err(error) => return Attempt::Again(error.to_string(), None),
        };
        let status = response.status();
        let asked = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let mut answer = String::new();
        // Read to the end either way, so that the connection can be used again.
        let read = response.body_mut().as_reader().take(ANSWER_BYTES_MAX << 10).read_to_string(&mut answer);
        if status.is_success() {
            return Attempt::Taken;
        }
        if let Err(error) = read {
            answer = error.to_string();
        }
        let answer: String = answer.chars().take(ANSWER_BYTES_MAX as usize).collect();
        if status.is_server_error() || matches!(status.as_u16(), 408 | 429) {
            return Attempt::Again(format!("status {}: {answer}", status.as_u16()), asked.map(Duration::from_secs));
        }
        Attempt::Refused(status.as_u16(), answer)
    }

    /// Sends batches as fast as the server takes them, over several connections, each batch once.
    ///
    /// # Errors
    /// The first [`SendError`] of any connection; the others stop then.
    pub fn flood(
        &self,
        batches: impl Iterator<Item = Batch> + Send,
        connections: usize,
    ) -> Result<LoadReport, SendError> {
        let started = Instant::now();
        let batches = Mutex::new(batches);
        let failed = AtomicBool::new(false);
        let work = || {
            let sender = Self::new(self.options.clone());
            let (mut latencies, mut records, mut bytes) = (Vec::new(), 0, 0);
            while !failed.load(Ordering::Relaxed) {
                let next = batches.lock().map(|mut batches| batches.next()).unwrap_or_default();
                let Some(batch) = next else { break };
                let took = sender.post(&batch).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
                latencies.push(took);
                records += batch.records as u64;
                bytes += batch.body.len() as u64;
            }
            Ok((latencies, records, bytes))
        };
        let results: Vec<Result<_, SendError>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..connections.max(1)).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause)))
                .collect()
        });
        let mut report = LoadReport::default();
        for result in results {
            let (latencies, records, bytes) = result?;
            report.latencies.extend(latencies);
            report.records += records;
            report.bytes += bytes;
        }
        report.latencies.sort_unstable();
        report.took = started.elapsed();
        Ok(report)
    }
}

/// What a flood came to.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    /// Records taken.
    pub records: u64,
    /// Compressed bytes taken.
    pub bytes: u64,
    /// From the first attempt to the last answer.
    pub took: Duration,
    latencies: Vec<Duration>,
}

impl LoadReport {
    /// Batches taken.
    #[must_use]
    pub const fn batches(&self) -> usize {
        self.latencies.len()
    }

    /// Records a second.
    #[must_use]
    pub fn rate_eps(&self) -> f64 {
        self.records as f64 / self.took.as_secs_f64().max(1e-9)
    }

    /// The time to an answer that this percentage of batches did not exceed.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Duration {
        let rank = (percent / 100.0 * self.latencies.len() as f64).ceil() as usize;
        self.latencies.get(rank.clamp(1, self.latencies.len().max(1)) - 1).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
