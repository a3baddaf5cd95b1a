//! A server in a folder of its own, which can be stopped, killed and started again.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::binary::command;
use crate::http::{Http, Request};
use crate::login::Login;
use crate::session::Session;
use crate::wait::{SOON, within};

/// A start that takes longer hangs; a replay is part of it.
const START_TIME_MAX: Duration = Duration::from_secs(30);
/// A clean stop that takes longer hangs.
const STOP_TIME_MAX: Duration = Duration::from_secs(30);
/// Lines of the log that a failed test shows.
const LOG_LINES: usize = 40;

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    process: Process,
    url: String,
    http: Http,
    session: Session,
    password: String,
    place: Place,
}

/// A server that does not run any more, and its data directory.
#[derive(Debug)]
pub struct Ended {
    /// How the process ended.
    pub status: ExitStatus,
    http: Http,
    token: String,
    password: String,
    place: Place,
}

#[derive(Debug)]
struct Place {
    folder: TempDir,
    data: PathBuf,
    environment: Vec<(String, String)>,
}

impl Place {
    fn config(&self) -> PathBuf {
        self.folder.path().join("tidegate.toml")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log.txt")
    }

    fn command(&self) -> Command {
        let mut command = command();
        command.arg("serve").arg("--config").arg(self.config()).arg("--data").arg(&self.data);
        command.args(["--listen", "127.0.0.1:0"]);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Server {
    /// Starts a server with this configuration on an empty data directory.
    #[track_caller]
    #[must_use]
    pub fn start(config: &str) -> Self {
        Self::start_with(config, &Http::default())
    }

    /// As [`Server::start`], asked by a client of the caller's.
    #[track_caller]
    #[must_use]
    pub fn start_with(config: &str, http: &Http) -> Self {
        Self::start_in(config, http, &[])
    }

    /// As [`Server::start_with`], with these variables in its environment.
    #[track_caller]
    #[must_use]
    pub fn start_in(config: &str, http: &Http, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("the system has room for a folder");
        let data = folder.path().join("data");
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment = environment.iter().map(owned).collect();
        Self::first(Place { folder, data, environment }, config, http)
    }

    /// As [`Server::start`], with its data directory at `data`.
    #[track_caller]
    #[must_use]
    pub fn start_at(data: &Path, config: &str) -> Self {
        let folder = tempfile::tempdir().expect("the system has room for a folder");
        let place = Place { folder, data: data.to_owned(), environment: Vec::new() };
        Self::first(place, config, &Http::default())
    }

    /// As [`Server::start`], but nobody logs in: for a server that no client believes.
    #[track_caller]
    #[must_use]
    pub fn start_unasked(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("the system has room for a folder");
        let data = folder.path().join("data");
        Self::unasked(Place { folder, data, environment: Vec::new() }, config, &Http::default())
    }

    #[track_caller]
    fn unasked(place: Place, config: &str, http: &Http) -> Self {
        fs::write(place.config(), config).expect("the folder takes a file");
        let (process, login, url) = launch(&place);
        let password = login.expect("an empty data directory gets a first login");
        let session = Session::new(http, &url, "");
        Self { process, url, http: http.clone(), session, password, place }
    }

    #[track_caller]
    fn first(place: Place, config: &str, http: &Http) -> Self {
        let mut server = Self::unasked(place, config, http);
        let token = server.login("admin", &server.password).token("e2e", "admin");
        server.session = Session::new(http, &server.url, &token);
        server
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens, for a connection without a client.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let authority = self.url.split_once("://").expect("an address has a scheme").1;
        authority.parse().expect("the server listens on a number")
    }

    /// Whoever may do everything.
    #[must_use]
    pub fn admin(&self) -> &Session {
        &self.session
    }

    /// Whoever holds this API token.
    #[must_use]
    pub fn session(&self, token: &str) -> Session {
        Session::new(&self.http, &self.url, token)
    }

    /// The password of the first login.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The client that asks it.
    #[must_use]
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// Sends a request to a path; the error is that of a connection.
    #[track_caller]
    #[must_use]
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, format!("{}{path}", self.url))
    }

    /// Its data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.place.data
    }

    /// Its number.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.process.child.id()
    }

    /// Everything that it and the ones before it on this data directory wrote to standard error.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.place.log()).unwrap_or_default()
    }

    /// The most memory that it had resident so far, in MiB.
    #[must_use]
    pub fn memory_peak_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process())).expect("the process lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the system says it");
        line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("it is a number") / 1024
    }

    /// Logs in as a user.
    #[track_caller]
    #[must_use]
    pub fn login(&self, user: &str, password: &str) -> Login {
        Login::new(&self.http, &self.url, user, password)
    }

    /// Waits until it is ready for work: the journal is read.
    #[track_caller]
    pub fn wait_ready(&self) {
        let request = self.request("GET", "/readyz");
        within(SOON, "the server is ready", || self.http.send(&request).ok().filter(|answer| answer.status == 200));
    }

    /// Asks it to stop, without waiting.
    pub fn terminate(&self) {
        let number = i32::try_from(self.process()).ok().and_then(rustix::process::Pid::from_raw);
        let number = number.expect("a process has a number");
        rustix::process::kill_process(number, rustix::process::Signal::TERM).expect("a child takes a signal");
    }

    /// Asks it to stop, and waits until it has, with exit code 0.
    #[track_caller]
    #[must_use]
    pub fn stop(self) -> Ended {
        self.terminate();
        let ended = self.ended();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.log());
        ended
    }

    /// Waits until it is over.
    #[track_caller]
    #[must_use]
    pub fn ended(mut self) -> Ended {
        let status = within(STOP_TIME_MAX, "the server ends", || {
            self.process.child.try_wait().expect("a child can be waited for")
        });
        self.into_ended(status)
    }

    /// Kills it at once, as a power cut would.
    #[track_caller]
    #[must_use]
    pub fn kill9(mut self) -> Ended {
        self.process.child.kill().expect("a child can be killed");
        let status = self.process.child.wait().expect("a child can be waited for");
        self.into_ended(status)
    }

    fn into_ended(self, status: ExitStatus) -> Ended {
        let token = self.session.token().to_owned();
        Ended { status, http: self.http, token, password: self.password, place: self.place }
    }

    /// Stops it cleanly and starts it again.
    #[track_caller]
    #[must_use]
    pub fn restart(self) -> Self {
        self.stop().start()
    }
}

impl Ended {
    /// Starts a server on the data directory again, and waits until it is ready.
    #[track_caller]
    #[must_use]
    pub fn start(self) -> Server {
        let (process, _, url) = launch(&self.place);
        // Connections to the one before are of no use.
        let session = Session::new(&self.http, &url, &self.token);
        let Self { http, password, place, .. } = self;
        let server = Server { process, url, http, session, password, place };
        server.wait_ready();
        server
    }

    /// Changes the configuration.
    #[must_use]
    pub fn with(self, config: &str) -> Self {
        fs::write(self.place.config(), config).expect("the folder takes a file");
        self
    }

    /// The command that would start it.
    #[must_use]
    pub fn command(&self) -> Command {
        self.place.command()
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.place.data
    }

    /// Everything that the servers on this data directory wrote to standard error.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.place.log()).unwrap_or_default()
    }
}

/// The process; ended when dropped, and its log shown when a test fails.
#[derive(Debug)]
struct Process {
    child: Child,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            show(&self.log);
        }
    }
}

#[expect(clippy::print_stderr, reason = "a failed test shows what the server said")]
fn show(log: &Path) {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    eprintln!("the server's log ends:\n{}", lines[lines.len().saturating_sub(LOG_LINES)..].join("\n"));
}

/// Starts the process; gives the first login's password, if it said one, and the address.
#[track_caller]
fn launch(place: &Place) -> (Process, Option<String>, String) {
    let log = OpenOptions::new().create(true).append(true).open(place.log()).expect("the folder takes a file");
    let child = place.command().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn();
    let mut process = Process { child: child.expect("the binary can be started"), log: place.log() };
    let out = BufReader::new(process.child.stdout.take().expect("it was piped"));
    let (sender, lines) = channel();
    // Read to its end even when nobody listens, so that the server never waits for us.
    std::thread::spawn(move || out.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
    let started = Instant::now();
    let mut password = None;
    loop {
        let Ok(line) = lines.recv_timeout(START_TIME_MAX.saturating_sub(started.elapsed())) else {
            panic!("the server said no address within {:?}", started.elapsed());
        };
        if let Some(url) = line.strip_prefix("listening on ") {
            return (process, password, url.to_owned());
        }
        if line.starts_with("first login") {
            password = line.trim_end_matches('`').rsplit('`').next().map(str::to_owned);
        }
    }
}
