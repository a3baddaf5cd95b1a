//! How a verb ends: the exit codes that scripts rely on.

use std::process::ExitCode;

/// Why a verb did not run to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong usage or a wrong query: exit code 2.
    Usage(eyre::Report),
    /// Wrong configuration: exit code 3.
    Config(eyre::Report),
    /// The work itself failed: exit code 4.
    Work(eyre::Report),
}

/// What every verb returns. `Ok` carries 0, or 1 when a case failed.
pub(crate) type Outcome = Result<ExitCode, Failure>;

/// A case failed or a limit was met.
pub(crate) const NOT_MET: u8 = 1;

impl From<eyre::Report> for Failure {
    fn from(error: eyre::Report) -> Self {
        Self::Work(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Work(error.into())
    }
}

impl Failure {
    /// The same failure of something larger.
    pub(crate) fn context(self, of: String) -> Self {
        self.with(|error| error.wrap_err(of))
    }

    /// The same failure with one more thing to know.
    pub(crate) fn and(self, more: &str) -> Self {
        self.with(|error| eyre::eyre!("{error:#}; {more}"))
    }

    fn with(self, change: impl FnOnce(eyre::Report) -> eyre::Report) -> Self {
        match self {
            Self::Usage(error) => Self::Usage(change(error)),
            Self::Config(error) => Self::Config(change(error)),
            Self::Work(error) => Self::Work(change(error)),
        }
    }

    /// Says what happened on standard error and gives the exit code.
    #[expect(clippy::print_stderr, reason = "the one place where the program's last words are printed")]
    pub(crate) fn report(&self) -> ExitCode {
        let (error, code) = match self {
            Self::Usage(error) => (error, 2),
            Self::Config(error) => (error, 3),
            Self::Work(error) => (error, 4),
        };
        // A reader that went away (`| head`) is no failure worth a sentence.
        let closed = error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
            .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe);
        if closed {
            return ExitCode::SUCCESS;
        }
        eprintln!("tidegate: {error:#}");
        ExitCode::from(code)
    }
}
