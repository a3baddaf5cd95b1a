//! Where administration happens: on a data directory, or on a running server through its API.

use std::path::PathBuf;

use eyre::WrapErr;
use tidegate_state::{Actor, FILE_NAME, State, StateError};

use crate::client::Client;
use crate::config::{Loaded, Settings, Sources};
use crate::exit::Failure;

/// The arguments that say where.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct PlaceArgs {
    /// Data directory to work on; a running server notices the change
    #[arg(long, value_name = "DIR", global = true, conflicts_with = "url")]
    data: Option<PathBuf>,
    /// Server to work on instead, such as `https://tidegate.example.com`
    #[arg(long, value_name = "URL", global = true)]
    url: Option<String>,
    /// API token for the server; better given as TIDEGATE_TOKEN, since arguments show in process lists
    #[arg(long, value_name = "TOKEN", global = true, env = "TIDEGATE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Configuration file, for the data directory
    #[arg(long, value_name = "FILE", global = true, env = "TIDEGATE_CONFIG")]
    config: Option<PathBuf>,
}

/// Where a verb works.
#[derive(Debug)]
pub(crate) enum Place {
    /// On the files, as whoever may write them.
    Data(Box<OnData>),
    /// On a server, as whoever holds the token.
    Server(Client),
}

/// An open data directory.
#[derive(Debug)]
pub(crate) struct OnData {
    pub(crate) state: State,
    pub(crate) settings: Settings,
    pub(crate) actor: Actor,
}

/// Whether a data directory that is not there is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Make,
    Refuse,
}

impl PlaceArgs {
    /// Whether a data directory, its configuration or a server was named.
    pub(crate) const fn is_named(&self) -> bool {
        self.data.is_some() || self.url.is_some() || self.config.is_some()
    }

    /// Opens the place.
    pub(crate) fn open(self, missing: Missing) -> Result<Place, Failure> {
        self.look(missing)?.map_err(|dir| {
            let why = "is no data directory; name one with --data, or a server with --url";
            Failure::Usage(eyre::eyre!("`{}` {why}", dir.display()))
        })
    }

    /// Opens the place, if there is one: a data directory that is not there is none.
    pub(crate) fn open_if_there(self) -> Result<Option<Place>, Failure> {
        Ok(self.look(Missing::Refuse)?.ok())
    }

    /// The place, or where there is no data directory.
    fn look(self, missing: Missing) -> Result<Result<Place, PathBuf>, Failure> {
        if let Some(url) = &self.url {
            return Client::new(url, self.token.as_deref()).map(|client| Ok(Place::Server(client)));
        }
        let data = self.data.as_ref().map(|dir| dir.display().to_string());
        let settings = Loaded::read(&Sources::of_process(self.config.as_deref()).with("data.dir", data))?.settings;
        let dir = &settings.data.dir;
        let path = dir.join(FILE_NAME);
        if missing == Missing::Refuse && !path.exists() {
            return Ok(Err(dir.clone()));
        }
        make_private(dir).with_context(|| format!("cannot make the data directory `{}`", dir.display()))?;
        let (state, first) = State::open_with(&path, settings.state()).map_err(failure)?;
        if let Some(first) = first {
            announce(&first.user, first.password.reveal());
        }
        let actor = Actor::command_line(&account());
        Ok(Ok(Place::Data(Box::new(OnData { state, settings, actor }))))
    }
}

/// The first login of a data directory goes to standard error: standard output belongs to the verb.
#[expect(clippy::print_stderr, reason = "shown once, to the person who made the data directory")]
fn announce(user: &str, password: &str) {
    eprintln!("new data directory; first login (shown this once): user `{user}`, password `{password}`");
}

/// Makes the folder and those above it; others cannot look into it.
pub(crate) fn make_private(dir: &std::path::Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// The name of whoever runs us, for the audit trail.
fn account() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

/// What the caller got wrong ends with the exit code for usage, everything else with the one for failed work.
pub(crate) fn failure(error: StateError) -> Failure {
    match error {
        StateError::Invalid { .. } | StateError::NotFound { .. } | StateError::Duplicate { .. } => {
            Failure::Usage(error.into())
        }
        error => Failure::Work(error.into()),
    }
}
