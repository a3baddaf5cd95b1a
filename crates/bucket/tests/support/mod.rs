//! A real S3-compatible server, and a data directory whose journal takes what is found on it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path as FilePath, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStoreExt};
use tempfile::TempDir;
use tidegate_batch::Limits;
use tidegate_bucket::{Credentials, JournalSink, Kept, Options, Place, Source, open};
use tidegate_event::{IntakeId, Position, Timestamp};
use tidegate_journal::{Journal, Options as Journaling};
use tidegate_state::{Actor, Bucket, FILE_NAME, Secret, State};

/// How long the server may take to start.
const START_MAX: Duration = Duration::from_secs(120);

/// A server that ends with the test.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    /// Starts one; nothing, with a sentence, where none is installed.
    pub fn start(environment: &[(&str, &str)]) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::start_at(port, environment)
    }

    pub fn start_at(port: u16, environment: &[(&str, &str)]) -> Option<Self> {
        let program = std::env::var("TIDEGATE_S3_SERVER").unwrap_or_else(|_| "moto_server".to_owned());
        let child = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            assert!(std::env::var_os("TIDEGATE_S3_SERVER").is_none(), "`{program}` does not start");
            println!("skipped: no `{program}`; `scripts/s3-server` installs it and says how to name it");
            return None;
        };
        let server = Self { child, port };
        let started = Instant::now();
        while !server.is_up() {
            assert!(started.elapsed() < START_MAX, "the server did not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }

    fn is_up(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok() && self.request("GET", "/moto-api/", &[], "").0 == 200
    }

    /// One request without a signature: status and body.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n", self.port);
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A server on its way up may close early.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn make_bucket(&self, name: &str) {
        assert_eq!(self.request("PUT", &format!("/{name}"), &[], "").0, 200);
    }

    /// What Logpush has: a client that may write.
    pub fn client(&self, bucket: &str, keys: (&str, &str)) -> AmazonS3 {
        let (id, secret) = keys;
        AmazonS3Builder::new()
            .with_endpoint(self.endpoint())
            .with_bucket_name(bucket)
            .with_region("us-east-1")
            .with_access_key_id(id)
            .with_secret_access_key(secret)
            .with_client_options(ClientOptions::new().with_allow_http(true))
            .build()
            .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The keys that a server without authentication takes for good.
pub const KEYS: (&str, &str) = ("AKIATEST", "not-a-secret");

pub fn credentials((id, secret): (&str, &str)) -> Credentials {
    Credentials { access_key_id: id.into(), secret_access_key: Secret::new(secret), session_token: None }
}

/// A data directory. Dropped and opened again, it is another process.
pub struct Data {
    dir: Arc<TempDir>,
    pub journal: Arc<Journal>,
    pub state: Arc<State>,
    pub intake: IntakeId,
}

impl Data {
    pub fn new() -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let (journal, state) = rooms(dir.path());
        let (intake, _) = state.create_intake("gateway", "cloudflare-gateway-dns", &Actor::system()).unwrap();
        Self { dir, journal, state, intake: intake.id }
    }

    /// The same folder in a new process.
    pub fn again(self) -> Self {
        let Self { dir, journal, state, intake } = self;
        drop((journal, state));
        let (journal, state) = rooms(dir.path());
        Self { dir, journal, state, intake }
    }

    pub fn source(&self, place: &Place, keys: (&str, &str), options: Options) -> Source<Kept, JournalSink> {
        let shelf = open(place, Some(&credentials(keys))).unwrap();
        let kept = Kept::new(Arc::clone(&self.state), &place.identity(self.intake.0)).unwrap();
        let sink = JournalSink::new(Arc::clone(&self.journal), Arc::clone(&self.state), self.intake, Limits::default());
        Source::new(shelf, kept, sink, options, Timestamp::now)
    }

    /// The lines of every stored batch, in order of the journal.
    pub fn lines(&self) -> Vec<String> {
        let mut reader = self.journal.reader(Position(0));
        let mut lines = Vec::new();
        while let Some(batch) = reader.next(Duration::ZERO).unwrap() {
            assert_eq!(batch.intake, self.intake);
            let mut text = String::new();
            GzDecoder::new(&batch.body[..]).read_to_string(&mut text).unwrap();
            lines.extend(text.lines().map(str::to_owned));
        }
        lines
    }

    pub fn bucket(&self) -> Bucket {
        self.state.buckets().unwrap().remove(0)
    }
}

fn rooms(dir: &FilePath) -> (Arc<Journal>, Arc<State>) {
    let (journal, _) = Journal::open(&dir.join("journal"), Journaling::default()).unwrap();
    let (state, _) = State::open(&PathBuf::from(dir).join(FILE_NAME)).unwrap();
    (Arc::new(journal), Arc::new(state))
}

/// A batch as Logpush writes it.
pub fn batch(lines: &[&str]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for line in lines {
        encoder.write_all(format!("{{\"QueryID\":\"{line}\"}}\n").as_bytes()).unwrap();
    }
    encoder.finish().unwrap()
}

/// The line that [`batch`] makes of it.
pub fn line(name: &str) -> String {
    format!("{{\"QueryID\":\"{name}\"}}")
}

/// The key of the batch of a minute of a day.
pub fn key(day: &str, minute: u32) -> String {
    let at = |minute: u32| format!("{day}T{:02}{:02}00Z", minute / 60, minute % 60);
    format!("gateway/{day}/{}_{}_{minute:08x}.log.gz", at(minute), at(minute + 1))
}

pub async fn put(client: &AmazonS3, key: &str, body: Vec<u8>) {
    client.put(&Path::from(key), body.into()).await.unwrap();
}
