//! Finds the binary and runs its verbs.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::wait::within;

/// A verb that takes longer hangs.
const RUN_TIME_MAX: Duration = Duration::from_secs(60);

/// How a verb ended.
#[derive(Debug)]
pub struct Output {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Output {
    /// Standard output, when the verb ran to its end.
    #[must_use]
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "standard error: {}", self.err);
        self.out
    }

    /// Standard error, when the verb ended with `code`.
    #[must_use]
    #[track_caller]
    pub fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "standard output: {}\nstandard error: {}", self.out, self.err);
        self.err
    }

    /// Each line of standard output as JSON, when the verb ran to its end.
    #[must_use]
    #[track_caller]
    pub fn lines(self) -> Vec<Value> {
        let read =
            |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("`{line}` is no JSON: {error}"));
        self.ok().lines().map(read).collect()
    }
}

/// The binary, without anything in the environment that would configure it.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn command() -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os() {
        if ["TIDEGATE_", "CLOUDFLARE_", "SSL_CERT_"].iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
            command.env_remove(name);
        }
    }
    command
}

fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("TIDEGATE_BIN") {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "TIDEGATE_BIN is `{}`, which is no file", path.display());
        return path;
    }
    // A test is target/<profile>/deps/<name>, the binary target/<profile>/tidegate.
    let test = std::env::current_exe().expect("a running test knows its file");
    let folder = test.parent().and_then(std::path::Path::parent).expect("a test lies in target/<profile>/deps");
    let path = folder.join("tidegate");
    let profile = if folder.ends_with("release") { " --release" } else { "" };
    assert!(path.is_file(), "no binary at `{}`; build it first: cargo build{profile}", path.display());
    path
}

/// Runs a verb to its end.
#[track_caller]
#[must_use]
pub fn run(arguments: &[&str]) -> Output {
    run_with_input(arguments, b"")
}

/// Runs a verb to its end with something on standard input.
#[track_caller]
#[must_use]
pub fn run_with_input(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = command();
    command.args(arguments);
    run_within(command, input, RUN_TIME_MAX)
}

/// Runs a command to its end, which must come before `limit`.
///
/// # Panics
/// When it does not.
#[track_caller]
#[must_use]
pub fn run_within(mut command: Command, input: &[u8], limit: Duration) -> Output {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = Kill(child.expect("the binary can be started"));
    let mut stdin = child.0.stdin.take().expect("it was piped");
    let (out, err) = (child.0.stdout.take().expect("it was piped"), child.0.stderr.take().expect("it was piped"));
    let input = input.to_vec();
    // Nobody may read it all, as with `--help`.
    std::thread::spawn(move || drop(stdin.write_all(&input)));
    let (out, err) = (std::thread::spawn(|| text(out)), std::thread::spawn(|| text(err)));
    let what = format!("`{command:?}` ends");
    let status = within(limit, &what, || child.0.try_wait().expect("a child can be waited for"));
    let join = "reading does not panic";
    Output { code: status.code(), out: out.join().expect(join), err: err.join().expect(join) }
}

/// Ended with the test that started it, whatever happens there.
struct Kill(Child);

impl Drop for Kill {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn text(mut from: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = from.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
