//! Sending batches to a server's intake, as Logpush would.

use std::io::Write;
use std::time::Duration;

use eyre::{WrapErr, eyre};
use flate2::Compression;
use flate2::write::GzEncoder;
use tidegate_state::Secret;
use tokio::runtime::Runtime;

use crate::client;
use crate::exit::Failure;

/// How often a batch is tried while the server says that it is busy or cannot be reached.
const TRIES_MAX: u32 = 20;
/// How much of an answer an error repeats.
const ANSWER_BYTES_MAX: usize = 400;
/// The first pause between two tries; it doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Sends batches of lines to one intake.
pub(crate) struct Push {
    http: reqwest::Client,
    runtime: Runtime,
    url: String,
    key: Secret,
}

impl Push {
    /// To the server at `url`, with the intake's key.
    pub(crate) fn new(url: &str, key: &Secret) -> Result<Self, Failure> {
        let base = client::checked_base(url)?;
        let (http, runtime) = (client::http_client()?, client::one_thread()?);
        Ok(Self { http, runtime, url: format!("{base}/plain/batch"), key: key.clone() })
    }

    /// Sends a batch and waits until it is stored; tries again while the server is busy. A repeat of a batch that was
    /// stored is not told apart here: the server answers it like the first.
    pub(crate) fn lines(&self, text: &[u8], records: u32) -> Result<bool, Failure> {
        let body = bytes::Bytes::from(gzip(text)?);
        let mut pause = PAUSE_MIN;
        for attempt in 1.. {
            let again = match self.runtime.block_on(self.attempt(body.clone())) {
                Ok((status, _)) if (200..300).contains(&status) => return Ok(false),
                Ok((status, why)) if !matches!(status, 429 | 500..) => {
                    return Err(Failure::Work(eyre!("`{}` refused a batch of {records} records: {why}", self.url)));
                }
                Ok((status, why)) => eyre!("`{}` answered {status}: {why}", self.url),
                Err(error) => eyre!(error).wrap_err(format!("cannot reach `{}`", self.url)),
            };
            if attempt >= TRIES_MAX {
                return Err(Failure::Work(again));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE_MAX);
        }
        Ok(false)
    }

    /// The status and, unless it is a success, the start of the answer.
    async fn attempt(&self, body: bytes::Bytes) -> reqwest::Result<(u16, String)> {
        let request = self.http.post(&self.url).header("Content-Encoding", "gzip");
        let mut answer = request.header("X-Tidegate-Intake-Key", self.key.reveal()).body(body).send().await?;
        let status = answer.status().as_u16();
        let mut why = Vec::new();
        // Read to the end, so that the connection can be used again.
        while let Some(chunk) = answer.chunk().await? {
            why.extend_from_slice(&chunk[..chunk.len().min(ANSWER_BYTES_MAX.saturating_sub(why.len()))]);
        }
        Ok((status, String::from_utf8_lossy(&why).into_owned()))
    }
}

/// The text as a gzip body.
pub(crate) fn gzip(text: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 6), Compression::fast());
    encoder.write_all(text).context("cannot compress a batch")?;
    Ok(encoder.finish().context("cannot compress a batch")?)
}
